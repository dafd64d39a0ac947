/**
 * What is asked of the database: its state, rows to write, what is new, and all rows in pages.
 *
 * Runs in:   the main thread.
 * Limits:    an answer holds `pageRows` rows or `changesMax` changes at most.
 */

import type { Buffer } from 'node:buffer';
import type { Sql, TransactionSql } from 'postgres';
import {
  bytesOf,
  type DatabaseRow,
  type NetChanges,
  type Revision,
  textOfValue,
} from './replica.ts';

export const pageRows = 1_000;
const changesMax = 10_000;

interface State {
  readonly id: string;
  readonly revision: string;
  readonly kept_from: string;
}

/** `isLocked`: until the end of the transaction nobody else writes. */
export async function revisionIn(own: Sql | TransactionSql, isLocked: boolean): Promise<Revision> {
  const [state] = await own<State[]>`
    SELECT id, revision, kept_from FROM chaski.state ${isLocked ? own`FOR UPDATE` : own``}`;
  return revisionOf(state!);
}

function revisionOf({ id, revision }: State): Revision {
  return { id, revision: Number(revision) };
}

export function isSame(one: Revision | undefined, other: Revision): boolean {
  return one?.id === other.id && one.revision === other.revision;
}

/** Rows go as one text: an array would need types that the library asks for by itself, with nobody to hear it fail. */
export async function writeRows(own: TransactionSql, net: NetChanges): Promise<void> {
  const gone: string[] = [];
  const put: { readonly k: string; readonly v: string | null }[] = [];
  for (const [key, value] of net) {
    if (value === undefined) gone.push(key);
    else put.push({ k: key, v: textOfValue(value) });
  }
  if (gone.length > 0) {
    await own`
      DELETE FROM chaski.row WHERE key IN
        (SELECT decode(k, 'hex') FROM json_array_elements_text(${JSON.stringify(gone)}::text::json) AS t (k))`;
  }
  if (put.length === 0) return;
  await own`
    INSERT INTO chaski.row (key, value)
    SELECT decode(k, 'hex'), v::json
    FROM json_to_recordset(${JSON.stringify(put)}::text::json) AS t (k text, v text)
    ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value`;
}

interface NewRow extends State {
  readonly at: string | null;
  readonly hex: string;
  readonly is_there: boolean;
  readonly value: string | null;
}

export interface NewRows {
  readonly net: NetChanges;
  /** What the rows bring a copy up to; some of them may be newer. */
  readonly revision: Revision;
  /** Nothing newer was there. */
  readonly isLast: boolean;
}

/**
 * The next of what changed since `known`. One statement, so all of it is as of one instant. Undefined: the changes since
 * are not all known, or one of them is more than an answer holds: read every row.
 */
export async function newRows(sql: Sql, known: Revision): Promise<NewRows | undefined> {
  const rows = await sql<NewRow[]>`
    SELECT s.id, s.revision, s.kept_from, c.revision AS at, encode(c.key, 'hex') AS hex,
      r.key IS NOT NULL AS is_there, r.value::text AS value
    FROM chaski.state s
    LEFT JOIN (
      SELECT revision, key FROM chaski.change WHERE revision > ${known.revision}
      ORDER BY revision LIMIT ${changesMax}
    ) c ON true
    LEFT JOIN chaski.row r ON r.key = c.key`;
  const state = rows[0]!;
  const now = revisionOf(state);
  const isKept = now.revision >= known.revision && Number(state.kept_from) <= known.revision;
  if (state.id !== known.id || !isKept) return undefined;
  const changed = rows.filter(({ at }) => at !== null);
  const isLast = changed.length < changesMax;
  // The last of a full answer may be cut: it comes whole with the next one.
  const upTo = isLast ? now.revision : Math.max(...changed.map(({ at }) => Number(at))) - 1;
  if (upTo === known.revision && !isLast) return undefined;
  const net = new Map<string, Uint8Array | undefined>();
  for (const { at, hex, is_there, value } of changed) {
    if (Number(at) <= upTo) net.set(hex, is_there ? bytesOf({ value }) : undefined);
  }
  return { net, revision: { id: now.id, revision: upTo }, isLast };
}

/** In order of keys; fewer than `pageRows`: there are no more. */
export async function rowsAfter(sql: Sql, after: Buffer): Promise<readonly DatabaseRow[]> {
  return sql<DatabaseRow[]>`
    SELECT key, value::text AS value FROM chaski.row WHERE key > ${after} ORDER BY key
    LIMIT ${pageRows}`;
}
