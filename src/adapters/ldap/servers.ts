/**
 * Which server of a directory is asked next, and connections that are kept for it.
 *
 * Runs in:   the main thread.
 * Limits:    `idleMax` connections of each use are kept, for `idleMsMax`. A server that did not answer is left alone for
 *            `pauseMsFirst`, twice as long each time, `pauseMsMax` at most; then one try is made, others wait for none.
 * Invariant: a connection is used by one caller at a time, and by none after an error that is not an answer.
 */

import type { Clock, Timer } from '../../ports/clock.ts';
import { LdapConnection, type LdapServer } from './connection.ts';
import { LdapAway, LdapClosed, whyOf } from './faults.ts';

export const pauseMsFirst = 1_000;
export const pauseMsMax = 30_000;
const idleMsMax = 60_000;

/** `find`: bound as whoever searches. `try`: bound as whoever logged in last, so never searched by. */
export type Use = 'find' | 'try';

interface Standing {
  readonly server: LdapServer;
  pauseMs: number;
  untilMs: number;
  isTried: boolean;
}

interface Idle {
  readonly connection: LdapConnection;
  readonly timer: Timer;
}

export interface LdapServersParts {
  readonly servers: readonly LdapServer[];
  readonly idleMax: number;
  readonly answerMsMax: number;
  /** Makes a new connection ready for its use. */
  readonly prepare: (connection: LdapConnection, use: Use, endMs: number) => Promise<void>;
  /** Told once that no server answers, and why; and, with undefined, that one does again. */
  readonly onAway: (why: string | undefined) => void;
  readonly clock: Clock;
}

export class LdapServers {
  readonly #parts: LdapServersParts;
  readonly #standings: readonly Standing[];
  /** Used last, last. */
  readonly #idle: Readonly<Record<Use, Idle[]>> = { find: [], try: [] };
  /** By connection, whose it is. */
  readonly #all = new Map<LdapConnection, Standing>();
  readonly #closing = new AbortController();
  #isAway = false;

  constructor(parts: LdapServersParts) {
    this.#parts = parts;
    this.#standings = parts.servers.map((server) => ({
      ...{ server, pauseMs: 0, untilMs: 0, isTried: false },
    }));
  }

  get connectionCount(): number {
    return this.#all.size;
  }

  /** @throws LdapAway, or what `work` throws. `work` may be called twice: a kept connection may have gone unnoticed. */
  async with<Answer>(
    use: Use,
    endMs: number,
    work: (connection: LdapConnection) => Promise<Answer>,
  ): Promise<Answer> {
    const kept = this.#take(use);
    if (kept !== undefined) {
      try {
        return await this.#run(kept, use, work);
      } catch (error) {
        if (!(error instanceof LdapClosed)) throw error;
      }
    }
    return await this.#run(await this.#open(use, endMs), use, work);
  }

  /** Resolves once no connection is left. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#dropIdle();
    const all = [...this.#all.keys()];
    for (const connection of all) connection.end();
    await Promise.all(all.map(({ gone }) => gone));
  }

  #take(use: Use): LdapConnection | undefined {
    for (;;) {
      const kept = this.#idle[use].pop();
      kept?.timer.cancel();
      if (kept === undefined || kept.connection.isOpen) return kept?.connection;
    }
  }

  async #run<Answer>(
    connection: LdapConnection,
    use: Use,
    work: (connection: LdapConnection) => Promise<Answer>,
  ): Promise<Answer> {
    try {
      return await work(connection);
    } catch (error) {
      if (error instanceof LdapAway && !(error instanceof LdapClosed))
        this.#wentSilent(this.#all.get(connection)!, error);
      throw error;
    } finally {
      this.#keep(connection, use);
    }
  }

  #keep(connection: LdapConnection, use: Use): void {
    const idle = this.#idle[use];
    if (!connection.isOpen || this.#closing.signal.aborted || idle.length >= this.#parts.idleMax) {
      connection.end();
      return;
    }
    const timer = this.#parts.clock.setTimer(idleMsMax, () => {
      const at = idle.findIndex((kept) => kept.connection === connection);
      if (at >= 0) idle.splice(at, 1)[0]!.connection.end();
    });
    idle.push({ connection, timer });
  }

  async #open(use: Use, endMs: number): Promise<LdapConnection> {
    let why = 'it did not answer lately';
    for (const standing of this.#standings) {
      if (this.#closing.signal.aborted) throw new LdapAway('it is closed');
      if (standing.isTried || this.#parts.clock.monotonicMs() < standing.untilMs) continue;
      const isProbe = standing.pauseMs > 0;
      standing.isTried = isProbe;
      try {
        return await this.#openOne(standing, use, endMs);
      } catch (error) {
        why = `${standing.server.url}: ${whyOf(error)}`;
        this.#failed(standing);
      } finally {
        if (isProbe) standing.isTried = false;
      }
    }
    this.#tellAway(why);
    throw new LdapAway(why);
  }

  async #openOne(standing: Standing, use: Use, endMs: number): Promise<LdapConnection> {
    const { answerMsMax, prepare } = this.#parts;
    // So that a server that swallows everything leaves time for the next one.
    const shareMs = answerMsMax / this.#standings.length;
    const ownEndMs = Math.min(endMs, performance.now() + shareMs);
    const connection = await LdapConnection.open(standing.server, ownEndMs, this.#closing.signal);
    this.#all.set(connection, standing);
    void connection.gone.then(() => this.#all.delete(connection));
    try {
      await prepare(connection, use, ownEndMs);
    } catch (error) {
      connection.end();
      throw error;
    }
    if (this.#closing.signal.aborted) {
      connection.end();
      throw new LdapAway('it is closed');
    }
    standing.pauseMs = 0;
    if (this.#isAway) this.#parts.onAway(undefined);
    this.#isAway = false;
    return connection;
  }

  /** By an open connection: others of the same server may be as silent. */
  #wentSilent(standing: Standing, error: LdapAway): void {
    this.#dropIdle();
    this.#failed(standing);
    if (this.#standings.every(({ untilMs }) => untilMs > this.#parts.clock.monotonicMs()))
      this.#tellAway(whyOf(error));
  }

  #dropIdle(): void {
    for (const kept of [...this.#idle.find.splice(0), ...this.#idle.try.splice(0)]) {
      kept.timer.cancel();
      kept.connection.end();
    }
  }

  #failed(standing: Standing): void {
    const { pauseMs } = standing;
    standing.pauseMs = pauseMs === 0 ? pauseMsFirst : Math.min(pauseMsMax, 2 * pauseMs);
    standing.untilMs = this.#parts.clock.monotonicMs() + standing.pauseMs;
  }

  #tellAway(why: string): void {
    if (this.#isAway || this.#closing.signal.aborted) return;
    this.#isAway = true;
    this.#parts.onAway(why);
  }
}
