/**
 * Challenges of WebAuthn: made for whoever asks, held by nobody, taken once.
 *
 * Runs in:   edge (main thread).
 * Specs:     WebAuthn Level 3 §13.4.3 (16 random bytes at least, made by us, checked by us).
 * Limits:    a challenge is good for `challengeMs`; `spentMax` that were taken are remembered until then, and
 *            `spentPerAccountMax` of an account: whoever logs in all day long keeps nobody else out.
 * Invariant: a challenge is random bytes and their keyed hash under a key of this process, with its end and what it is
 *            for, so asking for many costs no memory. Only who showed a passkey that is right spends one, and a spent
 *            one is not taken again.
 */

import { createHmac, timingSafeEqual } from 'node:crypto';
import type { AccountId } from '../../base/ids.ts';
import { minuteMs } from '../../base/units.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';

export const challengeMs = 5 * minuteMs;
export const spentPerAccountMax = 50;
/** Thousands of accounts that all spend what they may. */
export const spentMax = 100_000;
const keyBytes = 32;
const randomBytes = 16;
const endBytes = 6;
const sealBytes = 32;
const wholeBytes = randomBytes + endBytes + sealBytes;

interface Spent {
  readonly account: AccountId;
  /** Monotonic. */
  readonly endMs: number;
}

export class PasskeyChallenges {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #key: Uint8Array;
  /** By challenge; oldest first. */
  readonly #spent = new Map<string, Spent>();
  /** How many of them, by account. */
  readonly #counts = new Map<AccountId, number>();

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
    this.#key = random.bytes(keyBytes);
  }

  /** In base64url. `purpose`: what alone it will be good for. */
  make(purpose: string): string {
    const end = Buffer.alloc(endBytes);
    end.writeUIntBE(Math.floor(this.#clock.monotonicMs()) + challengeMs, 0, endBytes);
    const open = Buffer.concat([this.#random.bytes(randomBytes), end]);
    return Buffer.concat([open, this.#seal(purpose, open)]).toString('base64url');
  }

  /** One of ours, for this, in its time, and not spent. */
  isGood(purpose: string, challenge: string): boolean {
    const bytes = Buffer.from(challenge, 'base64url');
    if (bytes.byteLength !== wholeBytes || this.#spent.has(challenge)) return false;
    // Two texts may be of the same bytes; only the one we made is known as spent.
    if (bytes.toString('base64url') !== challenge) return false;
    const open = bytes.subarray(0, randomBytes + endBytes);
    if (!timingSafeEqual(this.#seal(purpose, open), bytes.subarray(randomBytes + endBytes))) {
      return false;
    }
    return endOf(bytes) > this.#clock.monotonicMs();
  }

  /** False: it was spent before, or so many were, by this account or by all, that no more can be remembered. */
  spend(account: AccountId, challenge: string): boolean {
    if (this.#spent.has(challenge)) return false;
    const nowMs = this.#clock.monotonicMs();
    this.#forget(nowMs);
    const count = this.#counts.get(account) ?? 0;
    if (count >= spentPerAccountMax || this.#spent.size >= spentMax) return false;
    // Later than its own end, so that the map stays in the order of ends.
    this.#spent.set(challenge, { account, endMs: nowMs + challengeMs });
    this.#counts.set(account, count + 1);
    return true;
  }

  #forget(nowMs: number): void {
    for (const [oldest, { account, endMs }] of this.#spent) {
      if (endMs > nowMs) return;
      this.#spent.delete(oldest);
      const left = this.#counts.get(account)! - 1;
      if (left > 0) this.#counts.set(account, left);
      else this.#counts.delete(account);
    }
  }

  #seal(purpose: string, open: Uint8Array): Buffer {
    return createHmac('sha256', this.#key).update(`${purpose}\0`).update(open).digest();
  }
}

function endOf(bytes: Buffer): number {
  return bytes.readUIntBE(randomBytes, endBytes);
}
