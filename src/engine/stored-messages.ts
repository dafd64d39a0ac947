/**
 * Names the messages whose bodies a shard holds: by what their records say, and by the rows that lead to them.
 *
 * Runs in:   engine threads.
 * Limits:    a page is of `rowsPerPage` rows.
 */

import { Buffer } from 'node:buffer';
import { unpack } from 'msgpackr';
import type { StoredName } from '../actors/asks/store-asks.ts';
import { view } from '../base/bytes.ts';
import { defaultTenant, isMessageId } from '../base/ids.ts';
import { mailboxRecords, readDelivered, readParsed } from './mailbox/records.ts';
import { decodeDocument } from './mailbox/rows/document-row.ts';
import { queueRange, rowPlace } from './spool/queue-rows.ts';
import { spoolAcceptedRecord, unpackAccepted } from './spool/records.ts';
import type { RecordHit } from './store/journal/scan.ts';
import { documentKey, everyDocument, firstU32, type KeyRange, lastU32 } from './store/keys.ts';
import type { RecordPlace, ShardReader } from './store/record.ts';
import { movedRecord } from './store/record-types.ts';

const rowsPerPage = 64;

export interface StoredBody {
  readonly key: Uint8Array;
  readonly place: RecordPlace;
  readonly name: StoredName;
}

export interface BodyPage {
  readonly bodies: readonly StoredBody[];
  /** Where the page after it begins; absent after the last. */
  readonly next?: Uint8Array;
}

interface BodyTable {
  readonly range: KeyRange;
  readonly read: (key: Uint8Array, value: Uint8Array) => StoredBody;
}

/** Tables whose rows lead to a message's bytes, in order of their keys. */
const bodyTables: readonly BodyTable[] = [
  {
    range: queueRange,
    read: (key, value) => ({
      key,
      place: rowPlace(value),
      name: { id: view(key).toString('latin1', 1) },
    }),
  },
  {
    range: everyDocument,
    read(key, value) {
      const { place, places } = decodeDocument(value);
      const [mailbox = 0, uid = 0] = places;
      return { key, place, name: { account: firstU32(key), document: lastU32(key), mailbox, uid } };
    },
  },
];

/** The page of messages that begins at `from`; empty begins with the first. */
export function bodiesFrom(read: ShardReader, from: Uint8Array): BodyPage {
  for (const { range, read: bodyOf } of bodyTables) {
    if (Buffer.compare(from, range.to) >= 0) continue;
    const start = Buffer.compare(from, range.from) > 0 ? from : range.from;
    const rows = read.range({ from: start, to: range.to, limit: rowsPerPage });
    if (rows.length === 0) continue;
    const bodies = rows.map(({ key, value }) => bodyOf(key, value));
    return { bodies, next: afterKey(rows.at(-1)!.key) };
  }
  return { bodies: [] };
}

export function afterKey(key: Uint8Array): Uint8Array {
  return Buffer.concat([key, Buffer.of(0)]);
}

/** Where the row says now that the body is; undefined when the message is gone. */
export function placeOfKey(read: ShardReader, key: Uint8Array): RecordPlace | undefined {
  const value = read.get(key);
  const table = bodyTables.find(({ range }) => range.from[0] === key[0]);
  return value === undefined ? undefined : table?.read(key, value).place;
}

/** The message of a record whose bytes are not what was written; its meta may be spoiled as well. */
export function nameOfHit(hit: RecordHit, read: ShardReader): StoredName | undefined {
  if (hit.meta === undefined) return undefined;
  try {
    return nameOf(hit.type, hit.meta, read);
  } catch {
    // Unpacking what is spoiled fails as it likes; the finding then stands without a name.
    return undefined;
  }
}

function nameOf(type: number, meta: Uint8Array, read: ShardReader): StoredName | undefined {
  const record = { type, meta, tenant: defaultTenant, body: meta, place: noPlace };
  switch (type) {
    case movedRecord: {
      const [movedType, , movedMeta] = unpack(meta) as [number, unknown, Uint8Array];
      return movedType === movedRecord ? undefined : nameOf(movedType, movedMeta, read);
    }
    case spoolAcceptedRecord: {
      const [id] = unpackAccepted(record);
      return isMessageId(id) ? { id } : undefined;
    }
    case mailboxRecords.delivered: {
      const { account, document, mailbox, uid } = readDelivered(record);
      const isSound = [account, document, mailbox, uid].every(Number.isSafeInteger);
      return isSound ? { account, document, mailbox, uid } : undefined;
    }
    case mailboxRecords.parsed: {
      const { account, document } = readParsed(record);
      if (!Number.isSafeInteger(account) || !Number.isSafeInteger(document)) return undefined;
      const value = read.get(documentKey(account, document));
      const [mailbox = 0, uid = 0] = value === undefined ? [] : decodeDocument(value).places;
      return { account, document, mailbox, uid };
    }
    default:
      return undefined;
  }
}

const noPlace: RecordPlace = {
  sequence: 0,
  segment: 0,
  offset: 0,
  bytes: 0,
  bodyOffset: 0,
  bodyBytes: 0,
};
