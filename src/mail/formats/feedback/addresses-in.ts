/**
 * Finds what may be addresses in any text.
 *
 * Runs in:   engine threads; pure.
 * Limits:    `foundMax` addresses; 64 characters before an "@" and 255 after it are looked at.
 * Invariant: one pass: each "@" is looked at once, and no further than an address can reach.
 */

const foundMax = 200;
const localPartLengthMax = 64;
const domainLengthMax = 255;
const localCharacter = /[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\u0080-\uffff-]/;
const domainCharacter = /[A-Za-z0-9.\u0080-\uffff-]/;

export function addressesIn(text: string): string[] {
  const found: string[] = [];
  for (let at = text.indexOf('@'); at >= 0; at = text.indexOf('@', at + 1)) {
    let from = at;
    while (from > 0 && at - from < localPartLengthMax && localCharacter.test(text[from - 1]!))
      from--;
    let to = at + 1;
    while (to < text.length && to - at <= domainLengthMax && domainCharacter.test(text[to]!)) to++;
    // A sentence's full stop is not the domain's.
    while (to > at + 1 && /[.-]/.test(text[to - 1]!)) to--;
    if (from === at || to === at + 1) continue;
    found.push(text.slice(from, to));
    if (found.length === foundMax) break;
  }
  return found;
}
