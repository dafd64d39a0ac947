/**
 * SEARCH on whole blocks of 128 UIDs: what flags and sets decide, without a look at any message.
 *
 * Runs in:   the engine thread that owns the shard; hot.
 * Specs:     RFC 9051 §6.4.4.
 * Invariant: of the block's messages, those in `yes` match and those in neither do not; `maybe` must be read.
 */

import type { Criteria } from '../../../mail/wire/imap/search-keys.ts';
import { type BlockColumns, slotsOf } from './block-columns.ts';
import { maskOfRanges } from './found-set.ts';
import { blockBytes } from './view.ts';

export interface Mask {
  readonly yes: Uint8Array;
  readonly maybe: Uint8Array;
}

export interface BlockContext {
  /** UID of the block's first slot. */
  readonly base: number;
  readonly block: BlockColumns;
  /** The mailbox's, by number. */
  readonly keywords: readonly string[];
  /** Ranges of UIDs of each `set`, worked out once. */
  readonly sets: ReadonlyMap<Criteria, readonly number[]>;
}

const none = new Uint8Array(blockBytes);

export function maskOf(criteria: Criteria, context: BlockContext): Mask {
  const { exists } = context.block;
  switch (criteria.op) {
    // RFC 8514 §4.3: every mailbox keeps save dates.
    case 'saves-dates':
    case 'all':
      return certain(exists);
    // A session knows what is \Recent to it, and asks for that by UID.
    case 'recent':
      return certain(criteria.isSet ? none : exists);
    case 'flag':
      return certain(column(context.block.flag(criteria.bit), exists, criteria.isSet));
    case 'keyword':
      return certain(column(keywordColumn(context, criteria.keyword), exists, criteria.isSet));
    case 'set':
      return certain(setMask(context, context.sets.get(criteria) ?? []));
    case 'modseq':
      return certain(modseqMask(context.block, criteria.modseq));
    case 'not':
      return inverted(maskOf(criteria.key, context), exists);
    case 'and':
      return criteria.keys.map((key) => maskOf(key, context)).reduce(both);
    case 'or':
      return either(maskOf(criteria.left, context), maskOf(criteria.right, context));
    default:
      return { yes: none, maybe: exists };
  }
}

function certain(yes: Uint8Array): Mask {
  return { yes, maybe: none };
}

function column(bits: Uint8Array | undefined, exists: Uint8Array, isSet: boolean): Uint8Array {
  if (bits === undefined) return isSet ? none : exists;
  return isSet ? bits : each((i) => exists[i]! & ~bits[i]!);
}

function keywordColumn({ block, keywords }: BlockContext, wanted: string): Uint8Array | undefined {
  const folded = wanted.toLowerCase();
  const number = keywords.findIndex((keyword) => keyword.toLowerCase() === folded);
  return number < 0 ? undefined : block.keyword(number);
}

function setMask({ base, block }: BlockContext, ranges: readonly number[]): Uint8Array {
  const bits = maskOfRanges(ranges, base);
  return each((i) => bits[i]! & block.exists[i]!);
}

function modseqMask(block: BlockColumns, modseq: number): Uint8Array {
  const bits = new Uint8Array(blockBytes);
  for (const slot of slotsOf(block.exists)) {
    if (block.modseqAt(slot) >= modseq) bits[slot >> 3]! |= 1 << (slot & 7);
  }
  return bits;
}

function inverted({ yes, maybe }: Mask, exists: Uint8Array): Mask {
  return { yes: each((i) => exists[i]! & ~(yes[i]! | maybe[i]!)), maybe };
}

function both(a: Mask, b: Mask): Mask {
  const yes = each((i) => a.yes[i]! & b.yes[i]!);
  const open = (i: number) => (a.yes[i]! | a.maybe[i]!) & (b.yes[i]! | b.maybe[i]!);
  return { yes, maybe: each((i) => open(i) & ~yes[i]!) };
}

function either(a: Mask, b: Mask): Mask {
  const yes = each((i) => a.yes[i]! | b.yes[i]!);
  return { yes, maybe: each((i) => (a.maybe[i]! | b.maybe[i]!) & ~yes[i]!) };
}

function each(byte: (index: number) => number): Uint8Array {
  const bits = new Uint8Array(blockBytes);
  for (let i = 0; i < blockBytes; i++) bits[i] = byte(i);
  return bits;
}
