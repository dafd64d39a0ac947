/**
 * A rate of messages or connections: tokens that grow with time, given to whoever may spend them.
 *
 * Runs in:   the thread that owns the site; pure (time is an argument).
 * Limits:    over any time of `t` seconds at most `burst + perSecond × (t + leaseMs)` are spent by all takers together:
 *            what was given may be spent up to one lease later. Where `burst` is more than a lease's worth and one
 *            period of asking, that lease is taken off it, and `burst + perSecond × t` holds.
 * Invariant: what is taken was there; what is brought back was taken before.
 *
 * Takers that want more than there is share by weight: what grows is set aside for each, and nobody takes what is set
 * aside for another who still wants it.
 */

/** `Infinity` a second is no limit. */
export interface Rate {
  readonly perSecond: number;
  /** How many may go at once after a pause. */
  readonly burst: number;
}

/** Takers come this often at least: so much must be kept for them, and one token, or the rate is not reached. */
const keptMs = 500;

interface Taker {
  weight: number;
  wanted: number;
  wantedMs: number;
  /** Below 0: it has had more. */
  aside: number;
}

export class TokenBucket {
  readonly #leaseMs: number;
  readonly #takers = new Map<number, Taker>();
  #rate: Rate;
  #tokens: number;
  #filledMs: number;

  /** Full at `sinceMs`, or empty: then others may have spent what was there. */
  constructor(rate: Rate, leaseMs: number, sinceMs: number, isFull: boolean) {
    this.#leaseMs = leaseMs;
    this.#rate = rate;
    this.#tokens = isFull ? this.#room : 0;
    this.#filledMs = sinceMs;
  }

  get rate(): Rate {
    return this.#rate;
  }

  count(nowMs: number): number {
    this.#fill(nowMs);
    return this.#tokens;
  }

  /** Nobody spent of it for so long that a new one would be the same. */
  isFull(nowMs: number): boolean {
    return this.count(nowMs) >= this.#room;
  }

  /** Another rate from now on; what is there stays, as far as it has room. */
  change(rate: Rate, nowMs: number): void {
    this.#fill(nowMs);
    this.#rate = rate;
    this.#filledMs = Math.max(this.#filledMs, nowMs);
    this.#cut();
  }

  /** What was taken and not spent. */
  bringBack(count: number, nowMs: number): void {
    this.#fill(nowMs);
    this.#tokens += count;
    this.#cut();
  }

  /** Whole tokens, up to `wanted`. */
  take(who: number, weight: number, wanted: number, nowMs: number): number {
    this.#fill(nowMs);
    let taker = this.#takers.get(who);
    if (taker === undefined) {
      taker = { weight, wanted, wantedMs: nowMs, aside: 0 };
      this.#takers.set(who, taker);
    }
    taker.weight = weight;
    taker.wanted = wanted;
    taker.wantedMs = nowMs;
    const taken = Math.min(wanted, Math.floor(this.#partOf(taker, nowMs) + epsilon));
    this.#tokens -= taken;
    taker.aside = Math.max(-1, taker.aside - taken);
    taker.wanted -= taken;
    return taken;
  }

  /** How long it will be until one is there for it, as things stand. */
  waitMs(who: number, nowMs: number): number {
    const taker = this.#takers.get(who);
    if (taker === undefined) return 0;
    let weights = 0;
    for (const { weight, wanted } of this.#takers.values()) if (wanted > 0) weights += weight;
    const lacks = Math.max(0, 1 - this.#partOf(taker, nowMs));
    return (lacks * 1_000 * Math.max(1, weights / taker.weight)) / this.#rate.perSecond;
  }

  #partOf(taker: Taker, nowMs: number): number {
    let forOthers = 0;
    let most = 0;
    for (const [other, each] of this.#takers) {
      if (each.wantedMs + this.#leaseMs <= nowMs) this.#takers.delete(other);
      else if (each !== taker && each.wanted > 0) {
        forOthers += Math.max(0, Math.min(each.aside, each.wanted));
        most = Math.max(most, each.aside);
      }
    }
    const part = Math.max(0, Math.min(taker.aside, this.#tokens), this.#tokens - forOthers);
    // Parts of a token are of no use to anybody: whoever has most of it takes it.
    return part < 1 && taker.aside >= most - epsilon ? Math.min(1, this.#tokens) : part;
  }

  /** How many it holds at most: a lease is on its way still when the next tokens are there. */
  get #room(): number {
    const { perSecond, burst } = this.#rate;
    if (perSecond === 0) return 0;
    const kept = 1 + (perSecond * keptMs) / 1_000;
    return Math.max(kept, burst - (perSecond * this.#leaseMs) / 1_000);
  }

  #fill(nowMs: number): void {
    const elapsedMs = nowMs - this.#filledMs;
    if (elapsedMs <= 0) return;
    this.#filledMs = nowMs;
    const before = this.#tokens;
    this.#tokens = Math.min(this.#room, before + (elapsedMs / 1_000) * this.#rate.perSecond);
    this.#setAside(this.#tokens - before);
  }

  #setAside(grown: number): void {
    let weights = 0;
    for (const { weight, wanted } of this.#takers.values()) if (wanted > 0) weights += weight;
    if (weights === 0 || grown <= 0) return;
    for (const taker of this.#takers.values()) {
      if (taker.wanted > 0) taker.aside += (grown * taker.weight) / weights;
    }
  }

  #cut(): void {
    this.#tokens = Math.min(this.#tokens, this.#room);
  }
}

/** Sums of parts of tokens fall short of the whole by so much. */
const epsilon = 1e-9;
