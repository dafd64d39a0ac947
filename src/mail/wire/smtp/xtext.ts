/**
 * Encodes and decodes xtext, the escape of DSN parameters and of AUTH=.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 3461 §4 (xtext), RFC 6533 §3 (utf-8-addr-xtext).
 */

const pattern = /^(?:[\x21-\x2a\x2c-\x3c\x3e-\x7e]|\+[0-9A-F]{2})*$/;
const utf8Pattern =
  /^(?:[\x21-\x2a\x2c-\x3c\x3e-\x5b\x5d-\x7e\u0080-\u{10ffff}]|\\x\{[0-9A-F]+\})*$/u;
const needsEscape = /[^\x21-\x2a\x2c-\x3c\x3e-\x7e]/g;

export function isXtext(text: string): boolean {
  return pattern.test(text);
}

/** What an `ORCPT=utf-8;…` may hold: octets outside ASCII stand for themselves or as `\x{HEX}`. */
export function isUtf8Xtext(text: string): boolean {
  return utf8Pattern.test(text);
}

/** `text` is ASCII; other characters have no form in xtext and become `?`. */
export function encodeXtext(text: string): string {
  return text.replace(needsEscape, (character) => {
    const code = character.charCodeAt(0);
    return code > 0x7e ? '?' : `+${code.toString(16).toUpperCase().padStart(2, '0')}`;
  });
}

/** Undefined when `text` is not xtext. */
export function decodeXtext(text: string): string | undefined {
  if (!isXtext(text)) return undefined;
  return text.replace(/\+([0-9A-F]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
