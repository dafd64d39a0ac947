/**
 * One walk of a search over a mailbox, block by block: what blocks tell first, then rows, then headers and texts, each
 * only for messages that are still open.
 *
 * Runs in:   the engine thread that owns the shard, in slices; hot.
 * Specs:     RFC 9051 §6.4.4.
 * Limits:    while one block is looked at, the first texts of one more are read.
 * Invariant: blocks are found in the order of the walk.
 */

import type { Criteria } from '../../../mail/wire/imap/search-keys.ts';
import type { Clock } from '../../../ports/clock.ts';
import { uidBlockKey, uidBlockSlots } from '../../store/keys.ts';
import { BlockColumns } from '../rows/block-columns.ts';
import { bitCounts } from '../rows/uid-block.ts';
import { AwayRows } from './away-rows.ts';
import { slotsOf } from './block-columns.ts';
import { blocksWithin } from './block-rows.ts';
import type { Columns } from './columns.ts';
import type { FlagBits, MailboxFlags } from './flag-bits.ts';
import { FoundSet, maskInto } from './found-set.ts';
import { HeaderLeaves, type HeadersToCome } from './header-leaves.ts';
import type { Place } from './messages.ts';
import { type BlockLook, RowLeaves } from './row-leaves.ts';
import { both, isOfBody, type SearchPlan } from './search-plan.ts';
import type { TextKey } from './search-text.ts';
import { TextReader, type TextsToCome } from './search-texts.ts';
import { SearchTree } from './search-tree.ts';
import type { Slices } from './slices.ts';
import type { ImapParts } from './sync.ts';
import { blockBytes, type View } from './view.ts';

export interface WalkParts extends ImapParts {
  readonly clock: Clock;
  readonly columns: Columns;
  /** Absent: the reader's flags are not the owner's. */
  readonly flagBits: FlagBits | undefined;
}

export interface WalkOptions {
  readonly enough: number;
  readonly isFromEnd: boolean;
  /** UID to begin at; 0: at the end the walk begins at. */
  readonly cursor: number;
  readonly turnMsMax: number;
  readonly wantsModseq: boolean;
}

/** A block on its way. */
class Look implements BlockLook {
  number = 0;
  readonly block = new BlockColumns();
  readonly tree: SearchTree;
  away: readonly number[] = [];
  headers: HeadersToCome | undefined;
  texts: TextsToCome | undefined;

  constructor(tree: SearchTree) {
    this.tree = tree;
  }

  get isOpen(): boolean {
    const { maybe } = this.tree;
    for (let i = 0; i < blockBytes; i++) if (maybe[i] !== 0) return true;
    return false;
  }
}

/** One walk over a mailbox's blocks. */
export class SearchWalk {
  readonly found = new FoundSet();
  modseq = 0;
  /** Of the lowest and the highest found. */
  minModseq = 0;
  maxModseq = 0;
  looked = 0;
  /** Where it stopped for want of time. */
  next: number | undefined;
  readonly #parts: WalkParts;
  readonly #place: Place;
  readonly #plan: SearchPlan;
  readonly #options: WalkOptions;
  readonly #keywords: readonly string[];
  readonly #rows: RowLeaves;
  readonly #headers: HeaderLeaves;
  readonly #texts: TextReader;
  readonly #away: AwayRows;
  readonly #blocks: Uint32Array;
  readonly #wanted = new Uint8Array(blockBytes);
  /** What is known of flags; undefined: blocks are asked for more. */
  readonly #flags: MailboxFlags | undefined;
  /** Ready for other blocks. */
  readonly #spare: Look[] = [];

  constructor(parts: WalkParts, place: Place, view: View, plan: SearchPlan, options: WalkOptions) {
    const { account, mailbox } = place;
    const { shard, reader, columns } = parts;
    const leafParts = { shard, columns, place, plan, nowMs: parts.clock.nowMs() };
    this.#parts = parts;
    this.#place = place;
    this.#plan = plan;
    this.#options = options;
    this.#keywords = reader.mailbox(account, mailbox)?.keywords ?? [];
    this.#rows = new RowLeaves(leafParts);
    this.#headers = new HeaderLeaves(leafParts);
    this.#texts = new TextReader({ ...leafParts, reader });
    this.#away = new AwayRows(shard, account);
    this.#blocks = view.blocks;
    const first = this.#makeLook();
    this.#spare.push(first);
    this.#flags = first.tree.asksFlagsAlone ? parts.flagBits?.of(place) : undefined;
  }

  async run(slices: Slices): Promise<void> {
    const { isFromEnd, enough, turnMsMax } = this.#options;
    const within = this.#within();
    let ahead: Look | undefined;
    this.#flags?.refresh();
    for (const number of blocksWithin(this.#blocks, within, isFromEnd)) {
      if (this.looked > 0 && slices.ms >= turnMsMax) {
        if (ahead !== undefined) await this.#finish(ahead, slices);
        const base = number * uidBlockSlots;
        this.next = isFromEnd ? base + uidBlockSlots - 1 : Math.max(1, base);
        return;
      }
      const look = this.#begin(number, within);
      if (look !== undefined) {
        if (ahead !== undefined) {
          await this.#finish(ahead, slices);
          this.#flags?.refresh();
        }
        ahead = undefined;
        if (look.isOpen) ahead = look;
        else this.#add(look);
      }
      if (this.found.count >= enough) return;
      if (slices.isOver) {
        await slices.next();
        this.#flags?.refresh();
      }
    }
    if (ahead !== undefined) await this.#finish(ahead, slices);
  }

  #within(): readonly number[] {
    const { isFromEnd, cursor } = this.#options;
    const { within } = this.#plan;
    if (cursor === 0) return within;
    return both(within, isFromEnd ? [1, cursor] : [cursor, Number.MAX_SAFE_INTEGER]);
  }

