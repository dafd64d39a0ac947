/**
 * The rows of a directory in PostgreSQL: reads from the copy on this machine, writes in a transaction of the database.
 *
 * Runs in:   the main thread.
 * Limits:    two connections: one writes, one hears of changes and reads them. One write or reading is under way at a
 *            time; notices that come meanwhile are one reading after it. Each wait ends by `answerMsMax`, and no write
 *            waits for a database that is known to be away.
 * Invariant: a write is done only on the revision that its decision was read from, under the lock of the state's row;
 *            else it rejects with `IndexMoved`, after the copy was brought up to date. A write that resolved is
 *            committed there, and stands in the copy. Whoever decides may hold rows in caches: so the revision that
 *            counts is the one up to which it was told of changes, not the copy's. Nothing is written to the copy but
 *            in a turn, and a turn ends after what it writes.
 */

import { Buffer } from 'node:buffer';
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
import { DatabaseAway, isAwayFault, isSlowFault, writeFault } from './faults.ts';
import { changesOf, type DatabaseRow, type NetChanges, Replica, type Revision } from './replica.ts';
import { channel, migrate } from './schema.ts';
import { isSame, newRows, pageRows, revisionIn, rowsAfter, writeRows } from './statements.ts';

/** What a lost notice costs, and how soon a dead connection is found. */
const lookEveryMs = 2_000;
const retryEveryMs = 250;

export interface PostgresTableOptions {
  readonly address: DatabaseAddress;
  /** Holds the copy. */
  readonly copy: ShardIndex;
  /** The database went away, and why; or, without a reason, it is back. */
  readonly onAway?: (why: string | undefined) => void;
}

export class PostgresTable implements ShardIndex {
  readonly #replica: Replica;
  readonly #writer: Connection;
  readonly #watcher: Connection;
  readonly #onAway: (why: string | undefined) => void;
  #hear: (changes: readonly IndexChange[]) => void = () => {};
  /** What all changes up to were told of; undefined: rows of several revisions are in the copy. */
  #heard: Revision | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #isListening = false;
  #isDue = false;
  #isClosed = false;
  #away: string | undefined;
  #timer: NodeJS.Timeout | undefined;

  private constructor({ address, copy, onAway }: PostgresTableOptions) {
    this.#replica = new Replica(copy);
    // Nobody has read of it before it is open.
    this.#heard = this.#replica.revision;
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
    this.#refuseAway();
    const seen = this.#heard;
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
    // It may have gone away while this one waited.
    this.#refuseAway();
    let isCommitting = false;
    try {
      const revision = await this.#writer.ask((sql, signal) =>
        sql.begin(async (own) => {
          if (!isSame(seen, await revisionIn(own, true))) throw new IndexMoved('others wrote');
          await writeRows(own, net);
          const after = await revisionIn(own, false);
          // Its caller was told that nothing was changed.
          signal.throwIfAborted();
          isCommitting = true;
          return after;
        }),
      );
      await this.#replica.apply(net, revision);
      this.#heard = revision;
    } catch (error) {
      if (error instanceof IndexMoved) await this.#catchUp().catch(() => {});
      if (isAwayFault(error)) this.#isGone(error);
      throw writeFault(error, isCommitting);
    }
  }

  #refuseAway(): void {
    if (this.#away === undefined) return;
    throw writeFault(new DatabaseAway(this.#away), false);
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
    if (await this.#readNew()) return;
    await this.#readAll();
    // What changed while all was read; should that be another database again, the next look finds it.
    await this.#readNew();
  }

  /** False: every row is to be read. */
  async #readNew(): Promise<boolean> {
    for (;;) {
      const known = this.#replica.revision;
      if (known === undefined) return false;
      let found: Awaited<ReturnType<typeof newRows>>;
      try {
        found = await this.#watcher.ask((sql) => newRows(sql, known));
      } catch (error) {
        if (isSlowFault(error)) return false;
        throw error;
      }
      if (found === undefined) return false;
      const { net, revision, isLast } = found;
      if (!isSame(known, revision)) {
        await this.#replica.apply(net, revision);
        this.#tell(changesOf(net), revision);
      }
      if (isLast) return true;
    }
  }

  /**
   * Each page is as of its own instant, none older than the revision that was read first: `#readNew` makes them one.
   * Nothing is written under a wait that may end before the write does.
   */
  async #readAll(): Promise<void> {
    const revision = await this.#watcher.ask((sql) => revisionIn(sql, false));
    this.#heard = undefined;
    await this.#replica.become(this.#pages(), revision, (changes) =>
      this.#tell(changes, undefined),
    );
    this.#heard = revision;
  }

  async *#pages(): AsyncGenerator<readonly DatabaseRow[]> {
    let after: Buffer = Buffer.alloc(0);
    for (;;) {
      const page = await this.#watcher.ask((sql) => rowsAfter(sql, after));
      yield page;
      if (page.length < pageRows) return;
      after = page.at(-1)!.key;
    }
  }

  #tell(changes: readonly IndexChange[], upTo: Revision | undefined): void {
    this.#heard = upTo;
    if (changes.length > 0) this.#hear(changes);
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
        this.#isListening = false;
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

  /** A write found it: whoever comes next is not to wait as long. */
  #isGone(fault: Error): void {
    this.#isAway(fault);
    this.#lookAfter(retryEveryMs);
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

function wordsOf(error: Error): string {
  return error.message === '' ? ((error as { code?: string }).code ?? error.name) : error.message;
}
