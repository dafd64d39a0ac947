/**
 * Sessions of accounts and their tokens: begun by a log-in, kept going by refresh tokens, checked with every request.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 9068 (access tokens), RFC 9700 §4.14 (refresh tokens rotate; one shown again ends the session),
 *            RFC 7009 §2.2 (revocation tells nothing).
 * Limits:    an access token lives `accessMs`, a session `idleMs` without a renewal and `wholeMs` in all.
 * Invariant: a token alone is never enough: its session is there, its account too, and may log in. Each refresh token
 *            has a secret of its own, of which the store has the hash.
 */

import { createHash } from 'node:crypto';
import type { AccountPrincipal } from '../../actors/asks/principal.ts';
import { failure, MailError, type Result } from '../../base/errors.ts';
import { type AccountId, accountId, type TenantId, tenantId } from '../../base/ids.ts';
import { dayMs, minuteMs } from '../../base/units.ts';
import { type Account, type AccountDirectory, mayLogIn } from '../../ports/account-directory.ts';
import type { Clock } from '../../ports/clock.ts';
import type { CredentialStore, Session } from '../../ports/credentials.ts';
import type { Random } from '../../ports/random.ts';
import type { TokenKeys, TokenUse } from './token-keys.ts';

const accessMs = 10 * minuteMs;
export const idleMs = 30 * dayMs;
export const wholeMs = 90 * dayMs;
const secretBytes = 32;
const u32Max = 0xffff_ffff;

const accessUse: TokenUse = { type: 'at+jwt', audience: 'chaski', lifeMs: accessMs };
const refreshUse: TokenUse = { type: 'rt+jwt', audience: 'chaski:refresh', lifeMs: idleMs };

export interface SessionsParts {
  readonly directory: Pick<AccountDirectory, 'accountById'>;
  readonly credentials: CredentialStore;
  readonly keys: TokenKeys;
  readonly clock: Clock;
  readonly random: Random;
}

export interface Tokens {
  readonly accessToken: string;
  /** Seconds. */
  readonly expiresIn: number;
  readonly refreshToken: string;
}

export interface BeginFacts {
  readonly device: string;
  readonly address: string;
  /** 0: no second factor was shown. */
  readonly secondFactorMs: number;
  /** See `Session`. */
  readonly authenticatedMs?: number;
}

/** What a token says, checked. */
export interface SessionShown {
  readonly account: Account;
  readonly session: Session;
}

interface Claimed {
  readonly tenant: TenantId;
  readonly id: AccountId;
  readonly session: number;
  readonly jti: string;
}

const refused = failure('credentials-invalid', 'no token that is good');

export class Sessions {
  readonly #parts: SessionsParts;

  constructor(parts: SessionsParts) {
    this.#parts = parts;
  }

  /**
   * `isStill`: whether what was shown opens the account still, by its hash as the session is written. A password that
   * is set before ends this log-in, one set after it ends its session.
   * @throws MailError `credentials-invalid` where it does not
   */
  async begin(
    account: Account,
    facts: BeginFacts,
    isStill?: (passwordHash: string | undefined) => boolean,
  ): Promise<Tokens> {
    const { credentials, clock } = this.#parts;
    const secret = this.#secret();
    const createdMs = clock.nowMs();
    const row = {
      ...{ ...facts, createdMs, refreshHash: hashOf(secret) },
      expiresMs: createdMs + idleMs,
    };
    const session = await credentials.createSession(account, row, isStill);
    return await this.#tokens(account, session.id, secret);
  }