  /** What is known at once; the reading of what more is needed is begun. Undefined: there is no such block. */
  #begin(number: number, within: readonly number[]): Look | undefined {
    const look = this.#spare.pop() ?? this.#makeLook();
    const { block, tree } = look;
    look.number = number;
    const isKnown = this.#flags?.open(number) === true;
    if (!isKnown && !this.#open(look)) return this.#none(look);
    const bits = this.#flags ?? block;
    for (let i = 0; i < blockBytes; i++) this.looked += bitCounts[bits.existsByte(i)]!;
    const base = number * uidBlockSlots;
    maskInto(within, base, this.#wanted);
    tree.begin(bits, base, this.#wanted);
    const needsRow = look.isOpen || this.#options.wantsModseq;
    if (isKnown && needsRow && !this.#open(look)) return this.#none(look);
    if (!look.isOpen) return look;
    this.#rows.tell(look);
    look.away = look.isOpen ? this.#rows.awaySlots(look) : [];
    if (look.isOpen && look.away.length === 0) this.#beginTexts(look);
    return look;
  }

  #none(look: Look): undefined {
    this.#spare.push(look);
    return undefined;
  }

  /** False: there is no such block. */
  #open({ number, block }: Look): boolean {
    const { account, mailbox } = this.#place;
    const row = this.#parts.shard.peek(uidBlockKey(account, mailbox, number));
    if (row === undefined) return false;
    block.open(row);
    if (this.#flags?.open(number) === false) this.#flags.keep(number, block);
    return true;
  }

  #makeLook(): Look {
    const { criteria, sets } = this.#plan;
    return new Look(new SearchTree(criteria, { keywords: this.#keywords, sets }));
  }

  #beginTexts(look: Look): void {
    look.headers = this.#headers.begin(look);
    if (look.headers === undefined && look.isOpen) this.#beginWhole(look);
  }

  #beginWhole(look: Look): void {
    const slots = [...slotsOf(look.tree.maybe)];
    look.texts = this.#texts.begin(
      look,
      slots,
      this.#isOpenFor(look, isBodyKey) ? 'message' : 'header',
    );
  }

  async #finish(look: Look, slices: Slices): Promise<void> {
    if (look.away.length > 0) {
      for (const slots of this.#away.groups(look, look.away)) {
        this.#rows.tellAway(look, await this.#away.read(slots));
        if (slices.isOver) await slices.next();
      }
      this.#beginTexts(look);
    }
    if (look.headers !== undefined) {
      await this.#headers.tell(look, look.headers, slices);
      if (look.isOpen) this.#beginWhole(look);
    }
    if (look.texts !== undefined) await this.#lookInto(look, look.texts, slices);
    this.#add(look);
  }

  /** Adds the bits of messages that nothing else decides on. */
  async #lookInto(look: Look, texts: TextsToCome, slices: Slices): Promise<void> {
    const { tree, block } = look;
    const needsRows = this.#isOpenFor(look, (key) => this.#isOfRows(key));
    await this.#texts.each(look, texts, needsRows, slices, (slot, away, holds) => {
      const isFound = tree.verdict(slot, (key) =>
        this.#isOfRows(key)
          ? this.#rows.holds(key, block.document(slot), away)
          : holds(key as TextKey),
      );
      if (isFound) tree.yes[slot >> 3]! |= 1 << (slot & 7);
    });
  }

  #isOfRows(key: Criteria): boolean {
    return key.op === 'date' || this.#plan.envelopePlaces.has(key as TextKey);
  }

  /** Whether such a key could still decide something. */
  #isOpenFor({ tree }: Look, test: (key: Criteria) => boolean): boolean {
    for (const { key, maybe } of tree.leaves) {
      if (test(key) && maybe.some((bits, i) => (bits & tree.maybe[i]!) !== 0)) return true;
    }
    return false;
  }

  /** The look is used up. */
  #add(look: Look): void {
    const { number, block, tree } = look;
    this.found.add(number, tree.yes);
    if (this.#options.wantsModseq) this.#addModseqs(block, tree.yes);
    look.away = [];
    look.headers = undefined;
    look.texts = undefined;
    this.#spare.push(look);
  }

  #addModseqs(block: BlockColumns, bits: Uint8Array): void {
    const { isFromEnd } = this.#options;
    let [first, last] = [0, 0];
    for (const slot of slotsOf(bits)) {
      last = block.modseq(slot);
      if (first === 0) first = last;
      this.modseq = Math.max(this.modseq, last);
    }
    if (first === 0) return;
    if (this.minModseq === 0 || isFromEnd) this.minModseq = first;
    if (this.maxModseq === 0 || !isFromEnd) this.maxModseq = last;
  }
}

function isBodyKey(key: Criteria): boolean {
  return key.op === 'text' && isOfBody(key);
}
