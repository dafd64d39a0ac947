/**
 * The views of a shard's mailboxes: made from UID blocks and vanished rows when asked for, shared by all sessions
 * that believe the same.
 *
 * Runs in:   the engine thread that owns the shard.
 * Limits:    `viewsPerMailboxMax` views of a mailbox are kept, in the memory that all shards of the thread share; a view
 *            that must be made from nothing is made in slices of `sliceBlocks` blocks, so that no turn is long.
 * Invariant: a view is a function of mailbox, modseq and uidNext: keeping one or making it anew is the same.
 */

import { MailError } from '../../../base/errors.ts';
import {
  lastU32,
  modseqAt,
  modseqsSince,
  tables,
  uidBlockRange,
  uidBlockShift,
} from '../../store/keys.ts';
import { DerivedMap, type DerivedMemory } from '../derived-memory.ts';
import { floorsOf } from '../mailbox-reader.ts';
import type { MailboxShard } from '../mailbox-shard.ts';
import { existsOf } from '../rows/uid-block.ts';
import { unpackRanges } from '../rows/uid-ranges.ts';
import { type View, ViewBuilder } from './view.ts';

/** Views of one mailbox: sessions behind by more than these are rare. */
const viewsPerMailboxMax = 16;
/** Of a view without its arrays. */
const viewBytes = 128;
const sliceBlocks = 512;

export interface SessionView {
  readonly account: number;
  readonly mailbox: number;
  /** Expunges after this one are not known to the session. */
  readonly modseq: number;
  /** Nor are messages from this UID on. */
  readonly uidNext: number;
}

export class Views {
  readonly #shard: Pick<MailboxShard, 'get' | 'range'>;
  /** By account and mailbox; the most recently asked for last. */
  readonly #mailboxes: DerivedMap<readonly View[]>;

  constructor(shard: Pick<MailboxShard, 'get' | 'range'>, memory: DerivedMemory) {
    this.#shard = shard;
    this.#mailboxes = new DerivedMap(memory);
  }

  close(): void {
    this.#mailboxes.close();
  }

  /** At once where a kept view leads to it; else in slices. */
  view(wanted: SessionView): View | Promise<View> {
    const key = `${wanted.account} ${wanted.mailbox}`;
    const kept = this.#mailboxes.get(key) ?? [];
    const same = kept.find((view) => isSame(view, wanted));
    if (same !== undefined) return same === kept.at(-1) ? same : this.#keep(key, same);
    const floor = this.#mustBeKnown(wanted);
    // What vanished between an older one and the floor is not known any more.
    const nearest = nearestBelow(
      kept.filter(({ modseq }) => modseq >= floor),
      wanted,
    );
    if (nearest !== undefined) return this.#keep(key, this.#derive(nearest, wanted));
    const builder = new ViewBuilder();
    const next = this.#addBlocks(builder, wanted, 0, sliceBlocks);
    if (next === undefined) return this.#keep(key, this.#finish(builder, wanted, 0));
    return this.#build(key, builder, wanted, next);
  }

  async #build(
    key: string,
    builder: ViewBuilder,
    wanted: SessionView,
    from: Uint8Array,
  ): Promise<View> {
    let next: Uint8Array | undefined = from;
    while (next !== undefined) {
      await new Promise((resolve) => setImmediate(resolve));
      next = this.#addBlocks(builder, wanted, 0, sliceBlocks, next);
    }
    // What vanished while this was made has its row by now: read last, those rows make the set whole.
    return this.#keep(key, this.#finish(builder, wanted, 0));
  }

  #derive(from: View, wanted: SessionView): View {
    const { account, mailbox } = wanted;
    const vanished = this.#vanished(account, mailbox, from.modseq);
    const told = vanished.filter(({ key }) => modseqAt(key, 9) <= wanted.modseq);
    // Flags alone changed, as a rule.
    if (told.length === 0 && from.uidNext === wanted.uidNext) return from.at(wanted.modseq);
    const builder = new ViewBuilder(from);
    for (const { value } of told) builder.removeUids(unpackRanges(value));
    this.#addBlocks(builder, wanted, from.uidNext, Number.POSITIVE_INFINITY);
    return this.#finish(builder, wanted, from.uidNext);
  }

  /** Adds those who vanished later than the session knows: it still counts them. */
  #finish(builder: ViewBuilder, wanted: SessionView, fromUid: number): View {
    const { account, mailbox, modseq, uidNext } = wanted;
    this.#mustBeKnown(wanted);
    for (const { value } of this.#vanished(account, mailbox, modseq)) {
      builder.addUids(unpackRanges(value), fromUid, uidNext);
    }
    return builder.build(modseq, uidNext);
  }

  /** Adds at most `limit` blocks; answers where to go on. */
  #addBlocks(
    builder: ViewBuilder,
    { account, mailbox, uidNext }: SessionView,
    fromUid: number,
    limit: number,
    start?: Uint8Array,
  ): Uint8Array | undefined {
    if (fromUid >= uidNext) return undefined;
    const first = fromUid >>> uidBlockShift;
    const range = uidBlockRange(account, mailbox, first, (uidNext - 1) >>> uidBlockShift);
    const { from = range.from, to } = start === undefined ? range : { from: start, to: range.to };
    const rows = this.#shard.range(Number.isFinite(limit) ? { from, to, limit } : { from, to });
    for (const { key, value } of rows) {
      builder.addBlock(lastU32(key), existsOf(value), fromUid, uidNext);
    }
    if (rows.length < limit) return undefined;
    return Buffer.concat([rows.at(-1)!.key, Buffer.of(0)]);
  }

  /** The mailbox's floor. @throws MailError `not-possible-now`: expunges after the wanted modseq are forgotten */
  #mustBeKnown({ account, mailbox, modseq }: SessionView): number {
    const { vanishedFloor: floor } = floorsOf(this.#shard, account, mailbox);
    if (modseq < floor) throw new MailError('not-possible-now', 'what vanished is forgotten');
    return floor;
  }

  #vanished(account: number, mailbox: number, after: number) {
    return this.#shard.range(modseqsSince(tables.vanished, account, mailbox, after));
  }

  #keep(key: string, view: View): View {
    const others = (this.#mailboxes.get(key) ?? []).filter((one) => one !== view);
    const kept = [...others.slice(1 - viewsPerMailboxMax), view];
    this.#mailboxes.set(key, kept, bytesOf(kept));
    return view;
  }
}

/** Views of one state under several modseqs share their arrays. */
function bytesOf(views: readonly View[]): number {
  const counted = new Set<Uint8Array>();
  let bytes = 0;
  for (const view of views) {
    bytes += viewBytes;
    if (!counted.has(view.bits)) bytes += view.bytes;
    counted.add(view.bits);
  }
  return bytes;
}

function isSame(view: View, { modseq, uidNext }: SessionView): boolean {
  return view.modseq === modseq && view.uidNext === uidNext;
}

/** The newest kept view that what was wanted can be made from. */
function nearestBelow(kept: readonly View[], { modseq, uidNext }: SessionView): View | undefined {
  let best: View | undefined;
  for (const view of kept) {
    if (view.modseq > modseq || view.uidNext > uidNext) continue;
    if (best === undefined || view.modseq + view.uidNext > best.modseq + best.uidNext) best = view;
  }
  return best;
}
