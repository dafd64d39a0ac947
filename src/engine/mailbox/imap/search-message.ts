/**
 * SEARCH on one message: what its rows decide, and what its text does.
 *
 * Runs in:   the engine thread that owns the shard.
 * Specs:     RFC 9051 §6.4.4 (substrings without regard to case, encoded words and transfer encodings undone).
 * Limits:    of a message the first `searchedBytesMax` are searched.
 */

import { objectIds } from '../../../actors/asks/imap-asks.ts';
import { view } from '../../../base/bytes.ts';
import { dayMs, mebibyte, secondMs } from '../../../base/units.ts';
import { fieldName, isField } from '../../../mail/formats/headers/fields.ts';
import { type HeaderScan, scanHeaders } from '../../../mail/formats/headers/scan.ts';
import { unfoldedValue } from '../../../mail/formats/headers/unfold.ts';
import { decodeWords } from '../../../mail/formats/headers/words.ts';
import { partText } from '../../../mail/formats/mime/preview.ts';
import { type Part, scanStructure } from '../../../mail/formats/mime/structure.ts';
import type { Criteria } from '../../../mail/wire/imap/search-keys.ts';
import type { DocumentRow } from '../rows/document-row.ts';
import type { Parsed } from '../rows/parsed-row.ts';
import { type BlockContext, maskOf } from './search-blocks.ts';

export const searchedBytesMax = 4 * mebibyte;

export interface SearchedMessage {
  readonly context: BlockContext;
  readonly slot: number;
  readonly document: number;
  readonly row: DocumentRow;
  readonly parsed: Parsed | undefined;
  readonly nowMs: number;
}

/** Undefined: the message's text decides. */
export type Verdict = boolean | undefined;

/** By its rows; with `text`, for good. */
export function verdictOf(
  criteria: Criteria,
  message: SearchedMessage,
  text?: SearchedText,
): Verdict {
  switch (criteria.op) {
    case 'and':
      return all(criteria.keys, message, text);
    case 'or': {
      const left = verdictOf(criteria.left, message, text);
      if (left === true) return true;
      const right = verdictOf(criteria.right, message, text);
      return right === true ? true : left === undefined ? undefined : right;
    }
    case 'not': {
      const verdict = verdictOf(criteria.key, message, text);
      return verdict === undefined ? undefined : !verdict;
    }
    case 'size':
      return criteria.test === 'larger'
        ? message.row.size > criteria.bytes
        : message.row.size < criteria.bytes;
    case 'date':
      return dateVerdict(criteria, message);
    case 'age': {
      const isOlder = message.row.internalMs <= message.nowMs - criteria.seconds * secondMs;
      return criteria.test === 'older' ? isOlder : !isOlder;
    }
    case 'email-id':
      return criteria.id === objectIds.email(message.document);
    case 'thread-id':
      return criteria.id === objectIds.thread(message.row.thread);
    case 'text':
      return text?.has(criteria.place, criteria.text);
    case 'header':
      return text?.hasField(criteria.field, criteria.text);
    default: {
      const { yes } = maskOf(criteria, message.context);
      return (yes[message.slot >> 3]! & (1 << (message.slot & 7))) !== 0;
    }
  }
}

function all(keys: readonly Criteria[], message: SearchedMessage, text?: SearchedText): Verdict {
  let verdict: Verdict = true;
  for (const key of keys) {
    const one = verdictOf(key, message, text);
    if (one === false) return false;
    if (one === undefined) verdict = undefined;
  }
  return verdict;
}

type DateKey = Extract<Criteria, { op: 'date' }>;

/** RFC 9051 §6.4.4: dates alone count, time and zone do not. Without a Date field, the internal date stands in. */
function dateVerdict({ of, test, day }: DateKey, { row, parsed }: SearchedMessage): boolean {
  const ms = of === 'sent' ? (parsed?.sort.sentMs ?? row.internalMs) : row.internalMs;
  const own = Math.floor(ms / dayMs);
  if (test === 'before') return own < day;
  return test === 'on' ? own === day : own >= day;
}

/** Whether rows can never decide: some key looks into text. */
export function readsText(criteria: Criteria): 'nothing' | 'header' | 'message' {
  switch (criteria.op) {
    case 'text':
      return criteria.place === 'body' || criteria.place === 'text' ? 'message' : 'header';
    case 'header':
      return 'header';
    case 'not':
      return readsText(criteria.key);
    case 'or':
      return most([criteria.left, criteria.right]);
    case 'and':
      return most(criteria.keys);
    default:
      return 'nothing';
  }
}

function most(keys: readonly Criteria[]): 'nothing' | 'header' | 'message' {
  const reads = keys.map(readsText);
  if (reads.includes('message')) return 'message';
  return reads.includes('header') ? 'header' : 'nothing';
}

export function asksSentDate(criteria: Criteria): boolean {
  switch (criteria.op) {
    case 'date':
      return criteria.of === 'sent';
    case 'not':
      return asksSentDate(criteria.key);
    case 'or':
      return asksSentDate(criteria.left) || asksSentDate(criteria.right);
    case 'and':
      return criteria.keys.some(asksSentDate);
    default:
      return false;
  }
}

/** A message's bytes, or its header's, worked out as far as somebody asks. */
export class SearchedText {
  readonly #bytes: Uint8Array;
  #header: HeaderScan | undefined;
  #headerText: string | undefined;
  #bodyText: string | undefined;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  has(place: Extract<Criteria, { op: 'text' }>['place'], wanted: string): boolean {
    const text = folded(wanted);
    if (place === 'body') return this.#body().includes(text);
    if (place === 'text') return this.#headers().includes(text) || this.#body().includes(text);
    return this.hasField(place, wanted);
  }

  /** An empty text asks whether the field is there. */
  hasField(name: string, wanted: string): boolean {
    const scan = this.#scan();
    const field = fieldName(name);
    const text = folded(wanted);
    for (let i = 0; i < scan.count; i++) {
      if (!isField(scan, i, field)) continue;
      if (text === '' || folded(decodeWords(unfoldedValue(scan, i))).includes(text)) return true;
    }
    return false;
  }

  #scan(): HeaderScan {
    this.#header ??= scanHeaders(this.#bytes);
    return this.#header;
  }

  #headers(): string {
    if (this.#headerText === undefined) {
      const scan = this.#scan();
      const fields: string[] = [];
      for (let i = 0; i < scan.count; i++) {
        const name = view(scan.bytes).toString('latin1', scan.nameStart(i), scan.nameEnd(i));
        fields.push(folded(`${name}: ${decodeWords(unfoldedValue(scan, i))}`));
      }
      this.#headerText = fields.join('\n');
    }
    return this.#headerText;
  }

  #body(): string {
    if (this.#bodyText === undefined) {
      const texts: string[] = [];
      addTexts(this.#bytes, scanStructure(this.#bytes).root, texts);
      this.#bodyText = texts.join('\n');
    }
    return this.#bodyText;
  }
}

function addTexts(bytes: Uint8Array, part: Part, texts: string[]): void {
  if (part.type === 'text') texts.push(folded(partText(bytes, part, searchedBytesMax)));
  for (const child of part.children) addTexts(bytes, child, texts);
  if (part.message !== undefined) addTexts(bytes, part.message.root, texts);
}

const ascii = /^[\u0000-\u007f]*$/;

/** RFC 5051 in effect: case and compatibility forms do not count. */
function folded(text: string): string {
  return ascii.test(text) ? text.toUpperCase() : text.normalize('NFKD').toUpperCase();
}
