/**
 * All rows of a directory in PostgreSQL, held on this machine: what every read is answered from, and what log-ins live
 * on while the database is away.
 *
 * Runs in:   the main thread.
 * Invariant: rows and the revision they are of change in one commit. While rows of several commits are put right, the
 *            table has no revision: a kill then leaves one that is read anew, never one that is taken for whole.
 */

import { Buffer } from 'node:buffer';
import type { IndexChange, ShardIndex } from '../../ports/shard-index.ts';

/** No row of a directory begins so. */
const revisionKey = Buffer.from('\0revision');
const everyRow = { from: Buffer.of(1), to: Buffer.alloc(1_978, 0xff) };

export interface Revision {
  /** Which database it is of. */
  readonly id: string;
  readonly revision: number;
}

export interface DatabaseRow {
  readonly key: Buffer;
  readonly value: string | null;
}

const rowsPerCommitMax = 10_000;
const noBytes = Buffer.alloc(0);

/** Net changes, by key in hex; undefined: the row goes. */
export type NetChanges = ReadonlyMap<string, Uint8Array | undefined>;

export class Replica {
  readonly table: ShardIndex;

  constructor(table: ShardIndex) {
    this.table = table;
  }

  get revision(): Revision | undefined {
    const value = this.table.get(revisionKey);
    return value === undefined ? undefined : (JSON.parse(textOf(value)) as Revision);
  }

  /** What `changes` come to, one after the other; ranges are those of rows that are there. */
  net(changes: readonly IndexChange[]): NetChanges {
    const net = new Map<string, Uint8Array | undefined>();
    for (const change of changes) {
      if ('put' in change) net.set(hexOf(change.put), Buffer.from(change.value));
      else if ('remove' in change) net.set(hexOf(change.remove), undefined);
      else {
        const [from, to] = [hexOf(change.removeFrom), hexOf(change.to)];
        for (const key of net.keys()) if (key >= from && key < to) net.set(key, undefined);
        const there = this.table.range({ from: change.removeFrom, to: change.to });
        for (const { key } of there) net.set(hexOf(key), undefined);
      }
    }
    return net;
  }

  async apply(net: NetChanges, revision: Revision): Promise<void> {
    await this.table.commit([...changesOf(net), putRevision(revision)]);
  }

  /**
   * Makes the table the same as `rows`, which come in order of their keys and are none of them older than `revision`.
   * `told` hears what was different as soon as it stands in the table: a reading that breaks off has told of all it did.
   */
  async become(
    pages: AsyncIterable<readonly DatabaseRow[]>,
    revision: Revision,
    told: (changes: readonly IndexChange[]) => void,
  ): Promise<void> {
    let { from } = everyRow;
    await this.table.commit([{ remove: revisionKey }]);
    for await (const page of pages) {
      if (page.length === 0) continue;
      const to = Buffer.concat([page.at(-1)!.key, Buffer.of(0)]);
      await this.#replace(from, to, page, told);
      from = to;
    }
    await this.#replace(from, everyRow.to, [], told);
    await this.table.commit([putRevision(revision)]);
  }

  /** Rows from one key up to another are those given, and no others. */
  async #replace(
    from: Buffer,
    to: Buffer,
    given: readonly DatabaseRow[],
    told: (changes: readonly IndexChange[]) => void,
  ): Promise<void> {
    const left = new Map<string, Uint8Array>();
    for (const { key, value } of this.table.range({ from, to })) left.set(hexOf(key), value);
    const net = new Map<string, Uint8Array | undefined>();
    for (const row of given) {
      const key = hexOf(row.key);
      const value = bytesOf(row);
      const before = left.get(key);
      left.delete(key);
      if (before === undefined || !value.equals(before)) net.set(key, value);
    }
    for (const key of left.keys()) net.set(key, undefined);
    const changes = changesOf(net);
    for (let at = 0; at < changes.length; at += rowsPerCommitMax) {
      const some = changes.slice(at, at + rowsPerCommitMax);
      await this.table.commit(some);
      told(some);
    }
  }
}

export function changesOf(net: NetChanges): IndexChange[] {
  return [...net].map(([hex, value]) => {
    const key = Buffer.from(hex, 'hex');
    return value === undefined ? { remove: key } : { put: key, value };
  });
}

export function bytesOf({ value }: Pick<DatabaseRow, 'value'>): Buffer {
  return value === null ? noBytes : Buffer.from(value);
}

/** A row without a value says what it says by its key. */
export function textOfValue(value: Uint8Array): string | null {
  return value.byteLength === 0 ? null : textOf(value);
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

function putRevision(revision: Revision): IndexChange {
  return { put: revisionKey, value: Buffer.from(JSON.stringify(revision)) };
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
}
