/**
 * FETCH: one window of responses, as octets for the socket.
 *
 * Runs in:   the engine thread that owns the shard; hot.
 * Specs:     RFC 9051 §6.4.5, §7.5.2; RFC 8970 (PREVIEW), RFC 8474 (EMAILID, THREADID).
 * Limits:    an answer ends at about `windowBytes` or `windowMessages`; a literal larger than what is left of it is
 *            cut there and goes on in the next answer, read by slices.
 * Invariant: a message's response begins only once all of it can be read to its end.
 */

import {
  type FetchCursor,
  type Fetched,
  fetchItems,
  type PackedFetch,
  type PackedSection,
} from '../../../actors/asks/imap-asks.ts';
import type { AccountId, TenantId } from '../../../base/ids.ts';
import type { PartPlace } from '../../../mail/formats/mime/part-table.ts';
import { ResponseWriter } from '../../../mail/wire/imap/response.ts';
import { recentBit } from '../../../mail/wire/imap/response-data.ts';
import { endFetch, fetchBinarySize, startLiteral } from '../../../mail/wire/imap/response-fetch.ts';
import { normaliseSet, rangesFrom } from '../../../mail/wire/imap/sequence-set.ts';
import type { DocumentRow } from '../rows/document-row.ts';
import type { Parsed } from '../rows/parsed-row.ts';
import { savedMsOf } from '../rows/saved-row.ts';
import { seenFlag } from '../rows/uid-block.ts';
import { addId, type IdRanges, isWithin } from '../rows/uid-ranges.ts';
import { changedWithin } from './changed-uids.ts';
import { type MessageItems, writeItems } from './fetch-items.ts';
import { type RowsNext, RowsWindow, windowBytes } from './fetch-rows.ts';
import { areNamed, keywordsOf, systemFlagsOf } from './flags-of.ts';
import type { LeasedMessage, Leases } from './leases.ts';
import { messagesIn, uidRangesOf } from './messages.ts';
import type { FlagWork } from './reader-flags.ts';
import type { Rights } from './rights.ts';
import { madeOf, placeOfSection, type SectionPlace, withoutNul } from './sections.ts';
import { atHandBytesMax, isToldAsBinary, needsParts } from './sections-at-hand.ts';
import { flagModseqAfter, type ImapParts } from './sync.ts';
import type { View } from './view.ts';

/** Numbers of a set that costs more to work out for each window than to carry along. */
const longSet = 32;
/** Of those that are read. */
const windowMessages = 256;

const seenBit = 1 << seenFlag;
const rowItems =
  fetchItems.internalDate |
  fetchItems.saveDate |
  fetchItems.size |
  fetchItems.envelope |
  fetchItems.bodyStructure |
  fetchItems.body |
  fetchItems.preview |
  fetchItems.emailId |
  fetchItems.threadId;
const parsedItems =
  fetchItems.envelope | fetchItems.bodyStructure | fetchItems.body | fetchItems.preview;

export interface FetchParts extends ImapParts {
  readonly flags: FlagWork;
  readonly leases: Leases;
  /** Of a reader who is not the owner. */
  readonly rights?: Pick<Rights, 'reader'> | undefined;
}

export interface FetchAnswer {
  readonly value: Fetched;
  /** Of the body. */
  readonly pieces: readonly Uint8Array[];
}

/** A message whose response is to be written. */
interface Chosen extends MessageItems {
  readonly row: DocumentRow | undefined;
  readonly parts: readonly PartPlace[];
}

/** A message whose sections are being written. */
interface Written {
  readonly uid: number;
  readonly row: DocumentRow;
  readonly parts: readonly PartPlace[];
  /** 0: none was taken. */
  readonly lease: number;
  readonly hasItems: boolean;
  /** The last of its window: what comes after it has not been chosen, nor become \Seen. */
  readonly mayBeCut: boolean;
  /** Literals at hand, by UID and section. */
  readonly ready: ReadonlyMap<string, Uint8Array>;
}

/** At once where nothing must be waited for. */
export function fetch(parts: FetchParts, packed: PackedFetch): FetchAnswer | Promise<FetchAnswer> {
  const [[account], [mailbox, modseq, uidNext]] = packed;
  const view = parts.views.view({ account, mailbox, modseq, uidNext });
  if (view instanceof Promise) return view.then((made) => fetchIn(parts, packed, made));
  return fetchIn(parts, packed, view);
}

