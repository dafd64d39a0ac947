/**
 * A document: one message as one account holds it, whatever mailboxes it is in.
 *
 * Runs in:   engine threads; pure.
 * Limits:    a document is in at most `placesMax` places (copies into the same mailbox count again).
 */

import type { RecordPlace } from '../../store/record.ts';
import { packRow, unpackRow } from './packing.ts';
import type { RowCursor } from './row-cursor.ts';

export const placesMax = 100;

export interface DocumentRow {
  /** The record whose body is the message. */
  readonly place: RecordPlace;
  readonly size: number;
  readonly internalMs: number;
  readonly thread: number;
  /** SHA-256 of the bytes: the blob's name. */
  readonly hash: Uint8Array;
  /** Where it is: mailbox, uid, mailbox, uid, … */
  readonly places: readonly number[];
  /** It is in no mailbox any more, and can be had back. */
  readonly kept?: KeptDocument;
}

export interface KeptDocument {
  /** Of the record that expunged it. */
  readonly modseq: number;
  /** When it may be let go. */
  readonly untilMs: number;
  /** Bits by place in `systemFlags`. */
  readonly flags: number;
  readonly keywords: readonly string[];
}

type Packed = readonly [
  sequence: number,
  segment: number,
  offset: number,
  bytes: number,
  bodyOffset: number,
  bodyBytes: number,
  size: number,
  internalMs: number,
  thread: number,
  hash: Uint8Array,
  places: readonly number[],
];

/** Kept ones have one field more. */
type PackedKept = readonly [...Packed, readonly [number, number, number, readonly string[]]];

export function encodeDocument(row: DocumentRow): Uint8Array {
  const { place, kept } = row;
  const packed: Packed = [
    place.sequence,
    place.segment,
    place.offset,
    place.bytes,
    place.bodyOffset,
    place.bodyBytes,
    row.size,
    row.internalMs,
    row.thread,
    row.hash,
    row.places,
  ];
  if (kept === undefined) return packRow(packed);
  return packRow([
    ...packed,
    [kept.modseq, kept.untilMs, kept.flags, kept.keywords],
  ] satisfies PackedKept);
}

export function decodeDocument(value: Uint8Array): DocumentRow {
  const [sequence, segment, offset, bytes, bodyOffset, bodyBytes, ...rest] = unpackRow<
    Packed | PackedKept
  >(value);
  const [size, internalMs, thread, hash, places, packedKept] = rest;
  const place = { sequence, segment, offset, bytes, bodyOffset, bodyBytes };
  const row = { place, size, internalMs, thread, hash, places };
  if (packedKept === undefined) return row;
  const [modseq, untilMs, flags, keywords] = packedKept;
  return { ...row, kept: { modseq, untilMs, flags, keywords } };
}

export type DocumentFacts = Pick<DocumentRow, 'size' | 'internalMs' | 'thread'>;
export type PlacedFacts = Pick<DocumentRow, 'place'> & DocumentFacts;

const fieldsOfPlace = 6;

/** What lists show, without unpacking the rest. */
export function documentFacts(value: Uint8Array, cursor: RowCursor): DocumentFacts {
  cursor.open(value).skip(fieldsOfPlace);
  const facts = { size: cursor.number(), internalMs: cursor.number(), thread: cursor.number() };
  return cursor.isLost ? decodeDocument(value) : facts;
}

/** The same, and where the message stands. */
export function placedFacts(value: Uint8Array, cursor: RowCursor): PlacedFacts {
  cursor.open(value);
  const place = {
    sequence: cursor.number(),
    segment: cursor.number(),
    offset: cursor.number(),
    bytes: cursor.number(),
    bodyOffset: cursor.number(),
    bodyBytes: cursor.number(),
  };
  const size = cursor.number();
  const facts = { place, size, internalMs: cursor.number(), thread: cursor.number() };
  return cursor.isLost ? decodeDocument(value) : facts;
}

/** The document's first UID in a mailbox, or 0. */
export function uidIn(row: DocumentRow, mailbox: number): number {
  for (let i = 0; i < row.places.length; i += 2) {
    if (row.places[i] === mailbox) return row.places[i + 1]!;
  }
  return 0;
}

export function withPlace(row: DocumentRow, mailbox: number, uid: number): DocumentRow {
  return { ...row, places: [...row.places, mailbox, uid] };
}

export function withoutPlace(row: DocumentRow, mailbox: number, uid: number): DocumentRow {
  const places: number[] = [];
  for (let i = 0; i < row.places.length; i += 2) {
    if (row.places[i] === mailbox && row.places[i + 1] === uid) continue;
    places.push(row.places[i]!, row.places[i + 1]!);
  }
  return { ...row, places };
}
