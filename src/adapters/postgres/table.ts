/**
 * The rows of a directory in PostgreSQL: reads from the copy on this machine, writes in a transaction of the database.
 *
 * Runs in:   the main thread.
 * Limits:    two connections: one writes, one hears of changes and reads them. One write or reading is under way at a
 *            time; notices that come meanwhile are one reading after it. Each wait ends by `answerMsMax`.
 * Invariant: a write is done only on the revision that its decision was read from, under the lock of the state's row;
 *            else it rejects with `IndexMoved`, after the copy was brought up to date. A write that resolved is
 *            committed there, and stands in the copy.
 */

import type { Sql, TransactionSql } from 'postgres';
import { MailError } from '../../base/errors.ts';
import {
  type EntryVisit,
  type IndexChange,
  type IndexEntry,
  IndexMoved,
  type IndexRange,
  type IndexSnapshot,
  type ShardIndex,
} from '../../ports/shard-index.ts';
import { Connection, type DatabaseAddress } from './connection.ts';
import { writeFault } from './faults.ts';
import {
  bytesOf,
  changesOf,
  type DatabaseRow,
  type NetChanges,
  Replica,
  type Revision,
  textOfValue,
} from './replica.ts';
import { channel, migrate } from './schema.ts';

/** What a lost notice costs, and how soon a dead connection is found. */
const lookEveryMs = 2_000;
const retryEveryMs = 250;
const pageRows = 1_000;

export interface PostgresTableOptions {
  readonly address: DatabaseAddress;
  /** Holds the copy. */
  readonly copy: ShardIndex;
  /** The database went away, and why; or, without a reason, it is back. */
  readonly onAway?: (why: string | undefined) => void;
}

interface State {
  readonly id: string;
  readonly revision: string;
  readonly kept_from: string;
}

export class PostgresTable implements ShardIndex {
  readonly #replica: Replica;
  readonly #writer: Connection;
  readonly #watcher: Connection;
  readonly #onAway: (why: string | undefined) => void;
  #hear: (changes: readonly IndexChange[]) => void = () => {};
  #last: Promise<unknown> = Promise.resolve();
  #isListening = false;
  #isDue = false;
  #isClosed = false;
  #away: string | undefined;
  #timer: NodeJS.Timeout | undefined;

  private constructor({ address, copy, onAway }: PostgresTableOptions) {
    this.#replica = new Replica(copy);
    this.#onAway = onAway ?? (() => {});
    this.#writer = new Connection(address);
    this.#watcher = new Connection(address, {
      onNotice: () => this.#look(),
      onClose: () => {
        this.#isListening = false;
      },
    });
  }

  /**
   * Without the database it opens on the copy, if there is a whole one. @throws MailError `not-possible-now` without
   * either, and for a schema that is not known.
   */
  static async open(options: PostgresTableOptions): Promise<PostgresTable> {
    const table = new PostgresTable(options);
    const fault = await table
      .#inTurn(() => table.#catchUp())
      .then(
        () => undefined,
        (error: unknown) => error as Error,
      );
    const isUsable = table.#replica.revision !== undefined && !(fault instanceof MailError);
    if (fault === undefined || isUsable) {
      table.#isAway(fault);
      table.#lookAfter(fault === undefined ? lookEveryMs : retryEveryMs);
      return table;
    }
    await table.close();
    if (fault instanceof MailError) throw fault;
    const { host } = options.address;
    const words = `the directory's database at ${host} cannot be used, and there is no copy of it here yet`;
    throw new MailError('not-possible-now', `${words}: ${wordsOf(fault)}`, { cause: fault });
  }

  /** What others changed, once the copy has it. */
  hearOthers(listener: (changes: readonly IndexChange[]) => void): void {
    this.#hear = listener;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#replica.table.get(key);
  }

  peek(key: Uint8Array): Uint8Array | undefined {
    return this.#replica.table.peek(key);
  }

  range(range: IndexRange): readonly IndexEntry[] {
    return this.#replica.table.range(range);
  }

  each(from: Uint8Array, to: Uint8Array, visit: EntryVisit): void {
    this.#replica.table.each(from, to, visit);
  }

  snapshot(): IndexSnapshot {
    return this.#replica.table.snapshot();
  }

  /** One at a time, as the directory's turns make them: a second one is decided from what the first changes. */
  async commit(changes: readonly IndexChange[]): Promise<void> {
    const seen = this.#replica.revision;
    const net = this.#replica.net(changes);
    await this.#inTurn(() => this.#write(net, seen));
  }

  /** Empties the directory, for all who use it. */
  async clear(): Promise<void> {
    await this.commit([{ removeFrom: Uint8Array.of(1), to: Uint8Array.of(0xff) }]);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#last;
    await Promise.all([this.#writer.close(), this.#watcher.close()]);
    await this.#replica.table.close();
  }

  async #write(net: NetChanges, seen: Revision | undefined): Promise<void> {
    let isCommitting = false;
    try {
      const revision = await this.#writer.ask((sql) =>
        sql.begin(async (own) => {
          const before = await stateOf(own, true);
          if (seen === undefined || !isSame(seen, before)) throw new IndexMoved('others wrote');
          await writeRows(own, net);
          const after = await stateOf(own, false);
          isCommitting = true;
          return revisionOf(after);
        }),
      );
      await this.#replica.apply(net, revision);
    } catch (error) {
      if (error instanceof IndexMoved) await this.#catchUp().catch(() => {});
      throw writeFault(error, isCommitting);
    }
  }

  /** Brings the copy up to date, on the connection that hears of the next change. */
  async #catchUp(): Promise<void> {
    if (!this.#isListening) {
      await this.#watcher.ask(async (sql) => {
        await migrate(sql);
        await sql.unsafe(`LISTEN ${channel}`);
      });
      this.#isListening = true;
    }
    const changes = await this.#readNew();
    if (changes.length > 0) this.#hear(changes);
  }

  async #readNew(): Promise<readonly IndexChange[]> {
    const known = this.#replica.revision;
    const found = await this.#watcher.ask((sql) => newRows(sql, known));
    if (found === undefined) return this.#readAll();
    if (found.rows.length === 0 && found.revision.revision === known?.revision) return [];
    const net = new Map<string, Uint8Array | undefined>();
    for (const { hex, is_there, value } of found.rows) {
      net.set(hex, is_there ? bytesOf({ value }) : undefined);
    }
    await this.#replica.apply(net, found.revision);
    return changesOf(net);
  }

  async #readAll(): Promise<readonly IndexChange[]> {
    return this.#watcher.ask((sql, answered) =>
      sql.begin('ISOLATION LEVEL REPEATABLE READ READ ONLY', async (own) => {
        const revision = revisionOf(await stateOf(own, false));
        return this.#replica.become(pagesOf(own, answered), revision);
      }),
    );
  }

  /** A reading of what is new is due; however often that is said before it begins, it is one. */
  #look(): void {
    if (this.#isDue || this.#isClosed) return;
    this.#isDue = true;
    clearTimeout(this.#timer);
    void this.#inTurn(async () => {
      this.#isDue = false;
      if (this.#isClosed) return;
      let fault: Error | undefined;
      try {
        await this.#catchUp();
      } catch (error) {
        fault = error as Error;
      }
      this.#isAway(fault);
      this.#lookAfter(fault === undefined ? lookEveryMs : retryEveryMs);
    });
  }

  #lookAfter(delayMs: number): void {
    if (this.#isClosed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), delayMs);
    this.#timer.unref();
  }

  #isAway(fault: Error | undefined): void {
    const why = fault === undefined ? undefined : wordsOf(fault);
    const isNews = (why === undefined) !== (this.#away === undefined);
    this.#away = why;
    if (isNews) this.#onAway(why);
  }

  #inTurn<Answer>(work: () => Promise<Answer>): Promise<Answer> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return done;
  }
}

