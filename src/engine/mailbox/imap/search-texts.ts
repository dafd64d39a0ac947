/**
 * Reads the texts of messages that a search must look into, those near each other together: at once what the page cache
 * has, into bytes of the search's own; what it has not, ahead of the looking.
 *
 * Runs in:   the engine thread that owns the shard, in slices.
 * Limits:    two groups of `groupBytesMax` of messages are in memory at a time for each of two blocks, or one of
 *            `nowBytesMax`; of larger messages only headers and text parts are read, piece by piece (`large-text.ts`).
 * Invariant: a message that is gone holds no text: nobody can fetch it any more. What the look at the octets denies,
 *            the thorough one denies too (`plain-texts.test.ts` compares them).
 */

import { Buffer } from 'node:buffer';
import { kibibyte, mebibyte } from '../../../base/units.ts';
import type { OctetSearch } from '../../../mail/formats/text/octet-search.ts';
import { tables } from '../../store/keys.ts';
import type { RecordPlace } from '../../store/record.ts';
import type { MailboxReader } from '../mailbox-reader.ts';
import type { MailboxShard } from '../mailbox-shard.ts';
import { placedFacts } from '../rows/document-row.ts';
import { DocumentRows } from '../rows/document-rows.ts';
import { RowCursor } from '../rows/row-cursor.ts';
import { headerBytesFirst, readHeaders } from './header-reader.ts';
import { largeHolds } from './large-text.ts';
import { MessageRows } from './message-rows.ts';
import { lacksOctets, octetsOf, PlainTexts } from './plain-texts.ts';
import type { BlockLook, RowParts } from './row-leaves.ts';
import { isOfBody } from './search-plan.ts';
import { SearchedText, type TextKey } from './search-text.ts';
import type { Slices } from './slices.ts';

const groupBytesMax = mebibyte;
/** Of records, read at once: 30 µs from the page cache. */
const nowGroupBytesMax = 128 * kibibyte;
/** With what lies between them, which is read along. */
const nowBytesMax = 2 * nowGroupBytesMax;
/** Where texts were not at hand, it is tried again after so many blocks. */
const coldBlocks = 16;
const wholeBytesMax = 512 * kibibyte;

export type Holds = (key: TextKey) => boolean;

/** `away`: the parsed row, where it was in the journal. */
export type EachText = (slot: number, away: Uint8Array | undefined, holds: Holds) => void;

interface Waiting {
  readonly slot: number;
  readonly document: number;
  readonly place: RecordPlace;
  readonly size: number;
}

type Texts = readonly (Uint8Array | undefined)[];

/** Texts of one block's messages. */
export interface TextsToCome {
  readonly gone: readonly number[];
  readonly groups: readonly (readonly Waiting[])[];
  readonly reads: 'header' | 'message';
  /** The first of them are being read; undefined: they are likely to be at hand. */
  readonly first: Promise<Texts> | undefined;
}

export interface TextParts extends RowParts {
  readonly reader: MailboxReader;
}

export class TextReader {
  readonly #parts: TextParts;
  readonly #shard: MailboxShard;
  readonly #rows: MessageRows;
  readonly #plain: PlainTexts;
  /** What plain messages that hold the text have among their octets. */
  readonly #octets = new Map<TextKey, OctetSearch>();
  readonly #text = new SearchedText();
  readonly #documents: DocumentRows;
  readonly #cursor = new RowCursor();
  /** What was read at once last. */
  #now: Buffer | undefined;
  /** Blocks until it is tried again whether texts are at hand. */
  #coldLeft = 0;

  constructor(parts: TextParts) {
    const { shard, place, plan, columns } = parts;
    this.#parts = parts;
    this.#shard = shard;
    this.#rows = new MessageRows(shard, place.account);
    this.#documents = new DocumentRows(shard, place.account);
    this.#plain = new PlainTexts(columns, place, this.#rows);
    for (const key of plan.textKeys.filter(isOfBody)) {
      const octets = octetsOf(plan.needleOf(key), key.op === 'text' && key.place === 'text');
      if (octets !== undefined) this.#octets.set(key, octets);
    }
  }

  begin({ block }: BlockLook, slots: readonly number[], reads: 'header' | 'message'): TextsToCome {
    const gone: number[] = [];
    const waiting: Waiting[] = [];
    const documents = slots.map((slot) => block.document(slot));
    this.#documents.each(tables.document, documents, 0, slots.length, (at, row) => {
      const slot = slots[at]!;
      if (row === undefined) gone.push(slot);
      else {
        const { place, size } = placedFacts(row, this.#cursor);
        waiting.push({ slot, document: documents[at]!, place, size });
      }
      return true;
    });
    if (reads === 'message' && this.#coldLeft === 0) {
      const groups = groupsOf(waiting, recordBytes, nowGroupBytesMax);
      return { gone, groups, reads, first: undefined };
    }
    this.#coldLeft = Math.max(0, this.#coldLeft - 1);
    const groups = groupsOf(waiting, reads === 'header' ? headerBytes : wholeBytes, groupBytesMax);
    return { gone, groups, reads, first: this.#start(groups[0], reads) };
  }

