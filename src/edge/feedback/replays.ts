/**
 * How often a bounce came back to one signed address: whoever was sent a message knows its address, and could go on
 * reporting it for as long as it is good.
 *
 * Runs in:   edge (main thread).
 * Limits:    `takenMax` mails to an address; `addressesMax` addresses remembered, none over a restart.
 */

import { RecentMap } from '../../base/recent-map.ts';
import type { BounceFacts } from '../../mail/trust/feedback/tokens.ts';

/** A message is put off by several servers on its way at most, and each tells of it now and then. */
const takenMax = 20;
const addressesMax = 50_000;

export class Replays {
  readonly #counts = new RecentMap<string, number>(addressesMax);

  isSpent(facts: BounceFacts): boolean {
    return (this.#counts.get(keyOf(facts)) ?? 0) >= takenMax;
  }

  taken(facts: BounceFacts): void {
    const key = keyOf(facts);
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }
}

function keyOf({ message, recipientHash }: BounceFacts): string {
  return `${message} ${recipientHash.toString('latin1')}`;
}
