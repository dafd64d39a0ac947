/**
 * Answers failed log-ins late, later with each failure of their peer: a guess costs its connection time.
 *
 * Runs in:   edge (main thread).
 * Limits:    `heldMax` answers are held at once, `heldPerPeerMax` of one address or IPv6 /64; past them the answer is
 *            given at once, so nobody fills this server by what it holds back. An answer is held for `msMax` at most.
 * Invariant: it holds nothing but the answer: the failure is counted before, and the places of attempts are given
 *            back, so nobody waits for a peer's failures but who shows something wrong. How long does not depend on
 *            who was named.
 */

import { isLoopback, type NetworkSet, peerNetwork } from '../../base/networks.ts';
import type { Clock } from '../../ports/clock.ts';

export interface TarpitLimits {
  /** What each failure of a peer before this one adds; 0: answers are not held. */
  readonly msEach: number;
  readonly msMax: number;
  readonly heldMax: number;
  readonly heldPerPeerMax: number;
}

export const tarpitHeld = { heldMax: 1_000, heldPerPeerMax: 10 } as const;

export class Tarpit {
  readonly #limits: TarpitLimits;
  readonly #allowed: NetworkSet;
  readonly #clock: Pick<Clock, 'setTimer'>;
  /** Answers held back, by peer. */
  readonly #held = new Map<string, number>();
  #heldCount = 0;

  /** `allowed`: answered at once, as loopback is. */
  constructor(limits: TarpitLimits, allowed: NetworkSet, clock: Pick<Clock, 'setTimer'>) {
    this.#limits = limits;
    this.#allowed = allowed;
    this.#clock = clock;
  }

  get heldCount(): number {
    return this.#heldCount;
  }

  /** Resolves when the peer may be told; `failures`: how many it has, with this one. */
  async hold(address: string, failures: number): Promise<void> {
    const { msEach, msMax, heldMax, heldPerPeerMax } = this.#limits;
    // Of a first failure its user mistyped.
    const holdMs = Math.min(msMax, msEach * (failures - 1));
    if (holdMs <= 0 || this.#heldCount >= heldMax) return;
    if (isLoopback(address) || this.#allowed.has(address)) return;
    const peer = peerNetwork(address);
    const held = this.#held.get(peer) ?? 0;
    if (held >= heldPerPeerMax) return;
    this.#held.set(peer, held + 1);
    this.#heldCount++;
    await new Promise<void>((resolve) => {
      this.#clock.setTimer(holdMs, resolve);
    });
    this.#heldCount--;
    const left = this.#held.get(peer)! - 1;
    if (left > 0) this.#held.set(peer, left);
    else this.#held.delete(peer);
  }
}
