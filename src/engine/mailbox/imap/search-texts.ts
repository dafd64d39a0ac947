/**
 * Reads the texts of messages that a search must look into, those near each other together.
 *
 * Runs in:   the engine thread that owns the shard, in slices.
 * Limits:    `groupBytesMax` of messages are in memory at a time; of larger messages only headers and text parts are
 *            read, piece by piece (`large-text.ts`).
 * Invariant: a message that is gone holds no text: nobody can fetch it any more.
 */

import { kibibyte, mebibyte } from '../../../base/units.ts';
import type { RecordPlace } from '../../store/record.ts';
import type { MailboxReader } from '../mailbox-reader.ts';
import type { MailboxShard } from '../mailbox-shard.ts';
import { headerBytesFirst, readHeaders } from './header-reader.ts';
import { largeHolds } from './large-text.ts';
import { MessageRows } from './message-rows.ts';
import type { SearchPlan } from './search-plan.ts';
import { SearchedText, type TextKey } from './search-text.ts';
import type { Slices } from './slices.ts';
import type { ImapParts } from './sync.ts';

const groupBytesMax = mebibyte;
const wholeBytesMax = 512 * kibibyte;

export type Holds = (key: TextKey) => boolean;

/** `away`: the parsed row, where it was in the journal. */
export type EachText = (index: number, away: Uint8Array | undefined, holds: Holds) => void;

interface Waiting {
  readonly index: number;
  readonly document: number;
  readonly place: RecordPlace;
  readonly size: number;
}

export class TextReader {
  readonly #shard: MailboxShard;
  readonly #reader: MailboxReader;
  readonly #account: number;
  readonly #plan: SearchPlan;
  readonly #rows: MessageRows;
  readonly #text = new SearchedText();

  constructor({ shard, reader }: ImapParts, account: number, plan: SearchPlan) {
    this.#shard = shard;
    this.#reader = reader;
    this.#account = account;
    this.#plan = plan;
    this.#rows = new MessageRows(shard, account);
  }

  /** Calls `each` for all documents, in any order. */
  async each(documents: readonly number[], slices: Slices, each: EachText): Promise<void> {
    const waiting: Waiting[] = [];
    for (const [index, document] of documents.entries()) {
      const row = this.#rows.open(document).row;
      if (row === undefined) each(index, undefined, holdsNothing);
      else waiting.push({ index, document, place: row.place, size: row.size });
    }
    let from = 0;
    while (from < waiting.length) {
      const end = this.#endOfGroup(waiting, from);
      await this.#group(waiting.slice(from, end), slices, each);
      from = end;
    }
  }

  #endOfGroup(waiting: readonly Waiting[], from: number): number {
    let bytes = 0;
    for (let end = from; end < waiting.length; end++) {
      bytes += this.#bytesOf(waiting[end]!);
      if (bytes > groupBytesMax && end > from) return end;
    }
    return waiting.length;
  }

  /** What is read of a message at first. */
  #bytesOf({ size }: Waiting): number {
    const { reads } = this.#plan;
    if (reads === 'nothing') return 0;
    if (reads === 'header') return Math.min(size, headerBytesFirst);
    return size > wholeBytesMax ? 0 : size;
  }

  async #group(group: readonly Waiting[], slices: Slices, each: EachText): Promise<void> {
    const texts = await this.#read(group);
    for (const [i, message] of group.entries()) {
      const away = await this.#away(message.document);
      if (this.#plan.reads === 'message' && message.size > wholeBytesMax) {
        const held = await this.#largeHolds(message, slices);
        each(message.index, away, (key) => held.has(key));
      } else {
        const bytes = texts[i];
        const text = bytes === undefined ? undefined : this.#text.open(bytes);
        each(message.index, away, (key) => text?.holds(key, this.#plan.needleOf(key)) === true);
      }
      if (slices.isOver) await slices.next();
    }
  }

  async #read(group: readonly Waiting[]): Promise<readonly (Uint8Array | undefined)[]> {
    const { reads } = this.#plan;
    if (reads === 'nothing') return [];
    const places = group.map(({ place }) => place);
    if (reads === 'message') {
      const whole = group.filter(({ size }) => size <= wholeBytesMax);
      const read = await this.#shard.readNear(
        whole.map(({ place }) => place),
        wholeBytesMax,
      );
      let next = 0;
      return group.map(({ size }) => (size <= wholeBytesMax ? read[next++] : undefined));
    }
    return readHeaders(this.#shard, places);
  }

  /** The parsed row, where it stands in the journal. */
  async #away(document: number): Promise<Uint8Array | undefined> {
    const place = this.#rows.open(document).awayPlace();
    if (place === undefined) return undefined;
    const [bytes] = await this.#shard.readNear([place], place.bodyBytes);
    return bytes;
  }

  async #largeHolds(message: Waiting, slices: Slices): Promise<ReadonlySet<TextKey>> {
    const parsed = await this.#reader.parsed(this.#account, message.document);
    // Since its group was begun it may have gone, or stand elsewhere.
    const place = this.#rows.open(message.document).row?.place;
    if (parsed === undefined || place === undefined) return new Set();
    return largeHolds({ shard: this.#shard, place, parts: parsed.parts }, this.#plan, slices);
  }
}

const holdsNothing: Holds = () => false;
