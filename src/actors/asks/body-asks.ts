/**
 * The asks by which a message too large for a parcel comes to its shard: chunk by chunk, then accepted.
 *
 * Runs in:   both sides; plain data.
 * Limits:    a chunk is of about `chunkBytes`, and one of a body is under way at a time.
 * Invariant: chunks of a body are numbered from 0 and come in order; the first holds the whole header, or the
 *            message is refused. What a thread had of a body dies with it.
 */

import type { MessageId } from '../../base/ids.ts';
import { kibibyte } from '../../base/units.ts';
import type { PackedDelivery } from './mailbox-asks.ts';
import type { AcceptAnswer } from './reception.ts';
import type { PackedReceived } from './spool-asks.ts';

export const bodyAsks = {
  chunk: 'body.chunk',
  abort: 'body.abort',
  receive: 'body.receive',
  deliver: 'body.deliver',
} as const;

/** A message of more bytes travels in chunks and has a file of its own. */
export const largeBodyBytesMin = 256 * kibibyte;
export const chunkBytes = 256 * kibibyte;

export type BodyChunk = readonly [body: string, index: number];

/** With `isEach`, the answer's value is an `AcceptAnswer` for each recipient: they are accounts of the shard. */
export type BodyReceive = readonly [body: MessageId, received: PackedReceived, isEach: boolean];

/** A copy out of a spool; the answer is a `DeliverAnswer`. */
export type BodyDeliver = readonly [body: string, delivery: PackedDelivery];

export type BodyReceived = readonly AcceptAnswer[];
