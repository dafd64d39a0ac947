/**
 * SEARCH over one mailbox: blocks first, rows where they must decide, text where nothing else can.
 *
 * Runs in:   the engine thread that owns the shard, in slices.
 * Specs:     RFC 9051 §6.4.4, RFC 4731 (ESEARCH), RFC 5182 (`$`).
 * Limits:    a turn ends after `sliceMs`; `readsMax` messages are read side by side; past the ask's deadline the
 *            search stops.
 */

import type { Found, PackedSearch } from '../../../actors/asks/imap-asks.ts';
import { MailError } from '../../../base/errors.ts';
import type { Criteria } from '../../../mail/wire/imap/search-keys.ts';
import type { Clock } from '../../../ports/clock.ts';
import { addId } from '../rows/uid-ranges.ts';
import { blocksIn, uidRangesOf } from './messages.ts';
import { type BlockContext, maskOf } from './search-blocks.ts';
import {
  asksSentDate,
  readsText,
  type SearchedMessage,
  SearchedText,
  searchedBytesMax,
  verdictOf,
} from './search-message.ts';
import type { ImapParts } from './sync.ts';
import type { View } from './view.ts';

const sliceMs = 2;
const readsMax = 16;

export interface SearchParts extends ImapParts {
  readonly clock: Clock;
}

export async function search(
  parts: SearchParts,
  packed: PackedSearch,
  deadlineMs: number,
): Promise<Found> {
  const [account, [mailbox, modseq, uidNext], isUid, criteria, saved] = packed;
  const view = await parts.views.view({ account, mailbox, modseq, uidNext });
  const sets = new Map<Criteria, readonly number[]>();
  collectSets(criteria, view, saved, sets);
  const needsParsed = readsText(criteria) === 'header' || asksSentDate(criteria);
  const plan = { account, criteria, needsParsed };
  const slices = new Slices(parts.clock, deadlineMs);
  const keywords = parts.reader.mailbox(account, mailbox)?.keywords ?? [];
  const uids: number[] = [];
  let highest = 0;
  const all = [1, Math.max(1, uidNext - 1)];
  for (const { base, block } of blocksIn(parts.shard, { account, mailbox }, all)) {
    const context = { base, block, keywords, sets };
    const { yes, maybe } = maskOf(criteria, context);
    const read = await matchesOf(parts, plan, context, maybe, slices);
    for (const slot of block.slots()) {
      const isFound = (yes[slot >> 3]! & (1 << (slot & 7))) !== 0 || read.has(slot);
      if (!isFound || base + slot >= uidNext) continue;
      addId(uids, base + slot);
      highest = Math.max(highest, block.modseqs[slot]!);
    }
    if (slices.isOver) await slices.next();
  }
  return { uids, ranges: isUid ? uids : view.sequencesOf(uids), modseq: highest };
}

interface Plan {
  readonly account: number;
  readonly criteria: Criteria;
  /** Some key is decided by what was parsed at delivery. */
  readonly needsParsed: boolean;
}

/** Of the block's messages that must be looked at, the slots of those that match. */
async function matchesOf(
  parts: SearchParts,
  plan: Plan,
  context: BlockContext,
  maybe: Uint8Array,
  slices: Slices,
): Promise<ReadonlySet<number>> {
  const { criteria } = plan;
  const found = new Set<number>();
  const unread: SearchedMessage[] = [];
  for (const slot of context.block.slots()) {
    if ((maybe[slot >> 3]! & (1 << (slot & 7))) === 0) continue;
    const message = await messageAt(parts, plan, context, slot);
    const verdict = message === undefined ? false : verdictOf(criteria, message);
    if (verdict === true) found.add(slot);
    else if (verdict === undefined) unread.push(message!);
    if (slices.isOver) await slices.next();
  }
  for (let i = 0; i < unread.length; i += readsMax) {
    const some = unread.slice(i, i + readsMax);
    const texts = await Promise.all(some.map((one) => textOf(parts, criteria, one)));
    for (const [at, message] of some.entries()) {
      if (verdictOf(criteria, message, texts[at]) === true) found.add(message.slot);
      if (slices.isOver) await slices.next();
    }
  }
  return found;
}

async function messageAt(
  { reader, clock }: SearchParts,
  { account, needsParsed }: Plan,
  context: BlockContext,
  slot: number,
): Promise<SearchedMessage | undefined> {
  const document = context.block.documents[slot]!;
  const row = reader.document(account, document);
  if (row === undefined) return undefined;
  const parsed = needsParsed ? await reader.parsed(account, document) : undefined;
  return { context, slot, document, row, parsed, nowMs: clock.nowMs() };
}

/** Empty where the message is gone by now: it matches what an empty one does, and nobody can fetch it. */
async function textOf(
  { shard }: SearchParts,
  criteria: Criteria,
  { row, parsed }: SearchedMessage,
): Promise<SearchedText> {
  const isHeader = readsText(criteria) === 'header';
  const end = (isHeader && parsed?.parts[0]?.bodyStart) || row.size;
  const hold = shard.lease(row.place.segment);
  try {
    return new SearchedText(await shard.read(row.place, 0, Math.min(end, searchedBytesMax)));
  } finally {
    hold.release();
  }
}

/** Each set as UIDs: sequence numbers are those of the session. */
function collectSets(
  criteria: Criteria,
  view: View,
  saved: readonly number[],
  sets: Map<Criteria, readonly number[]>,
): void {
  switch (criteria.op) {
    case 'set':
      sets.set(
        criteria,
        criteria.isSaved ? saved : uidRangesOf(view, criteria.ranges, criteria.isUid),
      );
      return;
    case 'not':
      collectSets(criteria.key, view, saved, sets);
      return;
    case 'or':
      collectSets(criteria.left, view, saved, sets);
      collectSets(criteria.right, view, saved, sets);
      return;
    case 'and':
      for (const key of criteria.keys) collectSets(key, view, saved, sets);
      return;
    default:
  }
}

/** Gives way to the thread's other work every `sliceMs`. */
class Slices {
  readonly #clock: Clock;
  readonly #deadlineMs: number;
  #endMs: number;

  constructor(clock: Clock, deadlineMs: number) {
    this.#clock = clock;
    this.#deadlineMs = deadlineMs;
    this.#endMs = clock.monotonicMs() + sliceMs;
  }

  get isOver(): boolean {
    return this.#clock.monotonicMs() >= this.#endMs;
  }

  /** @throws MailError `deadline-passed` */
  async next(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    if (this.#deadlineMs !== 0 && this.#clock.nowMs() > this.#deadlineMs) {
      throw new MailError('deadline-passed', 'search');
    }
    this.#endMs = this.#clock.monotonicMs() + sliceMs;
  }
}
