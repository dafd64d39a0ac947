/**
 * What a file's name says that it is, as the programs see it that would open it.
 *
 * Runs in:   engine threads and jobs; pure.
 */

/** What programs are called, whatever a policy lets through. */
const programTypes = new Set([
  'exe',
  'dll',
  'com',
  'scr',
  'cpl',
  'sys',
  'msi',
  'lnk',
  'so',
  'dylib',
  'class',
]);

/** A program that says that it is one. */
export function isProgramName(name: string): boolean {
  return programTypes.has(extensionOf(name));
}

/** Characters that turn what is read around, or are not seen. */
const turning = /[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/;
const turningAll = new RegExp(turning, 'g');

export function hasTurnedName(name: string): boolean {
  return turning.test(name);
}

/** In lower case, without its dot; "" where there is none. Windows drops dots and spaces at the end. */
export function extensionOf(name: string): string {
  const base = name.replace(turningAll, '').split(/[\\/]/).at(-1)!;
  const plain = base.replace(/[\u0000-\u001f\u007f]/g, '').replace(/[. ]+$/, '');
  // A stream of a file is the file.
  const dot = plain.split(':')[0]!.toLowerCase();
  return /\.([^.]+)$/.exec(dot)?.[1]?.trim() ?? '';
}