async function stateOf(own: TransactionSql, isLocked: boolean): Promise<State> {
  const [state] = await own<State[]>`
    SELECT id, revision, kept_from FROM chaski.state ${isLocked ? own`FOR UPDATE` : own``}`;
  return state!;
}

function revisionOf({ id, revision }: State): Revision {
  return { id, revision: Number(revision) };
}

function isSame(seen: Revision, state: State): boolean {
  return seen.id === state.id && seen.revision === Number(state.revision);
}

async function writeRows(own: TransactionSql, net: NetChanges): Promise<void> {
  const gone: string[] = [];
  const keys: string[] = [];
  const values: (string | null)[] = [];
  for (const [key, value] of net) {
    if (value === undefined) gone.push(key);
    else {
      keys.push(key);
      values.push(textOfValue(value));
    }
  }
  if (gone.length > 0) {
    await own`
      DELETE FROM chaski.row WHERE key IN
        (SELECT decode(k, 'hex') FROM unnest(${gone}::text[]) AS t (k))`;
  }
  if (keys.length === 0) return;
  await own`
    INSERT INTO chaski.row (key, value)
    SELECT decode(k, 'hex'), v::json FROM unnest(${keys}::text[], ${values}::text[]) AS t (k, v)
    ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value`;
}

interface NewRow extends State {
  readonly hex: string;
  readonly is_there: boolean;
  readonly value: string | null;
}

/** One statement, so all of it is as of one instant. Undefined: the changes since are not all known, read every row. */
async function newRows(sql: Sql, known: Revision | undefined) {
  if (known === undefined) return undefined;
  const rows = await sql<NewRow[]>`
    SELECT s.id, s.revision, s.kept_from, encode(c.key, 'hex') AS hex, r.key IS NOT NULL AS is_there,
      r.value::text AS value
    FROM chaski.state s
    LEFT JOIN (SELECT DISTINCT key FROM chaski.change WHERE revision > ${known.revision}) c ON true
    LEFT JOIN chaski.row r ON r.key = c.key`;
  const state = rows[0]!;
  const isWhole =
    state.id === known.id &&
    Number(state.revision) >= known.revision &&
    Number(state.kept_from) <= known.revision;
  if (!isWhole) return undefined;
  return { revision: revisionOf(state), rows: rows.filter(({ hex }) => hex !== null) };
}

async function* pagesOf(
  own: TransactionSql,
  answered: () => void,
): AsyncGenerator<readonly DatabaseRow[]> {
  let after: Buffer = Buffer.alloc(0);
  for (;;) {
    const page = await own<DatabaseRow[]>`
      SELECT key, value::text AS value FROM chaski.row WHERE key > ${after} ORDER BY key
      LIMIT ${pageRows}`;
    answered();
    yield page;
    if (page.length < pageRows) return;
    after = page.at(-1)!.key;
  }
}

function wordsOf(error: Error): string {
  return error.message === '' ? ((error as { code?: string }).code ?? error.name) : error.message;
}
