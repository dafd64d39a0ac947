/**
 * A waiting message's rows in the index: one under its id, and one under the instant it is due or, once it is due and
 * its site has no room, one under that site, in the order it is to go.
 *
 * Runs in:   engine thread; pure.
 * Limits:    a row has at most 0.9 kB a recipient: 50,000 of them (`smtp.recipientsMax` at its highest) reach the
 *            index's limit with the longest addresses and replies only.
 * Invariant: a message has one due key or one ready key, which its row names.
 */

import { Buffer } from 'node:buffer';
import { Packr } from 'msgpackr';
import type { PackedEnvelope } from '../../actors/asks/spool-asks.ts';
import { packEnvelope } from '../../actors/asks/spool-asks.ts';
import type { MessageId, TenantId } from '../../base/ids.ts';
import { packedEnd } from '../../base/packed-end.ts';
import type { IndexChange } from '../../ports/shard-index.ts';
import type { RecordPlace } from '../store/record.ts';
import type { RecipientState, SpoolMessage } from './message.ts';
import { earliestNextMs, recipientStates } from './message.ts';
import { applyChange, messageOf } from './records.ts';

/** Table prefixes; the map of all tables is `engine/store/keys.ts`. */
const queueTable = 0x20;
const dueTable = 0x21;
const readyTable = 0x22;
/** The due instant of a held message: no clock reaches it. */
const neverMs = 2 ** 48 - 1;

const packr = new Packr({ useRecords: false });
const idBytes = 16;
const groupBytes = 8;
/** Table, group, tenant, rank. */
export const readyPrefixBytes = 1 + groupBytes + 4;
const readyBytes = readyPrefixBytes + 1 + 6;
/** RFC 6710: the most urgent goes first. */
const priorityMax = 9;

type PackedPlace = readonly [number, number, number, number, number, number];
type PackedRow = readonly [
  dueMs: number,
  tenant: number,
  acceptedMs: number,
  envelope: PackedEnvelope,
  place: PackedPlace,
  outcomes: readonly (readonly [number, number, number, number, string])[],
  isHeld: boolean,
  isDelayTold: boolean,
  /** Its ready key without the id; absent: it has a due key. */
  ready?: Uint8Array,
];

const placeField = 4;

export function queueKey(id: MessageId): Buffer {
  const key = Buffer.allocUnsafe(1 + idBytes);
  key[0] = queueTable;
  key.write(id, 1, 'latin1');
  return key;
}

export function dueKey(dueMs: number, id: MessageId): Buffer {
  const key = Buffer.allocUnsafe(7 + idBytes);
  key[0] = dueTable;
  key.writeUIntBE(Math.min(Math.max(0, Math.floor(dueMs)), neverMs), 1, 6);
  key.write(id, 7, 'latin1');
  return key;
}

/** Where a tenant's rows of a group begin; a tenant past the last is where the next group's do. */
export function readyPrefix(group: Uint8Array, tenant: number): Buffer {
  const key = Buffer.alloc(readyPrefixBytes + (tenant > 0xffff_ffff ? 1 : 0), 0xff);
  key[0] = readyTable;
  key.set(group, 1);
  if (tenant <= 0xffff_ffff) key.writeUInt32BE(tenant, 1 + groupBytes);
  return key;
}

function readyStart(message: SpoolMessage, group: Uint8Array): Buffer {
  const key = Buffer.allocUnsafe(readyBytes);
  readyPrefix(group, message.tenant).copy(key);
  key[readyPrefixBytes] = priorityMax - (message.terms?.priority ?? 0);
  key.writeUIntBE(Math.min(Math.max(0, earliestNextMs(message)), neverMs), readyPrefixBytes + 1, 6);
  return key;
}

/** Where a message that waits for room stands. */
export function readyKeyOf(message: SpoolMessage, group: Uint8Array): Buffer {
  return readyKey(readyStart(message, group), message.id);
}

/** The least key behind this one. */
export function keyAfter(key: Uint8Array): Buffer {
  const next = Buffer.alloc(key.byteLength + 1);
  next.set(key);
  return next;
}

function readyKey(start: Uint8Array, id: MessageId): Buffer {
  return Buffer.concat([start, Buffer.from(id, 'latin1')]);
}

export function readReadyKey(key: Uint8Array): { group: Buffer; tenant: number; id: MessageId } {
  const bytes = Buffer.from(key.buffer, key.byteOffset, key.byteLength);
  return {
    group: bytes.subarray(1, 1 + groupBytes),
    tenant: bytes.readUInt32BE(1 + groupBytes),
    id: bytes.toString('latin1', readyBytes) as MessageId,
  };
}

export const readyRange = {
  from: Buffer.of(readyTable),
  to: Buffer.of(readyTable + 1),
} as const;

