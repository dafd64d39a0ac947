/**
 * Codes for who was let in by somebody else and has no tokens yet: good once, in the hands of one program.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 6749 §4.1.2 (good once, and shortly), RFC 7636 §4.6 (who shows it began the log-in).
 * Limits:    a code is good for `codeMs`; `codesMax` are held, `codesPerAccountMax` of an account: the oldest go.
 * Invariant: a code alone is nothing: whoever shows it has the text whose SHA-256 was given when the log-in began. It
 *            is out of the list while it is looked at, so of two that come together one has it; one that was shown
 *            with a wrong text is over.
 */

import { createHash, timingSafeEqual } from 'node:crypto';
import { minuteMs } from '../../base/units.ts';
import type { Clock } from '../../ports/clock.ts';
import type { AccountOf } from '../../ports/credentials.ts';
import type { Random } from '../../ports/random.ts';

export const codeMs = 5 * minuteMs;
export const codesMax = 10_000;
export const codesPerAccountMax = 5;
const codeBytes = 32;

/** Somebody an issuer vouched for. */
export interface Vouched {
  readonly of: AccountOf;
  /** By name. */
  readonly issuer: string;
  /** The issuer says that a second factor was shown, and its word counts. */
  readonly isWithSecondFactor: boolean;
  /** When the issuer saw its user; 0: it does not say. */
  readonly authenticatedMs: number;
}

export interface HeldCode {
  readonly vouched: Vouched;
  /** SHA-256 of what the program keeps to itself, in base64url. */
  readonly challenge: string;
  readonly endMs: number;
}

export class LogInCodes {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #random: Pick<Random, 'bytes'>;
  /** SHA-256 of the code → what it is for, the oldest first. */
  readonly #held = new Map<string, HeldCode>();

  constructor(clock: Pick<Clock, 'monotonicMs'>, random: Pick<Random, 'bytes'>) {
    this.#clock = clock;
    this.#random = random;
  }

  get count(): number {
    return this.#held.size;
  }

  make(vouched: Vouched, challenge: string): string {
    const nowMs = this.#clock.monotonicMs();
    this.#makeRoom(vouched.of, nowMs);
    const code = Buffer.from(this.#random.bytes(codeBytes)).toString('base64url');
    this.#held.set(hashOf(code), { vouched, challenge, endMs: nowMs + codeMs });
    return code;
  }

  /** Undefined: no code of ours, over, or not in the hands of who began. */
  take(code: string, verifier: string): HeldCode | undefined {
    const name = hashOf(code);
    const held = this.#held.get(name);
    this.#held.delete(name);
    if (held === undefined || held.endMs <= this.#clock.monotonicMs()) return undefined;
    const shown = createHash('sha256').update(verifier).digest();
    const wanted = Buffer.from(held.challenge, 'base64url');
    const isSame = wanted.byteLength === shown.byteLength && timingSafeEqual(wanted, shown);
    return isSame ? held : undefined;
  }

  /** It was right, and something else is missing still. */
  giveBack(code: string, held: HeldCode): void {
    if (this.#held.size < codesMax) this.#held.set(hashOf(code), held);
  }

  #makeRoom({ id }: AccountOf, nowMs: number): void {
    const own: string[] = [];
    for (const [name, { vouched, endMs }] of this.#held) {
      if (endMs <= nowMs) this.#held.delete(name);
      else if (vouched.of.id === id) own.push(name);
    }
    for (const name of own.slice(0, Math.max(0, own.length - codesPerAccountMax + 1)))
      this.#held.delete(name);
    for (const [oldest] of this.#held) {
      if (this.#held.size < codesMax) break;
      this.#held.delete(oldest);
    }
  }
}

function hashOf(code: string): string {
  return createHash('sha256').update(code).digest('base64');
}
