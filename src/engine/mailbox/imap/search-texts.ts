/**
 * Reads the texts of messages that a search must look into, those near each other together, and ahead of the looking.
 *
 * Runs in:   the engine thread that owns the shard, in slices.
 * Limits:    two groups of `groupBytesMax` of messages are in memory at a time for each of two blocks; of larger
 *            messages only headers and text parts are read, piece by piece (`large-text.ts`).
 * Invariant: a message that is gone holds no text: nobody can fetch it any more. What the look at the octets denies,
 *            the thorough one denies too (`plain-texts.test.ts` compares them).
 */

import { kibibyte, mebibyte } from '../../../base/units.ts';
import type { OctetSearch } from '../../../mail/formats/text/octet-search.ts';
import type { RecordPlace } from '../../store/record.ts';
import type { MailboxReader } from '../mailbox-reader.ts';
import type { MailboxShard } from '../mailbox-shard.ts';
import { headerBytesFirst, readHeaders } from './header-reader.ts';
import { largeHolds } from './large-text.ts';
import { MessageRows } from './message-rows.ts';
import { lacksOctets, octetsOf, PlainTexts } from './plain-texts.ts';
import type { BlockLook, RowParts } from './row-leaves.ts';
import { isOfBody } from './search-plan.ts';
import { SearchedText, type TextKey } from './search-text.ts';
import type { Slices } from './slices.ts';

const groupBytesMax = mebibyte;
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

/** Texts of one block's messages; the first of them are being read. */
export interface TextsToCome {
  readonly gone: readonly number[];
  readonly groups: readonly (readonly Waiting[])[];
  readonly reads: 'header' | 'message';
  first: Promise<Texts>;
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

  constructor(parts: TextParts) {
    const { shard, place, plan, columns } = parts;
    this.#parts = parts;
    this.#shard = shard;
    this.#rows = new MessageRows(shard, place.account);
    this.#plain = new PlainTexts(columns, place, this.#rows);
    for (const key of plan.textKeys.filter(isOfBody)) {
      const octets = octetsOf(plan.needleOf(key), key.op === 'text' && key.place === 'text');
      if (octets !== undefined) this.#octets.set(key, octets);
    }
  }

  begin({ block }: BlockLook, slots: readonly number[], reads: 'header' | 'message'): TextsToCome {
    const gone: number[] = [];
    const waiting: Waiting[] = [];
    for (const slot of slots) {
      const document = block.document(slot);
      const row = this.#rows.open(document).row;
      if (row === undefined) gone.push(slot);
      else waiting.push({ slot, document, place: row.place, size: row.size });
    }
    const groups = groupsOf(waiting, reads);
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
    let reading = first;
    for (const [at, group] of groups.entries()) {
      const texts = await reading;
      reading = this.#start(groups[at + 1], reads);
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

function groupsOf(waiting: readonly Waiting[], reads: 'header' | 'message'): Waiting[][] {
  const groups: Waiting[][] = [];
  let bytes = 0;
  for (const message of waiting) {
    const own = bytesOf(message, reads);
    bytes += own;
    if (groups.length > 0 && bytes <= groupBytesMax) groups.at(-1)!.push(message);
    else {
      groups.push([message]);
      bytes = own;
    }
  }
  return groups;
}

/** What is read of a message at first. */
function bytesOf({ size }: Waiting, reads: 'header' | 'message'): number {
  if (reads === 'header') return Math.min(size, headerBytesFirst);
  return size > wholeBytesMax ? 0 : size;
}

const holdsNothing: Holds = () => false;
