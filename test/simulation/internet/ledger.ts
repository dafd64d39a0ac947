/**
 * What was sent and what became of it, by what the peers saw and what the engine says.
 *
 * Limits:    numbers only, in rows made for a run's messages beforehand.
 * Invariant: a copy that comes after one whose answer we heard is a fault, as is one of mail that was given up.
 */

import type { SinkMessage } from '../../../src/harness/sink/sink-wire.ts';

const heard = 1;
const unheard = 2;
const refused = 4;
const failedSaid = 8;
const expiredSaid = 16;
const deliveredSaid = 32;
const reported = 64;
const waits = 128;

const faultsMax = 50;

/** `v17@…` is the sender of message 17, `u23@…` recipient 23, `u` for "user". */
export function numberOf(address: string, mark: 'u' | 'v'): number {
  return address.startsWith(mark) ? Number.parseInt(address.slice(1), 10) : Number.NaN;
}

export interface Counts {
  accepted: number;
  recipients: number;
  delivered: number;
  duplicates: number;
  failed: number;
  expired: number;
  queued: number;
  deferrals: number;
  reports: number;
}

export class Ledger {
  readonly faults: string[] = [];
  readonly counts: Counts = {
    ...{ accepted: 0, recipients: 0, delivered: 0, duplicates: 0, failed: 0, expired: 0 },
    ...{ queued: 0, deferrals: 0, reports: 0 },
  };
  /** By message. */
  readonly tenants: Uint16Array;
  readonly #acceptedMs: Float64Array;
  readonly #firstMs: Float64Array;
  /** By recipient. */
  readonly #messages: Uint32Array;
  readonly #states: Uint8Array;
  readonly #mayFail: Uint8Array;
  #recipientCount = 0;
  #lateEnds = 0;

  constructor(messagesMax: number, recipientsMax: number) {
    this.tenants = new Uint16Array(messagesMax);
    this.#acceptedMs = new Float64Array(messagesMax).fill(Number.NaN);
    this.#firstMs = new Float64Array(messagesMax).fill(Number.NaN);
    this.#messages = new Uint32Array(recipientsMax);
    this.#states = new Uint8Array(recipientsMax);
    this.#mayFail = new Uint8Array(recipientsMax);
  }

  fault(text: string): void {
    if (this.faults.length < faultsMax) this.faults.push(text);
  }

  /** `mayFail`: no server for its domain takes mail. */
  newRecipient(message: number, mayFail: boolean): number {
    const recipient = this.#recipientCount++;
    this.#messages[recipient] = message;
    this.#mayFail[recipient] = mayFail ? 1 : 0;
    return recipient;
  }

  messageOf(recipient: number): number {
    return this.#messages[recipient]!;
  }

  accepted(message: number, recipients: number, nowMs: number): void {
    this.#acceptedMs[message] = nowMs;
    this.counts.accepted++;
    this.counts.recipients += recipients;
  }

