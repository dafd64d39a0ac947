/**
 * How much the scripts of an account may send: whoever stole a password must not send more by a script than by hand.
 *
 * Runs in:   the engine thread that owns the shard.
 * Limits:    `perHourMax` addresses an account and hour, all of them at once at the most; `accountsMax` accounts are
 *            remembered, in memory: after a start, each may send anew.
 */

import { RecentMap } from '../../../base/recent-map.ts';
import { hourMs } from '../../../base/units.ts';
import type { Clock } from '../../../ports/clock.ts';

const accountsMax = 20_000;

interface Left {
  readonly count: number;
  readonly atMs: number;
  readonly isTold: boolean;
}

export interface SentRatesParts {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  /** 0: no limit. */
  readonly perHourMax: number;
  /** Called once, until the account may send again. */
  readonly onOver: (account: number) => void;
}

export class SentRates {
  readonly #parts: SentRatesParts;
  readonly #left = new RecentMap<number, Left>(accountsMax);

  constructor(parts: SentRatesParts) {
    this.#parts = parts;
  }

  /** False: it may not be sent now, and counts nothing. */
  take(account: number, addresses: number): boolean {
    const { clock, perHourMax, onOver } = this.#parts;
    if (perHourMax === 0) return true;
    const atMs = clock.monotonicMs();
    const known = this.#left.get(account) ?? { count: perHourMax, atMs, isTold: false };
    const gained = ((atMs - known.atMs) / hourMs) * perHourMax;
    const count = Math.min(perHourMax, known.count + gained);
    const isEnough = count >= addresses;
    this.#left.set(account, {
      count: isEnough ? count - addresses : count,
      ...{ atMs, isTold: !isEnough },
    });
    if (!isEnough && !known.isTold) onOver(account);
    return isEnough;
  }
}
