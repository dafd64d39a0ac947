/**
 * Names and types under which parts of hostile messages may be handed to a browser.
 *
 * Runs in:   sink; pure.
 * Specs:     RFC 6266 (Content-Disposition), RFC 8187 (its `filename*`), RFC 2046 §4.5.1 (octet-stream).
 * Limits:    `nameCharsMax` of a name.
 */

const nameCharsMax = 120;
/** What a browser cannot be made to run something by. Everything else is only bytes. */
const plainTypes = new Set([
  ...['image/png', 'image/jpeg', 'image/gif', 'image/webp', 'application/pdf', 'application/zip'],
  ...['text/plain', 'text/csv', 'text/calendar', 'audio/mpeg', 'video/mp4'],
]);
const imageTypes = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp']);
const deviceName = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;

/** A name that is one file in the folder of downloads, and looks like what it is. */
export function safeName(given: string | null | undefined, fallback: string): string {
  const name = (given ?? '')
    // Controls, and marks that turn the direction of text (`gpj.exe` shown as `exe.jpg`).
    .replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, '')
    .replaceAll(/[/\\:*?"<>|]/g, '_')
    .replaceAll(/\s+/g, ' ')
    .replace(/^[. ]+/, '')
    .replace(/[. ]+$/, '');
  if (name === '') return fallback;
  const whole = deviceName.test(name) ? `_${name}` : name;
  if (whole.length <= nameCharsMax) return whole;
  // The ending is kept: it says what the file is.
  const ending = /\.[\w-]{1,10}$/.exec(whole)?.[0] ?? '';
  // The cut may have gone through a letter of two units.
  return whole.slice(0, nameCharsMax - ending.length).replace(/\p{Cs}$/u, '') + ending;
}

export function safeType(type: string): string {
  const plain = type.toLowerCase();
  return plainTypes.has(plain) ? plain : 'application/octet-stream';
}

/** Whether it may stand in a page as a picture. */
export function isPicture(type: string): boolean {
  return imageTypes.has(type.toLowerCase());
}

export function dispositionOf(name: string): string {
  const ascii = name.replaceAll(/[^\x20-\x7e]|["\\%]/g, '_');
  const encoded = encodeURIComponent(name).replaceAll(
    /['()*]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}
