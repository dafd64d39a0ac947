/**
 * Conversations of sessions with scanners that a message's thread may speak on by.
 *
 * Runs in:   main thread.
 * Limits:    one for each session and scanner; a claim lasts no longer than its time and `slackMs`.
 * Invariant: a conversation is offered, then claimed or withdrawn, and told once how it ended (`done`) if it was claimed.
 */

import { secondMs } from '../../base/units.ts';
import type { CarriedKnown } from '../../ports/carried-scans.ts';
import type { Clock, Timer } from '../../ports/clock.ts';
import { ScanError } from './scan-error.ts';
import type { ScanLine } from './scan-line.ts';

/** For the release to come, once the line's own time is over. */
export const slackMs = 2 * secondMs;

export interface CarriedOffer {
  readonly known: CarriedKnown;
  readonly line: ScanLine;
  /** Not good: nothing more can be asked by it. */
  done(isGood: boolean): void;
}

interface Claim {
  readonly offer: CarriedOffer;
  readonly timer: Timer;
}

export class CarriedDesk {
  readonly #clock: Clock;
  #lastId = 0;
  readonly #offers = new Map<number, CarriedOffer>();
  readonly #claims = new Map<number, Claim>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Offered and claimed. */
  get count(): number {
    return this.#offers.size + this.#claims.size;
  }

  offer(offer: CarriedOffer): number {
    const id = ++this.#lastId;
    this.#offers.set(id, offer);
    return id;
  }

  /** False: it is claimed, and `done` will be told. */
  withdraw(id: number): boolean {
    this.#offers.delete(id);
    return !this.#claims.has(id);
  }

  claim(id: number, msMax: number): CarriedKnown | undefined {
    const offer = this.#offers.get(id);
    if (offer === undefined) return undefined;
    this.#offers.delete(id);
    const { known, line } = offer;
    if (known.isAccepted) {
      offer.done(true);
      return known;
    }
    if (line.isGone) {
      offer.done(false);
      return undefined;
    }
    line.allowUntil(this.#clock.monotonicMs() + msMax, this.#clock);
    const timer = this.#clock.setTimer(msMax + slackMs, () => this.#end(id, false));
    this.#claims.set(id, { offer, timer });
    return known;
  }

  /** @throws ScanError */
  async exchange(id: number, bytes: Uint8Array, isAnswerDue: boolean): Promise<Uint8Array> {
    const claim = this.#claims.get(id);
    if (claim === undefined) throw new ScanError('timed-out', 'its time is over');
    const { line } = claim.offer;
    // What was answered early is read, and the rest not sent.
    if (bytes.length > 0) await line.send([bytes]);
    return isAnswerDue ? await line.readSome() : new Uint8Array(0);
  }

  async release(id: number, bytes: Uint8Array, isGood: boolean): Promise<void> {
    const claim = this.#claims.get(id);
    if (claim === undefined) return;
    let isUsable = isGood;
    try {
      if (isGood && bytes.length > 0) await claim.offer.line.send([bytes]);
    } catch {
      isUsable = false;
    }
    this.#end(id, isUsable && !claim.offer.line.isGone);
  }

  #end(id: number, isGood: boolean): void {
    const claim = this.#claims.get(id);
    if (claim === undefined) return;
    this.#claims.delete(id);
    claim.timer.cancel();
    claim.offer.line.rest();
    claim.offer.done(isGood);
  }
}
