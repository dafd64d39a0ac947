/**
 * One connection to PostgreSQL, made again whenever it is lost, with an end to each wait.
 *
 * Runs in:   the main thread.
 * Limits:    an answer takes `answerMsMax` at most, connecting included: then the connection is dropped, and with it
 *            whatever the server still does for it. A statement that is slow by itself is ended by the server before
 *            that, with the connection kept. There is one connection for each object, never a pool that grows.
 */

import { readFileSync } from 'node:fs';
import postgres, { type Options, type Sql } from 'postgres';
import { DatabaseAway } from './faults.ts';

export interface DatabaseAddress {
  /** A name, an address, or the folder of a socket: then it begins with `/`. */
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  /** The file's first line is the password; "": none is sent. */
  readonly passwordFile: string;
  /** `verify`: the certificate must be good for `host`. */
  readonly tls: 'verify' | 'off';
  /** Whom certificates are signed by; "": those the system trusts. */
  readonly caFile: string;
  readonly answerMsMax: number;
}

export interface Notified {
  /** A notice came. */
  readonly onNotice?: () => void;
  /** The connection ended, or could not be made. */
  readonly onClose?: () => void;
}

/** A new try follows so soon after one that failed: whoever asks decides how often that is. */
const retrySeconds = 0.1;
/** Of `answerMsMax`: what a statement may take. */
const statementShare = 0.8;

export class Connection {
  readonly #address: DatabaseAddress;
  readonly #notified: Notified;
  #sql: Sql;

  constructor(address: DatabaseAddress, notified: Notified = {}) {
    this.#address = address;
    this.#notified = notified;
    this.#sql = this.#open();
  }

  /**
   * `work` may go on for a moment after the end of the wait: it looks at `signal` before what cannot be taken back.
   * @throws DatabaseAway past `answerMsMax`: what was asked may be done or not.
   */
  async ask<Answer>(work: (sql: Sql, signal: AbortSignal) => Promise<Answer>): Promise<Answer> {
    const { answerMsMax } = this.#address;
    const late = Promise.withResolvers<never>();
    late.promise.catch(() => {});
    const ending = new AbortController();
    const timer = setTimeout(() => {
      const fault = new DatabaseAway(`no answer in ${answerMsMax} ms`);
      ending.abort(fault);
      this.drop();
      late.reject(fault);
    }, answerMsMax);
    const answer = work(this.#sql, ending.signal);
    answer.catch(() => {});
    try {
      return await Promise.race([answer, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** The next question is asked on a new connection. */
  drop(): void {
    const old = this.#sql;
    this.#sql = this.#open();
    void old.end({ timeout: 0 }).catch(() => {});
  }

  async close(): Promise<void> {
    await this.#sql.end({ timeout: 1 });
  }

  #open(): Sql {
    const { host, port, database, user, passwordFile, answerMsMax } = this.#address;
    const { onNotice, onClose } = this.#notified;
    const options: Options<Record<string, never>> & { onnotify?: () => void } = {
      ...{ host, port, database, user, max: 1, backoff: () => retrySeconds },
      ...{ max_lifetime: null, connect_timeout: Math.ceil(answerMsMax / 1_000) },
      ...(passwordFile === '' ? {} : { password: () => passwordOf(passwordFile) }),
      ssl: this.#tls(),
      // It asks for them by itself on each new connection, and where that fails its rejection is nobody's.
      fetch_types: false,
      onnotice: () => {},
      ...(onNotice === undefined ? {} : { onnotify: onNotice }),
      ...(onClose === undefined ? {} : { onclose: onClose }),
      connection: {
        application_name: 'chaski',
        statement_timeout: Math.ceil(answerMsMax * statementShare),
        idle_in_transaction_session_timeout: answerMsMax,
      },
    };
    return postgres(options);
  }

  #tls(): false | object {
    const { host, tls, caFile } = this.#address;
    if (tls === 'off' || host.startsWith('/')) return false;
    return caFile === '' ? { servername: host } : { servername: host, ca: readFileSync(caFile) };
  }
}

/** Read for each connection: who changes it restarts nothing. */
function passwordOf(file: string): string {
  return readFileSync(file, 'utf8').split(/\r?\n/, 1)[0]!;
}
