/**
 * Many messages from elsewhere put into one mailbox: as APPEND does it, but in slices that share their syncs.
 *
 * Runs in:   the engine thread that owns the shard; a turn ends after `sliceMs`.
 * Limits:    `messagesPerImportMax` messages an ask; of `runsMax` mailboxes it is remembered which run began with
 *            them empty; `sameMax` messages with the same bytes are looked at.
 * Invariant: a message is named by its bytes and its count: the n-th of the same bytes is put only where the mailbox
 *            has less than n of them. So an import that was cut off anywhere is done again, and doubles nothing.
 */

import { Buffer } from 'node:buffer';
import { hash } from 'node:crypto';
import {
  type ImportAnswer,
  type ImportFault,
  messagesPerImportMax,
  type PackedImported,
} from '../../actors/asks/mailbox-asks.ts';
import { MailError } from '../../base/errors.ts';
import type { AccountId, TenantId } from '../../base/ids.ts';
import { RecentMap } from '../../base/recent-map.ts';
import { dayMs } from '../../base/units.ts';
import { summarise } from '../../mail/formats/mime/summary.ts';
import type { Clock } from '../../ports/clock.ts';
import { blobLinkKey, documentKey, lastU32, messageBlob } from '../store/keys.ts';
import type { RecordDraft } from '../store/record.ts';
import type { AccountActor } from './account-actor.ts';
import { deliveryDaysKept } from './delivery.ts';
import type { MailboxShard } from './mailbox-shard.ts';
import { deliveredDraft, parsedDraft } from './records.ts';
import type { AccountRow } from './rows/account-row.ts';
import { decodeDocument } from './rows/document-row.ts';
import { encodeParsed, parsedRowBytesMax } from './rows/parsed-row.ts';
import { threadIds } from './thread-finder.ts';

const sliceMs = 2;
const runsMax = 2_000;
const sameMax = 1_000;

export interface ImportRequest {
  readonly account: AccountId;
  readonly tenant: TenantId;
  readonly mailbox: number;
  /** Names the import: its messages are numbered among each other. */
  readonly run: string;
  /** One after the other in `bytes`. */
  readonly messages: readonly PackedImported[];
  /** Kept as they are, until all is journaled. */
  readonly bytes: Uint8Array;
}

export interface ImportParts {
  readonly shard: MailboxShard;
  /** Asked for in each turn: an actor nothing is pending of may be let go meanwhile. */
  readonly actorOf: (account: AccountId, tenant: TenantId) => AccountActor;
}

interface Item {
  readonly index: number;
  readonly bytes: Uint8Array;
  readonly hash: Buffer;
  readonly packed: PackedImported;
}

const noBytes = Buffer.alloc(0);

export class Imports {
  readonly #clock: Clock;
  /** Run that found the mailbox empty, by account and mailbox. */
  readonly #began = new RecentMap<string, { readonly run: string; readonly wasEmpty: boolean }>(
    runsMax,
  );

  /** By account: one import after the other, each sees what those before it brought. */
  readonly #last = new Map<number, Promise<void>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** On disk when it resolves. @throws MailError `not-found`, `account-missing`; of the store: do it again */
  run(parts: ImportParts, request: ImportRequest): Promise<ImportAnswer> {
    const { account } = request;
    const answer = (this.#last.get(account) ?? Promise.resolve()).then(() =>
      this.#run(parts, request),
    );
    const settled: Promise<void> = answer.then(
      () => this.#settle(account, settled),
      () => {
        // Some of it may be there: what comes next is looked for.
        this.#began.delete(placeOf(request));
        this.#settle(account, settled);
      },
    );
    this.#last.set(account, settled);
    return answer;
  }

  #settle(account: number, settled: Promise<void>): void {
    if (this.#last.get(account) === settled) this.#last.delete(account);
  }

  async #run(parts: ImportParts, request: ImportRequest): Promise<ImportAnswer> {
    const items = itemsOf(request);
    const wasEmpty = await this.#begin(parts, request);
    const known = wasEmpty ? new Set<number>() : knownOf(parts.shard, request, items);
    const wanted = items.filter(({ index }) => !known.has(index));
    const documents: number[] = [];
    const appends: Promise<unknown>[] = [];
    const faults: ImportFault[] = [];
    for (let at = 0; at < wanted.length; ) {
      if (at > 0) await new Promise((resolve) => setImmediate(resolve));
      const slice = new Slice(parts, request, this.#clock.nowMs());
      const endMs = this.#clock.monotonicMs() + sliceMs;
      do slice.put(wanted[at++]!, faults);
      while (at < wanted.length && this.#clock.monotonicMs() < endMs);
      documents.push(...slice.documents);
      appends.push(slice.append());
    }
    await Promise.all(appends);
    // What is acknowledged must be there to be read: a mailbox deleted meanwhile took its messages along.
    for (const document of documents) {
      if (parts.shard.get(documentKey(request.account, document)) !== undefined) continue;
      throw new MailError(
        'not-found',
        `mailbox ${request.mailbox} changed while it was imported into`,
      );
    }
    return { importedCount: documents.length, knownCount: known.size, faults };
  }

  /** Whether nothing was in the mailbox when the run began: then nothing of it can be there before. */
  async #begin({ actorOf }: ImportParts, request: ImportRequest): Promise<boolean> {
    const { account, tenant, mailbox, run } = request;
    const place = placeOf(request);
    const began = this.#began.get(place);
    if (began?.run === run) return began.wasEmpty;
    // After all that is under way: an older run may have been cut off just now.
    const wasEmpty = await actorOf(account, tenant).alone(
      async () => rowOf(actorOf(account, tenant), mailbox).messages === 0,
    );
    this.#began.set(place, { run, wasEmpty });
    return wasEmpty;
  }
}

