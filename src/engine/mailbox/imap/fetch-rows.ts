/**
 * FETCH of what rows answer: flags, dates, sizes, ENVELOPE and BODYSTRUCTURE, a window of them within one turn.
 *
 * Runs in:   the engine thread that owns the shard; hot: no promise, object or copy for a message but its octets.
 * Specs:     RFC 9051 §7.5.2; RFC 8970 (PREVIEW), RFC 8474 (EMAILID, THREADID).
 * Limits:    a window ends at `windowBytes`, and after `scannedMax` messages that are not told.
 * Invariant: what is peeked at is written before the next look into the table.
 */

import { fetchItems, objectIds } from '../../../actors/asks/imap-asks.ts';
import { kibibyte } from '../../../base/units.ts';
import type { ResponseWriter } from '../../../mail/wire/imap/response.ts';
import { recentBit } from '../../../mail/wire/imap/response-data.ts';
import {
  endFetch,
  fetchFlags,
  fetchInternalDate,
  fetchModseq,
  fetchNumber,
  fetchObjectId,
  fetchPreview,
  fetchReady,
  nextItem,
  startFetch,
  startUidFetch,
} from '../../../mail/wire/imap/response-fetch.ts';
import {
  documentKey,
  parsedKey,
  uidBlockKey,
  uidBlockShift,
  uidBlockSlots,
} from '../../store/keys.ts';
import type { MailboxShard } from '../mailbox-shard.ts';
import { BlockColumns } from '../rows/block-columns.ts';
import { type DocumentFacts, documentFacts } from '../rows/document-row.ts';
import { holdsAnswers, openAnswers, previewOf } from '../rows/parsed-row.ts';
import { RowCursor } from '../rows/row-cursor.ts';
import { bitCounts } from '../rows/uid-block.ts';
import { type IdRanges, isWithin } from '../rows/uid-ranges.ts';
import type { Place } from './messages.ts';
import { blockBytes, type View } from './view.ts';

export const windowBytes = 128 * kibibyte;
/** About 3 ms. */
const scannedMax = 65_536;

const documentItems =
  fetchItems.internalDate | fetchItems.size | fetchItems.emailId | fetchItems.threadId;
const parsedItems =
  fetchItems.envelope | fetchItems.bodyStructure | fetchItems.body | fetchItems.preview;

export interface RowsAsked {
  readonly place: Place;
  /** Bits of `fetchItems`. */
  readonly items: number;
  /** Only messages whose modseq is above; -1: all. */
  readonly changedSince: number;
  /** The mailbox's keywords, by number. */
  readonly keywords: readonly string[];
  /** What is \Recent to the session. */
  readonly recent: IdRanges;
}

/** The UID to go on with; `isElsewhere`: its answers are not in its rows and must be read. */
export interface RowsNext {
  readonly uid: number;
  readonly isElsewhere: boolean;
}

const noFacts: DocumentFacts = { size: 0, internalMs: 0, thread: 0 };

/** Used within one turn, by one window at a time. */
const columns = new BlockColumns();
const cursor = new RowCursor();

export class RowsWindow {
  readonly #shard: Pick<MailboxShard, 'peek'>;
  readonly #asked: RowsAsked;
  readonly #view: View;
  readonly #writer: ResponseWriter;
  #openBlock = -1;
  #scanned = 0;
  /** Of the message being told. */
  #uid = 0;
  #sequence = 0;
  #slot = 0;
  #hasItems = false;

  constructor(
    shard: Pick<MailboxShard, 'peek'>,
    asked: RowsAsked,
    view: View,
    writer: ResponseWriter,
  ) {
    this.#shard = shard;
    this.#asked = asked;
    this.#view = view;
    this.#writer = writer;
  }

