/**
 * What a browser keeps of a log-in it began with an issuer, sealed, so that this server keeps nothing.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 7516 (JWE: `dir`, A256GCM), RFC 6819 §4.4.1.8 (the answer must come to the browser that asked),
 *            RFC 7636 §4.1, OpenID Connect Core 1.0 §15.5.2 (nonce).
 * Limits:    a ticket is good for `ticketMs`; a browser has one, that of its last log-in.
 * Invariant: whoever begins log-ins costs no memory. Nobody but this process reads or makes a ticket: neither the
 *            nonce nor PKCE's verifier is known to the browser's pages, and a restart makes all of them void.
 */

import { EncryptJWT, jwtDecrypt } from 'jose';
import { minuteMs, secondMs } from '../../base/units.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';

export const ticketMs = 10 * minuteMs;
const keyBytes = 32;
const partBytes = 32;
const audience = 'log-in';

export interface Ticket {
  /** By name. */
  readonly issuer: string;
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
  /** SHA-256 of what the page keeps to itself, in base64url. */
  readonly challenge: string;
  /** Where the page is. */
  readonly returnPath: string;
}

export class LogInTickets {
  readonly #clock: Pick<Clock, 'nowMs'>;
  readonly #random: Pick<Random, 'bytes'>;
  readonly #key: Uint8Array;

  constructor(clock: Pick<Clock, 'nowMs'>, random: Pick<Random, 'bytes'>) {
    this.#clock = clock;
    this.#random = random;
    this.#key = random.bytes(keyBytes);
  }

  make(given: Pick<Ticket, 'issuer' | 'challenge' | 'returnPath'>): Ticket {
    const part = () => Buffer.from(this.#random.bytes(partBytes)).toString('base64url');
    return { ...given, state: part(), nonce: part(), codeVerifier: part() };
  }

  async seal(ticket: Ticket): Promise<string> {
    const endS = Math.floor((this.#clock.nowMs() + ticketMs) / secondMs);
    return await new EncryptJWT({ ...ticket })
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
      .setAudience(audience)
      .setExpirationTime(endS)
      .encrypt(this.#key);
  }

  /** Undefined: none of ours, or over. */
  async open(sealed: string): Promise<Ticket | undefined> {
    try {
      const { payload } = await jwtDecrypt(sealed, this.#key, {
        ...{ keyManagementAlgorithms: ['dir'], contentEncryptionAlgorithms: ['A256GCM'] },
        ...{ audience, requiredClaims: ['exp'], currentDate: new Date(this.#clock.nowMs()) },
      });
      return payload as unknown as Ticket;
    } catch {
      return undefined;
    }
  }
}
