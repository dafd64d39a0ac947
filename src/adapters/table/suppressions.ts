/**
 * The suppression list over any ordered table with durable commits: LMDB's, or one in memory.
 *
 * Runs in:   the main thread, the only writer; `TableSuppressionReader` in any thread.
 * Limits:    `suppressionsPerAddressMax` entries of an address, `bouncesMax` bounces counted; a write decides
 *            `entriesPerSlice` entries between two turns of the event loop; nothing is cached but counts by tenant.
 * Invariant: writes run one after the other, each as one commit: what a write read still holds when it commits. An
 *            address has a row exactly as long as it has an entry, and its tenant's count is of such rows.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { MailError } from '../../base/errors.ts';
import type { TenantId } from '../../base/ids.ts';
import type { IndexChange, ShardIndex } from '../../ports/shard-index.ts';
import {
  type Suppression,
  type SuppressionFilter,
  type SuppressionList,
  type SuppressionPage,
  type SuppressionPageRequest,
  type SuppressionReader,
  type SuppressionReason,
  type SuppressionsAdded,
  streamLengthMax,
  suppressionNoteLengthMax,
  suppressionsPerAddressMax,
  type Untold,
} from '../../ports/suppressions.ts';
import { type SplitAddress, splitAddress } from './addresses.ts';
import * as rows from './suppression-rows.ts';

const entriesPerSlice = 200;
/** Rows a page reads at most: a filter that matches little answers a short page with a cursor. */
const rowsPerPageMax = 2_000;
const bouncesMax = 32;
const placeMax = 2 ** 48 - 1;
const streamText = /^[!-~]*$/;

/** Reads what another thread writes: each look-up sees the table as of this turn of the event loop or later. */
export class TableSuppressionReader implements SuppressionReader {
  readonly #table: Pick<ShardIndex, 'peek'>;

  constructor(table: Pick<ShardIndex, 'peek'>) {
    this.#table = table;
  }

  find(tenant: TenantId, stream: string, address: string, nowMs: number) {
    return findIn(this.#table, tenant, stream, address, nowMs);
  }
}

export interface TableSuppressionsOptions {
  readonly table: ShardIndex;
  /** Hears which tenants have entries: at the start of those that do, and of each that comes or goes. */
  readonly onTenant?: (tenant: TenantId, hasEntries: boolean) => void;
}

/** What a write comes to. */
interface Decided<T> {
  readonly changes: readonly IndexChange[];
  readonly counts: ReadonlyMap<TenantId, number>;
  readonly answer: T;
}

export class TableSuppressions implements SuppressionList {
  readonly #table: ShardIndex;
  readonly #onTenant: (tenant: TenantId, hasEntries: boolean) => void;
  readonly #counts = new Map<TenantId, number>();
  #lastWrite: Promise<void> = Promise.resolve();
  #nextPlace: number;

  constructor({ table, onTenant = () => {} }: TableSuppressionsOptions) {
    this.#table = table;
    this.#onTenant = onTenant;
    for (const { key, value } of table.range(rows.everyCount)) {
      this.#setCount(rows.tenantOfKey(key), rows.decodeRow<number>(value));
    }
    const [last] = table.range({ ...rows.everyFact, reverse: true, limit: 1 });
    this.#nextPlace = last === undefined ? 1 : rows.placeOfFactKey(last.key) + 1;
  }

  count(tenant: TenantId): number {
    return this.#counts.get(tenant) ?? 0;
  }

  find(tenant: TenantId, stream: string, address: string, nowMs: number) {
    if (!this.#counts.has(tenant)) return undefined;
    return findIn(this.#table, tenant, stream, address, nowMs);
  }

  page(request: SuppressionPageRequest): SuppressionPage {
    const { tenant, address, after, limit, nowMs } = request;
    const entries: Suppression[] = [];
    const gather = (key: Uint8Array, value: Uint8Array) => {
      const found = rows.addressOfKey(key);
      for (const row of rows.decodeRow<readonly rows.EntryRow[]>(value)) {
        if (rows.isOver(row, nowMs) || !rows.isMatch(row, request)) continue;
        entries.push(rows.suppressionOf(tenant, found, row));
      }
    };
    if (address !== undefined) {
      const name = splitAddress(address);
      const key = name === undefined ? undefined : rows.entryKey(tenant, name);
      const value = key === undefined ? undefined : this.#table.get(key);
      if (value !== undefined) gather(key!, value);
      return { entries };
    }
    const range = rows.entriesOf(tenant);
    const from = after === undefined ? range.from : rows.keyOfCursor(tenant, after);
    let next: string | undefined;
    let rowCount = 0;
    this.#table.each(from, range.to, (key, value) => {
      gather(key, value);
      rowCount++;
      if (entries.length < limit && rowCount < rowsPerPageMax) return true;
      next = rows.cursorOf(key);
      return false;
    });
    return { entries, ...(next === undefined ? {} : { next }) };
  }

