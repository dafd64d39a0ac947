/**
 * FETCH of what is at hand: flags, dates, sizes, ENVELOPE and BODYSTRUCTURE from rows, and sections that the page cache
 * has; a window of them within one turn.
 *
 * Runs in:   the engine thread that owns the shard; hot: no promise, object or copy for a message but its octets.
 * Specs:     RFC 9051 §7.5.2; RFC 8970 (PREVIEW), RFC 8474 (EMAILID, THREADID).
 * Limits:    a window ends at `windowBytes`, with sections at `sectionsBytes`, after `scannedMax` messages that are not
 *            told, and after `readsMax` read.
 * Invariant: what is peeked at is written before the next look into the table.
 */

import { fetchItems, objectIds, type PackedSection } from '../../../actors/asks/imap-asks.ts';
import { view } from '../../../base/bytes.ts';
import { kibibyte } from '../../../base/units.ts';
import type { ResponseWriter } from '../../../mail/wire/imap/response.ts';
import { recentBit } from '../../../mail/wire/imap/response-data.ts';
import {
  endFetch,
  fetchFlags,
  fetchFlagsAlone,
  fetchInternalDate,
  fetchModseq,
  fetchNumber,
  fetchObjectId,
  fetchPreview,
  fetchReadyPart,
  nextItem,
  startFetch,
  startUidFetch,
} from '../../../mail/wire/imap/response-fetch.ts';
import { tables, uidBlockKey, uidBlockShift, uidBlockSlots } from '../../store/keys.ts';
import type { MailboxShard } from '../mailbox-shard.ts';
import { BlockColumns } from '../rows/block-columns.ts';
import { type DocumentFacts, documentFacts, placedFacts } from '../rows/document-row.ts';
import { DocumentRows } from '../rows/document-rows.ts';
import { holdsAnswers, openAnswers, partsOf, previewOf } from '../rows/parsed-row.ts';
import { RowCursor } from '../rows/row-cursor.ts';
import { RowKey } from '../rows/row-key.ts';
import { bitCounts, seenFlag } from '../rows/uid-block.ts';
import { type IdRanges, isWithin } from '../rows/uid-ranges.ts';
import type { Place } from './messages.ts';
import { SectionsAtHand } from './sections-at-hand.ts';
import { blockBytes, type View } from './view.ts';

export const windowBytes = 128 * kibibyte;
/** Of sections at hand: twice as many take half a millisecond. */
export const sectionsBytes = 256 * kibibyte;
/** About 3 ms. */
const scannedMax = 65_536;
/** About 2 ms: a header that is filtered takes 8 µs. */
const readsMax = 256;
/** Messages whose dates and sizes are read before their answers. */
const factsAhead = 32;
const seenBit = 1 << seenFlag;

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
  readonly sections?: readonly PackedSection[];
  /** Messages that are not \Seen yet become so first: they are not told here. */
  readonly marksSeen?: boolean;
}

/** The UID to go on with; `isElsewhere`: its answers are not at hand and must be read. */
export interface RowsNext {
  readonly uid: number;
  readonly isElsewhere: boolean;
}

const noFacts: DocumentFacts = { size: 0, internalMs: 0, thread: 0 };

/** Used within one turn, by one window at a time. */
const columns = new BlockColumns();
const cursor = new RowCursor();

type RowsShard = Pick<MailboxShard, 'each' | 'peek' | 'readNow'>;

export class RowsWindow {
  readonly #shard: RowsShard;
  readonly #asked: RowsAsked;
  readonly #view: View;
  readonly #writer: ResponseWriter;
  readonly #sections: SectionsAtHand | undefined;
  readonly #key: RowKey;
  readonly #rows: DocumentRows;
  /** Nothing but FLAGS and UID is told: what every client asks for of a whole mailbox. */
  readonly #isOfFlags: boolean;
  #openBlock = -1;
  #scanned = 0;
  #readCount = 0;
  /** Of the message being told. */
  #uid = 0;
  #sequence = 0;
  #slot = 0;
  #hasItems = false;
  /** Of a block, those whose rows are to be read, and their documents. */
  readonly #slots: number[] = [];
  readonly #sequences: number[] = [];
  readonly #documents: number[] = [];

