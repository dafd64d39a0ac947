/**
 * The parsed row: what FETCH, SORT and lists answer from, without touching the message.
 *
 * Runs in:   engine threads; pure.
 * Specs:     RFC 9051 §7.5.2 (ENVELOPE, BODYSTRUCTURE), RFC 8970 (PREVIEW), RFC 5256 (SORT).
 * Limits:    a row over `parsedRowBytesMax` is a record of its own, and the row holds its place.
 */

import { threadHashBytes } from '../../../mail/formats/headers/thread-ids.ts';
import type { PartPlace } from '../../../mail/formats/mime/part-table.ts';
import type { MessageSummary } from '../../../mail/formats/mime/summary.ts';
import type { RecordPlace } from '../../store/record.ts';
import { packRow, unpackRow } from './packing.ts';
import type { RowCursor } from './row-cursor.ts';

/** Under half a page of LMDB, with its key. */
export const parsedRowBytesMax = 1_900;

/** Longer lists of ids are read from the header: hostile ones must not make the row a record. */
const threadHashesMax = 64;

/** Message ids are not kept here but as hashes: the thread tables have them. */
export type Parsed = Omit<
  MessageSummary,
  'messageId' | 'inReplyTo' | 'references' | 'threadHashes'
> & {
  /** Absent: the header tells. */
  readonly threadHashes?: Uint8Array;
};

type PackedParts = readonly (string | number)[];

type Packed = readonly [
  kind: 0,
  envelope: Uint8Array,
  bodyStructure: Uint8Array,
  body: Uint8Array,
  parts: PackedParts,
  preview: string,
  bits: number,
  sentMs: number,
  baseSubject: string,
  displayFrom: string,
  displayTo: string,
  from: string,
  to: string,
  cc: string,
  /** Rows of old have none. */
  threadHashes?: Uint8Array,
];

type PackedPlace = readonly [1, number, number, number, number, number, number];

const fieldsPerPart = 6;
/** The kind and three answers. */
const fieldsBeforeParts = 4;
const hasAttachmentBit = 1;
const isTruncatedBit = 2;
const isReplyBit = 4;
const hasSentBit = 8;

export function encodeParsed(parsed: Parsed): Uint8Array {
  const { sort } = parsed;
  const bits =
    (parsed.hasAttachment ? hasAttachmentBit : 0) |
    (parsed.isTruncated ? isTruncatedBit : 0) |
    (sort.isReplyOrForward ? isReplyBit : 0) |
    (sort.sentMs === undefined ? 0 : hasSentBit);
  const packed: Packed = [
    0,
    parsed.envelope,
    parsed.bodyStructure,
    parsed.body,
    packParts(parsed.parts),
    parsed.preview,
    bits,
    sort.sentMs ?? 0,
    sort.baseSubject,
    sort.displayFrom,
    sort.displayTo,
    sort.from,
    sort.to,
    sort.cc,
  ];
  const { threadHashes } = parsed;
  const isKept = (threadHashes?.length ?? 0) <= threadHashesMax * threadHashBytes;
  if (threadHashes === undefined || !isKept) return packRow(packed);
  return packRow([...packed, threadHashes]);
}

/** A row that says where the parsed message stands as a record's body. */
export function encodeParsedPlace(place: RecordPlace): Uint8Array {
  const { sequence, segment, offset, bytes, bodyOffset, bodyBytes } = place;
  const packed: PackedPlace = [1, sequence, segment, offset, bytes, bodyOffset, bodyBytes];
  return packRow(packed);
}

export type ParsedRow =
  | { readonly kind: 'here'; readonly parsed: Parsed }
  | { readonly kind: 'record'; readonly place: RecordPlace };

export function decodeParsed(value: Uint8Array): ParsedRow {
  const row = unpackRow<Packed | PackedPlace>(value);
  if (row[0] === 1) {
    const [, sequence, segment, offset, bytes, bodyOffset, bodyBytes] = row;
    return { kind: 'record', place: { sequence, segment, offset, bytes, bodyOffset, bodyBytes } };
  }
  const [, envelope, bodyStructure, body, parts, preview, bits, sentMs, ...keys] = row;
  const [baseSubject, displayFrom, displayTo, from, to, cc, threadHashes] = keys;
  const sort = {
    baseSubject,
    isReplyOrForward: (bits & isReplyBit) !== 0,
    displayFrom,
    displayTo,
    from,
    to,
    cc,
    ...((bits & hasSentBit) === 0 ? {} : { sentMs }),
  };
  return {
    kind: 'here',
    parsed: {
      envelope,
      bodyStructure,
      body,
      parts: unpackParts(parts),
      preview,
      sort,
      hasAttachment: (bits & hasAttachmentBit) !== 0,
      isTruncated: (bits & isTruncatedBit) !== 0,
      ...(threadHashes === undefined ? {} : { threadHashes }),
    },
  };
}

/** Whether the row itself holds its answers, and `openAnswers` may read them. */
export function holdsAnswers(value: Uint8Array, cursor: RowCursor): boolean {
  return cursor.open(value).number() === 0 && !cursor.isLost;
}

/** The cursor then reads ENVELOPE, BODYSTRUCTURE and BODY, as they go to a client. */
export function openAnswers(value: Uint8Array, cursor: RowCursor): void {
  cursor.open(value).skip(1);
}

/** Of a row that holds its answers. */
export function partsOf(value: Uint8Array, cursor: RowCursor): PartPlace[] {
  const numbers = cursor.open(value).skip(fieldsBeforeParts).array();
  const parts: PartPlace[] = [];
  for (let i = 0; i < numbers; i += fieldsPerPart) {
    parts.push({
      section: cursor.text(),
      headerStart: cursor.number(),
      bodyStart: cursor.number(),
      bodyEnd: cursor.number(),
      encoding: cursor.text(),
      textStart: cursor.number(),
    });
  }
  return cursor.isLost ? unpackParts(unpackRow<Packed>(value)[4]) : parts;
}

/** Of a row that holds its answers. */
export function previewOf(value: Uint8Array): string {
  return unpackRow<Packed>(value)[5];
}

function packParts(parts: readonly PartPlace[]): PackedParts {
  const packed: (string | number)[] = [];
  for (const part of parts) {
    packed.push(part.section, part.headerStart, part.bodyStart, part.bodyEnd);
    packed.push(part.encoding, part.textStart);
  }
  return packed;
}

function unpackParts(packed: PackedParts): PartPlace[] {
  const parts: PartPlace[] = [];
  for (let i = 0; i < packed.length; i += fieldsPerPart) {
    parts.push({
      section: packed[i] as string,
      headerStart: packed[i + 1] as number,
      bodyStart: packed[i + 2] as number,
      bodyEnd: packed[i + 3] as number,
      encoding: packed[i + 4] as string,
      textStart: packed[i + 5] as number,
    });
  }
  return parts;
}
