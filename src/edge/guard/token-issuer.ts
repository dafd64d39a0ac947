/**
 * Access tokens of one issuer that is not ours, and whom they name.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 7519 §4.1 (issuer, audience, times), §7.2; RFC 8725 §3.1 (algorithms), §3.8-3.11; RFC 9068 §4 (JWT
 *            access tokens), RFC 8176 (`amr`); OpenID Connect Core 1.0 §5.1 (`email_verified`).
 * Limits:    `skewS` between clocks.
 * Invariant: an algorithm is one of three with a public key, whatever the header says. What names an account is the
 *            issuer's word, and never what its user may write: an address that was not verified is none.
 */

import { decodeJwt, errors, type JWTPayload, jwtVerify } from 'jose';
import { secondMs } from '../../base/units.ts';
import type { Clock } from '../../ports/clock.ts';
import { IssuerAway, type IssuerKeys } from './issuer-keys.ts';

const algorithms = ['RS256', 'ES256', 'EdDSA'];
/** RFC 8725 §3.11: those of other kinds (log-out, DPoP proofs, …) say so. */
const types: readonly unknown[] = [undefined, 'jwt', 'at+jwt', 'application/at+jwt'];
const skewS = 30;
export const skewMs = skewS * secondMs;

export interface IssuerRules {
  readonly url: string;
  readonly audiences: readonly string[];
  readonly domains: readonly string[];
  readonly claim: 'email' | 'sub';
  readonly accounts: readonly { readonly sub: string; readonly address: string }[];
  readonly secondFactor: readonly string[];
}

export interface NamedByToken {
  /** Of the account; "": the token names none. */
  readonly address: string;
  /** The issuer says that one was shown, and its word counts. */
  readonly isWithSecondFactor: boolean;
  /** From then on it is no token any more, whatever clocks say. */
  readonly untilMs: number;
}

export class TokenIssuer {
  readonly rules: IssuerRules;
  readonly #keys: Pick<IssuerKeys, 'keyOf'>;
  readonly #clock: Pick<Clock, 'nowMs'>;
  readonly #addresses: ReadonlyMap<string, string>;

  constructor(rules: IssuerRules, keys: Pick<IssuerKeys, 'keyOf'>, clock: Pick<Clock, 'nowMs'>) {
    this.rules = rules;
    this.#keys = keys;
    this.#clock = clock;
    this.#addresses = new Map(rules.accounts.map(({ sub, address }) => [sub, address]));
  }

  /** `invalid`: no token of this issuer for us. `over`: it was one. `away`: nobody could say. */
  async read(token: string): Promise<NamedByToken | 'invalid' | 'over' | 'away'> {
    const { url, audiences } = this.rules;
    try {
      const { payload, protectedHeader } = await jwtVerify(token, this.#keys.keyOf, {
        ...{ algorithms, issuer: url, audience: [...audiences] },
        requiredClaims: ['exp', 'sub'],
        clockTolerance: skewS,
        currentDate: new Date(this.#clock.nowMs()),
      });
      if (!types.includes(protectedHeader.typ?.toLowerCase())) return 'invalid';
      return {
        address: this.#addressIn(payload),
        isWithSecondFactor: this.#isStrong(payload),
        untilMs: payload.exp! * secondMs + skewMs,
      };
    } catch (error) {
      // It is looked at last: signature, issuer and audience were right.
      if (error instanceof errors.JWTExpired) return 'over';
      return error instanceof IssuerAway ? 'away' : 'invalid';
    }
  }

  #addressIn({ sub = '', email, email_verified: isVerified }: JWTPayload): string {
    if (this.rules.claim === 'sub')
      return this.#addresses.size === 0 ? sub : (this.#addresses.get(sub) ?? '');
    return isVerified === true && typeof email === 'string' ? email : '';
  }

  #isStrong({ amr, acr }: JWTPayload): boolean {
    const { secondFactor } = this.rules;
    const said: readonly unknown[] = ['*', acr, ...(Array.isArray(amr) ? amr : [])];
    return secondFactor.some((value) => said.includes(value));
  }
}

/** Whose token it seems to be, before anything of it is proven; "": nobody's that is named. */
export function issuerSaidIn(token: string): string {
  try {
    return decodeJwt(token).iss ?? '';
  } catch {
    return '';
  }
}
