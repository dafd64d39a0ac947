/**
 * A waiting message's rows in the index: one under its id, one under the instant it is due.
 *
 * Runs in:   engine thread; pure.
 * Limits:    a row has at most 0.9 kB a recipient: 50,000 of them (`smtp.recipientsMax` at its highest) reach the
 *            index's limit with the longest addresses and replies only.
 * Invariant: the due key named in a row is the only due key of that message.
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
/** The due instant of a held message: no clock reaches it. */
const neverMs = 2 ** 48 - 1;

const packr = new Packr({ useRecords: false });
const idBytes = 16;

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
  if (previous !== undefined) changes.push({ remove: dueKey(rowDueMs(previous), message.id) });
  if (message.waitingCount === 0) {
    if (previous !== undefined) changes.push({ remove: queueKey(message.id) });
    return changes;
  }
  const dueMs = message.isHeld ? neverMs : earliestNextMs(message);
  changes.push({ put: queueKey(message.id), value: packRow(message, dueMs, place) });
  changes.push({ put: dueKey(dueMs, message.id), value: Buffer.of(1) });
  return changes;
}

function packRow(message: SpoolMessage, dueMs: number, place: RecordPlace): Buffer {
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
  return packr.pack(row);
}

function rowDueMs(value: Uint8Array): number {
  return (packr.unpack(value) as PackedRow)[0];
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
  const [, tenant, acceptedMs, envelope, , outcomes, isHeld, isDelayTold] = packr.unpack(
    value,
  ) as PackedRow;
  const message = messageOf(
    [id, acceptedMs, envelope, ['', '', '', '', '']],
    tenant as TenantId,
    rowPlace(value),
    undefined,
  );
  applyChange(message, [id, 0, outcomes, isHeld, isDelayTold]);
  message.isIndexed = true;
  return message;
}