/** The instant and id that a due key names. */
export function readDueKey(key: Uint8Array): { dueMs: number; id: MessageId } {
  const bytes = Buffer.from(key.buffer, key.byteOffset, key.byteLength);
  return { dueMs: bytes.readUIntBE(1, 6), id: bytes.toString('latin1', 7) as MessageId };
}

export const queueRange = { from: Buffer.of(queueTable), to: Buffer.of(queueTable + 1) } as const;

/** Changes that bring the index to the message's state; `previous` is the row as it stands, `place` the body's now. */
export function rowChanges(
  message: SpoolMessage,
  previous: Uint8Array | undefined,
  place: RecordPlace,
): IndexChange[] {
  const changes: IndexChange[] = [];
  if (previous !== undefined) changes.push({ remove: orderKey(previous, message.id) });
  if (message.waitingCount === 0) {
    if (previous !== undefined) changes.push({ remove: queueKey(message.id) });
    return changes;
  }
  const dueMs = message.isHeld ? neverMs : earliestNextMs(message);
  const ready =
    message.readyGroup === undefined || message.isHeld
      ? undefined
      : readyStart(message, message.readyGroup);
  changes.push({ put: queueKey(message.id), value: packRow(message, dueMs, place, ready) });
  const key = ready === undefined ? dueKey(dueMs, message.id) : readyKey(ready, message.id);
  changes.push({ put: key, value: Buffer.of(1) });
  return changes;
}

function packRow(
  message: SpoolMessage,
  dueMs: number,
  place: RecordPlace,
  ready: Uint8Array | undefined,
): Buffer {
  const row: PackedRow = [
    dueMs,
    message.tenant,
    message.acceptedMs,
    packEnvelope({
      sender: message.sender,
      recipients: message.recipients,
      body: message.body,
      smtputf8: message.smtputf8,
      ...(message.ret === undefined ? {} : { ret: message.ret }),
      envid: message.envid,
      ...(message.terms === undefined ? {} : { terms: message.terms }),
    }),
    packPlace(place),
    message.recipients.map((recipient, index) => [
      index,
      recipientStates.indexOf(recipient.state satisfies RecipientState),
      recipient.attempts,
      recipient.nextMs,
      recipient.reply,
    ]),
    message.isHeld,
    message.isDelayTold,
  ];
  return packr.pack(ready === undefined ? row : [...row, ready]);
}

/** The due or ready key that a row names. */
function orderKey(value: Uint8Array, id: MessageId): Buffer {
  const row = packr.unpack(value) as PackedRow;
  const ready = row[8];
  return ready === undefined ? dueKey(row[0], id) : readyKey(ready, id);
}

/** As `rowPlace`: no more is read. */
export function rowTenant(value: Uint8Array): TenantId {
  const start = packedEnd(value, 1);
  const first = value[start]!;
  // A small number is its own octet.
  if (first < 0x80) return first as TenantId;
  return packr.unpack(value.subarray(start, packedEnd(value, start))) as TenantId;
}

/** Reads no more than that: at an open all rows are asked, and unpacking them whole took a third of its time. */
export function rowPlace(value: Uint8Array): RecordPlace {
  // Behind the array's head; rows are packed above, so the head is one octet.
  let start = 1;
  for (let field = 0; field < placeField; field++) start = packedEnd(value, start);
  const place = value.subarray(start, packedEnd(value, start));
  const [sequence, segment, offset, bytes, bodyOffset, bodyBytes] = packr.unpack(
    place,
  ) as PackedPlace;
  return { sequence, segment, offset, bytes, bodyOffset, bodyBytes };
}

/** The row of a message whose body compaction has copied to another place. */
export function movedRow(value: Uint8Array, place: RecordPlace): Buffer {
  const row = [...(packr.unpack(value) as PackedRow)];
  row[placeField] = packPlace(place);
  return packr.pack(row);
}

function packPlace(place: RecordPlace): PackedPlace {
  const { sequence, segment, offset, bytes, bodyOffset, bodyBytes } = place;
  return [sequence, segment, offset, bytes, bodyOffset, bodyBytes];
}

export function unpackRow(id: MessageId, value: Uint8Array): SpoolMessage {
  const row = packr.unpack(value) as PackedRow;
  const [, tenant, acceptedMs, envelope, , outcomes, isHeld, isDelayTold] = row;
  const message = messageOf(
    [id, acceptedMs, envelope, ['', '', '', '', '']],
    tenant as TenantId,
    rowPlace(value),
    undefined,
  );
  applyChange(message, [id, 0, outcomes, isHeld, isDelayTold]);
  message.isIndexed = true;
  message.readyGroup = row[8]?.subarray(1, 1 + groupBytes);
  return message;
}
