/**
 * Crockford's base32 in lower case: secrets that people read out and type.
 *
 * Runs in: anywhere; pure.
 */

/** No i, l, o or u: nothing in it is taken for something else. */
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';

/** Eight characters for five octets. */
export function crockford(octets: Uint8Array): string {
  let bits = 0;
  let value = 0;
  let text = '';
  for (const octet of octets) {
    value = ((value << 8) | octet) & 0xffff;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += alphabet[(value >> bits) & 31];
    }
  }
  return text;
}

/** `abcd-efgh-…` */
export function inGroups(text: string, groupChars: number): string {
  return (text.match(new RegExp(`.{1,${groupChars}}`, 'g')) ?? []).join('-');
}