function placeOf({ account, mailbox }: ImportRequest): string {
  return `${account} ${mailbox}`;
}

function rowOf(actor: AccountActor, mailbox: number) {
  const row = actor.mailbox(mailbox);
  if (row === undefined) throw new MailError('not-found', `mailbox ${mailbox}`);
  return row;
}

function itemsOf({ messages, bytes }: ImportRequest): Item[] {
  if (messages.length > messagesPerImportMax) {
    throw new MailError('argument-invalid', `over ${messagesPerImportMax} messages`);
  }
  const items: Item[] = [];
  let at = 0;
  for (const [index, packed] of messages.entries()) {
    const message = bytes.subarray(at, at + packed[0]);
    at += packed[0];
    items.push({ index, packed, bytes: message, hash: hash('sha256', message, 'buffer') });
  }
  if (at !== bytes.byteLength) throw new MailError('argument-invalid', 'sizes do not add up');
  return items;
}

/** Indexes of those the mailbox has. Looked up before anything is added: the overlay is sorted once. */
function knownOf(
  shard: Pick<MailboxShard, 'get' | 'range'>,
  { account, mailbox }: ImportRequest,
  items: readonly Item[],
): Set<number> {
  const known = new Set<number>();
  for (const { index, hash: name, packed } of items) {
    const [, occurrence] = packed;
    const from = blobLinkKey(name, messageBlob, account, 0);
    const to = blobLinkKey(name, messageBlob, account + 1, 0);
    let count = 0;
    for (const { key } of shard.range({ from, to, limit: sameMax })) {
      const value = shard.get(documentKey(account, lastU32(key)));
      if (value !== undefined) count += timesIn(decodeDocument(value).places, mailbox);
    }
    if (count >= occurrence) known.add(index);
  }
  return known;
}

function timesIn(places: readonly number[], mailbox: number): number {
  let count = 0;
  for (let i = 0; i < places.length; i += 2) if (places[i] === mailbox) count++;
  return count;
}

/** What one turn decides: one append. */
class Slice {
  readonly documents: number[] = [];
  readonly #parts: ImportParts;
  readonly #request: ImportRequest;
  readonly #actor: AccountActor;
  readonly #row: AccountRow;
  readonly #drafts: RecordDraft[] = [];
  readonly #forgetDay: number;
  #bytes = 0;

  constructor(parts: ImportParts, request: ImportRequest, nowMs: number) {
    this.#parts = parts;
    this.#request = request;
    this.#actor = parts.actorOf(request.account, request.tenant);
    const row = this.#actor.row();
    if (row === undefined) throw new MailError('account-missing', 'it has no mailboxes yet');
    // A number kept for a mailbox that was deleted meanwhile would lead nowhere.
    rowOf(this.#actor, request.mailbox);
    this.#row = row;
    this.#forgetDay = Math.max(0, Math.floor(nowMs / dayMs) - deliveryDaysKept);
  }

  put(item: Item, faults: ImportFault[]): void {
    const { byteLength } = item.bytes;
    try {
      const messages = this.documents.length + 1;
      this.#actor.claimRoom(this.#bytes + byteLength, this.#row, messages);
    } catch (error) {
      if (!(error instanceof MailError)) throw error;
      faults.push([item.index, error.code, error.detail]);
      return;
    }
    this.#decide(item);
    this.#bytes += byteLength;
  }

  append(): Promise<unknown> {
    if (this.#drafts.length === 0) return Promise.resolve();
    const done = this.#parts.shard.append(this.#drafts);
    this.#actor.track(done, this.#bytes, this.documents.length);
    return done;
  }

  #decide({ bytes, hash: name, packed }: Item): void {
    const { account, tenant, mailbox } = this.#request;
    const [, , flags, keywords, internalMs] = packed;
    const actor = this.#actor;
    const summary = summarise(bytes);
    const ids = threadIds(summary);
    const parsed = encodeParsed(summary);
    const isLarge = parsed.length > parsedRowBytesMax;
    const uid = actor.nextUid(mailbox);
    const document = actor.nextDocument();
    const delivered = {
      account,
      modseq: actor.nextModseq(),
      mailbox,
      uid,
      document,
      thread: actor.thread(ids),
      internalMs,
      hash: name,
      flags,
      keywords,
      deliveryDay: 0,
      deliveryHash: noBytes,
      idHashes: ids.hashes,
      subjectHash: ids.subject,
      forgetDay: this.#forgetDay,
      parsed: isLarge ? noBytes : parsed,
      // What is brought from elsewhere was saved when it was received, as far as its owner cares.
      savedMs: 0,
    };
    this.#drafts.push(deliveredDraft(tenant, delivered, [bytes]));
    if (isLarge) this.#drafts.push(parsedDraft(tenant, { account, document }, parsed));
    this.documents.push(document);
  }
}
