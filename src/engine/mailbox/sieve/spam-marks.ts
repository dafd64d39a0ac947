/**
 * What scanners said of a message, as it stands in its header.
 *
 * Runs in:   engine threads; pure.
 * Specs:     RFC 5235 §2.2 (spamtest).
 * Invariant: only where scanners are asked: elsewhere the fields are anybody's words.
 */

import { compiledScript } from '../../../mail/sieve/compile/at-delivery.ts';
import type { HeaderList } from '../../../mail/sieve/message/header-list.ts';
import type { SieveVerdict } from '../../../mail/sieve/run/host.ts';

/** Run last: what is marked and would be kept goes to Junk. */
export const junkScript = compiledScript(
  `require ["fileinto", "special-use"];
   if header :is "X-Spam-Flag" "YES" { fileinto :specialuse "\\\\Junk" "Junk"; }`,
)!;

/** A scanner's threshold is the middle, twice that is surely spam; of several scanners the worst counts. */
export function spamVerdict(headers: HeaderList): SieveVerdict {
  let worst: number | undefined;
  for (const value of headers.texts('x-spam-status')) {
    const found = /\bscore=(-?\d+(?:\.\d+)?) required=(\d+(?:\.\d+)?)/.exec(value);
    const [score, required] = [Number(found?.[1]), Number(found?.[2])];
    if (!(required > 0)) continue;
    const percent = Math.min(100, Math.max(0, (score / required) * 50));
    worst = Math.max(worst ?? 0, percent);
  }
  return worst === undefined ? {} : { spamPercent: worst };
}
