/**
 * A log-in for tokens: name, password, and the second factor where the account has one or its tenant wants one; or a
 * passkey alone, where its tenant allows that; or the word of an issuer in place of the password.
 *
 * Runs in:   edge (main thread).
 * Invariant: guesses of second factors count by themselves, by address and by account: a password that is right does
 *            not buy more of them. What is told of a wrong second factor is what is told of a wrong password.
 */

import type { AccountPrincipal } from '../../actors/asks/principal.ts';
import { type Failure, failure, MailError, type Result } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { type Account, type AccountDirectory, mayLogIn } from '../../ports/account-directory.ts';
import type { Clock } from '../../ports/clock.ts';
import type { CredentialStore } from '../../ports/credentials.ts';
import type { SecondFactorStore } from '../../ports/second-factors.ts';
import type { FactorThrottle } from './factor-throttle.ts';
import type { IssuerLogIn } from './issuer-log-in.ts';
import {
  attempt,
  type LoggedIn,
  type LogIn,
  type LogInAnswer,
  logIn,
  tokenListener,
} from './log-in.ts';
import type { HeldCode } from './log-in-codes.ts';
import type { PasskeyShown, Passkeys } from './passkeys.ts';
import { type CheckSecondFactor, type FactorShown, isGuessable } from './second-factor.ts';
import type { BeginFacts, Sessions, Tokens } from './sessions.ts';

export interface TokenLogInParts {
  readonly logIn: LogIn;
  readonly checkSecondFactor: CheckSecondFactor;
  readonly factorThrottle: FactorThrottle;
  readonly passkeys: Pick<Passkeys, 'ownerOf' | 'check'>;
  readonly issuers: Pick<IssuerLogIn, 'take' | 'giveBack' | 'isOpenTo'>;
  readonly secondFactors: Pick<SecondFactorStore, 'hasSecondFactor'>;
  readonly directory: Pick<AccountDirectory, 'accountById'>;
  readonly credentials: Pick<CredentialStore, 'policy' | 'noteSecondFactor'>;
  readonly sessions: Sessions;
  /** Told once all was shown; absent: nobody is. */
  readonly loggedIn?: (account: Account, from: Pick<GrantAsked, 'address' | 'device'>) => void;
  readonly clock: Clock;
  readonly log: Log;
}

export interface GrantAsked {
  readonly name: string;
  readonly password: string;
  readonly secondFactor?: FactorShown;
  readonly device: string;
  readonly address: string;
}

export interface PasskeyGrantAsked {
  readonly passkey: PasskeyShown;
  readonly device: string;
  readonly address: string;
}

export interface CodeGrantAsked {
  readonly code: string;
  readonly verifier: string;
  readonly secondFactor?: FactorShown;
  readonly device: string;
  readonly address: string;
}

/** Shown, but nobody knows when: it counts, and as fresh nowhere. */
const longAgoMs = 1;

/** None that app passwords are made for: tokens do all that their account may do. */
const listener = tokenListener;

export class TokenLogIn {
  readonly #parts: TokenLogInParts;

  constructor(parts: TokenLogInParts) {
    this.#parts = parts;
  }

  /** `authentication-required`: the password is right, and a second factor is needed. */
  async grant(asked: GrantAsked): Promise<Result<{ readonly tokens: Tokens }>> {
    const { clock, log } = this.#parts;
    const { name: user, password, address, device } = asked;
    if (/[\x00-\x1f\x7f]/.test(user)) return failure('credentials-invalid', 'no name');
    const { witness, ...logInParts } = this.#parts.logIn;
    const session = { logIn: logInParts, address, listener, tls: undefined, clock, log };
    const told = { user, peer: address, listener };
    const answer = await logIn(session, { user, password });
    if (!answer.ok) {
      witness?.logIn({ ...told, refusal: answer.code });
      return answer;
    }
    const shown = await this.#secondFactor(answer.account, asked);
    // Half a log-in is none.
    if (!shown.ok) {
      witness?.logIn({ ...told, refusal: shown.code, method: 'second-factor' });
      return shown;
    }
    const { secondFactorMs } = shown;
    const begun = await this.#begin(answer, { device, address, secondFactorMs });
    const end = begun.ok ? { account: answer.account } : { refusal: begun.code };
    witness?.logIn({ ...told, ...end });
    return begun;
  }