function fetchIn(
  parts: FetchParts,
  packed: PackedFetch,
  view: View,
): FetchAnswer | Promise<FetchAnswer> {
  const [[account], [mailbox], isUid, set] = packed;
  const [cursorUid, , , lease] = packed[8];
  const changedSince = packed[9];
  const work = new FetchWindow(parts, packed, view, new ResponseWriter());
  const ranges = () => {
    const wanted = rangesFrom(uidRangesOf(view, set, isUid), cursorUid + (lease > 0 ? 1 : 0));
    if (changedSince < 0) return wanted;
    return changedWithin(parts.shard, { account, mailbox }, changedSince, wanted);
  };
  if (lease > 0) return goOn(work, ranges);
  const wanted = ranges();
  if (cursorUid === 0 && changedSince < 0 && set.length > longSet) {
    work.wanted = normaliseSet({ ranges: wanted, isSaved: false }, view.uidNext);
  }
  if (!work.mayBeAtHand) return readWindow(work, wanted);
  const rest = work.writeAtHand(wanted);
  if (rest === undefined) return work.answer(undefined);
  if (rest.isElsewhere && !work.hasTexts) return readRows(work, wanted, rest);
  // Texts that must be waited for are read in a window of their own.
  if (!rest.isElsewhere || work.hasWritten) return work.answer([rest.uid, 0, 0, 0]);
  return readWindow(work, rangesFrom(wanted, rest.uid));
}

/** Rows but a few are at hand: those are read, each in its turn. */
async function readRows(work: FetchWindow, all: IdRanges, first: RowsNext): Promise<FetchAnswer> {
  let ranges = all;
  for (let next: RowsNext | undefined = first; next !== undefined; ) {
    const { uid, isElsewhere } = next;
    if (!isElsewhere) return work.answer([uid, 0, 0, 0]);
    const { chosen } = await work.choose([uid, uid]);
    await work.write(chosen);
    ranges = rangesFrom(ranges, uid + 1);
    next = work.writeAtHand(ranges);
  }
  return work.answer(undefined);
}

/** The rest of a literal that was cut, and more where the answer has room. */
async function goOn(work: FetchWindow, ranges: () => IdRanges): Promise<FetchAnswer> {
  const next = await work.resume();
  if (next !== undefined) return work.answer(next);
  const rest = ranges();
  // Within a literal the client cannot be told of keywords, and what comes next may have them.
  if (work.newKeywords() !== undefined && rest.length > 0) return work.answer([rest[0]!, 0, 0, 0]);
  return await readWindow(work, rest);
}

async function readWindow(work: FetchWindow, ranges: IdRanges): Promise<FetchAnswer> {
  try {
    const { chosen, next } = await work.choose(ranges);
    await work.markSeen(chosen);
    const cut = await work.write(chosen);
    return work.answer(cut ?? next);
  } finally {
    work.release();
  }
}

class FetchWindow {
  readonly #parts: FetchParts;
  readonly #packed: PackedFetch;
  readonly #view: View;
  readonly #writer: ResponseWriter;
  readonly #items: number;
  readonly #sections: readonly PackedSection[];
  readonly #recent: IdRanges;
  /** By segment: what was chosen stays readable though it is expunged meanwhile. */
  readonly #holds = new Map<number, { release(): void }>();
  #flagModseq: number;
  /** UIDs that were asked for, where the asker is to be told of those left. */
  wanted: IdRanges | undefined;

  constructor(parts: FetchParts, packed: PackedFetch, view: View, writer: ResponseWriter) {
    this.#parts = parts;
    this.#packed = packed;
    this.#view = view;
    this.#writer = writer;
    this.#items = packed[4];
    this.#sections = packed[5];
    this.#flagModseq = packed[7];
    this.#recent = packed[10] ?? [];
  }

