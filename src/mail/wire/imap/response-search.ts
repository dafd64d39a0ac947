/**
 * Writes what searches answer: SEARCH, SORT, ESEARCH and UIDBATCHES, a part at a time.
 *
 * Runs in:   anywhere; pure; hot.
 * Specs:     RFC 3501 §7.2.5 (SEARCH), RFC 5256 §4 (SORT), RFC 4731 and RFC 9051 §7.3.4 (ESEARCH), RFC 5267 (ESORT,
 *            ADDTO, REMOVEFROM), RFC 7377 §2.1 (MAILBOX, UIDVALIDITY), RFC 9394 (PARTIAL), RFC 10022 (UIDBATCHES).
 * Limits:    a part has `partNumbers` numbers: the list may be of a million.
 */

import { colon, comma, parenClose, space } from './octets.ts';
import type { PartialRange } from './parse-window.ts';
import type { ResponseWriter } from './response.ts';

const partNumbers = 4_096;

type Numbers = ArrayLike<number>;
export type ResponseParts = Generator<void, void, void>;

/** `* SEARCH 2 3 6 (MODSEQ 917)` of rev1: every number is written out. `modseq` -1: none. */
export function* searchParts<Handle>(
  writer: ResponseWriter<Handle>,
  ranges: Numbers,
  modseq = -1,
): ResponseParts {
  writer.text('* SEARCH');
  const numbers = new SpacedRanges(ranges);
  while (numbers.write(writer)) yield;
  if (modseq >= 0 && ranges.length > 0) writer.text(' (MODSEQ ').number(modseq).octet(parenClose);
  writer.crlf();
}

/** `* SORT 5 3 4 (MODSEQ 917)`. */
export function* sortParts<Handle>(
  writer: ResponseWriter<Handle>,
  numbers: Numbers,
  modseq = -1,
): ResponseParts {
  writer.text('* SORT');
  for (let from = 0; from < numbers.length; from += partNumbers) {
    if (from > 0) yield;
    writeSpaced(writer, numbers, from, Math.min(numbers.length, from + partNumbers));
  }
  if (modseq >= 0 && numbers.length > 0) writer.text(' (MODSEQ ').number(modseq).octet(parenClose);
  writer.crlf();
}

/** Not in a generator: V8 makes faster loops of plain functions. */
function writeSpaced<Handle>(
  writer: ResponseWriter<Handle>,
  numbers: Numbers,
  from: number,
  to: number,
): void {
  for (let i = from; i < to; i++) writer.spacedNumbers(numbers[i]!, numbers[i]!);
}

/** Ranges whose numbers are all written out, a part at a time. */
class SpacedRanges {
  readonly #ranges: Numbers;
  #at = 0;
  /** Of the range at `#at`, those that are written. */
  #done = 0;

  constructor(ranges: Numbers) {
    this.#ranges = ranges;
  }

  /** Writes a part; false: it was the last. */
  write<Handle>(writer: ResponseWriter<Handle>): boolean {
    const ranges = this.#ranges;
    let left = partNumbers;
    for (; this.#at < ranges.length; this.#at += 2, this.#done = 0) {
      const first = ranges[this.#at]! + this.#done;
      const last = ranges[this.#at + 1]!;
      const end = Math.min(last, first + left - 1);
      writer.spacedNumbers(first, end);
      left -= end - first + 1;
      this.#done += end - first + 1;
      if (left === 0) return this.#at + 2 < ranges.length || end < last;
    }
    return false;
  }
}

/** A change of a context's results (RFC 5267 §4.3): pairs of a place and ranges there. */
export interface ContextChange {
  readonly kind: 'ADDTO' | 'REMOVEFROM';
  readonly changes: readonly { readonly place: number; readonly ranges: Numbers }[];
}

/** What was found, as far as it was asked for; ranges in the order of the answer (for SORT not ascending). */
export interface Esearch {
  /** The mailbox it is of, where that is not the selected one alone (RFC 7377). */
  readonly mailbox?: { readonly name: string; readonly uidValidity: number };
  readonly min?: number;
  readonly max?: number;
  readonly count?: number;
  readonly all?: Numbers;
  readonly partial?: { readonly range: PartialRange; readonly found: Numbers };
  readonly modseq?: number;
  readonly context?: ContextChange;
}

/** RFC 4731 §3.1: MIN, MAX and ALL are left out where nothing was found; COUNT is not. */
export function* esearchParts<Handle>(
  writer: ResponseWriter<Handle>,
  tag: string,
  isUid: boolean,
  found: Esearch,
): ResponseParts {
  const { mailbox, min, max, count, all, partial, modseq, context } = found;
  writer.text('* ESEARCH (TAG ').string(tag);
  if (mailbox !== undefined) {
    writer.text(' MAILBOX ').mailbox(mailbox.name).text(' UIDVALIDITY ');
    writer.number(mailbox.uidValidity);
  }
  writer.octet(parenClose);
  if (isUid) writer.text(' UID');
  if (min !== undefined) writer.text(' MIN ').number(min);
  if (max !== undefined) writer.text(' MAX ').number(max);
  if (count !== undefined) writer.text(' COUNT ').number(count);
  if (all !== undefined && all.length > 0) {
    writer.text(' ALL ');
    yield* setParts(writer, all);
  }
  if (partial !== undefined) yield* partialParts(writer, partial.range, partial.found);
  if (context !== undefined) yield* contextParts(writer, context);
  if (modseq !== undefined) writer.text(' MODSEQ ').number(modseq);
  writer.crlf();
}

function* partialParts<Handle>(
  writer: ResponseWriter<Handle>,
  { first, last, isFromEnd }: PartialRange,
  found: Numbers,
): ResponseParts {
  const sign = isFromEnd ? '-' : '';
  writer.text(` PARTIAL (${sign}${first}:${sign}${last} `);
  if (found.length === 0) writer.text('NIL');
  else yield* setParts(writer, found);
  writer.octet(parenClose);
}

function* contextParts<Handle>(
  writer: ResponseWriter<Handle>,
  { kind, changes }: ContextChange,
): ResponseParts {
  writer.octet(space).text(kind).text(' (');
  for (const [i, { place, ranges }] of changes.entries()) {
    if (i > 0) writer.octet(space);
    writer.number(place).octet(space);
    yield* setParts(writer, ranges);
  }
  writer.octet(parenClose);
}

/** `* UIDBATCHES (TAG "a1") 99:50,49:1`: RFC 10022 §4, each range with both its ends, the higher one first. */
export function* batchesParts<Handle>(
  writer: ResponseWriter<Handle>,
  tag: string,
  pairs: Numbers,
): ResponseParts {
  writer.text('* UIDBATCHES (TAG ').string(tag).octet(parenClose);
  for (let i = 0; i < pairs.length; i += 2) {
    writer.octet(i === 0 ? space : comma).number(pairs[i]!);
    writer.octet(colon).number(pairs[i + 1]!);
    if (((i >> 1) + 1) % partNumbers === 0) yield;
  }
  writer.crlf();
}

function* setParts<Handle>(writer: ResponseWriter<Handle>, ranges: Numbers): ResponseParts {
  for (let i = 0; i < ranges.length; i += 2) {
    if (i > 0) writer.octet(comma);
    writer.number(ranges[i]!);
    if (ranges[i + 1] !== ranges[i]) writer.octet(colon).number(ranges[i + 1]!);
    if (((i >> 1) + 1) % partNumbers === 0) yield;
  }
}
