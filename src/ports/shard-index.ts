/**
 * The ordered key-value table behind one shard's journal. It is an index: everything in it can be made again
 * from the journal, and the journal position it has applied stands in it under a key of its own.
 *
 * Contract:
 * - Keys are 1 to 1,978 bytes, ordered as unsigned bytes; values are under 2 kB as a rule, 32 MiB at most.
 * - `commit` applies all changes or none, in order; when it resolves, reads see them. It need not be durable:
 *   after a power cut the table is at some earlier committed state, or gone.
 * - One writer: the thread that owns the shard. `commit` calls are applied in the order they were made.
 * - Bytes handed to `commit` are copied before it returns. Values from `get` and `range` are the caller's own; those
 *   from `peek` and `each` are not: they are for scans, and cost a fourth of `get` and of `range`.
 * - A commit costs about the same whatever it holds: callers gather changes (decision 0020).
 * - A full or failed table rejects with `IndexError`; the shard goes on from its journal and lags.
 */

export class IndexError extends Error {
  override readonly name = 'IndexError';
}

/**
 * Somebody else changed the table after what this commit was decided from was read, and nothing of it was done: read
 * and decide again. Only tables that several processes write reject so.
 */
export class IndexMoved extends IndexError {}

export type IndexChange =
  | { readonly put: Uint8Array; readonly value: Uint8Array }
  | { readonly remove: Uint8Array }
  /** Removes every key from `removeFrom` up to, not including, `to`. */
  | { readonly removeFrom: Uint8Array; readonly to: Uint8Array };

export interface IndexRange {
  readonly from: Uint8Array;
  /** Not included. */
  readonly to: Uint8Array;
  readonly reverse?: boolean;
  readonly limit?: number;
}

export interface IndexEntry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

export type EntryVisit = (key: Uint8Array, value: Uint8Array) => boolean;

/** The table as of one commit, whatever is committed since. */
export interface IndexSnapshot {
  get(key: Uint8Array): Uint8Array | undefined;
  range(range: IndexRange): readonly IndexEntry[];
  /** It keeps what later commits replace from being used again: to be called soon, once. */
  release(): void;
}

export interface ShardIndex {
  get(key: Uint8Array): Uint8Array | undefined;
  /** As `get`, but its bytes are only good until the next read of the table, and nobody may change them. */
  peek(key: Uint8Array): Uint8Array | undefined;
  /** Entries as of the call, all read before it returns: no cursor is held open for the caller. */
  range(range: IndexRange): readonly IndexEntry[];
  /**
   * Entries from a key up to another, not included, in order, until `visit` answers false. Its bytes are only good until
   * it returns or reads the table.
   */
  each(from: Uint8Array, to: Uint8Array, visit: EntryVisit): void;
  snapshot(): IndexSnapshot;
  commit(changes: readonly IndexChange[]): Promise<void>;
  /** Empties the table: before a rebuild. */
  clear(): Promise<void>;
  close(): Promise<void>;
}
