/**
 * What rows tell a search: dates, sizes, ids, and the texts that ENVELOPE has, for all open messages of a block.
 *
 * Runs in:   the engine thread that owns the shard; hot.
 * Specs:     RFC 9051 §6.4.4, RFC 8514 §4.3 (SAVEDATE), RFC 5032 (WITHIN), RFC 8474 (EMAILID, THREADID).
 * Invariant: a row is read only for a message that nothing cheaper has decided, and only if no column has what it says.
 */

import { objectIds } from '../../../actors/asks/imap-asks.ts';
import { dayMs, minuteMs, secondMs } from '../../../base/units.ts';
import { parseDate } from '../../../mail/formats/date/parse.ts';
import { foldEnvelopeField } from '../../../mail/formats/mime/envelope-fold.ts';
import {
  type EnvelopePlace,
  envelopeField,
  envelopePlaces,
} from '../../../mail/formats/mime/envelope-text.ts';
import type { Needle } from '../../../mail/formats/text/needle.ts';
import type { Criteria } from '../../../mail/wire/imap/search-keys.ts';
import { tables, uidBlockSlots } from '../../store/keys.ts';
import type { MailboxShard } from '../mailbox-shard.ts';
import type { BlockColumns } from '../rows/block-columns.ts';
import { DocumentRows } from '../rows/document-rows.ts';
import { savedMsOf } from '../rows/saved-row.ts';
import { slotsOf } from './block-columns.ts';
import type { Columns, MailboxColumn } from './columns.ts';
import { Facts, type FactsColumn } from './facts-column.ts';
import { MessageRows } from './message-rows.ts';
import type { Place } from './messages.ts';
import type { SearchPlan } from './search-plan.ts';
import type { TextKey } from './search-text.ts';
import type { Leaf, SearchTree } from './search-tree.ts';
import { type TextColumn, TextColumnWriter } from './text-column.ts';
import { blockBytes } from './view.ts';

export interface RowParts {
  readonly shard: MailboxShard;
  readonly columns: Columns;
  readonly place: Place;
  readonly plan: SearchPlan;
  readonly nowMs: number;
}

/** A block, and what is known of it. */
export interface BlockLook {
  readonly number: number;
  readonly block: BlockColumns;
  readonly tree: SearchTree;
}

type DateKey = Extract<Criteria, { op: 'date' }>;

export class RowLeaves {
  readonly #parts: RowParts;
  readonly #rows: MessageRows;
  readonly #writer = new TextColumnWriter();
  readonly #open = new Uint8Array(blockBytes);
  readonly #hits = new Uint8Array(blockBytes);
  readonly #facts: Facts;
  readonly #documentRows: DocumentRows;
  /** Slots of a block whose rows are looked at, and their documents. */
  readonly #slots: number[] = [];
  readonly #documents: number[] = [];

  constructor(parts: RowParts) {
    this.#parts = parts;
    this.#rows = new MessageRows(parts.shard, parts.place.account);
    this.#facts = new Facts(parts.shard, parts.columns, parts.place);
    this.#documentRows = new DocumentRows(parts.shard, parts.place.account);
  }

