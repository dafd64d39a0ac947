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
  return extensionsOf(name).some((extension) => programTypes.has(extension));
}

/** Characters that turn what is read around, or are not seen. */
const turning = /[\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/;
const turningAll = new RegExp(turning, 'g');

export function hasTurnedName(name: string): boolean {
  return turning.test(name);
}

/** What a program sees that ends a name at a NUL, or at the stream of a file, and what one sees that does neither. */
export function extensionsOf(name: string): readonly string[] {
  const extensions = new Set<string>();
  for (const whole of [name, name.split('\u0000', 1)[0]!]) {
    const base = baseOf(whole.replace(turningAll, '').replace(/[\u0000-\u001f\u007f]/g, ''));
    extensions.add(extensionOf(base)).add(extensionOf(base.split(':', 1)[0]!));
  }
  extensions.delete('');
  return [...extensions];
}

function baseOf(path: string): string {
  let end = path.length;
  while (end > 0 && '\\/'.includes(path[end - 1]!)) end--;
  const start = Math.max(path.lastIndexOf('/', end - 1), path.lastIndexOf('\\', end - 1)) + 1;
  return path.slice(start, end);
}

/** No extension that matters is longer. */
const extensionMax = 64;
/** Of quotes and encodings that came undone; Windows drops dots and spaces itself. */
const trailing = /[\s.?="'<>|*;,]/;

/** In lower case, without its dot; "" where there is none. */
function extensionOf(base: string): string {
  let end = base.length;
  while (end > 0 && trailing.test(base[end - 1]!)) end--;
  const dot = base.lastIndexOf('.', end - 1);
  if (dot < 0 || end - dot > extensionMax) return '';
  const [extension] = base.slice(dot + 1, end).split(':', 1) as [string];
  return extension.trim().toLowerCase();
}
