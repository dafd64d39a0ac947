/**
 * Checks user and password against the directory: an app password by its number and hash, a main password by a job.
 *
 * Runs in:   main thread.
 * Specs:     RFC 4954 §4 (what a failed log-in may tell: nothing).
 * Limits:    `PasswordJobs`, where a /64 of IPv6 is one peer; checks of the same name and password that come together are
 *            one.
 * Invariant: an unknown user costs what a known one costs. What a tenant asks of its people is told to those alone who
 *            showed the right password.
 */

import { passwordVerifyJob } from '../../actors/asks/job-asks.ts';
import { failure } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import {
  appPasswordIn,
  refusalOf,
  rowShown,
  type ShownAppPassword,
  scopeOf,
} from '../../edge/guard/app-passwords.ts';
import type { CheckedCredentials, CredentialCache } from '../../edge/guard/credential-cache.ts';
import type { CheckCredentials, Credentials, LogInAnswer } from '../../edge/guard/log-in.ts';
import { type Account, type AccountDirectory, mayLogIn } from '../../ports/account-directory.ts';
import type { Clock } from '../../ports/clock.ts';
import type { CredentialStore } from '../../ports/credentials.ts';
import type { SecondFactorStore } from '../../ports/second-factors.ts';
import { admitByPassword } from './admission.ts';
import { KnownPeers } from './known-peers.ts';
import type { PasswordJobs, Wanting } from './password-jobs.ts';
import type { PasswordUpgrades } from './password-upgrades.ts';
import type { SourceLogIn } from './source-log-in.ts';

export interface LogInOptions {
  readonly directory: AccountDirectory;
  readonly credentials: CredentialStore;
  readonly secondFactors: Pick<SecondFactorStore, 'hasSecondFactor'>;
  readonly jobs: PasswordJobs;
  readonly upgrades: PasswordUpgrades;
  readonly cache: CredentialCache;
  /** Main passwords that are checked elsewhere; absent: none are. */
  readonly sources?: Pick<SourceLogIn, 'isOfSource' | 'check'>;
  readonly clock: Clock;
  readonly log: Log;
}

type Facts = Parameters<CheckCredentials>[2];
type Verified = Awaited<ReturnType<PasswordJobs['run']>>;

export class PasswordLogIn {
  readonly #options: LogInOptions;
  /** Checks under way, by the cache's name of what they check. */
  readonly #underWay = new Map<string, Promise<Verified>>();
  readonly #known = new KnownPeers();

  constructor(options: LogInOptions) {
    this.#options = options;
  }

  readonly check: CheckCredentials = async (user, password, facts) => {
    const account = await this.#options.directory.accountByAddress(user);
    const shown = appPasswordIn(password);
    if (shown !== undefined && account !== undefined && mayLogIn(account)) {
      const answer = await this.#byAppPassword(account, shown, facts);
      if (answer !== undefined) return answer;
    }
    const { sources } = this.#options;
    if (sources?.isOfSource(account?.address ?? user))
      return await sources.check({ user, password }, account, facts);
    return await this.#byMainPassword({ user, password }, account, facts);
  };

  /** Undefined: it is none of this account's. */
  async #byAppPassword(
    account: Account,
    shown: ShownAppPassword,
    { address, listener }: Facts,
  ): Promise<LogInAnswer | undefined> {
    const { credentials, clock, log } = this.#options;
    const row = rowShown(await credentials.appPasswords(account), shown);
    if (row === undefined) return undefined;
    const nowMs = clock.nowMs();
    const refusal = refusalOf(row, { scope: scopeOf(listener), address, nowMs });
    if (refusal !== undefined) {
      log.info(
        { peer: address, user: account.address, appPassword: row.id, refusal },
        'an app password was shown where it is not good',
      );
      return failure('credentials-invalid', account.address);
    }
    credentials.noteUse(account, { appPassword: row.id }, { atMs: nowMs, address });
    const { id, expiresMs: untilMs } = row;
    return { ok: true, account, admission: { kind: 'app-password', id, untilMs } };
  }

  async #byMainPassword(
    { user, password }: Credentials,
    account: Account | undefined,
    { listener, address }: Facts,
  ): Promise<LogInAnswer> {
    const { cache, clock, upgrades } = this.#options;
    const storedHash = account?.passwordHash ?? '';
    const checked = { user, password, storedHash };
    const isKnown = account !== undefined && mayLogIn(account) && cache.knows(checked);
    if (!isKnown) {
      const answer = await this.#verify(checked, this.#known.wanting(address, account));
      if (!answer.ok) return answer;
      if (account === undefined || answer.value !== true || !mayLogIn(account)) {
        return failure('credentials-invalid', user);
      }
      this.#known.gotIn(address, account);
      cache.remember(checked);
      upgrades.consider(account, password);
    }
    return await admitByPassword(this.#options, account, { listener, nowMs: clock.nowMs() });
  }

  #verify(checked: CheckedCredentials, wanting: Wanting): Promise<Verified> {
    const { cache, jobs } = this.#options;
    const name = cache.nameOf(checked);
    const underWay = this.#underWay.get(name);
    if (underWay !== undefined) return underWay;
    const meta = { hash: checked.storedHash, password: checked.password };
    const verifying = jobs.run({ name: passwordVerifyJob, meta }, wanting);
    this.#underWay.set(name, verifying);
    void verifying.then(() => this.#underWay.delete(name));
    return verifying;
  }
}
