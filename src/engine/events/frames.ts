/**
 * The frames of a batch: which keys they name, and the events that fit a search.
 *
 * Runs in:   engine threads; pure. The batch's CRC has been checked.
 */

import type { Buffer } from 'node:buffer';
import { eventNumbers, type PackedEvent } from '../../actors/asks/trace-asks.ts';
import { isMessageId } from '../../base/ids.ts';
import { unpackEvent } from './batch.ts';
import { addressKey, batchHeaderBytes, frameHeaderBytes, keyHash } from './format.ts';

/** What somebody looks for: a message id or an address, and its hash. */
export interface SearchKey {
  readonly text: string;
  readonly hash: number;
  readonly isId: boolean;
}

export function searchKeyOf(of: string): SearchKey {
  const id = of.toUpperCase();
  const isId = isMessageId(id);
  const text = isId ? id : addressKey(of);
  return { text, hash: keyHash(text), isId };
}

/** The hashes of all keys of the batch, each once. */
export function frameKeys(batch: Buffer): Uint32Array {
  const keys = new Set<number>();
  eachFrame(batch, (keysAt, eventAt) => {
    for (let at = keysAt; at < eventAt; at += 4) keys.add(batch.readUInt32LE(at));
  });
  return Uint32Array.from(keys);
}

/** All events of a batch, in their order. */
export function eventsOf(batch: Buffer): PackedEvent[] {
  const events: PackedEvent[] = [];
  eachFrame(batch, (_, eventAt, end) => events.push(unpackEvent(batch.subarray(eventAt, end))));
  return events;
}

/** Places (start, end) of the packed events that name the key's hash, in order. */
export function framesWith(batch: Buffer, hash: number): number[] {
  const places: number[] = [];
  eachFrame(batch, (keysAt, eventAt, end) => {
    for (let at = keysAt; at < eventAt; at += 4) {
      if (batch.readUInt32LE(at) !== hash) continue;
      places.push(eventAt, end);
      return;
    }
  });
  return places;
}

/** The event there, if it is of the key itself and not of one with the same hash. */
export function eventAt(
  batch: Buffer,
  start: number,
  end: number,
  key: SearchKey,
): PackedEvent | undefined {
  const event = unpackEvent(batch.subarray(start, end));
  return isOf(event, key) ? event : undefined;
}

function isOf(event: PackedEvent, { text, isId }: SearchKey): boolean {
  const [kind, , id, , sender, recipients] = event;
  if (isId) return id === text || (kind === eventNumbers.bounced && event[6] === text);
  if (addressKey(sender) === text) return true;
  return recipients.some((recipient) => addressKey(recipient) === text);
}

function eachFrame(
  batch: Buffer,
  visit: (keysAt: number, eventAt: number, end: number) => void,
): void {
  for (let at = batchHeaderBytes; at + frameHeaderBytes <= batch.length; ) {
    const keysAt = at + frameHeaderBytes;
    const packedAt = keysAt + batch.readUInt16LE(at + 4) * 4;
    const end = packedAt + batch.readUInt32LE(at);
    visit(keysAt, packedAt, end);
    at = end;
  }
}
