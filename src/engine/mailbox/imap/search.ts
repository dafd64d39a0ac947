/**
 * SEARCH over one mailbox: blocks first, rows where they must decide, text where nothing else can.
 *
 * Runs in:   the engine thread that owns the shard, in slices.
 * Specs:     RFC 9051 §6.4.4, RFC 4731 (ESEARCH), RFC 5182 (`$`), RFC 9394 (PARTIAL).
 * Limits:    one ask works for `turnMsMax`, and says where the next goes on; past its deadline the search stops.
 */

import { Buffer } from 'node:buffer';
import {
  type Found,
  type PackedSearch,
  searchWants,
} from '../../../actors/asks/imap-search-asks.ts';
import { secondMs } from '../../../base/units.ts';
import type { Clock } from '../../../ports/clock.ts';
import { uidBlockKey, uidBlockSlots } from '../../store/keys.ts';
import { savedMsOf } from '../rows/saved-row.ts';
import { BlockColumns, slotsOf } from './block-columns.ts';
import { blocksWithin } from './block-rows.ts';
import { FoundSet, maskOfRanges, numbersOf, popcount, uidsOf as rangesOfSet } from './found-set.ts';
import { MessageRows } from './message-rows.ts';
import type { Place } from './messages.ts';
import { type BlockContext, maskOf } from './search-blocks.ts';
import { type SearchedMessage, verdictOf } from './search-message.ts';
import { both, planOf, type SearchPlan } from './search-plan.ts';
import { TextReader } from './search-texts.ts';
import { Slices } from './slices.ts';
import type { ImapParts } from './sync.ts';
import { blockBytes, type View } from './view.ts';

const turnMsMax = secondMs / 4;

export interface SearchParts extends ImapParts {
  readonly clock: Clock;
}

export interface SearchAnswer {
  readonly value: Found;
  readonly body: Uint8Array;
}

export async function search(
  parts: SearchParts,
  packed: PackedSearch,
  deadlineMs: number,
): Promise<SearchAnswer> {
  const [account, [mailbox, modseq, uidNext], criteria, saved, wants, ...how] = packed;
  const [enough, isFromEnd, cursor] = how;
  const place = { account, mailbox };
  const view = await parts.views.view({ ...place, modseq, uidNext });
  const walk = new SearchWalk(
    parts,
    place,
    view,
    planOf(parts.shard, place, criteria, view, saved),
    {
      enough: enough === 0 ? Number.POSITIVE_INFINITY : enough,
      isFromEnd,
      cursor,
      turnMsMax,
      wantsModseq: (wants & searchWants.modseq) !== 0,
    },
  );
  const slices = new Slices(parts.clock, deadlineMs);
  await walk.run(slices);
  return answerOf(walk, view, wants);
}

function answerOf(walk: SearchWalk, view: View, wants: number): SearchAnswer {
  const found = walk.found.view();
  const { count } = found;
  const [minUid, maxUid] = [found.uidOf(1), found.uidOf(count)];
  const uids = (wants & searchWants.uids) === 0 ? [] : rangesOfSet(found);
  const numbers = (wants & searchWants.numbers) === 0 ? [] : numbersOf(found, view);
  const value: Found = {
    count,
    uidsLength: uids.length,
    minUid,
    maxUid,
    min: count === 0 ? 0 : view.sequenceOf(minUid),
    max: count === 0 ? 0 : view.sequenceOf(maxUid),
    modseq: walk.modseq,
    minModseq: walk.minModseq,
    maxModseq: walk.maxModseq,
    looked: walk.looked,
    ...(walk.next === undefined ? {} : { next: walk.next }),
  };
  return { value, body: octetsOf(uids, numbers) };
}

/** As the u32 of an answer's body. */
export function octetsOf(...lists: readonly ArrayLike<number>[]): Uint8Array {
  let length = 0;
  for (const list of lists) length += list.length;
  const all = new Uint32Array(length);
  let at = 0;
  for (const list of lists) {
    all.set(list, at);
    at += list.length;
  }
  return Buffer.from(all.buffer);
}

export interface WalkOptions {
  readonly enough: number;
  readonly isFromEnd: boolean;
  /** UID to begin at; 0: at the end the walk begins at. */
  readonly cursor: number;
  readonly turnMsMax: number;
  readonly wantsModseq: boolean;
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
  readonly #parts: SearchParts;
  readonly #place: Place;
  readonly #plan: SearchPlan;
  readonly #options: WalkOptions;
  readonly #keywords: readonly string[];
  readonly #rows: MessageRows;
  readonly #texts: TextReader;
  readonly #savedMsOf: (uid: number) => number | undefined;
  readonly #blocks: Uint32Array;
  readonly #nowMs: number;