  add(entries: readonly Suppression[], facts: readonly Uint8Array[] = []) {
    return this.#write(() => this.#decideAdd(entries, facts));
  }

  remove(tenant: TenantId, address: string, filter: SuppressionFilter): Promise<number> {
    const name = splitAddress(address);
    if (name === undefined) throw new MailError('argument-invalid', `no address: ${address}`);
    return this.#write(async () => {
      const key = rows.entryKey(tenant, name);
      return this.#keepOnly(new Map([[key.toString('latin1'), key]]), (row) =>
        rows.isMatch(row, filter),
      );
    });
  }

  countBounce(
    tenant: TenantId,
    address: string,
    bounce: string,
    nowMs: number,
    sinceMs: number,
  ): Promise<number> {
    const name = splitAddress(address);
    if (name === undefined) return Promise.resolve(0);
    return this.#write(async () => {
      const key = rows.bouncesKey(tenant, name);
      const value = this.#table.get(key);
      const known = value === undefined ? [] : rows.decodeRow<readonly rows.BounceRow[]>(value);
      const recent = known.filter(([atMs]) => atMs > sinceMs);
      const isNew = !recent.some(([, which]) => which === bounce);
      const kept = isNew ? [...recent, [nowMs, bounce] as const].slice(-bouncesMax) : recent;
      return {
        changes: [{ put: key, value: rows.encodeRow(kept) }],
        counts: new Map(),
        answer: kept.length,
      };
    });
  }

  sweep(nowMs: number, limit: number): Promise<number> {
    return this.#write(async () => {
      const due = new Map<string, Uint8Array>();
      const changes: IndexChange[] = [];
      this.#table.each(rows.everyExpiry.from, rows.everyExpiry.to, (key) => {
        if (rows.untilOfExpiryKey(key) > nowMs || changes.length >= limit) return false;
        const own = Buffer.from(key);
        changes.push({ remove: own });
        const entry = rows.entryOfExpiryKey(own);
        due.set(entry.toString('latin1'), entry);
        return true;
      });
      const decided = this.#keepOnly(due, (row) => rows.isOver(row, nowMs));
      return { ...decided, changes: [...changes, ...decided.changes] };
    });
  }

  untold(limit: number): readonly Untold[] {
    return this.#table
      .range({ ...rows.everyFact, limit })
      .map(({ key, value }) => ({ place: rows.placeOfFactKey(key), fact: value }));
  }

  told(places: readonly number[]): Promise<void> {
    return this.#write(async () => ({
      changes: places.map((place) => ({ remove: rows.factKey(place) })),
      counts: new Map(),
      answer: undefined,
    }));
  }

  value(name: string): Uint8Array | undefined {
    return this.#table.get(rows.valueKey(name));
  }

  values(prefix: string) {
    return this.#table
      .range(rows.valuesOf(prefix))
      .map(({ key, value }) => ({ name: rows.nameOfValueKey(key), value }));
  }

  putValue(name: string, value: Uint8Array | undefined): Promise<void> {
    const put = rows.valueKey(name);
    return this.#write(async () => ({
      changes: [value === undefined ? { remove: put } : { put, value }],
      counts: new Map(),
      answer: undefined,
    }));
  }

  async close(): Promise<void> {
    await this.#lastWrite;
    await this.#table.close();
  }

  async #decideAdd(
    entries: readonly Suppression[],
    facts: readonly Uint8Array[],
  ): Promise<Decided<SuppressionsAdded>> {
    const edit = new Edit(this.#table, (tenant) => this.count(tenant));
    const invalid: number[] = [];
    let added = 0;
    for (const [place, entry] of entries.entries()) {
      if (place > 0 && place % entriesPerSlice === 0) await nextTurn();
      const name = splitAddress(entry.address);
      if (name === undefined || !isGood(entry)) invalid.push(place);
      else if (edit.add(entry, name)) added++;
    }
    const unchanged = entries.length - added - invalid.length;
    const noted = facts.map((fact): IndexChange => {
      const put = rows.factKey(this.#nextPlace);
      this.#nextPlace = this.#nextPlace === placeMax ? 1 : this.#nextPlace + 1;
      return { put, value: fact };
    });
    const { changes, counts } = edit.decided();
    return { changes: [...changes, ...noted], counts, answer: { added, unchanged, invalid } };
  }

  /** Takes the entries out that `isGone` says of the addresses with these keys. */
  #keepOnly(
    keys: ReadonlyMap<string, Uint8Array>,
    isGone: (row: rows.EntryRow) => boolean,
  ): Decided<number> {
    const changes: IndexChange[] = [];
    const counts = new Map<TenantId, number>();
    let gone = 0;
    for (const key of keys.values()) {
      const value = this.#table.get(key);
      if (value === undefined) continue;
      const all = rows.decodeRow<readonly rows.EntryRow[]>(value);
      const kept = all.filter((row) => !isGone(row));
      if (kept.length === all.length) continue;
      gone += all.length - kept.length;
      if (kept.length > 0) {
        changes.push({ put: key, value: rows.encodeRow(kept) });
        continue;
      }
      changes.push({ remove: key });
      const tenant = rows.tenantOfKey(key);
      counts.set(tenant, (counts.get(tenant) ?? this.count(tenant)) - 1);
    }
    changes.push(...countChanges(counts));
    return { changes, counts, answer: gone };
  }

  #write<T>(decide: () => Promise<Decided<T>>): Promise<T> {
    const done = this.#lastWrite.then(async () => {
      const { changes, counts, answer } = await decide();
      await this.#table.commit(changes);
      for (const [tenant, count] of counts) this.#setCount(tenant, count);
      return answer;
    });
    this.#lastWrite = done.then(
      () => {},
      () => {},
    );
    return done;
  }

  #setCount(tenant: TenantId, count: number): void {
    const had = this.#counts.has(tenant);
    if (count > 0) this.#counts.set(tenant, count);
    else this.#counts.delete(tenant);
    if (had !== count > 0) this.#onTenant(tenant, count > 0);
  }
}

