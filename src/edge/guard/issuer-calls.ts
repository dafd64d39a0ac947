/**
 * How many questions an issuer is asked at a time, and none for a while after it gave no answer to some in a row.
 *
 * Runs in:   edge (main thread).
 * Limits:    `callsMax` under way, `callsPerPeerMax` of one network; after `failuresMax` in a row none for `pauseMs`,
 *            then one, whose answer decides.
 * Invariant: one who is not let ask hears `away` at once: nobody waits for his turn.
 */

import { peerNetwork } from '../../base/networks.ts';
import { secondMs } from '../../base/units.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Asked } from '../../ports/issuer-client.ts';

export const callsMax = 32;
export const callsPerPeerMax = 4;
export const failuresMax = 5;
export const pauseMs = 10 * secondMs;

export class IssuerCalls {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #underWay = new Map<string, number>();
  #count = 0;
  #failures = 0;
  #closedUntilMs = -Infinity;

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  /** `peer`: the address of who is to be let in. */
  async run<T>(peer: string, call: () => Asked<T>): Asked<T> {
    const network = peerNetwork(peer);
    const own = this.#underWay.get(network) ?? 0;
    if (own >= callsPerPeerMax || this.#count >= this.#countMax()) return 'away';
    this.#count++;
    this.#underWay.set(network, own + 1);
    try {
      const answer = await call();
      this.#learn(answer === 'away');
      return answer;
    } finally {
      this.#count--;
      const left = this.#underWay.get(network)! - 1;
      if (left === 0) this.#underWay.delete(network);
      else this.#underWay.set(network, left);
    }
  }

  #countMax(): number {
    if (this.#failures < failuresMax) return callsMax;
    return this.#clock.monotonicMs() < this.#closedUntilMs ? 0 : 1;
  }

  #learn(isAway: boolean): void {
    this.#failures = isAway ? this.#failures + 1 : 0;
    if (isAway) this.#closedUntilMs = this.#clock.monotonicMs() + pauseMs;
  }
}
