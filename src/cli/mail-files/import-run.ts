/**
 * Brings messages into mailboxes, batch by batch: while the server writes one, the next is read.
 *
 * Runs in:   the CLI's process.
 * Limits:    two batches of `batchBytesMax` or of one message; a busy server is asked again for `busyMsMax`.
 * Invariant: a batch is counted when the server has it on disk. One that is sent again goes under another run's
 *            name, so that the server looks for what it has.
 */

import { randomUUID } from 'node:crypto';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import type { ImportedAnswer, ImportedMessage } from '../../actors/asks/control.ts';
import { concat } from '../../base/bytes.ts';
import { MailError } from '../../base/errors.ts';
import { mebibyte, minuteMs } from '../../base/units.ts';
import type { Control } from '../control-client.ts';
import { Occurrences } from './occurrences.ts';
import type { SourceItem } from './source-item.ts';

const batchCountMax = 500;
const batchBytesMax = 2 * mebibyte;
const busyMsMax = 2 * minuteMs;
const busyStepMs = 250;
/** Messages read before the socket gets a turn. */
const readsPerTurn = 16;

export interface ImportCounts {
  importedCount: number;
  /** Were there before. */
  knownCount: number;
  faultCount: number;
  bytes: number;
}

export interface ImportRunOptions {
  readonly control: Control;
  readonly account: string;
  readonly onFault: (place: string, reason: string) => void;
  /** All of the source up to this number is on disk, or was told as a fault. */
  readonly onStored?: (mailbox: string, uid: number) => void;
  readonly onProgress: (counts: Readonly<ImportCounts>) => void;
}

interface Batch {
  readonly messages: ImportedMessage[];
  readonly pieces: Uint8Array[];
  readonly places: string[];
  bytes: number;
  lastUid: number;
}

export class ImportRun {
  readonly counts: ImportCounts = { importedCount: 0, knownCount: 0, faultCount: 0, bytes: 0 };
  readonly #options: ImportRunOptions;
  #run = randomUUID();

  constructor(options: ImportRunOptions) {
    this.#options = options;
  }

  /** @throws MailError `account-over-quota`: what fitted is there; UnreachableError */
  async mailbox(
    name: string,
    items: Iterable<SourceItem> | AsyncIterable<SourceItem>,
  ): Promise<void> {
    const occurrences = new Occurrences();
    let batch = newBatch();
    let sending: Promise<void> = Promise.resolve();
    let reads = 0;
    try {
      for await (const item of turning(items, () => ++reads % readsPerTurn === 0)) {
        if (item.kind === 'fault') {
          this.#fault(item.place, item.reason);
          continue;
        }
        if (batch.messages.length > 0 && batch.bytes + item.bytes.byteLength > batchBytesMax) {
          await sending;
          sending = this.#send(name, batch);
          sending.catch(() => {});
          batch = newBatch();
        }
        add(batch, item, occurrences.of(item.bytes));
        if (batch.messages.length < batchCountMax) continue;
        await sending;
        sending = this.#send(name, batch);
        sending.catch(() => {});
        batch = newBatch();
      }
    } finally {
      await sending;
    }
    if (batch.messages.length > 0) await this.#send(name, batch);
  }

  async #send(mailbox: string, batch: Batch): Promise<void> {
    const { messages, pieces, places, bytes } = batch;
    const body = concat(pieces);
    let answer: ImportedAnswer;
    for (let waitedMs = 0; ; waitedMs += busyStepMs) {
      const { account, control } = this.#options;
      const params = { account, mailbox, run: this.#run, messages };
      try {
        answer = await control.call('mailbox.import', params, { body });
        break;
      } catch (error) {
        const isBusy = error instanceof MailError && error.code === 'store-busy';
        if (!isBusy || waitedMs >= busyMsMax) throw error;
        this.#run = randomUUID();
        await sleep(busyStepMs);
      }
    }
    const { counts } = this;
    counts.importedCount += answer.importedCount;
    counts.knownCount += answer.knownCount;
    counts.bytes += bytes;
    for (const { index, code, detail } of answer.faults) {
      this.#fault(places[index]!, `${code}: ${detail}`);
    }
    this.#options.onProgress(counts);
    const isFull = answer.faults.find(({ code }) => code === 'account-over-quota');
    if (isFull !== undefined) throw new MailError('account-over-quota', isFull.detail);
    if (batch.lastUid > 0) this.#options.onStored?.(mailbox, batch.lastUid);
  }

  #fault(place: string, reason: string): void {
    this.counts.faultCount++;
    this.#options.onFault(place, reason);
  }
}

function newBatch(): Batch {
  return { messages: [], pieces: [], places: [], bytes: 0, lastUid: 0 };
}

function add(
  batch: Batch,
  item: Extract<SourceItem, { kind: 'message' }>,
  occurrence: number,
): void {
  const bytes = item.bytes.byteLength;
  batch.messages.push({ bytes, occurrence, flags: item.flags, internalMs: item.internalMs });
  batch.pieces.push(item.bytes);
  batch.places.push(item.place);
  batch.bytes += bytes;
  batch.lastUid = item.uid ?? 0;
}

/** The same, with a turn for the socket now and then: files are read at once. */
async function* turning<T>(
  items: Iterable<T> | AsyncIterable<T>,
  isTurn: () => boolean,
): AsyncIterable<T> {
  if (Symbol.asyncIterator in items) {
    yield* items;
    return;
  }
  for (const item of items) {
    yield item;
    if (isTurn()) await turn();
  }
}
