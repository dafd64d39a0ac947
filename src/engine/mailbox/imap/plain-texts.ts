/**
 * Messages whose texts stand in their octets as they are: what is not there as ASCII is in none of their texts.
 *
 * Runs in:   the engine thread that owns the shard; hot: it spares most messages of a search to be taken apart.
 * Specs:     RFC 9051 §7.5.2 (BODY), RFC 2045 §6 (encodings that change nothing).
 * Invariant: a message is plain only where every text part of it, enclosed ones too, has an encoding and a charset in
 *            which an ASCII octet is its character and none other is, and is no markup.
 */

import { type Buffer, isAscii } from 'node:buffer';
import { view } from '../../../base/bytes.ts';
import type { Needle } from '../../../mail/formats/text/needle.ts';
import { OctetSearch } from '../../../mail/formats/text/octet-search.ts';
import type { BlockColumns } from '../rows/block-columns.ts';
import type { Columns, MailboxColumn } from './columns.ts';
import type { MessageRows } from './message-rows.ts';
import type { Place } from './messages.ts';
import { blockBytes } from './view.ts';

const overheadBytes = 200;

class PlainColumn {
  readonly bytes = overheadBytes;
  readonly covered = new Uint8Array(blockBytes);
  readonly plain = new Uint8Array(blockBytes);
}

/** Plain messages of one mailbox. */
export class PlainTexts {
  readonly #columns: Columns;
  readonly #column: MailboxColumn<PlainColumn>;
  readonly #rows: MessageRows;

  constructor(columns: Columns, place: Place, rows: MessageRows) {
    this.#columns = columns;
    this.#column = columns.of(place, 'plain');
    this.#rows = rows;
  }

  isPlain(number: number, block: BlockColumns, slot: number): boolean {
    let column = this.#column.blocks.get(number);
    if (column === undefined) {
      column = new PlainColumn();
      this.#columns.keep(this.#column, number, column);
    }
    const [at, bit] = [slot >> 3, 1 << (slot & 7)];
    if ((column.covered[at]! & bit) === 0) {
      const body = this.#rows.open(block.document(slot)).body;
      if (body !== undefined && hasPlainTexts(body)) column.plain[at]! |= bit;
      column.covered[at]! |= bit;
    }
    return (column.plain[at]! & bit) !== 0;
  }
}

const textPart = /\("text" /gi;
const quoted = '"(?:[^"\\\\]|\\\\.)*"';
/** Of these a decoder leaves ASCII as it is. */
const charsets =
  'us-ascii|ascii|utf-?8|iso-8859-\\d{1,2}|windows-125\\d|koi8-[ru]|gb2312|gbk|gb18030|big5|euc-kr';
const parameter = `(?:"charset" "(?:${charsets})"|"(?!charset"|charset\\*)[^"\\\\]*" ${quoted})`;
const plainPart = new RegExp(
  `\\("text" "(?!html")[a-z0-9.+-]+" (?:NIL|\\(${parameter}(?: ${parameter})*\\)) ` +
    `(?:NIL|${quoted}) (?:NIL|${quoted}) "(?:7bit|8bit|binary)" `,
  'gi',
);

/** By a message's BODY. */
export function hasPlainTexts(body: Buffer): boolean {
  const text = body.toString('latin1');
  return countOf(textPart, text) === countOf(plainPart, text);
}

function countOf(pattern: RegExp, text: string): number {
  let count = 0;
  pattern.lastIndex = 0;
  while (pattern.test(text)) count++;
  return count;
}

const lineBreak = /[\r\n]+/;
/** Where a header is folded, or its colon stands apart, octets are not as they are searched. */
const apartInHeaders = /[\s:]+/;

/** What every plain message that holds the text must have among its octets; undefined: it may be any. */
export function octetsOf(needle: Needle, isInHeaders: boolean): OctetSearch | undefined {
  if (!needle.isAscii) return undefined;
  const piece = needle.longestPiece(isInHeaders ? apartInHeaders : lineBreak);
  return piece === '' ? undefined : new OctetSearch(piece);
}

/** Of a plain message: whether it can hold no text that has these octets. */
export function lacksOctets(bytes: Uint8Array, octets: OctetSearch, isInHeaders: boolean): boolean {
  if (octets.indexIn(bytes, 0, bytes.length) >= 0 || !isAscii(bytes)) return false;
  return !isInHeaders || !view(bytes).includes('=?');
}
