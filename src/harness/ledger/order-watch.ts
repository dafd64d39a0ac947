/**
 * Whether copies arrived in the order in which they were sent, as far as there is one: within one session, to one
 * recipient, at one door. Between sessions it is undefined, and nothing is said of it.
 *
 * Runs in:   ledger; pure.
 * Limits:    `orderedCopiesMax` copies of 28 bytes; past them copies are counted and not compared.
 * Invariant: a copy is reordered when one that was sent later, and after its acknowledgement, came before it.
 */

import { idHash } from './id-hash.ts';

const orderedCopiesMax = 10_000_000;
const firstRoom = 4_096;
const examplesCountMax = 10;

export interface OrderedCopy {
  readonly id: string;
  readonly session: string;
  readonly to: string;
  readonly via: string;
  /** When its last byte left: ascends within a session. */
  readonly sentMs: number;
  /** Ascends with arrival at this door: an instant, or a UID. */
  readonly arrival: number;
}

/** A message by what was kept of it. */
export interface FaintMessage {
  readonly idHash: number;
  readonly sentMs: number;
}

export interface OrderFinding {
  /** Copies that had another before them or after them in their session. */
  readonly compared: number;
  readonly reordered: number;
  readonly first: readonly FaintMessage[];
  /** Copies there was no room for. */
  readonly unwatched: number;
}

export class OrderWatch {
  readonly #copiesMax: number;
  #count = 0;
  #unwatched = 0;
  #streams = new Uint32Array(firstRoom);
  #streamRests = new Uint32Array(firstRoom);
  #sent = new Float64Array(firstRoom);
  #arrivals = new Float64Array(firstRoom);
  #ids = new Uint32Array(firstRoom);

  constructor(copiesMax = orderedCopiesMax) {
    this.#copiesMax = copiesMax;
  }

  add({ id, session, to, via, sentMs, arrival }: OrderedCopy): void {
    if (this.#count === this.#copiesMax) {
      this.#unwatched++;
      return;
    }
    if (this.#count === this.#ids.length) this.#grow();
    const at = this.#count++;
    const stream = `${session}\n${to}\n${via}`;
    // 64 bits by two hashes: that two of ten million streams are taken for one is a chance of 1 to 300 000.
    this.#streams[at] = idHash(stream);
    this.#streamRests[at] = idHash(`${via}\n${to}\n${session}`);
    this.#sent[at] = sentMs;
    this.#arrivals[at] = arrival;
    this.#ids[at] = idHash(id);
  }

  finding(): OrderFinding {
    const order = this.#sorted();
    const first: FaintMessage[] = [];
    let compared = 0;
    let reordered = 0;
    for (let start = 0; start < order.length; ) {
      const end = this.#streamEnd(order, start);
      if (end - start > 1) compared += end - start;
      let latestSent = -Infinity;
      for (let at = start; at < end; at++) {
        const copy = order[at]!;
        const sentMs = this.#sent[copy]!;
        if (sentMs >= latestSent) {
          latestSent = sentMs;
          continue;
        }
        reordered++;
        if (first.length < examplesCountMax) first.push({ idHash: this.#ids[copy]!, sentMs });
      }
      start = end;
    }
    return { compared, reordered, first, unwatched: this.#unwatched };
  }

  /** Copies by stream, those of one by arrival; of one instant as they were sent. */
  #sorted(): Uint32Array {
    const order = new Uint32Array(this.#count);
    for (let at = 0; at < order.length; at++) order[at] = at;
    const streams = this.#streams;
    const rests = this.#streamRests;
    const arrivals = this.#arrivals;
    const sent = this.#sent;
    return order.sort(
      (a, b) =>
        streams[a]! - streams[b]! ||
        rests[a]! - rests[b]! ||
        arrivals[a]! - arrivals[b]! ||
        sent[a]! - sent[b]!,
    );
  }

  #streamEnd(order: Uint32Array, start: number): number {
    const stream = this.#streams[order[start]!];
    const rest = this.#streamRests[order[start]!];
    let end = start + 1;
    while (
      end < order.length &&
      this.#streams[order[end]!] === stream &&
      this.#streamRests[order[end]!] === rest
    ) {
      end++;
    }
    return end;
  }

  #grow(): void {
    const room = Math.min(2 * this.#count, this.#copiesMax);
    this.#streams = grown(this.#streams, new Uint32Array(room));
    this.#streamRests = grown(this.#streamRests, new Uint32Array(room));
    this.#sent = grown(this.#sent, new Float64Array(room));
    this.#arrivals = grown(this.#arrivals, new Float64Array(room));
    this.#ids = grown(this.#ids, new Uint32Array(room));
  }
}

function grown<T extends Float64Array | Uint32Array>(from: T, into: T): T {
  into.set(from);
  return into;
}
