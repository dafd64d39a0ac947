/**
 * Lays out one parcel for a vectored write: headers and metas in an arena, bodies as the views they
 * came as.
 *
 * Runs in:   engine threads.
 * Limits:    one parcel at a time: the arena is used again by the next `begin`, after the write
 *            settled.
 */

import { Buffer } from 'node:buffer';
import { crc32c } from '@node-rs/crc32';
import { assert } from '../../../base/assert.ts';
import { byteLength } from '../../../base/bytes.ts';
import type { RecordDraft, RecordPlace } from '../record.ts';
import { sealRecord } from '../record-types.ts';
import { encodeNote, placeOfSide, sideNoteBytes } from '../side/format.ts';
import {
  flagSealed,
  flagSide,
  recordHeaderBytes,
  type SegmentHeader,
  sealBytes,
  sealMetaBytes,
  seedOf,
  writeRecordHeader,
  writeSealMeta,
} from './format.ts';

const arenaBytesLeast = 64 * 1_024;

export function encodedBytes(draft: RecordDraft): number {
  const bodyBytes = draft.side === undefined ? byteLength(draft.body) : sideNoteBytes;
  return recordHeaderBytes + draft.meta.byteLength + bodyBytes;
}

export class ParcelEncoder {
  #arena: Buffer = Buffer.allocUnsafeSlow(arenaBytesLeast);
  #crcs: Buffer = Buffer.allocUnsafeSlow(1_024);
  #arenaUsed = 0;
  /** Start of the arena bytes not yet in `#parts`. */
  #arenaOpen = 0;
  #parts: Uint8Array[] = [];
  #segment = 0;
  #epoch = 0;
  #seed = 0;
  #start = 0;
  #offset = 0;
  #recordCount = 0;
  #sequence = 0;

  /** `arenaBytes` is at least the sum of headers and metas to come, the seal left out. */
  begin(header: SegmentHeader, seed: number, start: number, arenaBytes: number): void {
    const needed = arenaBytes + sealBytes;
    if (this.#arena.length < needed) this.#arena = Buffer.allocUnsafeSlow(needed * 2);
    this.#arenaUsed = 0;
    this.#arenaOpen = 0;
    this.#parts = [];
    this.#segment = header.segment;
    this.#epoch = header.epoch;
    this.#seed = seed;
    this.#start = start;
    this.#offset = start;
    this.#recordCount = 0;
    this.#sequence = 0;
  }

  /** The same, with a segment header in front: the parcel a segment is born with. */
  beginSegment(header: SegmentHeader, headerBytes: Buffer, arenaBytes: number): void {
    this.begin(header, seedOf(header), headerBytes.length, arenaBytes);
    this.#parts.push(headerBytes);
  }

  add(draft: RecordDraft, sequence: number, flags: number): RecordPlace {
    const { side } = draft;
    if (side !== undefined) {
      assert(draft.body.length === 0, 'a body in two places');
      const noted = { ...draft, body: [encodeNote(side)] };
      this.#add(noted, sequence, flags | flagSide);
      return placeOfSide(sequence, side);
    }
    return this.#add(draft, sequence, flags);
  }

  #add(draft: Omit<RecordDraft, 'side'>, sequence: number, flags: number): RecordPlace {
    const { meta, body } = draft;
    const at = this.#arenaUsed;
    const metaBytes = meta.byteLength;
    const bodyBytes = byteLength(body);
    const arenaEnd = at + recordHeaderBytes + metaBytes;
    assert(arenaEnd + sealBytes <= this.#arena.length, 'a parcel outgrew its arena');
    const arena = this.#arena;
    const { type, tenant, sealedBy } = draft;
    if (sealedBy === undefined) {
      writeRecordHeader(arena, at, false, type, flags, tenant, sequence, metaBytes, bodyBytes);
    } else {
      const { account, version } = sealedBy;
      const all = flags | flagSealed;
      writeRecordHeader(
        ...([arena, at, false, type, all, tenant, sequence, metaBytes, bodyBytes] as const),
        account,
        version,
      );
    }
    arena.set(meta, at + recordHeaderBytes);
    let crc = crc32c(arena.subarray(at + 8, arenaEnd), this.#seed);
    this.#arenaUsed = arenaEnd;
    if (bodyBytes > 0) {
      this.#parts.push(arena.subarray(this.#arenaOpen, arenaEnd));
      this.#arenaOpen = arenaEnd;
      for (const part of body) {
        if (part.byteLength === 0) continue;
        crc = crc32c(part, crc);
        this.#parts.push(part);
      }
    }
    arena.writeUInt32LE(crc, at + 4);
    this.#noteCrc(crc);
    this.#sequence = sequence;
    const offset = this.#offset;
    const bodyOffset = offset + recordHeaderBytes + metaBytes;
    const bytes = recordHeaderBytes + metaBytes + bodyBytes;
    this.#offset = offset + bytes;
    return { sequence, segment: this.#segment, offset, bytes, bodyOffset, bodyBytes };
  }

  /**
   * Ends the parcel. `end` is where the next one starts; `parts` are valid until the next `begin`.
   */
  seal(): { readonly parts: readonly Uint8Array[]; readonly end: number } {
    assert(this.#recordCount > 0, 'a parcel without records');
    const arena = this.#arena;
    const at = this.#arenaUsed;
    writeRecordHeader(arena, at, true, sealRecord, 0, 0, this.#sequence, sealMetaBytes, 0);
    writeSealMeta(arena, at + recordHeaderBytes, {
      parcelStart: this.#start,
      recordCount: this.#recordCount,
      recordsCrc: crc32c(this.#crcs.subarray(0, this.#recordCount * 4)),
      seed: this.#seed,
      segment: this.#segment,
      epoch: this.#epoch,
    });
    const end = at + sealBytes;
    arena.writeUInt32LE(crc32c(arena.subarray(at + 8, end), this.#seed), at + 4);
    this.#parts.push(arena.subarray(this.#arenaOpen, end));
    this.#arenaUsed = end;
    return { parts: this.#parts, end: this.#offset + sealBytes };
  }

  #noteCrc(crc: number): void {
    const at = this.#recordCount * 4;
    if (at === this.#crcs.length) {
      const grown = Buffer.allocUnsafeSlow(this.#crcs.length * 2);
      this.#crcs.copy(grown);
      this.#crcs = grown;
    }
    this.#crcs.writeUInt32LE(crc, at);
    this.#recordCount++;
  }
}
