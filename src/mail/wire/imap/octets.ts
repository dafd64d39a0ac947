/**
 * Names and classes of the octets IMAP's grammar is made of.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 9051 §9 (atom-specials, ASTRING-CHAR, list-char, tag).
 */

export const lineFeed = 0x0a;
export const carriageReturn = 0x0d;
export const space = 0x20;
export const quote = 0x22;
export const dollar = 0x24;
const percent = 0x25;
export const parenOpen = 0x28;
export const parenClose = 0x29;
export const asterisk = 0x2a;
export const plus = 0x2b;
export const comma = 0x2c;
export const minus = 0x2d;
export const dot = 0x2e;
export const slash = 0x2f;
export const digit0 = 0x30;
const digit9 = 0x39;
export const colon = 0x3a;
export const lessThan = 0x3c;
export const equals = 0x3d;
export const greaterThan = 0x3e;
export const bracketOpen = 0x5b;
export const backslash = 0x5c;
export const bracketClose = 0x5d;
export const braceOpen = 0x7b;
export const braceClose = 0x7d;
export const tilde = 0x7e;

export const classAtom = 1;
/** An atom, or the closing bracket. */
export const classAstring = 2;
/** What may stand in an unquoted LIST pattern. */
export const classList = 4;
export const classTag = 8;

/** By octet, the classes it is of. */
export const classes = new Uint8Array(256);
for (let octet = 0x21; octet < 0x7f; octet++) {
  const isSpecial = '(){%*"\\]'.includes(String.fromCharCode(octet));
  if (!isSpecial) classes[octet] = classAtom | classAstring | classList | classTag;
}
classes[bracketClose] = classAstring | classList | classTag;
classes[percent] = classList;
classes[asterisk] = classList;
classes[plus]! &= ~classTag;

export function isDigit(octet: number): boolean {
  return octet >= digit0 && octet <= digit9;
}
