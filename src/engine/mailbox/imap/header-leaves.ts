/**
 * What headers tell a search: fields that ENVELOPE has not, read from the journal the first time and then kept.
 *
 * Runs in:   the engine thread that owns the shard; hot.
 * Specs:     RFC 9051 §6.4.4 (HEADER), RFC 2047.
 * Limits:    as for all columns (`columns.ts`).
 * Invariant: a message that is gone has no field: nobody can fetch it any more.
 */

import { view } from '../../../base/bytes.ts';
import { FieldFinder } from '../../../mail/formats/headers/field-finder.ts';
import { headerText, unfold } from '../../../mail/formats/headers/unfold.ts';
import { decodeWords } from '../../../mail/formats/headers/words.ts';
import { type FoldedOctets, textEnd } from '../../../mail/formats/text/folded-octets.ts';
import { tables } from '../../store/keys.ts';
import type { RecordPlace } from '../../store/record.ts';
import { placedFacts } from '../rows/document-row.ts';
import { DocumentRows } from '../rows/document-rows.ts';
import { RowCursor } from '../rows/row-cursor.ts';
import { slotsOf } from './block-columns.ts';
import type { MailboxColumn } from './columns.ts';
import { readHeaders } from './header-reader.ts';
import { type BlockLook, type RowParts, tellText } from './row-leaves.ts';
import type { TextKey } from './search-text.ts';
import type { Leaf, SearchTree } from './search-tree.ts';
import type { Slices } from './slices.ts';
import { type TextColumn, TextColumnWriter } from './text-column.ts';
import { blockBytes } from './view.ts';

type Headers = readonly (Uint8Array | undefined)[];

/** Headers that are being read. */
export interface HeadersToCome {
  readonly slots: readonly number[];
  readonly headers: Promise<Headers>;
}

interface HeaderKey {
  readonly key: TextKey;
  readonly field: string;
  readonly finder: FieldFinder;
}

export class HeaderLeaves {
  readonly #parts: RowParts;
  readonly #rows: DocumentRows;
  readonly #cursor = new RowCursor();
  readonly #keys: readonly HeaderKey[];
  readonly #writer = new TextColumnWriter();
  readonly #open = new Uint8Array(blockBytes);
  readonly #hits = new Uint8Array(blockBytes);

  constructor(parts: RowParts) {
    this.#parts = parts;
    this.#rows = new DocumentRows(parts.shard, parts.place.account);
    this.#keys = parts.plan.textKeys.flatMap((key) => {
      const field = fieldOf(key);
      return field === undefined ? [] : [{ key, field, finder: new FieldFinder(field) }];
    });
  }

  /** Tells what is kept, and begins to read what is not. Undefined: nothing must be read. */
  begin(look: BlockLook): HeadersToCome | undefined {
    if (this.#keys.length === 0) return undefined;
    const wanted = new Uint8Array(blockBytes);
    let isWanted = false;
    this.#each(look, (leaf, { field }) => {
      const kept = this.#column(field).blocks.get(look.number);
      for (let i = 0; i < blockBytes; i++) {
        const open = this.#open[i]! & ~(kept?.covered[i] ?? 0);
        wanted[i]! |= open;
        isWanted ||= open !== 0;
      }
      if (kept !== undefined) this.#tell(leaf, kept);
    });
    look.tree.settle();
    return isWanted ? this.#read(look, [...slotsOf(wanted)]) : undefined;
  }

  async tell(look: BlockLook, { slots, headers }: HeadersToCome, slices: Slices): Promise<void> {
    const read = await headers;
    for (const { key, field, finder } of this.#keys) {
      const column = this.#column(field);
      const kept = column.blocks.get(look.number);
      const writer = this.#writer.open(kept);
      for (const [i, slot] of slots.entries()) {
        if (kept !== undefined && (kept.covered[slot >> 3]! & (1 << (slot & 7))) !== 0) continue;
        const header = read[i];
        if (header === undefined) writer.add(slot, false);
        else writer.add(slot, appendFields(finder.open(view(header)), writer.out));
      }
      const made = writer.column();
      this.#parts.columns.keep(column, look.number, made);
      const leaf = look.tree.leaves.find((one) => one.key === key)!;
      this.#tell(leaf, made);
    }
    look.tree.settle();
    if (slices.isOver) await slices.next();
  }

  /** Leaves of headers that could still decide something: `#open` are the slots. */
  #each(look: BlockLook, tell: (leaf: Leaf, key: HeaderKey) => void): void {
    for (const header of this.#keys) {
      const leaf = look.tree.leaves.find(({ key }) => key === header.key)!;
      if (this.#isOpen(look.tree, leaf)) tell(leaf, header);
    }
  }

  #isOpen(tree: SearchTree, leaf: Leaf): boolean {
    let isOpen = 0;
    for (let i = 0; i < blockBytes; i++) {
      this.#open[i] = tree.maybe[i]! & leaf.maybe[i]!;
      isOpen |= this.#open[i]!;
    }
    return isOpen !== 0;
  }

  #tell(leaf: Leaf, column: TextColumn): void {
    tellText(leaf, column, this.#parts.plan.needleOf(leaf.key as TextKey), this.#hits);
  }

  #column(field: string): MailboxColumn<TextColumn> {
    return this.#parts.columns.of(this.#parts.place, `header ${field}`);
  }

  #read({ block }: BlockLook, slots: readonly number[]): HeadersToCome {
    const places: RecordPlace[] = [];
    const there: number[] = [];
    const documents = slots.map((slot) => block.document(slot));
    this.#rows.each(tables.document, documents, 0, slots.length, (i, row) => {
      if (row === undefined) return true;
      places.push(placedFacts(row, this.#cursor).place);
      there.push(i);
      return true;
    });
    const headers = readHeaders(this.#parts.shard, places).then((read) => {
      const all: (Uint8Array | undefined)[] = new Array(slots.length).fill(undefined);
      for (const [i, at] of there.entries()) all[at] = read[i];
      return all;
    });
    // Who waits for it may have given up.
    headers.catch(() => {});
    return { slots, headers };
  }
}

/** The field that a key looks into, if it is one of the header's. */
function fieldOf(key: TextKey): string | undefined {
  if (key.op === 'header') return key.field;
  return key.place === 'body' || key.place === 'text' ? undefined : key.place.toUpperCase();
}

/** All values of the field; false: it is not there. */
function appendFields(finder: FieldFinder, out: FoldedOctets): boolean {
  let isThere = false;
  while (finder.next()) {
    appendValue(finder, out);
    out.octet(textEnd);
    isThere = true;
  }
  return isThere;
}

const equals = 61;
const questionMark = 63;

/** As `decodeWords(unfoldedValue(…))` has it. */
function appendValue({ bytes, valueStart, valueEnd }: FieldFinder, out: FoldedOctets): void {
  let [from, to] = [valueStart, valueEnd];
  while (from < to && isBlank(bytes[from]!)) from++;
  while (to > from && isBlank(bytes[to - 1]!)) to--;
  for (let at = from; at < to; at++) {
    const octet = bytes[at]!;
    const isEncoded = octet === equals && bytes[at + 1] === questionMark;
    if (octet > 127 || octet === 10 || octet === 13 || isEncoded) {
      out.text(decodeWords(unfold(headerText(bytes, valueStart, valueEnd))));
      return;
    }
  }
  out.ascii(bytes, from, to);
}

/** What `trim` takes, of ASCII. */
function isBlank(octet: number): boolean {
  return octet === 32 || (octet >= 9 && octet <= 13);
}