  /** Tells all leaves that rows decide, the cheap ones first. What stands in the journal stays open. */
  tell(look: BlockLook): void {
    const { tree } = look;
    for (const rank of [tellsFacts, tellsSent, tellsEnvelope] as const) {
      for (const leaf of tree.leaves) {
        if (rankOf(leaf.key, this.#parts.plan) !== rank || !this.#isOpen(tree, leaf)) continue;
        if (rank === tellsFacts) this.#tellFacts(look, leaf);
        else if (rank === tellsSent) this.#tellSent(look, leaf);
        else
          this.#tellEnvelope(look, leaf, this.#parts.plan.envelopePlaces.get(leaf.key as TextKey)!);
        tree.settle();
      }
    }
  }

  /** Slots whose rows must be read from the journal for a leaf's sake. */
  awaySlots({ tree, number }: BlockLook): number[] {
    const away = new Uint8Array(blockBytes);
    for (const leaf of tree.leaves) {
      const place = this.#parts.plan.envelopePlaces.get(leaf.key as TextKey);
      if (place === undefined || !this.#isOpen(tree, leaf)) continue;
      const covered = this.#texts(place).blocks.get(number)?.covered;
      for (let i = 0; i < blockBytes; i++) away[i]! |= this.#open[i]! & ~(covered?.[i] ?? 0);
    }
    return [...slotsOf(away)];
  }

  /** Tells the leaves of ENVELOPE again; `aways`: rows by slot, where they were found. */
  tellAway(look: BlockLook, aways: ReadonlyMap<number, Uint8Array | undefined>): void {
    for (const leaf of look.tree.leaves) {
      const place = this.#parts.plan.envelopePlaces.get(leaf.key as TextKey);
      if (place === undefined || !this.#isOpen(look.tree, leaf)) continue;
      this.#tellEnvelope(look, leaf, place, aways);
      look.tree.settle();
    }
  }

  /** Of one message, what its rows tell; `away`: its row, where it stood in the journal. */
  holds(key: Criteria, document: number, away: Uint8Array | undefined): boolean {
    const { plan } = this.#parts;
    const rows = this.#rows.open(document, away);
    if (key.op === 'date') return isOnDay(key, rows.sentMs ?? 0, rows);
    const place = plan.envelopePlaces.get(key as TextKey)!;
    const { envelope } = rows;
    const field = envelope === undefined ? undefined : envelopeField(envelope, place);
    const needle = plan.needleOf(key as TextKey);
    return field !== undefined && (needle.isEmpty || needle.isIn(field));
  }

  /** Whether it could still decide something: `#open` are the slots. */
  #isOpen(tree: SearchTree, leaf: Leaf): boolean {
    let isOpen = 0;
    for (let i = 0; i < blockBytes; i++) {
      this.#open[i] = tree.maybe[i]! & leaf.maybe[i]!;
      isOpen |= this.#open[i]!;
    }
    return isOpen !== 0;
  }

  #tellFacts(look: BlockLook, leaf: Leaf): void {
    const facts = this.#factsOf(look);
    const test = this.#factTest(leaf.key, look, facts);
    for (const slot of slotsOf(this.#open)) {
      const bit = 1 << (slot & 7);
      if (test(slot)) leaf.yes[slot >> 3]! |= bit;
      leaf.maybe[slot >> 3]! &= ~bit;
    }
  }

  #factsOf({ number, block }: BlockLook): FactsColumn {
    const facts = this.#facts.block(number);
    if (reaches(this.#open, facts.covered)) {
      this.#choose(block, facts.covered);
      this.#facts.cover(facts, this.#slots, this.#documents);
    }
    return facts;
  }

  /** Of the open slots those that are not in `covered`, and their documents. */
  #choose(block: BlockColumns, covered: Uint8Array | undefined): void {
    this.#slots.length = 0;
    this.#documents.length = 0;
    for (const slot of slotsOf(this.#open)) {
      if (covered !== undefined && (covered[slot >> 3]! & (1 << (slot & 7))) !== 0) continue;
      this.#slots.push(slot);
      this.#documents.push(block.document(slot));
    }
  }

  /** Calls `visit` for all chosen slots, the rows open with what is parsed of the message. */
  #eachParsed(visit: (slot: number) => void): void {
    const [slots, documents] = [this.#slots, this.#documents];
    this.#documentRows.each(tables.parsed, documents, 0, slots.length, (at, row) => {
      this.#rows.walkedTo(documents[at]!, row);
      visit(slots[at]!);
      return true;
    });
  }

  #factTest(key: Criteria, { number, block }: BlockLook, facts: FactsColumn) {
    switch (key.op) {
      case 'size': {
        const { bytes, test } = key;
        const isLarger = test === 'larger';
        return (slot: number) => (isLarger ? facts.size(slot) > bytes : facts.size(slot) < bytes);
      }
      case 'age': {
        const limitMs = this.#parts.nowMs - key.seconds * secondMs;
        const isOlder = key.test === 'older';
        return (slot: number) => facts.internalMs(slot) <= limitMs === isOlder;
      }
      case 'email-id':
        return (slot: number) => key.id === objectIds.email(block.document(slot));
      case 'thread-id':
        return (slot: number) => key.id === objectIds.thread(facts.thread(slot));
      default: {
        const date = key as DateKey;
        const { account, mailbox } = this.#parts.place;
        const base = number * uidBlockSlots;
        const savedMs = (slot: number) =>
          savedMsOf(this.#parts.shard, account, mailbox, base + slot) ?? facts.internalMs(slot);
        const msOf = date.of === 'saved' ? savedMs : (slot: number) => facts.internalMs(slot);
        return (slot: number) => isDay(date, Math.floor(msOf(slot) / dayMs));
      }
    }
  }

  #tellSent({ block }: BlockLook, leaf: Leaf): void {
    const rows = this.#rows;
    this.#choose(block, undefined);
    this.#eachParsed((slot) => {
      const ms = rows.sentMs;
      if (ms === undefined) return;
      const bit = 1 << (slot & 7);
      if (isOnDay(leaf.key as DateKey, ms, rows)) leaf.yes[slot >> 3]! |= bit;
      leaf.maybe[slot >> 3]! &= ~bit;
    });
  }

  #texts(place: EnvelopePlace): MailboxColumn<TextColumn> {
    return this.#parts.columns.of(this.#parts.place, `envelope ${place}`);
  }

  #tellEnvelope(
    { number, block }: BlockLook,
    leaf: Leaf,
    place: EnvelopePlace,
    aways?: ReadonlyMap<number, Uint8Array | undefined>,
  ): void {
    const texts = this.#texts(place);
    const kept = texts.blocks.get(number);
    let column = kept;
    if (kept === undefined || reaches(this.#open, kept.covered)) {
      const writer = this.#writer.open(kept);
      const rows = this.#rows;
      const tell = (slot: number) => {
        const start = rows.envelopeAt();
        if (start > 0) {
          const { envelopeRow, envelopeEnd } = rows;
          writer.add(slot, foldEnvelopeField(envelopeRow, start, envelopeEnd, place, writer.out));
        }
        // Nobody can fetch it any more.
        else if (aways?.has(slot) === true) writer.add(slot, false);
      };
      this.#choose(block, kept?.covered);
      if (aways === undefined) this.#eachParsed(tell);
      else {
        for (const [at, slot] of this.#slots.entries()) {
          rows.open(this.#documents[at]!, aways.get(slot));
          tell(slot);
        }
      }
      column = writer.column();
      this.#parts.columns.keep(texts, number, column);
    }
    tellText(leaf, column!, this.#parts.plan.needleOf(leaf.key as TextKey), this.#hits);
  }
}

const tellsFacts = 1;
const tellsSent = 2;
const tellsEnvelope = 3;

function rankOf(key: Criteria, plan: SearchPlan): number {
  switch (key.op) {
    case 'size':
    case 'age':
    case 'email-id':
    case 'thread-id':
      return tellsFacts;
    case 'date':
      return key.of === 'sent' ? tellsSent : tellsFacts;
    case 'text':
    case 'header':
      return plan.envelopePlaces.has(key) ? tellsEnvelope : 0;
    default:
      return 0;
  }
}

/** Whether `bits` has any that `covered` has not. */
function reaches(bits: Uint8Array, covered: Uint8Array): boolean {
  for (let i = 0; i < blockBytes; i++) if ((bits[i]! & ~covered[i]!) !== 0) return true;
  return false;
}

/** Tells a leaf what a column has of its text. */
export function tellText(leaf: Leaf, column: TextColumn, needle: Needle, hits: Uint8Array): void {
  const { present, covered, long } = column;
  // RFC 9051 §6.4.4: an empty text asks whether the field is there.
  if (needle.isEmpty) hits.set(present);
  else {
    hits.fill(0);
    column.find(needle.octets, hits);
  }
  for (let i = 0; i < blockBytes; i++) {
    const known = needle.isEmpty ? covered[i]! : covered[i]! & ~long[i]!;
    leaf.yes[i]! |= hits[i]! & leaf.maybe[i]! & known;
    leaf.maybe[i]! &= ~known;
  }
}

/** RFC 9051 §6.4.4: dates alone count, time and zone do not. Without a Date field, the internal date stands in. */
function isOnDay(key: DateKey, ms: number, rows: MessageRows): boolean {
  let own = Math.floor(ms / dayMs);
  // By its author's clock it was at most a day earlier or later: only near the day in question is the zone read.
  if (Math.abs(own - key.day) <= 1) own = Math.floor((ms + zoneMinutes(rows) * minuteMs) / dayMs);
  return isDay(key, own);
}

function isDay({ test, day }: DateKey, own: number): boolean {
  if (test === 'before') return own < day;
  return test === 'on' ? own === day : own >= day;
}

/** As the Date field has it; its row keeps the time in UTC. */
function zoneMinutes({ envelope }: MessageRows): number {
  const date = envelope === undefined ? undefined : envelopeField(envelope, envelopePlaces.DATE);
  return date === undefined ? 0 : (parseDate(date)?.zoneMinutes ?? 0);
}
