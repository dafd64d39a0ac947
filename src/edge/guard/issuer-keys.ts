/**
 * An issuer's configuration and the keys it signs its tokens with: found, held, and read again.
 *
 * Runs in:   edge (main thread).
 * Specs:     OpenID Connect Discovery 1.0 §4.2-4.3 (configuration, and whose it is); RFC 7517 §5 (key sets).
 * Limits:    documents of `documentBytesMax`, `keysMax` keys. Keys are read again after `freshMs`; for a key nobody
 *            knows once in `unknownPauseMs`; after a failure once in `failurePauseMs`. One reading at a time.
 * Invariant: whoever shows tokens decides neither where keys are read nor how often. While an issuer is away its keys
 *            stay good for `staleMsMax`.
 */

import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import type { Log } from '../../base/log.ts';
import { dayMs, hourMs, minuteMs, secondMs } from '../../base/units.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Claims, IssuerConfiguration } from '../../ports/issuer-client.ts';
import type { WebReader } from '../../ports/web-reader.ts';

const documentBytesMax = 262_144;
export const keysMax = 100;
export const freshMs = hourMs;
export const staleMsMax = dayMs;
export const unknownPauseMs = minuteMs;
const failurePauseMs = 10 * secondMs;
/** Base64url of an RSA modulus of 8,192 bits. */
const modulusCharsMax = 1_366;

/** The issuer could not be asked: the token may be good. */
export class IssuerAway extends Error {
  override readonly name = 'IssuerAway';
}

export interface IssuerKeysParts {
  readonly url: string;
  readonly reader: WebReader;
  readonly clock: Clock;
  readonly log: Log;
}

interface Known {
  readonly find: JWTVerifyGetKey;
  readonly configuration: IssuerConfiguration;
}

export class IssuerKeys {
  readonly #parts: IssuerKeysParts;
  #held: Known | undefined;
  #readMs = 0;
  #nextMs = 0;
  #reading: Promise<void> | undefined;

  constructor(parts: IssuerKeysParts) {
    this.#parts = parts;
  }

  /** @throws IssuerAway; whatever else is thrown: no key of this issuer's. */
  readonly keyOf: JWTVerifyGetKey = async (header, token) => {
    if (this.#ageMs() >= freshMs) await this.#readAgain();
    try {
      return await this.#known().find(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      // It may be newer than what is held.
      await this.#readAgain();
      return await this.#known().find(header, token);
    }
  };

  /** Its URLs lead to where nobody listens on the way, or are not there. @throws IssuerAway */
  async configuration(): Promise<IssuerConfiguration> {
    if (this.#ageMs() >= freshMs) await this.#readAgain();
    return this.#known().configuration;
  }

  #ageMs(): number {
    return this.#held === undefined ? Infinity : this.#parts.clock.monotonicMs() - this.#readMs;
  }

  #known(): Known {
    if (this.#held === undefined || this.#ageMs() > staleMsMax) throw new IssuerAway();
    return this.#held;
  }

  async #readAgain(): Promise<void> {
    if (this.#reading === undefined) {
      if (this.#parts.clock.monotonicMs() < this.#nextMs) return;
      this.#reading = this.#read().finally(() => {
        this.#reading = undefined;
      });
    }
    await this.#reading;
  }

  async #read(): Promise<void> {
    const { url, clock, log } = this.#parts;
    try {
      const configuration = await this.#configuration();
      const place = configuration.jwks_uri;
      if (typeof place !== 'string') throw new Error('its jwks_uri is no https:// URL');
      const set = keySetOf(await this.#document(place));
      this.#held = { find: createLocalJWKSet(set), configuration };
      this.#readMs = clock.monotonicMs();
      this.#nextMs = this.#readMs + unknownPauseMs;
    } catch (error) {
      this.#nextMs = clock.monotonicMs() + failurePauseMs;
      log.warn({ issuer: url, why: (error as Error).message }, 'no keys of an issuer of tokens');
    }
  }

  async #configuration(): Promise<IssuerConfiguration> {
    const { url } = this.#parts;
    const said = (await this.#document(configurationUrl(url))) as Claims | null;
    // Discovery §4.3: exactly the same, or somebody else speaks.
    if (said?.issuer !== url) throw new Error('its configuration is of another issuer');
    const isGood = ([name, value]: [string, unknown]) =>
      !/(?:_uri|_endpoint)$/.test(name) || isUsableUrl(value, url);
    return { ...Object.fromEntries(Object.entries(said).filter(isGood)), issuer: url };
  }

  async #document(place: string): Promise<unknown> {
    const document = await this.#parts.reader.read(place, documentBytesMax);
    if (!document.ok) throw new Error(`${place}: ${document.detail}`);
    return JSON.parse(document.text);
  }
}

/** Discovery §4.1. */
export function configurationUrl(issuer: string): string {
  return `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
}

/** By TLS; or at the issuer itself, where that is on this machine. */
function isUsableUrl(value: unknown, issuer: string): boolean {
  const url = typeof value === 'string' ? URL.parse(value) : null;
  return url?.protocol === 'https:' || (url !== null && url.origin === new URL(issuer).origin);
}

/** Keys for signatures alone: a secret that both sides know would be no issuer's (RFC 8725 §2.1). */
function keySetOf(document: unknown): JSONWebKeySet {
  const { keys } = (document ?? {}) as { readonly keys?: unknown };
  if (!Array.isArray(keys) || keys.length > keysMax)
    throw new Error(`no list of ${keysMax} keys at most`);
  return { keys: keys.filter(isUsable) };
}

function isUsable(key: unknown): boolean {
  const { kty, n = '' } = (key ?? {}) as { readonly kty?: unknown; readonly n?: unknown };
  if (kty === 'RSA') return typeof n === 'string' && n.length <= modulusCharsMax;
  return kty === 'EC' || kty === 'OKP';
}