/** The rows of a write that adds entries, which may name an address more than once. */
class Edit {
  readonly #table: ShardIndex;
  readonly #countOf: (tenant: TenantId) => number;
  readonly #entries = new Map<string, { readonly key: Buffer; readonly all: rows.EntryRow[] }>();
  readonly #expiries: IndexChange[] = [];
  readonly #counts = new Map<TenantId, number>();

  constructor(table: ShardIndex, countOf: (tenant: TenantId) => number) {
    this.#table = table;
    this.#countOf = countOf;
  }

  /** Whether it changes anything. */
  add(entry: Suppression, name: SplitAddress): boolean {
    const { tenant, reason, untilMs } = entry;
    const key = rows.entryKey(tenant, name);
    const id = key.toString('latin1');
    const at = this.#entries.get(id);
    const value = at === undefined ? this.#table.peek(key) : undefined;
    const all = at?.all ?? (value === undefined ? [] : rows.decodeRow<rows.EntryRow[]>(value));
    const isFull = all.length >= suppressionsPerAddressMax;
    const stream = isFull ? '' : entry.stream;
    const place = all.findIndex((row) => rows.isMatch(row, { stream, reason }));
    const before = all[place];
    // What is said again with the same or an earlier end changes nothing: the longer word holds.
    if (before !== undefined && !isLonger(untilMs, before[3])) return false;
    const row = rows.entryRowOf({ ...entry, stream });
    if (place >= 0) all[place] = row;
    else all.push(row);
    if (at === undefined) this.#entries.set(id, { key, all });
    if (all.length === 1 && before === undefined && value === undefined && at === undefined) {
      this.#counts.set(tenant, (this.#counts.get(tenant) ?? this.#countOf(tenant)) + 1);
    }
    if (untilMs !== 0) {
      this.#expiries.push({ put: rows.expiryKey(untilMs, key), value: new Uint8Array(0) });
    }
    return true;
  }

  decided(): { readonly changes: IndexChange[]; readonly counts: ReadonlyMap<TenantId, number> } {
    const changes: IndexChange[] = [];
    for (const { key, all } of this.#entries.values()) {
      changes.push({ put: key, value: rows.encodeRow(all) });
    }
    changes.push(...this.#expiries, ...countChanges(this.#counts));
    return { changes, counts: this.#counts };
  }
}

function countChanges(counts: ReadonlyMap<TenantId, number>): IndexChange[] {
  return [...counts].map(([tenant, count]) =>
    count > 0
      ? { put: rows.countKey(tenant), value: rows.encodeRow(count) }
      : { remove: rows.countKey(tenant) },
  );
}

function findIn(
  table: Pick<ShardIndex, 'peek'>,
  tenant: TenantId,
  stream: string,
  address: string,
  nowMs: number,
): SuppressionReason | undefined {
  const name = splitAddress(address);
  if (name === undefined) return undefined;
  const value = table.peek(rows.entryKey(tenant, name));
  if (value === undefined) return undefined;
  for (const row of rows.decodeRow<readonly rows.EntryRow[]>(value)) {
    const isMeant = row[0] === '' || row[0] === stream;
    if (isMeant && !rows.isOver(row, nowMs)) return rows.reasonOf(row[1]);
  }
  return undefined;
}

function isLonger(untilMs: number, thanMs: number): boolean {
  return thanMs !== 0 && (untilMs === 0 || untilMs > thanMs);
}

function isGood({ stream, note, untilMs }: Suppression): boolean {
  return (
    stream.length <= streamLengthMax &&
    streamText.test(stream) &&
    note.length <= suppressionNoteLengthMax &&
    Number.isSafeInteger(untilMs) &&
    untilMs >= 0
  );
}