  /** Calls `each` for all slots, in any order. `needsRows`: with rows that stand in the journal. */
  async each(
    look: BlockLook,
    { gone, groups, reads, first }: TextsToCome,
    needsRows: boolean,
    slices: Slices,
    each: EachText,
  ): Promise<void> {
    for (const slot of gone) each(slot, undefined, holdsNothing);
    let ahead = first;
    for (const [at, group] of groups.entries()) {
      let texts = ahead === undefined ? this.#atHand(group) : undefined;
      if (texts === undefined) {
        texts = await (ahead ?? this.#start(group, reads));
        const isCold = first !== undefined || this.#coldLeft > 0;
        ahead = isCold ? this.#start(groups[at + 1], reads) : undefined;
      }
      for (const [i, message] of group.entries()) {
        const away = needsRows ? await this.#away(message.document) : undefined;
        const isLarge = reads === 'message' && message.size > wholeBytesMax;
        const holds = isLarge
          ? await this.#largeHolds(message, slices)
          : this.#holds(look, message.slot, texts[i]);
        each(message.slot, away, holds);
        if (slices.isOver) await slices.next();
      }
    }
  }

  /** Good until the next ones are. */
  #atHand(group: readonly Waiting[]): Texts | undefined {
    // One that is larger is a group of its own.
    if (recordBytes(group[0]!) > nowGroupBytesMax) return undefined;
    this.#now ??= Buffer.allocUnsafeSlow(nowBytesMax);
    const places = group.map(({ place }) => place);
    const texts = this.#shard.readNearNow(places, nowBytesMax, this.#now);
    if (texts === undefined) this.#coldLeft = coldBlocks;
    return texts;
  }

  #start(group: readonly Waiting[] | undefined, reads: 'header' | 'message'): Promise<Texts> {
    if (group === undefined) return Promise.resolve([]);
    const reading = this.#read(group, reads);
    // Who waits for it may have given up.
    reading.catch(() => {});
    return reading;
  }

  async #read(group: readonly Waiting[], reads: 'header' | 'message'): Promise<Texts> {
    if (reads === 'header') {
      return readHeaders(
        this.#shard,
        group.map(({ place }) => place),
      );
    }
    const whole = group.filter(({ size }) => size <= wholeBytesMax);
    const read = await this.#shard.readNear(
      whole.map(({ place }) => place),
      wholeBytesMax,
    );
    let next = 0;
    return group.map(({ size }) => (size <= wholeBytesMax ? read[next++] : undefined));
  }

  #holds({ number, block }: BlockLook, slot: number, bytes: Uint8Array | undefined): Holds {
    if (bytes === undefined) return holdsNothing;
    let isOpen = false;
    return (key) => {
      const octets = this.#octets.get(key);
      const isInHeaders = key.op === 'text' && key.place === 'text';
      if (
        octets !== undefined &&
        lacksOctets(bytes, octets, isInHeaders) &&
        this.#plain.isPlain(number, block, slot)
      ) {
        return false;
      }
      if (!isOpen) this.#text.open(bytes);
      isOpen = true;
      return this.#text.holds(key, this.#parts.plan.needleOf(key));
    };
  }

  /** The parsed row, where it stands in the journal. */
  async #away(document: number): Promise<Uint8Array | undefined> {
    const place = this.#rows.open(document).awayPlace();
    if (place === undefined) return undefined;
    const [bytes] = await this.#shard.readNear([place], place.bodyBytes);
    return bytes;
  }

  async #largeHolds({ document }: Waiting, slices: Slices): Promise<Holds> {
    const { reader, plan } = this.#parts;
    const parsed = await reader.parsed(this.#parts.place.account, document);
    // Since its group was begun it may have gone, or stand elsewhere.
    const place = this.#rows.open(document).row?.place;
    if (parsed === undefined || place === undefined) return holdsNothing;
    const held = await largeHolds({ shard: this.#shard, place, parts: parsed.parts }, plan, slices);
    return (key) => held.has(key);
  }
}

function groupsOf(
  waiting: readonly Waiting[],
  bytesOf: (message: Waiting) => number,
  bytesMax: number,
): Waiting[][] {
  const groups: Waiting[][] = [];
  let bytes = 0;
  for (const message of waiting) {
    const own = bytesOf(message);
    bytes += own;
    if (groups.length > 0 && bytes <= bytesMax) groups.at(-1)!.push(message);
    else {
      groups.push([message]);
      bytes = own;
    }
  }
  return groups;
}

// What is read of a message at first:

function headerBytes({ size }: Waiting): number {
  return Math.min(size, headerBytesFirst);
}

function wholeBytes({ size }: Waiting): number {
  return size > wholeBytesMax ? 0 : size;
}

function recordBytes({ place }: Waiting): number {
  return place.bytes;
}

const holdsNothing: Holds = () => false;
