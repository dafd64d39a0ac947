/**
 * What an account taught by putting one message where it belongs: its hashed features, and whether it is spam.
 *
 * Runs in:   engine threads; pure.
 */

import { Buffer } from 'node:buffer';
import { packRow, unpackRow } from './packing.ts';

/** `implied`: it lay in INBOX, read, when another was called spam. */
const lessonKinds = ['ham', 'spam', 'implied'] as const;
export type LessonKind = (typeof lessonKinds)[number];

export interface Lesson {
  readonly kind: LessonKind;
  readonly atMs: number;
  /** Ascending. */
  readonly places: Uint32Array;
}

export function encodeLesson({ kind, atMs, places }: Lesson): Uint8Array {
  return packRow([lessonKinds.indexOf(kind), atMs, packPlaces(places)]);
}

export function decodeLesson(value: Uint8Array): Lesson {
  const [kind, atMs, packed] = unpackRow<readonly [number, number, Uint8Array]>(value);
  return { kind: lessonKinds[kind] ?? 'ham', atMs, places: unpackPlaces(packed) };
}

/** Differences, seven bits a byte. */
function packPlaces(places: Uint32Array): Uint8Array {
  const bytes = Buffer.alloc(places.length * 5);
  let at = 0;
  let last = 0;
  for (const place of places) {
    let difference = place - last;
    for (; difference > 0x7f; difference >>>= 7) bytes[at++] = (difference & 0x7f) | 0x80;
    bytes[at++] = difference;
    last = place;
  }
  return bytes.subarray(0, at);
}

function unpackPlaces(bytes: Uint8Array): Uint32Array {
  const places: number[] = [];
  let place = 0;
  let [value, shift] = [0, 0];
  for (const byte of bytes) {
    value |= (byte & 0x7f) << shift;
    shift += 7;
    if (byte > 0x7f) continue;
    place += value;
    places.push(place);
    [value, shift] = [0, 0];
  }
  return Uint32Array.from(places);
}
