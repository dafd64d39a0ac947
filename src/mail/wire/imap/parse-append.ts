/**
 * Reads APPEND and REPLACE piece by piece: up to each literal of a message, and what follows the last.
 *
 * Runs in:   anywhere; pure. The reader shows what came since the last streamed literal; `parseAppend` says what of a
 *            message that is, and where in the grammar it ends.
 * Specs:     RFC 9051 §6.3.12; RFC 3502 (MULTIAPPEND); RFC 4469 §3 (CATENATE); RFC 8508 (REPLACE); RFC 3516 §4.4
 *            (`~{n}`); RFC 6855 §4 (`UTF8 (~{n}`).
 * Limits:    `listItemsMax` URLs between two literals.
 */

import { type Cursor, fail } from './cursor.ts';
import { listItemsMax } from './limits.ts';
import { parenClose, parenOpen, quote } from './octets.ts';
import { parseDateTime } from './parse-dates.ts';
import { type Flags, noFlags, parseFlagList } from './parse-flags.ts';
import { parseMailbox } from './parse-mailbox.ts';
import {
  expectEnd,
  expectOctet,
  expectSpace,
  isAtString,
  parseAstring,
  parseLiteralMark,
  parseName,
  takeOctet,
  takeWord,
} from './parse-strings.ts';
import { parseSequenceSet, type SequenceSet } from './sequence-set.ts';

export type AppendEvent =
  /** A message begins: its texts and URLs follow. */
  | {
      readonly kind: 'message';
      readonly flags: Flags;
      /** Epoch milliseconds; undefined: now. */
      readonly internalMs: number | undefined;
      /** `UTF8 (~{n}`. */
      readonly isUtf8: boolean;
      /** Its parts are put together; else it is one text. */
      readonly isCatenated: boolean;
    }
  | { readonly kind: 'url'; readonly url: string }
  /** Its octets are those of the literal that is announced; always the last. */
  | { readonly kind: 'text' };

/**
 * Where a command stands between two literals. `append`, `replace`: behind its name. `next`: behind a message;
 * `utf8`: before the parenthesis that closes one; `parts`: behind a part of a CATENATE; `part`: before its first.
 */
export type AppendState = 'append' | 'replace' | 'next' | 'parts' | 'part' | 'utf8';

export interface AppendStep {
  /** With the first step. */
  readonly mailbox: string;
  /** REPLACE's message. */
  readonly replaced: SequenceSet | undefined;
  readonly events: readonly AppendEvent[];
  readonly state: AppendState;
}

/** The literal announced is a name: gather it, and parse again from the same state. */
export const toBeGathered = 'gather';

/** The literal announced is a URL: gather it, and parse on with it, from where the cursor stands. */
export interface GatheringStep extends AppendStep {
  readonly isGathering: true;
}

/**
 * `isAtLiteral`: what is shown ends with the mark of a literal whose octets have not come. `partsBefore`: what is shown
 * had so many events in the steps before.
 */
export function parseAppend(
  cursor: Cursor,
  state: AppendState,
  isAtLiteral: boolean,
  partsBefore = 0,
): AppendStep | GatheringStep | typeof toBeGathered | undefined {
  const step = new Step(cursor, isAtLiteral, partsBefore);
  const next = step.run(state);
  const { mailbox, replaced, events, atPart } = step;
  if (atPart !== undefined) {
    cursor.at = atPart.at;
    return { mailbox, replaced, events, state: atPart.state, isGathering: true };
  }
  if (step.isGathered) return toBeGathered;
  return next === undefined ? undefined : { mailbox, replaced, events, state: next };
}

/** A step that ends with the command ends in `next`. */
class Step {
  mailbox = '';
  replaced: SequenceSet | undefined;
  readonly events: AppendEvent[] = [];
  isGathered = false;
  /** Where the part begins whose URL is to be gathered. */
  atPart: { readonly at: number; readonly state: AppendState } | undefined;
  readonly #cursor: Cursor;
  readonly #isAtLiteral: boolean;
  readonly #partsBefore: number;

  constructor(cursor: Cursor, isAtLiteral: boolean, partsBefore: number) {
    this.#cursor = cursor;
    this.#isAtLiteral = isAtLiteral;
    this.#partsBefore = partsBefore;
  }