  constructor(shard: RowsShard, asked: RowsAsked, view: View, writer: ResponseWriter) {
    this.#shard = shard;
    this.#asked = asked;
    this.#view = view;
    this.#writer = writer;
    this.#key = new RowKey(asked.place.account);
    this.#rows = new DocumentRows(shard, asked.place.account);
    this.#isOfFlags =
      (asked.items | fetchItems.uid) === (fetchItems.flags | fetchItems.uid) &&
      (asked.sections ?? []).length === 0;
    const { sections = [] } = asked;
    this.#sections =
      sections.length === 0 ? undefined : new SectionsAtHand(shard, sections, writer);
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
      if (byteUid > last) break;
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
        if (this.#isFull) return this.#writeRows() ?? { uid, isElsewhere: false };
        this.#uid = uid;
        this.#sequence = sequence;
        this.#slot = byte * 8 + bit;
        if (!this.#writeMessage()) return { uid, isElsewhere: true };
      }
    }
    return this.#writeRows();
  }

  get #isFull(): boolean {
    const bytesMax = this.#sections === undefined ? windowBytes : sectionsBytes;
    if (this.#writer.bytes >= bytesMax || this.#readCount >= readsMax) return true;
    return this.#scanned >= scannedMax;
  }

  /** False: not all of it is at hand. What is told from rows waits for `#writeRows`. */
  #writeMessage(): boolean {
    const { items, changedSince, marksSeen = false } = this.#asked;
    const slot = this.#slot;
    this.#scanned++;
    if (changedSince >= 0 && columns.modseq(slot) <= changedSince) return true;
    if (this.#isOfFlags && columns.keywordCount === 0) {
      const uid = (items & fetchItems.uid) === 0 ? 0 : this.#uid;
      fetchFlagsAlone(this.#writer, this.#sequence, uid, this.#flags(slot));
      return true;
    }
    if (this.#sections !== undefined) return this.#writeRead(marksSeen);
    const document = columns.document(slot);
    if ((items & (documentItems | parsedItems)) !== 0) {
      this.#slots.push(slot);
      this.#sequences.push(this.#sequence);
      this.#documents.push(document);
      return true;
    }
    this.#writeItems(document, noFacts, undefined);
    endFetch(this.#writer);
    return true;
  }

  /** Writes the messages of a block that are told from their rows. */
  #writeRows(): RowsNext | undefined {
    const { items } = this.#asked;
    const documents = this.#documents;
    const table = (items & parsedItems) === 0 ? tables.document : tables.parsed;
    const needsFacts = table === tables.parsed && (items & documentItems) !== 0;
    // Facts are read ahead, and in vain where the window is full before they are told.
    const groupCount = needsFacts ? factsAhead : documents.length;
    let next: RowsNext | undefined;
    for (let from = 0; from < documents.length && next === undefined; from += groupCount) {
      const to = Math.min(documents.length, from + groupCount);
      const known = needsFacts ? this.#factsOf(from, to) : undefined;
      this.#rows.each(table, documents, from, to, (at, row) => {
        next = this.#writeRow(at, row, known === undefined ? noFacts : known[at - from]);
        return next === undefined;
      });
    }
    this.#slots.length = 0;
    this.#sequences.length = 0;
    documents.length = 0;
    return next;
  }

  /** Undefined for messages that are gone. */
  #factsOf(from: number, to: number): (DocumentFacts | undefined)[] {
    const known: (DocumentFacts | undefined)[] = [];
    this.#rows.each(tables.document, this.#documents, from, to, (_, row) => {
      known.push(row === undefined ? undefined : documentFacts(row, cursor));
      return true;
    });
    return known;
  }

  #writeRow(
    at: number,
    row: Uint8Array | undefined,
    known: DocumentFacts | undefined,
  ): RowsNext | undefined {
    const document = this.#documents[at]!;
    this.#slot = this.#slots[at]!;
    this.#sequence = this.#sequences[at]!;
    this.#uid = this.#openBlock * uidBlockSlots + this.#slot;
    const uid = this.#uid;
    if (this.#isFull) return { uid, isElsewhere: false };
    if ((this.#asked.items & parsedItems) === 0) {
      if (row === undefined) return undefined;
      this.#writeItems(document, documentFacts(row, cursor), undefined);
    } else {
      if (known === undefined) return undefined;
      if (row === undefined || !holdsAnswers(row, cursor)) return { uid, isElsewhere: true };
      this.#writeItems(document, known, row);
    }
    endFetch(this.#writer);
    return undefined;
  }

  /** A message with sections. */
  #writeRead(marksSeen: boolean): boolean {
    const slot = this.#slot;
    if (marksSeen && (columns.flagMask(slot) & seenBit) === 0) return false;
    const document = columns.document(slot);
    const row = this.#shard.peek(this.#key.of(tables.document, document));
    if (row === undefined) return true;
    const facts = placedFacts(row, cursor);
    const sections = this.#sections!;
    const needsParsed = sections.needsParts || (this.#asked.items & parsedItems) !== 0;
    const parsed = needsParsed ? this.#parsed(document) : undefined;
    if (parsed === null) return false;
    const parts = parsed === undefined ? [] : partsOf(parsed, cursor);
    const writer = this.#writer;
    const mark = writer.mark();
    this.#writeItems(document, facts, parsed);
    this.#readCount++;
    if (!sections.write(facts.place, facts.size, parts, this.#hasItems)) {
      writer.rewind(mark);
      return false;
    }
    endFetch(writer);
    return true;
  }

  /** Its bytes are good until the next look; null: its answers stand in the journal. */
  #parsed(document: number): Uint8Array | null {
    const row = this.#shard.peek(this.#key.of(tables.parsed, document));
    return row === undefined || !holdsAnswers(row, cursor) ? null : row;
  }

  #writeItems(document: number, facts: DocumentFacts, parsed: Uint8Array | undefined): void {
    const { items } = this.#asked;
    this.#hasItems = false;
    this.#writeColumns();
    if ((items & documentItems) !== 0) this.#writeDates(facts);
    if (parsed !== undefined && (items & parsedItems) !== 0) this.#writeAnswers(parsed);
    if ((items & documentItems) !== 0) this.#writeIds(document, facts);
  }

  /** What stands in the block. */
  #writeColumns(): void {
    const { items, keywords } = this.#asked;
    const writer = this.#writer;
    const slot = this.#slot;
    if ((items & fetchItems.byUid) !== 0) startUidFetch(writer, this.#uid);
    else startFetch(writer, this.#sequence);
    if (this.#next(items & fetchItems.uid)) fetchNumber(writer, 'UID', this.#uid);
    if (this.#next(items & fetchItems.flags)) {
      fetchFlags(writer, this.#flags(slot), columns.keywords(slot, keywords));
    }
    if (this.#next(items & fetchItems.modseq)) fetchModseq(writer, columns.modseq(slot));
  }

  #flags(slot: number): number {
    const { recent } = this.#asked;
    const isRecent = recent.length > 0 && isWithin(recent, this.#uid);
    return columns.flagMask(slot) | (isRecent ? recentBit : 0);
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
    const row = view(parsed);
    openAnswers(parsed, cursor);
    this.#writeAnswer('ENVELOPE', items & fetchItems.envelope, row);
    this.#writeAnswer('BODYSTRUCTURE', items & fetchItems.bodyStructure, row);
    this.#writeAnswer('BODY', items & fetchItems.body, row);
    if (this.#next(items & fetchItems.preview)) fetchPreview(this.#writer, previewOf(parsed));
  }

  #writeAnswer(kind: 'ENVELOPE' | 'BODYSTRUCTURE' | 'BODY', wanted: number, row: Buffer): void {
    const length = cursor.passBytes();
    const end = cursor.at;
    if (this.#next(wanted)) fetchReadyPart(this.#writer, kind, row, end - length, end);
  }

  /** False: the item is not wanted. */
  #next(wanted: number): boolean {
    if (wanted === 0) return false;
    if (this.#hasItems) nextItem(this.#writer);
    this.#hasItems = true;
    return true;
  }
}