  get mayBeAtHand(): boolean {
    return (this.#items & fetchItems.saveDate) === 0;
  }

  /** Texts of messages are told. */
  get hasTexts(): boolean {
    return this.#sections.length > 0;
  }

  get hasWritten(): boolean {
    return this.#writer.bytes > 0;
  }

  writeAtHand(ranges: IdRanges): RowsNext | undefined {
    const [[account], [mailbox], , , , , marksSeen] = this.#packed;
    const { shard, reader } = this.#parts;
    const asked = {
      place: { account, mailbox },
      items: this.#items,
      sections: this.#sections,
      marksSeen,
      changedSince: this.#packed[9],
      keywords: reader.mailbox(account, mailbox)?.keywords ?? [],
      recent: this.#recent,
    };
    return new RowsWindow(shard, asked, this.#view, this.#writer).write(ranges);
  }

  answer(next: FetchCursor | undefined): FetchAnswer {
    const flagModseq = this.#flagModseq;
    const { wanted } = this;
    const rest =
      next === undefined || wanted === undefined ? undefined : rangesFrom(wanted, next[0]);
    const left = rest === undefined ? {} : { rest };
    const keywords = this.newKeywords();
    const told = keywords === undefined ? { flagModseq } : { flagModseq, keywords };
    const value: Fetched = next === undefined ? told : { ...told, next, ...left };
    return { value, pieces: this.#writer.take() };
  }

  /** All of the mailbox, where flags are told and it has more than the client knows. */
  newKeywords(): readonly string[] | undefined {
    const [[account], [mailbox], , , , , marksSeen, , , , , known] = this.#packed;
    if (known === undefined || (!marksSeen && (this.#items & fetchItems.flags) === 0)) return;
    const keywords = this.#parts.reader.mailbox(account, mailbox)?.keywords ?? [];
    return keywords.length > known ? keywords : undefined;
  }

  #take(message: LeasedMessage): number {
    const [[account]] = this.#packed;
    const { leases, rights } = this.#parts;
    return leases.take(message, rights?.reader.account ?? account);
  }

  release(): void {
    for (const hold of this.#holds.values()) hold.release();
  }

  /** Goes on with a literal that was cut. Where that is cut again, the cursor. */
  async resume(): Promise<FetchCursor | undefined> {
    const [uid, section, offset, lease] = this.#packed[8];
    const { row, parts, made } = this.#parts.leases.use(lease);
    const ready = new Map(made === undefined ? [] : [[`${uid} ${section}`, made]]);
    const message = { uid, row, parts, lease, hasItems: true, mayBeCut: true, ready };
    const cut = await this.#writeSections(message, section, offset);
    if (cut?.[3] !== lease) this.#parts.leases.release(lease);
    return cut;
  }

  /** The messages of this window, and where the next one begins. */
  async choose(
    ranges: readonly number[],
  ): Promise<{ readonly chosen: Chosen[]; readonly next: FetchCursor | undefined }> {
    const [[account], [mailbox]] = this.#packed;
    const { shard, reader } = this.#parts;
    const keywords = reader.mailbox(account, mailbox)?.keywords ?? [];
    const needsRow = (this.#items & rowItems) !== 0 || this.#sections.length > 0;
    const needsSaved = (this.#items & fetchItems.saveDate) !== 0;
    const chosen: Chosen[] = [];
    let bytes = this.#writer.bytes;
    for (const { uid, slot, block } of messagesIn(shard, { account, mailbox }, ranges)) {
      if (bytes >= windowBytes || (needsRow && chosen.length >= windowMessages)) {
        return { chosen, next: [uid, 0, 0, 0] };
      }
      const sequence = this.#view.sequenceOf(uid);
      if (sequence === 0 || block.modseqs[slot]! <= this.#packed[9]) continue;
      // Given while rows before it were read: the next window knows its name.
      if (!areNamed(block, slot, keywords)) return { chosen, next: [uid, 0, 0, 0] };
      const document = block.documents[slot]!;
      const isRecent = isWithin(this.#recent, uid);
      const flags = systemFlagsOf(block, slot) | (isRecent ? recentBit : 0);
      const named = keywordsOf(block, slot, keywords);
      const row = needsRow ? reader.document(account, document) : undefined;
      if (needsRow && row === undefined) continue;
      if (row !== undefined && this.#sections.length > 0) this.#hold(row.place.segment);
      const parsed = await this.#parsed(account, document);
      const modseq = block.modseqs[slot]!;
      const told = { flags, keywords: named, modseq, isNewlySeen: false };
      const savedMs = needsSaved ? savedMsOf(shard, account, mailbox, uid) : undefined;
      const one = { uid, sequence, ...told, document, row, parsed, savedMs };
      chosen.push({ ...one, parts: parsed?.parts ?? [] });
      bytes += 80 + named.length * 10 + this.#bytesOf(row, parsed);
    }
    return { chosen, next: undefined };
  }

  /** RFC 9051 §6.4.5: BODY[…] without PEEK sets \Seen, and says so. On disk before it is said. */
  async markSeen(chosen: Chosen[]): Promise<void> {
    const [[account, tenant], [mailbox], , , , , marksSeen] = this.#packed;
    if (!marksSeen) return;
    const uids: number[] = [];
    for (const { uid, flags } of chosen) if ((flags & seenBit) === 0) addId(uids, uid);
    if (uids.length === 0) return;
    const modseqs: number[] = [];
    const store = { mailbox, uids, op: 'add', flags: seenBit, keywords: [], modseqs } as const;
    await this.#parts.flags.storeFlags(account as AccountId, tenant as TenantId, store);
    this.#flagModseq = flagModseqAfter(
      this.#parts.shard,
      { account, mailbox },
      this.#flagModseq,
      this.#view.uidNext,
      modseqs,
    );
    for (const one of chosen) {
      if ((one.flags & seenBit) !== 0) continue;
      one.isNewlySeen = true;
      one.flags |= seenBit;
      one.modseq = modseqs.at(-1)!;
    }
  }

  /** Writes all, or up to where a literal had to be cut. */
  async write(chosen: readonly Chosen[]): Promise<FetchCursor | undefined> {
    const ready = await this.#readAhead(chosen);
    for (const one of chosen) {
      const hasItems = writeItems(this.#writer, this.#items, one);
      const { uid, row, parts } = one;
      if (row === undefined || this.#sections.length === 0) {
        endFetch(this.#writer);
        continue;
      }
      const mayBeCut = one === chosen.at(-1);
      const message = { uid, row, parts, lease: 0, hasItems, mayBeCut, ready };
      const cut = await this.#writeSections(message, 0, 0);
      if (cut !== undefined) return cut;
    }
    return undefined;
  }

  async #writeSections(
    message: Written,
    first: number,
    firstOffset: number,
  ): Promise<FetchCursor | undefined> {
    const { uid, row, parts } = message;
    const writer = this.#writer;
    for (let i = first; i < this.#sections.length; i++) {
      const [label, , text] = this.#sections[i]!;
      const gap = i > 0 || message.hasItems ? ' ' : '';
      const place = placeOfSection(parts, row.size, this.#sections[i]!);
      const offset = i === first ? firstOffset : 0;
      if (place === undefined) {
        writer.text(`${gap}${label} NIL`);
        continue;
      }
      const isWhole = place.fields !== undefined || place.encoded !== undefined;
      const made =
        message.ready.get(`${uid} ${i}`) ??
        (isWhole ? madeOf(await this.#read(row, place), place) : undefined);
      const length = made?.byteLength ?? place.to - place.from;
      if (text === 'BINARY.SIZE') {
        writer.text(gap);
        fetchBinarySize(writer, label, length);
        continue;
      }
      const isBinary = isToldAsBinary(text, place, made);
      if (offset === 0) {
        writer.text(gap);
        startLiteral(writer, label, length, isBinary);
      }
      const room = Math.max(atHandBytesMax, windowBytes - writer.bytes);
      const end = message.mayBeCut ? Math.min(length, offset + room) : length;
      const octets = made?.subarray(offset, end) ?? (await this.#read(row, place, offset, end));
      writer.view(isBinary ? octets : withoutNul(octets));
      if (end === length) continue;
      const isSame = message.lease > 0 && i === first;
      const kept = isWhole && made !== undefined ? { row, parts, made } : { row, parts };
      return [uid, i, end, isSame ? message.lease : this.#take(kept)];
    }
    endFetch(writer);
    return undefined;
  }

  #read(
    row: DocumentRow,
    place: SectionPlace,
    from = 0,
    to = place.to - place.from,
  ): Promise<Uint8Array> {
    return this.#parts.shard.read(row.place, place.from + from, to - from);
  }

  #hold(segment: number): void {
    if (!this.#holds.has(segment)) this.#holds.set(segment, this.#parts.shard.lease(segment));
  }

  /** Small literals of the window, read side by side. By UID and section. */
  async #readAhead(chosen: readonly Chosen[]): Promise<ReadonlyMap<string, Uint8Array>> {
    const ready = new Map<string, Uint8Array>();
    const reads: Promise<void>[] = [];
    for (const { uid, row, parts } of chosen) {
      if (row === undefined) continue;
      this.#sections.forEach((section, i) => {
        const place = placeOfSection(parts, row.size, section);
        if (place === undefined || place.to - place.from > atHandBytesMax) return;
        const take = (octets: Uint8Array) => {
          ready.set(`${uid} ${i}`, madeOf(octets, place));
        };
        reads.push(this.#read(row, place).then(take));
      });
    }
    await Promise.all(reads);
    return ready;
  }

  async #parsed(account: number, document: number): Promise<Parsed | undefined> {
    const isNeeded = (this.#items & parsedItems) !== 0 || this.#sections.some(needsParts);
    return isNeeded ? await this.#parts.reader.parsed(account, document) : undefined;
  }

  #bytesOf(row: DocumentRow | undefined, parsed: Parsed | undefined): number {
    let bytes = 0;
    const items = this.#items;
    if (parsed !== undefined) {
      if ((items & fetchItems.envelope) !== 0) bytes += parsed.envelope.byteLength;
      if ((items & fetchItems.bodyStructure) !== 0) bytes += parsed.bodyStructure.byteLength;
      if ((items & fetchItems.body) !== 0) bytes += parsed.body.byteLength;
      if ((items & fetchItems.preview) !== 0) bytes += parsed.preview.length;
    }
    if (row === undefined) return bytes;
    for (const section of this.#sections) {
      const place = placeOfSection(parsed?.parts ?? [], row.size, section);
      if (place !== undefined) bytes += place.to - place.from;
    }
    return bytes;
  }
}
