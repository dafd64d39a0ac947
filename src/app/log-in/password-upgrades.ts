/**
 * A log-in that is right is the time to hash its password as we would now, and to make verifiers where policy has them.
 *
 * Runs in:   main thread; the log-in does not wait for it.
 * Limits:    `underWayMax` at once; others have their turn at a later log-in.
 * Invariant: only the hash that was checked is replaced: a password that was set meanwhile stays.
 */

import {
  type PasswordSecrets,
  type PasswordSecretsMeta,
  passwordSecretsJob,
} from '../../actors/asks/job-asks.ts';
import type { AccountId } from '../../base/ids.ts';
import type { Log } from '../../base/log.ts';
import { RecentMap } from '../../base/recent-map.ts';
import { isOutdated } from '../../mail/trust/password.ts';
import type { Account } from '../../ports/account-directory.ts';
import type { CredentialStore } from '../../ports/credentials.ts';
import type { PasswordJobs } from './password-jobs.ts';

const underWayMax = 4;
/** Hashes made anew that are remembered: one that is forgotten costs its account's open sessions a log-in. */
const rehashedMax = 1_000;

export class PasswordUpgrades {
  readonly #credentials: CredentialStore;
  readonly #jobs: PasswordJobs;
  readonly #log: Log;
  readonly #underWay = new Set<number>();
  /** By account: the hash before, and the one after it. */
  readonly #rehashed = new RecentMap<AccountId, readonly [from: string, to: string]>(rehashedMax);

  constructor(credentials: CredentialStore, jobs: PasswordJobs, log: Log) {
    this.#credentials = credentials;
    this.#jobs = jobs;
    this.#log = log;
  }

  /** Whether a session that was let in by the hash `then` has the password whose hash is `now`. */
  isSame(account: AccountId, then: string, now: string | undefined): boolean {
    const [from, to] = this.#rehashed.get(account) ?? [];
    return now === then || (now !== undefined && then === from && now === to);
  }

  /** `password` was just found right for `account` as it is given. */
  consider(account: Account, password: string): void {
    if (this.#underWay.size >= underWayMax || this.#underWay.has(account.id)) return;
    this.#underWay.add(account.id);
    void this.#upgrade(account, password)
      .catch((error: unknown) => {
        this.#log.warn({ error, account: account.address }, 'a password was not hashed anew');
      })
      .finally(() => this.#underWay.delete(account.id));
  }

  async #upgrade(account: Account, password: string): Promise<void> {
    const { passwordHash } = account;
    if (passwordHash === undefined) return;
    const hasVerifiers = await this.#lacksVerifiers(account);
    if (!isOutdated(passwordHash) && !hasVerifiers) return;
    const meta: PasswordSecretsMeta = { password, hasVerifiers };
    const answer = await this.#jobs.run({ name: passwordSecretsJob, meta });
    if (!answer.ok) return;
    const { hash, verifiers } = answer.value as PasswordSecrets;
    // Before it is written: who hears of the write asks.
    this.#rehashed.set(account.id, [passwordHash, hash]);
    await this.#credentials.rehashPassword(account, passwordHash, {
      hash,
      ...(hasVerifiers ? { verifiers } : {}),
    });
  }

  async #lacksVerifiers(account: Account): Promise<boolean> {
    const { logIn } = await this.#credentials.policy(account.tenant);
    if (!logIn.allowsScram) return false;
    return (await this.#credentials.password(account)).verifiers.length === 0;
  }
}
