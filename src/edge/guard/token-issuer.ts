/**
 * Tokens of one issuer that is not ours, and whom they name: JWT access tokens, ID tokens, and what introspection says
 * of opaque ones.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 7519 §4.1 (issuer, audience, times), §7.2; RFC 8725 §3.1 (algorithms), §3.8-3.11; RFC 9068 §4 (JWT
 *            access tokens), RFC 8176 (`amr`), RFC 7662 §2.2; OpenID Connect Core 1.0 §2, §3.1.3.7 (ID tokens), §5.1
 *            (`email_verified`).
 * Limits:    `skewS` between clocks; `untoldLifeMs` where no end is told.
 * Invariant: an algorithm is one of three with a public key, whatever the header says. What names an account is the
 *            issuer's word, and never what its user may write: an address that was not verified is none. A token that
 *            is bound to a key of its client (`cnf`) opens nothing: nobody here asks for that key.
 */

import { decodeJwt, decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from 'jose';
import { hourMs, secondMs } from '../../base/units.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Claims } from '../../ports/issuer-client.ts';
import { IssuerAway, type IssuerKeys } from './issuer-keys.ts';

const algorithms = ['RS256', 'ES256', 'EdDSA'];
/** RFC 8725 §3.11: those of other kinds (log-out, DPoP proofs, …) say so. */
const accessTypes: readonly unknown[] = [undefined, 'jwt', 'at+jwt', 'application/at+jwt'];
const idTypes: readonly unknown[] = [undefined, 'jwt'];
const skewS = 30;
export const skewMs = skewS * secondMs;
/** Of an opaque token whose end the issuer does not tell: who shows it then is asked about again. */
export const untoldLifeMs = hourMs;

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

export interface NamedByIdToken extends NamedByToken {
  readonly sub: string;
  /** When the issuer saw its user, as it says; 0: it does not. */
  readonly authenticatedMs: number;
  /** Neither good nor bad: the address is not in this token. */
  readonly isWithoutAddress: boolean;
}

export interface IdTokenAsked {
  readonly clientId: string;
  readonly nonce: string;
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

  /** `invalid`: no access token of this issuer for us. `over`: it was one. `away`: nobody could say. */
  async read(token: string): Promise<NamedByToken | 'invalid' | 'over' | 'away'> {
    const payload = await this.#claims(token, this.rules.audiences, accessTypes);
    return typeof payload === 'string' ? payload : this.#named(payload);
  }

  /** As `read`, of the ID token that a log-in asked for by `nonce`. */
  async readIdToken(
    token: string,
    { clientId, nonce }: IdTokenAsked,
  ): Promise<NamedByIdToken | 'invalid' | 'away'> {
    const payload = await this.#claims(token, [clientId], idTypes);
    if (typeof payload === 'string') return payload === 'away' ? 'away' : 'invalid';
    const { aud, azp, sub = '', auth_time: authTime } = payload;
    // Core §3.1.3.7: of several audiences, the one it was made for is told.
    const isForUs = azp === undefined ? !Array.isArray(aud) || aud.length === 1 : azp === clientId;
    if (payload.nonce !== nonce || !isForUs) return 'invalid';
    const isTold = typeof authTime === 'number' && authTime > 0;
    return {
      ...this.#named(payload),
      sub,
      authenticatedMs: isTold ? Math.min(authTime * secondMs, this.#clock.nowMs()) : 0,
      isWithoutAddress: this.lacksAddress(payload),
    };
  }

  /** What introspection says of a token that is active; `invalid`: it is not for us. */
  readActive(said: Claims): NamedByToken | 'invalid' {
    const { url, audiences } = this.rules;
    const { iss = url, aud, client_id: client, token_type: type = 'bearer', typ = 'bearer' } = said;
    // A token that was made for another client of the issuer may have come from that client.
    const aimedAt = aud === undefined ? [client] : [aud].flat();
    const isForUs = audiences.some((each) => aimedAt.includes(each));
    const kinds = [type, typ].map((each) => String(each).toLowerCase());
    const isBearer = kinds.every((each) => each === 'bearer') && said.cnf === undefined;
    return iss === url && isForUs && isBearer && this.#isInTime(said)
      ? this.#named(said)
      : 'invalid';
  }

  /** Whom its userinfo names, of a token that told no address. */
  addressOf(said: Claims): string {
    return this.#addressIn(said);
  }

  lacksAddress({ email }: Claims): boolean {
    return this.rules.claim === 'email' && email === undefined;
  }

  async #claims(
    token: string,
    audience: readonly string[],
    types: readonly unknown[],
  ): Promise<JWTPayload | 'invalid' | 'over' | 'away'> {
    try {
      const { payload, protectedHeader } = await jwtVerify(token, this.#keys.keyOf, {
        ...{ algorithms, issuer: this.rules.url, audience: [...audience] },
        requiredClaims: ['exp', 'sub'],
        clockTolerance: skewS,
        currentDate: new Date(this.#clock.nowMs()),
      });
      const isOfType = types.includes(protectedHeader.typ?.toLowerCase());
      return isOfType && payload.cnf === undefined ? payload : 'invalid';
    } catch (error) {
      // It is looked at last: signature, issuer and audience were right.
      if (error instanceof errors.JWTExpired) return 'over';
      return error instanceof IssuerAway ? 'away' : 'invalid';
    }
  }

  #named(said: Claims): NamedByToken {
    const { exp } = said;
    const untold = this.#clock.nowMs() + untoldLifeMs;
    return {
      address: this.#addressIn(said),
      isWithSecondFactor: this.#isStrong(said),
      untilMs: typeof exp === 'number' ? exp * secondMs + skewMs : untold,
    };
  }

  #isInTime({ exp, nbf }: Claims): boolean {
    const nowS = this.#clock.nowMs() / secondMs;
    const isOver = exp !== undefined && !(typeof exp === 'number' && exp > nowS - skewS);
    const isEarly = nbf !== undefined && !(typeof nbf === 'number' && nbf <= nowS + skewS);
    return !isOver && !isEarly;
  }

  #addressIn({ sub, email, email_verified: isVerified }: Claims): string {
    if (this.rules.claim === 'sub') {
      if (typeof sub !== 'string') return '';
      return this.#addresses.size === 0 ? sub : (this.#addresses.get(sub) ?? '');
    }
    return isVerified === true && typeof email === 'string' ? email : '';
  }

  #isStrong({ amr, acr }: Claims): boolean {
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

/** RFC 7519 §3: whatever else it says, it has a header. */
export function isJwt(token: string): boolean {
  try {
    return decodeProtectedHeader(token).alg !== undefined;
  } catch {
    return false;
  }
}