  constructor(
    parts: SearchParts,
    place: Place,
    view: View,
    plan: SearchPlan,
    options: WalkOptions,
  ) {
    const { account, mailbox } = place;
    this.#parts = parts;
    this.#place = place;
    this.#plan = plan;
    this.#options = options;
    this.#keywords = parts.reader.mailbox(account, mailbox)?.keywords ?? [];
    this.#rows = new MessageRows(parts.shard, account);
    this.#texts = new TextReader(parts, account, plan);
    this.#savedMsOf = (uid) => savedMsOf(parts.shard, account, mailbox, uid);
    this.#blocks = view.blocks;
    this.#nowMs = parts.clock.nowMs();
  }

  async run(slices: Slices): Promise<void> {
    const { isFromEnd, enough, turnMsMax: turnMs } = this.#options;
    const within = this.#within();
    const { account, mailbox } = this.#place;
    for (const number of blocksWithin(this.#blocks, within, isFromEnd)) {
      const base = number * uidBlockSlots;
      if (this.looked > 0 && slices.ms >= turnMs) {
        this.next = isFromEnd ? base + uidBlockSlots - 1 : Math.max(1, base);
        return;
      }
      const row = this.#parts.shard.peek(uidBlockKey(account, mailbox, number));
      // The row's bytes are gone with the next read: whoever reads on takes a copy.
      const looking = row === undefined ? undefined : this.#block(number, row, within, slices);
      if (looking !== undefined) await looking;
      if (this.found.count >= enough) return;
      if (slices.isOver) await slices.next();
    }
  }

  #within(): readonly number[] {
    const { isFromEnd, cursor } = this.#options;
    const { within } = this.#plan;
    if (cursor === 0) return within;
    return both(within, isFromEnd ? [1, cursor] : [cursor, Number.MAX_SAFE_INTEGER]);
  }

  /** A promise where blocks alone do not decide. */
  #block(
    number: number,
    row: Uint8Array,
    within: readonly number[],
    slices: Slices,
  ): Promise<void> | undefined {
    const context = this.#contextOf(number, row);
    const { yes, maybe } = maskOf(this.#plan.criteria, context);
    const wanted = maskOfRanges(within, context.base);
    const bits = new Uint8Array(blockBytes);
    const open = new Uint8Array(blockBytes);
    let isOpen = false;
    for (let i = 0; i < blockBytes; i++) {
      bits[i] = yes[i]! & wanted[i]!;
      open[i] = maybe[i]! & wanted[i]!;
      isOpen ||= open[i] !== 0;
    }
    this.looked += popcount(context.block.exists);
    if (!isOpen) return this.#add(number, context.block, bits);
    const kept = this.#contextOf(number, Uint8Array.from(row));
    return this.#look(kept, open, bits, slices).then(() => this.#add(number, kept.block, bits));
  }

  #contextOf(number: number, row: Uint8Array): BlockContext {
    const { sets } = this.#plan;
    const base = number * uidBlockSlots;
    return { base, block: new BlockColumns(row), keywords: this.#keywords, sets };
  }

  #add(number: number, block: BlockColumns, bits: Uint8Array): undefined {
    this.found.add(number, bits);
    const { wantsModseq, isFromEnd } = this.#options;
    if (!wantsModseq) return;
    let [first, last] = [0, 0];
    for (const slot of slotsOf(bits)) {
      last = block.modseqAt(slot);
      if (first === 0) first = last;
      this.modseq = Math.max(this.modseq, last);
    }
    if (first === 0) return;
    if (this.minModseq === 0 || isFromEnd) this.minModseq = first;
    if (this.maxModseq === 0 || !isFromEnd) this.maxModseq = last;
  }

  /** Adds the bits of messages that blocks alone do not decide on. */
  async #look(
    context: BlockContext,
    open: Uint8Array,
    bits: Uint8Array,
    slices: Slices,
  ): Promise<void> {
    const unread: number[] = [];
    const message = this.#messageIn(context);
    for (const slot of slotsOf(open)) {
      message.slot = slot;
      message.rows.open(context.block.documentAt(slot));
      const verdict = verdictOf(this.#plan.criteria, message);
      if (verdict === true) bits[slot >> 3]! |= 1 << (slot & 7);
      else if (verdict === undefined) unread.push(slot);
      if (slices.isOver) await slices.next();
    }
    if (unread.length === 0) return;
    const documents = unread.map((slot) => context.block.documentAt(slot));
    await this.#texts.each(documents, slices, (index, away, holds) => {
      const slot = unread[index]!;
      message.slot = slot;
      message.rows.open(documents[index]!, away);
      const verdict = verdictOf(this.#plan.criteria, { ...message, holds });
      if (verdict === true) bits[slot >> 3]! |= 1 << (slot & 7);
    });
  }

  /** One object for all messages of a block. */
  #messageIn(context: BlockContext): SearchedMessage & { slot: number } {
    const known = { nowMs: this.#nowMs, savedMsOf: this.#savedMsOf, plan: this.#plan };
    return { context, slot: 0, rows: this.#rows, ...known };
  }
}
