/**
 * An account, its tenant's policy, and what checks and sets its password, for tests: the job threads' handlers in this
 * thread, on a directory in memory.
 *
 * ann@local.test has the password `correct horse`.
 */

import type { Answer, ArrivedAsk } from '../../src/actors/ask.ts';
import type { Job } from '../../src/actors/jobs.ts';
import { createMemoryIdentity } from '../../src/adapters/memory/memory-directory.ts';
import { PasswordLogIn } from '../../src/app/log-in/log-in.ts';
import { PasswordDesk } from '../../src/app/log-in/password-desk.ts';
import { PasswordJobs } from '../../src/app/log-in/password-jobs.ts';
import { PasswordUpgrades } from '../../src/app/log-in/password-upgrades.ts';
import { defaultTenant } from '../../src/base/ids.ts';
import { silentLog } from '../../src/base/log.ts';
import { CredentialCache } from '../../src/edge/guard/credential-cache.ts';
import { passwordHandlers } from '../../src/engine/jobs/password-job.ts';
import type { Account } from '../../src/ports/account-directory.ts';
import type { BreachedPasswords } from '../../src/ports/breached-passwords.ts';
import type { Identity } from '../../src/ports/identity.ts';
import {
  type LogInPolicy,
  type PasswordPolicy,
  policyDefault,
} from '../../src/ports/log-in-policy.ts';
import { SeededClock, SeededRandom } from './seeded-clock.ts';

export const annsPassword = 'correct horse';

/** Job threads of this thread; a test may hold their answers back. */
export class HeldJobs {
  readonly names: string[] = [];
  isHeld = false;
  #held = Promise.withResolvers<void>();
  #asked = Promise.withResolvers<void>();
  readonly #handlers = passwordHandlers(new SeededRandom(7));

  async run({ name, meta }: Job): Promise<Answer> {
    this.names.push(name);
    this.#asked.resolve();
    if (this.isHeld) await this.#held.promise;
    const ask = { name, meta, body: new Uint8Array() } as ArrivedAsk;
    return (await this.#handlers[name]!(ask, { isFull: false })) as Answer;
  }

  /** Resolves with the first job since the test began to hold. */
  asked(): Promise<void> {
    this.#asked = Promise.withResolvers();
    return this.#asked.promise;
  }

  release(): void {
    this.isHeld = false;
    this.#held.resolve();
    this.#held = Promise.withResolvers();
  }
}

export class PasswordWorld {
  readonly identity: Identity;
  readonly clock = new SeededClock();
  readonly jobs = new HeldJobs();
  readonly passwordJobs = new PasswordJobs(this.jobs);
  readonly breachedHashes = new Set<string>();
  readonly desk: PasswordDesk;
  readonly logIn: PasswordLogIn;
  readonly upgrades: PasswordUpgrades;
  readonly ann: Account;

  private constructor(identity: Identity, ann: Account) {
    this.identity = identity;
    this.ann = ann;
    const { credentials, directory, secondFactors } = identity;
    const breached: BreachedPasswords = { has: async (sha1) => this.breachedHashes.has(sha1) };
    const shared = { credentials, jobs: this.passwordJobs, clock: this.clock };
    this.desk = new PasswordDesk({ ...shared, breached });
    this.upgrades = new PasswordUpgrades(credentials, this.passwordJobs, silentLog);
    this.logIn = new PasswordLogIn({
      ...shared,
      ...{ directory, secondFactors, upgrades: this.upgrades },
      cache: new CredentialCache(this.clock, new SeededRandom(1)),
      log: silentLog,
    });
  }

  static async open(): Promise<PasswordWorld> {
    const identity = createMemoryIdentity();
    const { directory } = identity;
    await directory.putDomain({ name: 'local.test', tenant: defaultTenant, createdMs: 0 });
    const ann = await directory.createAccount({
      tenant: defaultTenant,
      address: 'ann@local.test',
      isEnabled: true,
      quotaBytes: 0,
      sendAs: [],
      createdMs: 0,
    });
    const world = new PasswordWorld(identity, ann);
    await world.desk.set(ann, annsPassword);
    return world;
  }

  /** Ann as she is now. */
  async annNow(): Promise<Account> {
    return (await this.identity.directory.accountById(this.ann.id))!;
  }

  async setPolicy(change: {
    readonly logIn?: Partial<LogInPolicy>;
    readonly password?: Partial<PasswordPolicy>;
  }): Promise<void> {
    const { tenant, logIn, password } = policyDefault(defaultTenant);
    await this.identity.credentials.putPolicy({
      tenant,
      logIn: { ...logIn, ...change.logIn },
      password: { ...password, ...change.password },
    });
  }

  /** The address that got in, or why nobody did. */
  async check(password: string, listener = 'imap', user = 'ann@local.test'): Promise<string> {
    const answer = await this.logIn.check(user, password, { address: '192.0.2.1', listener });
    return answer.ok ? answer.account.address : answer.code;
  }
}
