/**
 * One message under way, and what became of it for each recipient: told to the recorder, and to the ledger where there
 * is one.
 *
 * Runs in:   load generator; belongs to a session and is used again for its next message.
 * Invariant: a message is entered as injected before its first byte can leave, and each of its recipients has exactly
 *            one outcome.
 */

import { type MessageSource, Outgoing } from '../../corpus/message-source.ts';
import type { LedgerWriter } from '../../ledger/ledger-writer.ts';
import type { Recorder } from '../../measure/recorder.ts';
import type { OutcomeName } from '../../measure/run-report.ts';

export const messageOperation = 'message';

/** What became of a recipient so far. */
const open = 0;
const accepted = 1;
const acknowledged = 2;
const refused = 3;

interface Refusal {
  readonly index: number;
  readonly reply: string;
}

export interface Books {
  readonly recorder: Recorder;
  readonly ledger: LedgerWriter | undefined;
  /** Wall time minus the clock's, for the ledger. */
  readonly epochMs: number;
}

export class Transaction {
  readonly message = new Outgoing();
  readonly #books: Books;
  readonly #source: MessageSource;
  /** Its name in the ledger. */
  readonly #session: string;
  #fates = new Uint8Array(1);
  #acceptedCount = 0;
  #refusals: Refusal[] = [];
  #intendedMs = 0;
  #sentMs = 0;

  constructor(books: Books, source: MessageSource, session: number) {
    this.#books = books;
    this.#source = source;
    this.#session = `${source.run}.${session}`;
  }

  begin(intendedMs: number): void {
    const { message } = this;
    this.#source.next(message);
    const count = message.to.length;
    if (this.#fates.length < count) this.#fates = new Uint8Array(count);
    this.#fates.fill(open, 0, count);
    this.#acceptedCount = 0;
    if (this.#refusals.length > 0) this.#refusals = [];
    this.#intendedMs = intendedMs;
    this.#sentMs = 0;
    const { ledger, epochMs } = this.#books;
    if (ledger === undefined) return;
    ledger.append('injected', {
      id: this.#source.idOf(message.index),
      sha256: message.sha256,
      bytes: message.bytes,
      to: message.to.map(({ address }) => address),
      intendedMs: epochMs + intendedMs,
      session: this.#session,
    });
  }

  /** Recipients that RCPT took and whose fate is open. */
  get acceptedCount(): number {
    return this.#acceptedCount;
  }

  accept(index: number): void {
    if (this.#fates[index] !== open) return;
    this.#fates[index] = accepted;
    this.#acceptedCount++;
  }

  refuse(index: number, reply: string): void {
    if (this.#fates[index] === refused) return;
    if (this.#fates[index] === accepted) this.#acceptedCount--;
    this.#fates[index] = refused;
    this.#refusals.push({ index, reply });
  }

  refuseAll(reply: string): void {
    for (let index = 0; index < this.message.to.length; index++) this.refuse(index, reply);
  }

  /** DATA was refused: so are all that RCPT took. */
  refuseAccepted(reply: string): void {
    this.acknowledge(false, () => reply, true);
  }

  /** The last byte was handed to the socket. */
  sent(nowMs: number): void {
    this.#sentMs = nowMs;
  }

  /** The reply to the message; for all, or (LMTP) for the first whose fate is open. */
  acknowledge(isGood: boolean, reply: () => string, isForAll: boolean): void {
    const count = this.message.to.length;
    for (let index = 0; index < count; index++) {
      if (this.#fates[index] !== accepted) continue;
      if (isGood) {
        this.#fates[index] = acknowledged;
        this.#acceptedCount--;
      } else this.refuse(index, reply());
      if (!isForAll) return;
    }
  }

  /** Enters all outcomes; what is still open broke off with the connection. */
  end(endMs: number): void {
    const { recorder, ledger } = this.#books;
    const count = this.message.to.length;
    let okCount = 0;
    for (let i = 0; i < count; i++) if (this.#fates[i] === acknowledged) okCount++;
    const refusedCount = this.#refusals.length;
    const leftCount = count - okCount - refusedCount;
    const broken: OutcomeName = this.#sentMs > 0 ? 'unknown' : 'unsent';
    if (okCount > 0) recorder.copies('ok', okCount);
    if (refusedCount > 0) recorder.copies('refused', refusedCount);
    if (leftCount > 0) recorder.copies(broken, leftCount);
    const outcome = okCount > 0 ? 'ok' : leftCount > 0 ? broken : 'refused';
    recorder.finished(messageOperation, outcome, this.#intendedMs, endMs);
    for (const { reply } of this.#refusals) recorder.reply(messageOperation, reply);
    if (ledger !== undefined) this.#enter(ledger, endMs, broken);
  }

  #enter(ledger: LedgerWriter, endMs: number, broken: OutcomeName): void {
    const { epochMs } = this.#books;
    const id = this.#source.idOf(this.message.index);
    const atMs = epochMs + endMs;
    const whose = (...fates: number[]) =>
      this.message.to
        .filter((_, index) => fates.includes(this.#fates[index]!))
        .map(({ address }) => address);
    const ok = whose(acknowledged);
    if (ok.length > 0) {
      ledger.append('acknowledged', { id, to: ok, sentMs: epochMs + this.#sentMs, atMs });
    }
    for (const { index, reply } of this.#refusals) {
      ledger.append('refused', { id, to: [this.message.to[index]!.address], reply, atMs });
    }
    // What was never sent whole cannot arrive: it counts as refused by the circumstances.
    const left = whose(open, accepted);
    if (broken === 'unsent' && left.length > 0) {
      ledger.append('refused', { id, to: left, reply: 'not sent', atMs });
    }
  }
}