  /** New tokens for a refresh token, which is spent by it. */
  async renew(refreshToken: string): Promise<Result<{ readonly tokens: Tokens }>> {
    const { credentials, clock } = this.#parts;
    const claimed = await this.#claimed(refreshUse, refreshToken);
    const shown = claimed === undefined ? undefined : await this.#shown(claimed);
    if (claimed === undefined || shown === undefined) return refused;
    const { account, session } = shown;
    const nowMs = clock.nowMs();
    const secret = this.#secret();
    const renewed = await credentials.renewSession(account, session.id, {
      fromHash: hashOf(claimed.jti),
      toHash: hashOf(secret),
      nowMs,
      expiresMs: Math.min(nowMs + idleMs, session.createdMs + wholeMs),
    });
    if (renewed === 'renewed') {
      return { ok: true, tokens: await this.#tokens(account, session.id, secret) };
    }
    // It was signed by us, so it was good once: two have it, and nobody knows who is the right one.
    await this.end(account, session.id);
    return refused;
  }

  /** Ends the session of a token, of either kind; of any other text nothing comes. */
  async revoke(token: string): Promise<void> {
    const claimed =
      (await this.#claimed(refreshUse, token)) ?? (await this.#claimed(accessUse, token));
    if (claimed !== undefined) await this.end(claimed, claimed.session);
  }

  /** One that is gone is as good. */
  async end(of: { readonly tenant: TenantId; readonly id: AccountId }, id: number): Promise<void> {
    try {
      await this.#parts.credentials.deleteSession(of, id);
    } catch (error) {
      if (!(error instanceof MailError) || error.code !== 'not-found') throw error;
    }
  }

  /** Whom an access token is of, now; `address` is noted as its last use. */
  async check(accessToken: string, address: string): Promise<Result<SessionShown>> {
    const { credentials, clock } = this.#parts;
    const claimed = await this.#claimed(accessUse, accessToken);
    const shown = claimed === undefined ? undefined : await this.#shown(claimed);
    if (shown === undefined) return refused;
    const { account, session } = shown;
    credentials.noteUse(account, { session: session.id }, { atMs: clock.nowMs(), address });
    return { ok: true, account, session };
  }

  /** A token of ours, be it over: who shows it was let in once. */
  async isOurs(token: string): Promise<boolean> {
    return await this.#parts.keys.isSigned(token);
  }

  async #claimed(use: TokenUse, token: string): Promise<Claimed | undefined> {
    const claims = await this.#parts.keys.claimsOf(use, token);
    if (claims === undefined) return undefined;
    const { sub = '', tenant, session, jti = '' } = claims;
    if (!/^[1-9]\d{0,9}$/.test(sub) || !isU32(Number(sub))) return undefined;
    if (!isU32(tenant) || !isU32(session)) return undefined;
    return { id: accountId(Number(sub)), tenant: tenantId(tenant), session, jti };
  }

  async #shown({ tenant, id, session: number }: Claimed): Promise<SessionShown | undefined> {
    const { directory, credentials, clock } = this.#parts;
    const account = await directory.accountById(id);
    if (account === undefined || account.tenant !== tenant || !mayLogIn(account)) return undefined;
    const session = await credentials.session(account, number);
    if (session === undefined || session.expiresMs <= clock.nowMs()) return undefined;
    // A tenant that wants a second factor now wants it of sessions begun before, too.
    const { logIn } = await credentials.policy(tenant);
    const lacksFactor = logIn.needsSecondFactor && session.secondFactorMs === 0;
    return lacksFactor ? undefined : { account, session };
  }

  async #tokens({ id, tenant }: Account, session: number, secret: string): Promise<Tokens> {
    const { keys } = this.#parts;
    const claims = { sub: String(id), tenant, session };
    return {
      accessToken: await keys.sign(accessUse, { ...claims, jti: this.#secret() }),
      expiresIn: accessMs / 1_000,
      refreshToken: await keys.sign(refreshUse, { ...claims, jti: secret }),
    };
  }

  #secret(): string {
    return Buffer.from(this.#parts.random.bytes(secretBytes)).toString('base64url');
  }
}

export function principalOf({ account, session }: SessionShown): AccountPrincipal {
  const { tenant, id, address } = account;
  const { secondFactorMs } = session;
  return { kind: 'account', tenant, account: id, address, session: session.id, secondFactorMs };
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

function isU32(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= u32Max;
}