  /** Whose password was set anew while a second factor was typed has to show the new one. */
  async #begin(
    { account, admission }: LoggedIn,
    facts: BeginFacts,
  ): Promise<Result<{ readonly tokens: Tokens }>> {
    const { sessions, logIn: parts } = this.#parts;
    const { isSamePassword = (_, then, now) => then === now } = parts;
    const isStill = (now: string | undefined) =>
      admission.kind !== 'password' || isSamePassword(account.id, admission.hash, now);
    try {
      const tokens = await sessions.begin(account, facts, isStill);
      this.#parts.loggedIn?.(account, facts);
      return { ok: true, tokens };
    } catch (error) {
      if (!(error instanceof MailError) || error.code !== 'credentials-invalid') throw error;
      return failure(error.code, error.detail);
    }
  }

  /** A passkey in place of name and password: its authenticator has verified the user. */
  async grantByPasskey({
    passkey,
    address,
    device,
  }: PasskeyGrantAsked): Promise<Result<{ readonly tokens: Tokens }>> {
    const { clock, log } = this.#parts;
    const session = { logIn: this.#parts.logIn, address, listener, tls: undefined, clock, log };
    const answer = await attempt(session, '', () => this.#byPasskey(passkey));
    if (!answer.ok) return answer;
    return await this.#begin(answer, { device, address, secondFactorMs: clock.nowMs() });
  }

  /** The code of a log-in by an issuer. `authentication-required`: it is good still, and a second factor is needed. */
  async grantByCode(asked: CodeGrantAsked): Promise<Result<{ readonly tokens: Tokens }>> {
    const { clock, log, issuers } = this.#parts;
    const { code, verifier, address, device } = asked;
    const { witness, ...logInParts } = this.#parts.logIn;
    const session = { logIn: logInParts, address, listener, tls: undefined, clock, log };
    const told = { peer: address, listener };
    let held: HeldCode | undefined;
    const answer = await attempt(session, '', () => {
      held = issuers.take(code, verifier);
      return this.#byCode(held);
    });
    if (!answer.ok || held === undefined) {
      const { code: refusal } = answer as Failure;
      witness?.logIn({ ...told, user: '', refusal, method: 'issuer' });
      return answer as Failure;
    }
    const { account } = answer;
    const { isWithSecondFactor, authenticatedMs } = held.vouched;
    const shown = isWithSecondFactor
      ? ({ ok: true, secondFactorMs: Math.max(authenticatedMs, longAgoMs) } as const)
      : await this.#secondFactor(account, asked);
    if (!shown.ok) {
      issuers.giveBack(code, held);
      const { code: refusal } = shown;
      witness?.logIn({ ...told, user: account.address, refusal, method: 'second-factor' });
      return shown;
    }
    witness?.logIn({ ...told, user: account.address, account, method: 'issuer' });
    const { secondFactorMs } = shown;
    return await this.#begin(answer, { device, address, secondFactorMs, authenticatedMs });
  }

  async #byCode(held: HeldCode | undefined): Promise<LogInAnswer> {
    const { directory, issuers } = this.#parts;
    const refused = failure('credentials-invalid', 'no code that is good here');
    if (held === undefined) return refused;
    const { of, issuer } = held.vouched;
    const account = await directory.accountById(of.id);
    if (account?.tenant !== of.tenant || !mayLogIn(account)) return refused;
    const isOpen = await issuers.isOpenTo(issuer, account);
    return isOpen ? { ok: true, account, admission: { kind: 'other' } } : refused;
  }

  async #byPasskey(passkey: PasskeyShown): Promise<LogInAnswer> {
    const { passkeys, directory, credentials } = this.#parts;
    const refused = failure('credentials-invalid', 'no passkey that is good here');
    const of = await passkeys.ownerOf(passkey);
    const account = of === undefined ? undefined : await directory.accountById(of.id);
    if (account === undefined || account.tenant !== of?.tenant || !mayLogIn(account))
      return refused;
    const { logIn: policy } = await credentials.policy(account.tenant);
    if (!policy.allowsPasskeyAlone) return refused;
    const isGood = await passkeys.check(account, passkey);
    return isGood ? { ok: true, account, admission: { kind: 'other' } } : refused;
  }

  async #secondFactor(
    account: Account,
    { secondFactor: code, address }: Pick<GrantAsked, 'secondFactor' | 'address'>,
  ): Promise<Result<{ readonly secondFactorMs: number }>> {
    const { secondFactors, credentials } = this.#parts;
    const hasOne = await secondFactors.hasSecondFactor(account);
    const { logIn: policy } = await credentials.policy(account.tenant);
    if (!hasOne && !policy.needsSecondFactor) return { ok: true, secondFactorMs: 0 };
    if (!hasOne || code === undefined) return failure('authentication-required', account.address);
    return await this.#shownFactor(account, code, address);
  }

  /** Of an account that is logged in, before a sensitive act. */
  async again(
    { tenant, account: id, session }: AccountPrincipal,
    code: FactorShown,
    address: string,
  ): Promise<Result<object>> {
    const { credentials, directory } = this.#parts;
    const account = await directory.accountById(id);
    if (account?.tenant !== tenant) return failure('credentials-invalid', `account ${id}`);
    const shown = await this.#shownFactor(account, code, address);
    if (shown.ok) await credentials.noteSecondFactor(account, session, shown.secondFactorMs);
    else {
      const told = { user: account.address, peer: address, listener, method: 'second-factor' };
      this.#parts.logIn.witness?.logIn({ ...told, refusal: shown.code });
    }
    return shown;
  }

  async #shownFactor(
    account: Account,
    code: FactorShown,
    address: string,
  ): Promise<Result<{ readonly secondFactorMs: number }>> {
    const { checkSecondFactor, factorThrottle, clock, log } = this.#parts;
    const { throttle, bans, tarpit } = this.#parts.logIn;
    const begun = await throttle.begin(address, `${account.address} second factor`, clock);
    if (typeof begun === 'string') return failure(begun);
    const name = String(account.id);
    if (isGuessable(code) && !factorThrottle.begin(name, clock.monotonicMs())) {
      begun.undone();
      return failure('rate-exceeded');
    }
    let isRight = false;
    try {
      isRight = await checkSecondFactor(account, code);
    } catch (error) {
      begun.undone();
      throw error;
    }
    if (isRight) {
      begun.succeeded(`${account.address} second factor`);
      factorThrottle.succeeded(name);
      return { ok: true, secondFactorMs: clock.nowMs() };
    }
    const failures = begun.failed();
    bans?.failed(address);
    log.info({ peer: address, user: account.address }, 'second factor failed');
    await tarpit?.hold(address, failures);
    return failure('credentials-invalid', account.address);
  }
}
