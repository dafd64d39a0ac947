/**
 * A search's criteria on whole blocks of 128 UIDs: bits for what is known to match and for what is not known yet.
 *
 * Runs in:   the engine thread that owns the shard; hot: nothing is allocated for a block.
 * Specs:     RFC 9051 §6.4.4.
 * Invariant: of the block's messages, those in `yes` match and those in neither mask do not. Telling a leaf more never
 *            takes back what was known.
 */

import type { Criteria } from '../../../mail/wire/imap/search-keys.ts';
import { maskInto } from './found-set.ts';
import { blockBytes } from './view.ts';

class Masks {
  readonly yes = new Uint8Array(blockBytes);
  readonly maybe = new Uint8Array(blockBytes);
}

/** A key that looks at messages. */
export class Leaf extends Masks {
  readonly key: Criteria;

  constructor(key: Criteria) {
    super();
    this.key = key;
  }
}

class Inner extends Masks {
  readonly op: 'and' | 'or' | 'not';
  readonly children: readonly (Inner | Leaf)[];

  constructor(op: 'and' | 'or' | 'not', children: readonly (Inner | Leaf)[]) {
    super();
    this.op = op;
    this.children = children;
  }
}

/** What a tree asks of a block at once. */
export interface TreeBlock {
  copyExists(into: Uint8Array): void;
  copyFlag(flag: number, into: Uint8Array): void;
  /** Absent where only flags are known: the tree may have no such leaf then (`asksFlagsAlone`). */
  copyKeyword?(number: number, into: Uint8Array): void;
  modseq?(slot: number): number;
}

export interface TreeContext {
  /** The mailbox's, by number. */
  readonly keywords: readonly string[];
  /** Ranges of UIDs of each `set`. */
  readonly sets: ReadonlyMap<Criteria, readonly number[]>;
}

export class SearchTree {
  readonly exists = new Uint8Array(blockBytes);
  readonly leaves: readonly Leaf[];
  readonly #root: Inner | Leaf;
  /** What a node is made of comes before it. */
  readonly #inner: readonly Inner[];
  readonly #context: TreeContext;

  constructor(criteria: Criteria, context: TreeContext) {
    const leaves: Leaf[] = [];
    const inner: Inner[] = [];
    this.#root = grow(criteria, leaves, inner);
    this.leaves = leaves;
    this.#inner = inner;
    this.#context = context;
  }

  /** No leaf asks a block for more than flags. */
  get asksFlagsAlone(): boolean {
    return this.leaves.every(({ key }) => key.op !== 'keyword' && key.op !== 'modseq');
  }

  get yes(): Uint8Array {
    return this.#root.yes;
  }

  get maybe(): Uint8Array {
    return this.#root.maybe;
  }

  /** Knows what the block alone tells of the messages wanted. `base`: UID of its first slot. */
  begin(block: TreeBlock, base: number, wanted: Uint8Array): void {
    block.copyExists(this.exists);
    for (let i = 0; i < blockBytes; i++) this.exists[i]! &= wanted[i]!;
    for (const leaf of this.leaves) {
      leaf.maybe.fill(0);
      if (!this.#ask(leaf, block, base)) {
        leaf.yes.fill(0);
        leaf.maybe.set(this.exists);
      }
    }
    this.settle();
  }

  /** Leaves were told more. */
  settle(): void {
    for (const node of this.#inner) combine(node, this.exists);
  }

  /** Of one message: by the leaves' masks, and where they do not know by `holds`. */
  verdict(slot: number, holds: (key: Criteria) => boolean): boolean {
    return verdictOf(this.#root, slot >> 3, 1 << (slot & 7), holds);
  }

  /** False: the messages decide. */
  #ask({ key, yes }: Leaf, block: TreeBlock, base: number): boolean {
    const { exists } = this;
    switch (key.op) {
      // RFC 8514 §4.3: every mailbox keeps save dates.
      case 'saves-dates':
      case 'all':
        yes.set(exists);
        return true;
      // A session knows what is \Recent to it, and asks for that by UID.
      case 'recent':
        if (key.isSet) yes.fill(0);
        else yes.set(exists);
        return true;
      case 'flag':
        block.copyFlag(key.bit, yes);
        choose(yes, key.isSet, exists);
        return true;
      case 'keyword': {
        const folded = key.keyword.toLowerCase();
        const number = this.#context.keywords.findIndex((name) => name.toLowerCase() === folded);
        block.copyKeyword!(number, yes);
        choose(yes, key.isSet, exists);
        return true;
      }
      case 'set':
        maskInto(this.#context.sets.get(key) ?? [], base, yes);
        for (let i = 0; i < blockBytes; i++) yes[i]! &= exists[i]!;
        return true;
      case 'modseq':
        yes.fill(0);
        for (let slot = 0; slot < 8 * blockBytes; slot++) {
          const [at, bit] = [slot >> 3, 1 << (slot & 7)];
          if ((exists[at]! & bit) !== 0 && block.modseq!(slot) >= key.modseq) yes[at]! |= bit;
        }
        return true;
      default:
        return false;
    }
  }
}

function grow(criteria: Criteria, leaves: Leaf[], inner: Inner[]): Inner | Leaf {
  const below = (key: Criteria) => grow(key, leaves, inner);
  let node: Inner;
  switch (criteria.op) {
    case 'and':
      node = new Inner('and', criteria.keys.map(below));
      break;
    case 'or':
      node = new Inner('or', [below(criteria.left), below(criteria.right)]);
      break;
    case 'not':
      node = new Inner('not', [below(criteria.key)]);
      break;
    default: {
      const leaf = new Leaf(criteria);
      leaves.push(leaf);
      return leaf;
    }
  }
  inner.push(node);
  return node;
}

/** Those that have it, or those that have it not. */
function choose(bits: Uint8Array, isSet: boolean, exists: Uint8Array): void {
  const turned = isSet ? 0 : 0xff;
  for (let i = 0; i < blockBytes; i++) bits[i] = exists[i]! & (bits[i]! ^ turned);
}

function combine({ op, children, yes, maybe }: Inner, exists: Uint8Array): void {
  if (op === 'not') {
    const child: Masks = children[0]!;
    for (let i = 0; i < blockBytes; i++) {
      yes[i] = exists[i]! & ~(child.yes[i]! | child.maybe[i]!);
      maybe[i] = child.maybe[i]!;
    }
    return;
  }
  const isAnd = op === 'and';
  // `maybe` holds what is possible on the way.
  if (isAnd) yes.set(exists);
  else yes.fill(0);
  maybe.set(yes);
  for (const child of children) {
    for (let i = 0; i < blockBytes; i++) {
      const could = child.yes[i]! | child.maybe[i]!;
      yes[i] = isAnd ? yes[i]! & child.yes[i]! : yes[i]! | child.yes[i]!;
      maybe[i] = isAnd ? maybe[i]! & could : maybe[i]! | could;
    }
  }
  for (let i = 0; i < blockBytes; i++) maybe[i]! &= ~yes[i]!;
}

function verdictOf(
  node: Inner | Leaf,
  at: number,
  bit: number,
  holds: (key: Criteria) => boolean,
): boolean {
  if ((node.yes[at]! & bit) !== 0) return true;
  if ((node.maybe[at]! & bit) === 0) return false;
  if (node instanceof Leaf) return holds(node.key);
  if (node.op === 'not') return !verdictOf(node.children[0]!, at, bit, holds);
  const ends = node.op === 'or';
  for (const child of node.children) if (verdictOf(child, at, bit, holds) === ends) return ends;
  return !ends;
}