  /** True for the first time; one that is tried before its acceptance was heard of counts as tried at once. */
  tried(message: number, nowMs: number): boolean {
    if (!Number.isNaN(this.#firstMs[message]!)) return false;
    this.#firstMs[message] = nowMs;
    return true;
  }

  taken({ recipients }: SinkMessage): void {
    for (const address of recipients) {
      const recipient = numberOf(address, 'u');
      const state = this.#states[recipient]!;
      if ((state & heard) !== 0) this.fault(`${address} got another copy after the 250 was heard`);
      if ((state & (failedSaid | expiredSaid)) !== 0)
        this.fault(`${address} got a copy after it was given up`);
      if ((state & unheard) !== 0) this.counts.duplicates++;
    }
  }

  answered({ recipients }: SinkMessage, isHeard: boolean): void {
    for (const address of recipients) {
      this.#states[numberOf(address, 'u')]! |= isHeard ? heard : unheard;
    }
  }

  refused(recipients: readonly string[]): void {
    for (const address of recipients) {
      const recipient = numberOf(address, 'u');
      if (!Number.isNaN(recipient)) this.#states[recipient]! |= refused;
    }
  }

  /** The engine's word on one recipient. */
  said(event: 'delivered' | 'failed' | 'expired', address: string): void {
    const recipient = numberOf(address, 'u');
    if (Number.isNaN(recipient)) return;
    if ((this.#states[recipient]! & waits) !== 0) this.#ends(recipient);
    const state = this.#states[recipient]!;
    const final = deliveredSaid | failedSaid | expiredSaid;
    if ((state & final) !== 0) this.fault(`${address} has a second outcome, ${event}`);
    this.counts[event]++;
    if (event === 'delivered') {
      this.#states[recipient] = state | deliveredSaid;
      if ((state & heard) === 0) this.fault(`${address} is said delivered and no server took it`);
      return;
    }
    this.#states[recipient] = state | (event === 'failed' ? failedSaid : expiredSaid);
    if ((state & heard) !== 0) this.fault(`${address} was taken and is said ${event}`);
    if (event === 'failed' && (state & refused) === 0 && this.#mayFail[recipient] === 0)
      this.fault(`${address} failed and nobody refused it`);
  }

  hasEnded(address: string): boolean {
    const final = deliveredSaid | failedSaid | expiredSaid;
    return (this.#states[numberOf(address, 'u')]! & final) !== 0;
  }

  /** It ended a moment ago, at the end of the day: nobody waits for its report, if there is to be one. */
  endsLate(): void {
    this.#lateEnds++;
  }

  /** It was listed a moment ago. */
  #ends(recipient: number): void {
    this.#states[recipient]! &= ~waits;
    this.counts.queued--;
    this.endsLate();
  }

  /** A report on a failure came to its sender. */
  reportedOn(recipient: number): void {
    this.#states[recipient]! |= reported;
    this.counts.reports++;
  }

  /** It stands in a queue at the end. */
  waiting(address: string): void {
    const recipient = numberOf(address, 'u');
    if (Number.isNaN(recipient)) return;
    if ((this.#states[recipient]! & waits) !== 0) this.fault(`${address} is queued twice`);
    this.#states[recipient]! |= waits;
    this.counts.queued++;
  }

  /** Each accepted recipient ended in one way, or waits. `openReports`: failures whose reports are still queued. */
  check(openReports: number): void {
    let unreported = 0;
    for (let recipient = 0; recipient < this.#recipientCount; recipient++) {
      const message = this.#messages[recipient]!;
      if (Number.isNaN(this.#acceptedMs[message]!)) continue;
      const state = this.#states[recipient]!;
      const isFinal = (state & (deliveredSaid | failedSaid | expiredSaid)) !== 0;
      if (isFinal === ((state & waits) !== 0)) {
        this.fault(`recipient ${recipient} ${isFinal ? 'ended and is queued' : 'is lost'}`);
      }
      const hasEndedBadly = (state & (failedSaid | expiredSaid)) !== 0;
      if (hasEndedBadly && (state & reported) === 0) unreported++;
    }
    if (unreported > openReports + this.#lateEnds)
      this.fault(`${unreported} failures without a report, ${openReports} reports under way`);
  }

  /** From acceptance to the first attempt at the given part of a tenant's messages, in milliseconds. */
  firstAttemptMs(part: number): Map<number, number> {
    const byTenant = new Map<number, number[]>();
    for (let message = 0; message < this.#firstMs.length; message++) {
      const acceptedMs = this.#acceptedMs[message]!;
      const tookMs = this.#firstMs[message]! - acceptedMs;
      if (Number.isNaN(acceptedMs)) continue;
      const times = byTenant.get(this.tenants[message]!) ?? [];
      // Not tried at all: it waits, longer than any.
      times.push(Number.isNaN(tookMs) ? Number.POSITIVE_INFINITY : Math.max(0, tookMs));
      byTenant.set(this.tenants[message]!, times);
    }
    const found = new Map<number, number>();
    for (const [tenant, times] of byTenant) {
      times.sort((a, b) => a - b);
      found.set(tenant, times[Math.min(times.length - 1, Math.floor(times.length * part))]!);
    }
    return found;
  }
}
