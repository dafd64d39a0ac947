/**
 * Passwords that an LDAP directory or Active Directory checks: an entry is searched, and bound as.
 *
 * Runs in:   the main thread.
 * Specs:     RFC 4511 §4.2 (bind), RFC 4513 §5.1 (simple bind; never without a password), RFC 4515 (filters).
 * Limits:    `answerMsMax` for all of a log-in, and `bindShare` of it more for a bind that a slow search left less;
 *            `idleMax` connections are kept of each use. How many ask at once is the caller's affair.
 * Invariant: whoever is not there is tried as well, with a DN nobody has: it costs as many words with the server.
 */

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { MailError } from '../../base/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Checked, Found, LogInSource, Person, SourceAway } from '../../ports/log-in-source.ts';
import type { LdapSetting } from '../../settings/ldap.ts';
import { isSizeLimit, type LdapConnection } from './connection.ts';
import { bindRefusalOf, LdapAway, whyOf } from './faults.ts';
import { attributesAsked, filterFor, filterForAll, personOf } from './person.ts';
import { LdapServers, type Use } from './servers.ts';

export interface LdapSourceOptions {
  readonly setting: LdapSetting;
  readonly connectionsMax: number;
  /** Milliseconds. */
  readonly answerMsMax: number;
  readonly onAway: (why: string | undefined) => void;
  readonly clock: Clock;
}

const decoyBytes = 12;

/** Of `answerMsMax`: what a bind has at least, or a slow search would have its server taken for a silent one. */
const bindShare = 0.5;

export class LdapSource implements LogInSource {
  readonly #setting: LdapSetting;
  readonly #answerMsMax: number;
  readonly #servers: LdapServers;

  /** @throws Error where `caFile` cannot be read. */
  constructor({ setting, connectionsMax, answerMsMax, onAway, clock }: LdapSourceOptions) {
    const { urls, startTls, caFile } = setting;
    const ca = caFile === '' ? undefined : readFileSync(caFile, 'utf8');
    this.#setting = setting;
    this.#answerMsMax = answerMsMax;
    this.#servers = new LdapServers({
      servers: urls.map((url) => ({ url, startTls, ca })),
      ...{ idleMax: connectionsMax, answerMsMax, onAway, clock },
      prepare: (connection, use, endMs) => this.#prepare(connection, use, endMs),
    });
  }

  get name(): string {
    return this.#setting.name;
  }

  /** Open ones; for tests of what is left behind. */
  get connectionCount(): number {
    return this.#servers.connectionCount;
  }

  async check(address: string, password: string): Promise<Checked> {
    if (password === '') return { kind: 'wrong', why: 'password' };
    const endMs = performance.now() + this.#answerMsMax;
    const found = await this.#find(address, endMs);
    if (found.kind === 'away') return found;
    const person = found.kind === 'found' && found.person.isEnabled ? found.person : undefined;
    const dn = person?.id ?? this.#decoy();
    const bindEndMs = Math.max(endMs, performance.now() + this.#answerMsMax * bindShare);
    const tried = await this.#try(dn, password, bindEndMs);
    if (tried !== 'right' && tried !== 'password' && tried !== 'expired') return tried;
    if (found.kind === 'nobody') return { kind: 'wrong', why: found.why };
    if (person === undefined) return { kind: 'wrong', why: 'disabled' };
    if (tried === 'expired') return { kind: 'expired' };
    return tried === 'right' ? { kind: 'right', person } : { kind: 'wrong', why: 'password' };
  }

  find(address: string): Promise<Found> {
    return this.#find(address, performance.now() + this.#answerMsMax);
  }

  async *people(): AsyncGenerator<Person> {
    const { baseDn, filter } = this.#setting;
    const attributes = attributesAsked(this.#setting);
    const asked = { baseDn, filter: filterForAll(filter), attributes };
    // One connection from the first page to the last: the server's place in the list is the connection's.
    const opened = Promise.withResolvers<LdapConnection>();
    const done = Promise.withResolvers<void>();
    const holding = this.#servers.with('find', performance.now() + this.#answerMsMax, (one) => {
      opened.resolve(one);
      return done.promise;
    });
    holding.catch(opened.reject);
    try {
      const connection = await opened.promise;
      for await (const entry of connection.searchAll(asked, this.#answerMsMax)) {
        const person = personOf(entry, this.#setting, undefined);
        if (person !== undefined) yield person;
      }
    } catch (error) {
      throw new MailError('deadline-passed', `${this.name}: ${whyOf(error)}`, { cause: error });
    } finally {
      done.resolve();
      await holding.catch(() => {});
    }
  }

  close(): Promise<void> {
    return this.#servers.close();
  }

  async #find(address: string, endMs: number): Promise<Found> {
    const { baseDn, filter } = this.#setting;
    const attributes = attributesAsked(this.#setting);
    const asked = { baseDn, filter: filterFor(filter, address), attributes };
    try {
      const entries = await this.#servers.with('find', endMs, (one) => one.search(asked, endMs));
      if (entries.length > 1) return { kind: 'nobody', why: 'several' };
      const [entry] = entries;
      if (entry === undefined) return { kind: 'nobody', why: 'missing' };
      const person = personOf(entry, this.#setting, address);
      if (person === undefined) return { kind: 'nobody', why: 'other-address' };
      return { kind: 'found', person };
    } catch (error) {
      return isSizeLimit(error) ? { kind: 'nobody', why: 'several' } : away(error);
    }
  }

  async #try(
    dn: string,
    password: string,
    endMs: number,
  ): Promise<'right' | 'password' | 'expired' | SourceAway> {
    try {
      await this.#servers.with('try', endMs, (one) => one.bind(dn, password, endMs));
      return 'right';
    } catch (error) {
      return bindRefusalOf(error) ?? away(error);
    }
  }

  async #prepare(connection: LdapConnection, use: Use, endMs: number): Promise<void> {
    const { bindDn, passwordFile } = this.#setting;
    if (use === 'try' || bindDn === '') return;
    try {
      await connection.bind(bindDn, passwordIn(passwordFile), endMs);
    } catch (error) {
      throw new LdapAway(`${bindDn} does not get in: ${whyOf(error)}`, { cause: error });
    }
  }

  #decoy(): string {
    return `cn=${randomBytes(decoyBytes).toString('hex')},${this.#setting.baseDn}`;
  }
}

function away(error: unknown): SourceAway {
  return { kind: 'away', why: whyOf(error) };
}

/** Its first line; read for each connection, so that whoever changes it restarts nothing. */
function passwordIn(file: string): string {
  return readFileSync(file, 'utf8').split(/\r?\n/, 1)[0]!;
}