  run(state: AppendState): AppendState | undefined {
    const cursor = this.#cursor;
    if (state === 'append' || state === 'replace') {
      if (state === 'replace' && !this.#replaced()) return undefined;
      return this.#name() ? this.#message() : undefined;
    }
    if (state === 'parts' || state === 'part') return this.#parts(state === 'part');
    if (state === 'utf8' && !expectOctet(cursor, parenClose, 'UTF8 has no closing parenthesis')) {
      return undefined;
    }
    return this.#next();
  }

  /** MULTIAPPEND: a further message, or the end. */
  #next(): AppendState | undefined {
    if (this.#isAtLiteral) return this.#message();
    const cursor = this.#cursor;
    const from = cursor.at;
    if (!cursor.isAtEnd() && expectSpace(cursor) && !cursor.isAtEnd()) {
      cursor.at = from;
      return this.#message();
    }
    return expectEnd(cursor) ? 'next' : undefined;
  }

  /** RFC 8508 §3.1: one message, named before the mailbox: seq-number, or `*`. */
  #replaced(): boolean {
    const cursor = this.#cursor;
    if (!expectSpace(cursor)) return false;
    const from = cursor.at;
    this.replaced = parseSequenceSet(cursor);
    if (this.replaced === undefined) return false;
    const { ranges } = this.replaced;
    if (ranges.length === 2 && ranges[0] === ranges[1]) return true;
    cursor.at = from;
    fail(cursor, 'REPLACE takes one message');
    return false;
  }

  #name(): boolean {
    const cursor = this.#cursor;
    if (!expectSpace(cursor) || this.#mustGather()) return false;
    const mailbox = parseMailbox(cursor);
    if (mailbox !== undefined) this.mailbox = mailbox;
    return mailbox !== undefined;
  }

  #message(): AppendState | undefined {
    const cursor = this.#cursor;
    if (!expectSpace(cursor)) return undefined;
    let flags: Flags | undefined = noFlags;
    if (cursor.peek() === parenOpen) {
      flags = parseFlagList(cursor);
      if (flags === undefined || !expectSpace(cursor)) return undefined;
    }
    let internalMs: number | undefined;
    if (cursor.peek() === quote) {
      internalMs = parseDateTime(cursor);
      if (internalMs === undefined || !expectSpace(cursor)) return undefined;
    }
    const isUtf8 = takeWord(cursor, 'UTF8');
    const isCatenated = !isUtf8 && takeWord(cursor, 'CATENATE');
    this.events.push({ kind: 'message', flags, internalMs, isUtf8, isCatenated });
    if (!isUtf8 && !isCatenated) return this.#text() ? 'next' : undefined;
    if (!expectSpace(cursor)) return undefined;
    if (!expectOctet(cursor, parenOpen, 'An opening parenthesis is missing')) return undefined;
    if (isCatenated) return this.#parts(true);
    return this.#text() ? 'utf8' : undefined;
  }

  /** RFC 4469 §5: `TEXT literal` and `URL astring`, at least one. */
  #parts(isFirst: boolean): AppendState | undefined {
    const cursor = this.#cursor;
    for (let isOpening = isFirst; ; isOpening = false) {
      const { at } = cursor;
      if (!isOpening) {
        if (takeOctet(cursor, parenClose)) return this.#next();
        if (!expectSpace(cursor)) return undefined;
      }
      const kind = parseName(cursor, 'A part');
      if (kind === undefined || !expectSpace(cursor)) return undefined;
      if (kind === 'TEXT') return this.#text() ? 'parts' : undefined;
      if (kind !== 'URL') return fail(cursor, 'A part is neither TEXT nor URL');
      if (this.#mustGather()) {
        this.atPart = { at, state: isOpening ? 'part' : 'parts' };
        return undefined;
      }
      const url = parseAstring(cursor);
      if (url === undefined) return undefined;
      this.events.push({ kind: 'url', url });
      if (this.#partsBefore + this.events.length > listItemsMax) {
        return fail(cursor, 'Too many parts', 'limit');
      }
    }
  }

  /** The mark of the literal that is announced. */
  #text(): boolean {
    const cursor = this.#cursor;
    const mark = parseLiteralMark(cursor);
    if (mark === undefined) return false;
    if (!this.#isAtLiteral || mark.from !== cursor.end) {
      fail(cursor, 'A message is not where it must be');
      return false;
    }
    cursor.at = mark.from;
    this.events.push({ kind: 'text' });
    return true;
  }

  /** Only the literal that is announced has none of its octets there yet: its mark ends what is shown. */
  #mustGather(): boolean {
    const cursor = this.#cursor;
    if (!this.#isAtLiteral || !isAtString(cursor) || cursor.peek() === quote) return false;
    const mark = parseLiteralMark(cursor);
    this.isGathered = mark !== undefined && mark.from === cursor.end;
    return this.isGathered;
  }
}