  /** Writes the messages of ascending ranges of UIDs. Undefined: all of them are told. */
  write(ranges: IdRanges): RowsNext | undefined {
    const { blocks } = this.#view;
    for (let i = 0; i < ranges.length; i += 2) {
      const first = ranges[i]!;
      const last = ranges[i + 1]!;
      const lastBlock = last >>> uidBlockShift;
      let at = this.#view.blockFrom(first >>> uidBlockShift);
      for (; at < blocks.length && blocks[at]! <= lastBlock; at++) {
        if (!this.#open(blocks[at]!)) continue;
        const next = this.#writeBlock(at, first, last);
        if (next !== undefined) return next;
      }
    }
    return undefined;
  }

  /** False: none of its messages exists any more. */
  #open(block: number): boolean {
    if (block === this.#openBlock) return true;
    const { account, mailbox } = this.#asked.place;
    const row = this.#shard.peek(uidBlockKey(account, mailbox, block));
    if (row === undefined) return false;
    columns.open(row);
    this.#openBlock = block;
    return true;
  }

  #writeBlock(at: number, first: number, last: number): RowsNext | undefined {
    const view = this.#view;
    const base = view.blocks[at]! * uidBlockSlots;
    let sequence = view.countBefore(at);
    for (let byte = 0; byte < blockBytes; byte++) {
      const believed = view.bits[at * blockBytes + byte]!;
      const byteUid = base + byte * 8;
      if (byteUid > last) return undefined;
      if (believed === 0 || byteUid + 7 < first) {
        sequence += bitCounts[believed]!;
        continue;
      }
      const there = believed & columns.existsByte(byte);
      for (let bit = 0; bit < 8; bit++) {
        if (((believed >> bit) & 1) === 0) continue;
        sequence++;
        const uid = byteUid + bit;
        if (uid < first || uid > last || ((there >> bit) & 1) === 0) continue;
        if (this.#isFull) return { uid, isElsewhere: false };
        this.#uid = uid;
        this.#sequence = sequence;
        this.#slot = byte * 8 + bit;
        if (!this.#writeMessage()) return { uid, isElsewhere: true };
      }
    }
    return undefined;
  }

  get #isFull(): boolean {
    return this.#writer.bytes >= windowBytes || this.#scanned >= scannedMax;
  }

  /** False: not all of it can be told from rows. */
  #writeMessage(): boolean {
    const { items, changedSince, place } = this.#asked;
    const slot = this.#slot;
    this.#scanned++;
    if (changedSince >= 0 && columns.modseq(slot) <= changedSince) return true;
    const document = columns.document(slot);
    let facts = noFacts;
    if ((items & documentItems) !== 0) {
      const row = this.#shard.peek(documentKey(place.account, document));
      if (row === undefined) return true;
      facts = documentFacts(row, cursor);
    }
    let parsed: Uint8Array | undefined;
    if ((items & parsedItems) !== 0) {
      parsed = this.#shard.peek(parsedKey(place.account, document));
      if (parsed === undefined || !holdsAnswers(parsed, cursor)) return false;
    }
    this.#hasItems = false;
    this.#writeColumns();
    if ((items & documentItems) !== 0) this.#writeDates(facts);
    if (parsed !== undefined) this.#writeAnswers(parsed);
    if ((items & documentItems) !== 0) this.#writeIds(document, facts);
    endFetch(this.#writer);
    return true;
  }

  /** What stands in the block. */
  #writeColumns(): void {
    const { items, keywords, recent } = this.#asked;
    const writer = this.#writer;
    const slot = this.#slot;
    if ((items & fetchItems.byUid) !== 0) startUidFetch(writer, this.#uid);
    else startFetch(writer, this.#sequence);
    if (this.#next(items & fetchItems.uid)) fetchNumber(writer, 'UID', this.#uid);
    if (this.#next(items & fetchItems.flags)) {
      const isRecent = recent.length > 0 && isWithin(recent, this.#uid);
      const mask = columns.flagMask(slot) | (isRecent ? recentBit : 0);
      fetchFlags(writer, mask, columns.keywords(slot, keywords));
    }
    if (this.#next(items & fetchItems.modseq)) fetchModseq(writer, columns.modseq(slot));
  }

  #writeDates({ size, internalMs }: DocumentFacts): void {
    const { items } = this.#asked;
    if (this.#next(items & fetchItems.internalDate)) fetchInternalDate(this.#writer, internalMs);
    if (this.#next(items & fetchItems.size)) fetchNumber(this.#writer, 'RFC822.SIZE', size);
  }

  #writeIds(document: number, { thread }: DocumentFacts): void {
    const { items } = this.#asked;
    if (this.#next(items & fetchItems.emailId)) {
      fetchObjectId(this.#writer, 'EMAILID', objectIds.email(document));
    }
    if (this.#next(items & fetchItems.threadId)) {
      fetchObjectId(this.#writer, 'THREADID', objectIds.thread(thread));
    }
  }

  #writeAnswers(parsed: Uint8Array): void {
    const { items } = this.#asked;
    const writer = this.#writer;
    openAnswers(parsed, cursor);
    if (this.#next(items & fetchItems.envelope)) fetchReady(writer, 'ENVELOPE', cursor.bytes());
    else cursor.skipBytes();
    if (this.#next(items & fetchItems.bodyStructure)) {
      fetchReady(writer, 'BODYSTRUCTURE', cursor.bytes());
    } else cursor.skipBytes();
    if (this.#next(items & fetchItems.body)) fetchReady(writer, 'BODY', cursor.bytes());
    if (this.#next(items & fetchItems.preview)) fetchPreview(writer, previewOf(parsed));
  }

  /** False: the item is not wanted. */
  #next(wanted: number): boolean {
    if (wanted === 0) return false;
    if (this.#hasItems) nextItem(this.#writer);
    this.#hasItems = true;
    return true;
  }
}
