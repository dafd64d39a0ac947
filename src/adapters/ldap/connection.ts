/**
 * One connection to a directory, with an end to each wait. What is lost is never made again behind the caller's back: a
 * connection that began with StartTLS would come back in clear.
 *
 * Runs in:   the main thread.
 * Specs:     RFC 4511 §4.2 (bind), §4.5 (search), §4.14 (StartTLS); RFC 4513 §3 (TLS), §5.1.2 (no bind without a
 *            password).
 * Limits:    an answer has `answerBytesMax` and comes before the instant given; else the connection ends.
 * Invariant: no bind leaves in clear where TLS was asked for. References to other servers are not followed.
 */

import net from 'node:net';
import tls from 'node:tls';
import { Client, type Entry } from 'ldapts';
import { mebibyte } from '../../base/units.ts';
import { socketPathOf } from '../../settings/ldap.ts';
import { LdapAway, LdapClosed, resultCodeOf, whyOf } from './faults.ts';

export const answerBytesMax = 2 * mebibyte;
const ldapPort = 389;
const ldapsPort = 636;
const sizeLimitExceeded = 4;

export interface LdapServer {
  readonly url: string;
  /** Of `ldap:` alone. */
  readonly startTls: 'required' | 'off';
  /** PEM; undefined: whom the system trusts. */
  readonly ca: string | undefined;
}

export interface SearchAsked {
  readonly baseDn: string;
  readonly filter: string;
  readonly attributes: readonly string[];
}

export class LdapConnection {
  readonly #client: Client;
  readonly #socket: net.Socket;
  readonly #closed = Promise.withResolvers<never>();
  readonly #gone = Promise.withResolvers<void>();
  #isOpen = true;
  #answerBytes = 0;

  private constructor(socket: net.Socket) {
    this.#socket = socket;
    let isGiven = false;
    const giveOnce = () => {
      if (isGiven) throw new LdapClosed('the connection ended');
      isGiven = true;
      return socket;
    };
    const upgrade = (options: tls.ConnectionOptions) => {
      socket.off('data', this.#count);
      const secured = tls.connect(options).on('data', this.#count);
      return secured.once('close', () => this.end());
    };
    this.#client = new Client({
      url: 'ldap://given',
      createConnection: giveOnce as typeof net.connect,
      createSecureConnection: upgrade as typeof tls.connect,
    });
    this.#closed.promise.catch(() => {});
    socket.on('data', this.#count);
    socket.once('close', () => {
      this.#ended(new LdapClosed('the connection ended'));
      this.#gone.resolve();
    });
  }

  /** @throws LdapAway */
  static async open(
    server: LdapServer,
    endMs: number,
    signal: AbortSignal,
  ): Promise<LdapConnection> {
    const connection = new LdapConnection(await dial(server, endMs, signal));
    try {
      await connection.#secure(server, endMs);
      return connection;
    } catch (error) {
      connection.end();
      throw new LdapAway(`StartTLS: ${whyOf(error)}`, { cause: error });
    }
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Resolves once nothing of it is left. */
  get gone(): Promise<void> {
    return this.#gone.promise;
  }

  /** @throws LdapAway, ResultCodeError. Never called without a password. */
  async bind(dn: string, password: string, endMs: number): Promise<void> {
    if (password === '' || !dn.includes('=')) throw new LdapAway('a bind without DN or password');
    await this.#within(endMs, () => this.#client.bind(dn, password));
  }

  /**
   * All that fit into `answerBytesMax`. No limit of entries is asked for: of an answer that was cut to one entry nobody
   * would learn that there are two. @throws LdapAway, ResultCodeError
   */
  async search(asked: SearchAsked, endMs: number): Promise<readonly Entry[]> {
    const { baseDn, filter, attributes } = asked;
    const timeLimit = Math.max(1, Math.ceil((endMs - performance.now()) / 1_000));
    const options = { filter, attributes: [...attributes], timeLimit };
    const found = await this.#within(endMs, () =>
      this.#client.search(baseDn, { scope: 'sub', ...options }),
    );
    return found.searchEntries;
  }

  /** Page by page; each may take `answerMsMax`. @throws LdapAway, ResultCodeError */
  async *searchAll(
    { baseDn, filter, attributes }: SearchAsked,
    answerMsMax: number,
  ): AsyncGenerator<Entry> {
    const options = { filter, attributes: [...attributes], paged: { pageSize: 50 } };
    const pages = this.#client.searchPaginated(baseDn, { scope: 'sub', ...options });
    for (;;) {
      const page = await this.#within(performance.now() + answerMsMax, () => pages.next());
      if (page.done === true) return;
      yield* page.value.searchEntries;
    }
  }

  end(): void {
    this.#ended(new LdapClosed('the connection was ended'));
    this.#socket.destroy();
  }

  async #secure({ url, startTls, ca }: LdapServer, endMs: number): Promise<void> {
    if (!url.startsWith('ldap:') || startTls === 'off') return;
    const options = tlsOptions(new URL(url).hostname, ca);
    await this.#within(endMs, () => this.#client.startTLS(options));
  }

