/**
 * Annotations of mailboxes: values by entry, in rows that stay small; and which entries changed last.
 *
 * Runs in:   engine threads; pure.
 * Specs:     RFC 5464 §3.
 * Limits:    a value is cut into parts of `partBytes`; the names of the last changes fit into as much.
 * Invariant: parts of an entry are one range, in order; an empty value has one empty part.
 */

import { Buffer } from 'node:buffer';
import { annotationKey } from '../../store/keys.ts';
import { packRow, unpackRow } from './packing.ts';

/** Below half a page of the index. */
const partBytes = 1_800;

export interface Annotation {
  readonly entry: string;
  readonly value: Uint8Array;
}

export interface Row {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** An entry's place: shared entries have the reader 0; the server's own the mailbox 0. */
export interface AnnotationPlace {
  readonly account: number;
  readonly mailbox: number;
  readonly reader: number;
}

export function rowsOf(place: AnnotationPlace, { entry, value }: Annotation): Row[] {
  const rows: Row[] = [];
  for (let at = 0; at === 0 || at < value.byteLength; at += partBytes) {
    const key = annotationKey(place.account, place.mailbox, place.reader, entry, at / partBytes);
    rows.push({ key, value: value.subarray(at, at + partBytes) });
  }
  return rows;
}

/** From all rows of a place, in order of key. */
export function annotationsOf(rows: Iterable<Row>): Annotation[] {
  const found: { entry: string; parts: Uint8Array[] }[] = [];
  for (const { key, value } of rows) {
    const bytes = Buffer.from(key.buffer, key.byteOffset, key.byteLength);
    const entry = bytes.toString('utf8', 13, bytes.length - 2);
    const last = found.at(-1);
    if (last?.entry === entry) last.parts.push(value);
    else found.push({ entry, parts: [value] });
  }
  return found.map(({ entry, parts }) => ({ entry, value: Buffer.concat(parts) }));
}

export interface EntryChange {
  readonly modseq: number;
  /** 0: all readers see it. */
  readonly reader: number;
  readonly entry: string;
}

type PackedChange = readonly [modseq: number, reader: number, entry: string];

export function decodeEntryChanges(value: Uint8Array | undefined): EntryChange[] {
  if (value === undefined) return [];
  return unpackRow<readonly PackedChange[]>(value).map(([modseq, reader, entry]) => ({
    modseq,
    reader,
    entry,
  }));
}

/** The newest of them that fit, each entry once. */
export function encodeEntryChanges(changes: readonly EntryChange[]): Uint8Array {
  const newest = new Map<string, EntryChange>();
  for (const change of changes) {
    const key = `${change.reader} ${change.entry}`;
    if ((newest.get(key)?.modseq ?? 0) <= change.modseq) newest.set(key, change);
  }
  const sorted = [...newest.values()].sort(
    (a, b) => a.modseq - b.modseq || (a.entry < b.entry ? -1 : 1),
  );
  let kept = sorted.map(({ modseq, reader, entry }): PackedChange => [modseq, reader, entry]);
  let packed = packRow(kept);
  while (packed.byteLength > partBytes) {
    kept = kept.slice(1);
    packed = packRow(kept);
  }
  return packed;
}
