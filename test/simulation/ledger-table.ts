/**
 * A small mail-like table over a shard, for simulations: items are put with a body and removed,
 * alone or by range.
 *
 * What every record must lead to is kept in a ledger beside the shard, so that a check after a cut
 * can tell an accepted record that is gone from one that was never answered for.
 */

import { createHash } from 'node:crypto';
import { defaultTenant } from '../../src/base/ids.ts';
import type {
  JournalRecord,
  RecordDraft,
  RecordKind,
  RecordPlace,
  SideBody,
} from '../../src/engine/store/record.ts';
import type { Shard } from '../../src/engine/store/shard.ts';

export const itemPut = 20;
export const itemsRemoved = 21;

const itemTable = 0x20;
const totalsTable = 0x21;

interface PutMeta {
  readonly item: number;
  readonly hash: string;
  /** Decided before the record is written, so that replay decides nothing. */
  readonly putCount: number;
}

interface ItemRow {
  readonly hash: string;
  readonly place: RecordPlace;
}

export function itemKey(item: number): Buffer {
  const key = Buffer.alloc(5);
  key[0] = itemTable;
  key.writeUInt32BE(item, 1);
  return key;
}

export function hashOf(body: Uint8Array): string {
  return createHash('sha1').update(body).digest('base64');
}

/** With `side`, the body stands there. */
export function putDraft(
  item: number,
  body: readonly Uint8Array[],
  putCount: number,
  side?: SideBody,
): RecordDraft {
  const meta: PutMeta = { item, hash: hashOf(Buffer.concat(body)), putCount };
  const draft = { type: itemPut, tenant: defaultTenant, meta: pack(meta) };
  return side === undefined ? { ...draft, body } : { ...draft, body: [], side };
}

/** Removes the items from `first` up to, not including, `end`. */
export function removeDraft(first: number, end: number): RecordDraft {
  return { type: itemsRemoved, tenant: defaultTenant, meta: pack([first, end]), body: [] };
}

/**
 * Kinds of the table. `live` is what they know of places: filled by the caller's puts and by
 * replay.
 */
export function tableKinds(live: Map<number, RecordPlace>): RecordKind[] {
  return [
    {
      type: itemPut,
      name: 'item put',
      pinsBody: true,
      apply(record, read) {
        const { item, hash, putCount } = unpack<PutMeta>(record);
        const total = { put: Buffer.of(totalsTable), value: pack(putCount) };
        // As a mailbox does: a row that is there already is not touched again.
        if (read.get(itemKey(item)) !== undefined) return [total];
        const row: ItemRow = { hash, place: record.place };
        return [{ put: itemKey(item), value: pack(row) }, total];
      },
      restore(record) {
        live.set(unpack<PutMeta>(record).item, record.place);
      },
      *livePlaces(read) {
        const rows = read.range({ from: Buffer.of(itemTable), to: Buffer.of(totalsTable) });
        for (const { key, value } of rows) {
          const { place } = rowOf(value);
          live.set(Buffer.from(key).readUInt32BE(1), place);
          yield place;
        }
      },
      move(record, _from, read) {
        const { item, hash } = unpack<PutMeta>(record);
        const known = read.get(itemKey(item));
        if (known === undefined || rowOf(known).place.segment > record.place.segment) return [];
        return [{ put: itemKey(item), value: pack({ hash, place: record.place }) }];
      },
    },
    {
      type: itemsRemoved,
      name: 'items removed',
      apply(record) {
        const [first, end] = unpack<[number, number]>(record);
        return end === first + 1
          ? [{ remove: itemKey(first) }]
          : [{ removeFrom: itemKey(first), to: itemKey(end) }];
      },
      restore(record, shard) {
        const [first, end] = unpack<[number, number]>(record);
        for (const place of takeLive(live, first, end)) shard.releaseBody(place);
      },
    },
  ];
}

export function takeLive(
  live: Map<number, RecordPlace>,
  first: number,
  end: number,
): readonly RecordPlace[] {
  const places: RecordPlace[] = [];
  for (let item = first; item < end; item++) {
    const place = live.get(item);
    if (place === undefined) continue;
    live.delete(item);
    places.push(place);
  }
  return places;
}

/** What is known of an item from answers alone. */
export interface LedgerItem {
  readonly hash: string;
  put: 'asked' | 'accepted';
  removal: 'none' | 'asked' | 'accepted';
}

/**
 * Faults found: accepted items that are missing, removed ones that are back, bodies that are not
 * what was put.
 */
export async function checkItems(
  shard: Shard,
  ledger: ReadonlyMap<number, LedgerItem>,
): Promise<string[]> {
  const faults: string[] = [];
  for (const [item, entry] of ledger) {
    const row = shard.get(itemKey(item));
    if (row === undefined) {
      if (entry.put === 'accepted' && entry.removal === 'none') faults.push(`${item} is missing`);
      continue;
    }
    if (entry.removal === 'accepted') {
      faults.push(`${item} is back after its removal`);
      continue;
    }
    const { hash, place } = rowOf(row);
    if (hash !== entry.hash) faults.push(`${item} has the row of another`);
    else faults.push(...(await checkBody(shard, item, place, hash)));
  }
  return faults;
}

async function checkBody(
  shard: Shard,
  item: number,
  place: RecordPlace,
  hash: string,
): Promise<string[]> {
  try {
    const body = await shard.read(place);
    return hashOf(body) === hash ? [] : [`${item} has a body that is not its own`];
  } catch (error) {
    return [`${item} cannot be read: ${String(error)}`];
  }
}

function rowOf(value: Uint8Array): ItemRow {
  return JSON.parse(Buffer.from(value).toString()) as ItemRow;
}

function pack(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

function unpack<T>(record: JournalRecord): T {
  return JSON.parse(Buffer.from(record.meta).toString()) as T;
}