  async #within<Answer>(endMs: number, work: () => Promise<Answer>): Promise<Answer> {
    if (!this.#isOpen) throw new LdapClosed('the connection ended');
    this.#answerBytes = 0;
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => late.reject(new LdapAway('no answer in time')),
      Math.max(1, endMs - performance.now()),
    );
    const answer = work();
    answer.catch(() => {});
    try {
      return await Promise.race([answer, late.promise, this.#closed.promise]);
    } catch (error) {
      if (resultCodeOf(error) !== undefined) throw error;
      // Whatever else it is, nothing more can be asked by it.
      this.end();
      throw error instanceof LdapAway ? error : new LdapClosed(whyOf(error), { cause: error });
    } finally {
      clearTimeout(timer);
    }
  }

  readonly #count = (data: Uint8Array) => {
    this.#answerBytes += data.length;
    if (this.#answerBytes <= answerBytesMax) return;
    this.#ended(new LdapAway(`an answer of over ${answerBytesMax} bytes`));
    this.#socket.destroy();
  };

  #ended(why: LdapAway): void {
    this.#isOpen = false;
    this.#closed.reject(why);
  }
}

export function isSizeLimit(error: unknown): boolean {
  return resultCodeOf(error) === sizeLimitExceeded;
}

/** Connected, and of `ldaps:` secured. @throws LdapAway */
async function dial(
  { url, ca }: LdapServer,
  endMs: number,
  signal: AbortSignal,
): Promise<net.Socket> {
  const { hostname, port, protocol } = new URL(url);
  const host = bare(hostname);
  const isSecure = protocol === 'ldaps:';
  const socket = isSecure
    ? tls.connect({ host, port: Number(port || ldapsPort), ...tlsOptions(hostname, ca) })
    : protocol === 'ldapi:'
      ? net.connect(socketPathOf(url))
      : net.connect({ host, port: Number(port || ldapPort) });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(
    () => reject(new LdapAway('no connection in time')),
    Math.max(1, endMs - performance.now()),
  );
  const abort = () => reject(new LdapAway('it is closed'));
  signal.addEventListener('abort', abort);
  socket.once('error', reject);
  socket.once(isSecure ? 'secureConnect' : 'connect', () => resolve());
  try {
    await promise;
    // Until somebody else listens: an error nobody hears ends the process.
    socket.on('error', () => {});
    return socket;
  } catch (error) {
    socket.on('error', () => {});
    socket.destroy();
    throw error instanceof LdapAway ? error : new LdapAway(whyOf(error), { cause: error });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}

/** RFC 4513 §3.1.3: the certificate is for the host that was asked for. An address is no server name (RFC 6066 §3). */
function tlsOptions(hostname: string, ca: string | undefined): tls.ConnectionOptions {
  const host = bare(hostname);
  return {
    ...{ host, minVersion: 'TLSv1.2', rejectUnauthorized: true },
    ...(net.isIP(host) === 0 ? { servername: host } : {}),
    ...(ca === undefined ? {} : { ca }),
  };
}

function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '');
}
