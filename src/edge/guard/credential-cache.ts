/**
 * Remembers log-ins that were right, for a short while: clients that log in for every message would else keep a
 * thread busy with hashes.
 *
 * Runs in:   edge (main thread).
 * Limits:    `entriesMax` log-ins, each for `keptMs` from its check.
 * Invariant: holds neither passwords nor anything that outlives the process: a keyed hash under a random key. The
 *            stored hash is part of what is hashed, so a changed password is not found. Only right ones are kept.
 */

import { createHmac } from 'node:crypto';
import { minuteMs } from '../../base/units.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';

export const entriesMax = 10_000;
export const keptMsDefault = minuteMs;
const keyBytes = 32;

export interface CheckedCredentials {
  readonly user: string;
  readonly password: string;
  /** The account's hash as stored. */
  readonly storedHash: string;
}

export class CredentialCache {
  readonly #clock: Clock;
  readonly #key: Uint8Array;
  readonly #keptMs: number;
  /** Keyed hash → end, in monotonic milliseconds; oldest first. */
  readonly #ends = new Map<string, number>();

  constructor(clock: Clock, random: Random, keptMs = keptMsDefault) {
    this.#keptMs = keptMs;
    this.#clock = clock;
    this.#key = random.bytes(keyBytes);
  }

  get count(): number {
    return this.#ends.size;
  }

  /** True: these were right a short while ago, and the account's password is still the same. */
  knows(credentials: CheckedCredentials): boolean {
    if (this.#ends.size === 0) return false;
    const name = this.nameOf(credentials);
    const endMs = this.#ends.get(name);
    if (endMs === undefined) return false;
    if (endMs > this.#clock.monotonicMs()) return true;
    this.#ends.delete(name);
    return false;
  }

  remember(credentials: CheckedCredentials): void {
    const name = this.nameOf(credentials);
    // Set anew, so that the map stays in the order of ends.
    this.#ends.delete(name);
    this.#makeRoom();
    this.#ends.set(name, this.#clock.monotonicMs() + this.#keptMs);
  }

  #makeRoom(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const [name, endMs] of this.#ends) {
      if (endMs > nowMs && this.#ends.size < entriesMax) return;
      this.#ends.delete(name);
    }
  }

  /** Tells nothing of what it names to who has not this process's key. */
  nameOf({ user, password, storedHash }: CheckedCredentials): string {
    const lengths = `${user.length} ${storedHash.length} `;
    return createHmac('sha256', this.#key)
      .update(lengths + user + storedHash + password)
      .digest('base64');
  }
}
