/**
 * Sets passwords: holds them to the tenant's rules, has them hashed, and keeps what the rules need to know later.
 *
 * Runs in:   main thread.
 * Limits:    hashing waits in `PasswordJobs`; a history has `passwordHistoryMax` hashes, checked one after another.
 * Invariant: a password stands nowhere once it is hashed; what is refused changes nothing.
 */

import { createHash } from 'node:crypto';
import {
  type PasswordJudgeMeta,
  type PasswordSecrets,
  type PasswordSecretsMeta,
  passwordJudgeJob,
  passwordSecretsJob,
  passwordVerifyJob,
} from '../../actors/asks/job-asks.ts';
import { MailError } from '../../base/errors.ts';
import { isKnownHash } from '../../mail/trust/password.ts';
import type { Account } from '../../ports/account-directory.ts';
import type { BreachedPasswords } from '../../ports/breached-passwords.ts';
import type { Clock } from '../../ports/clock.ts';
import type { CredentialStore, NewPassword } from '../../ports/credentials.ts';
import type { PasswordPolicy } from '../../ports/log-in-policy.ts';
import type { PasswordJobs } from './password-jobs.ts';
import { noSources, refuseIfElsewhere, type SourceNameOf } from './source-names.ts';

export interface PasswordDeskOptions {
  readonly credentials: CredentialStore;
  readonly jobs: PasswordJobs;
  readonly clock: Clock;
  /** Undefined: there is no list. */
  readonly breached: BreachedPasswords | undefined;
  /** Who checks passwords that are not kept here. */
  readonly sourceOf?: SourceNameOf;
}

/** Whose a password is to be: an account, or one that is about to be made. */
type Owner = Pick<Account, 'tenant' | 'address'> & Partial<Pick<Account, 'passwordHash'>>;

export class PasswordDesk {
  readonly #options: PasswordDeskOptions;

  constructor(options: PasswordDeskOptions) {
    this.#options = options;
  }

  /** Whether the password of this address is set here at all. */
  isKept(address: string): boolean {
    return this.#sourceOf(address) === undefined;
  }

  /** @throws MailError `argument-invalid` that says which rule; `store-busy` */
  async check(owner: Owner, password: string, earlier: readonly string[] = []): Promise<void> {
    refuseIfElsewhere(this.#sourceOf, owner.address);
    const { password: rules } = await this.#options.credentials.policy(owner.tenant);
    const length = [...password].length;
    if (length < rules.lengthMin)
      refuse(`it has ${length} characters, and ${rules.lengthMin} are needed`);
    if (rules.refusesBreached && (await this.#isBreached(password))) {
      refuse('it stands in a list of passwords that were stolen elsewhere');
    }
    if (rules.scoreMin > 0) await this.#judge(owner, password, rules);
    await this.#refuseEarlier(owner, password, earlier.slice(0, rules.historyMax), rules);
  }

  /**
   * Sets the password of an account that is there. Verifiers are made where its tenant allows SCRAM. All sessions but
   * `keptSession` end.
   */
  async set(account: Account, password: string, keptSession?: number): Promise<void> {
    const { history } = await this.#options.credentials.password(account);
    await this.check(account, password, history);
    await this.put(account, password, keptSession === undefined ? {} : { keptSession });
  }

  /**
   * As `set`, of one that `check` let pass. A reset link is spent in the same write: who finds no place for the hash
   * has it still. @throws MailError `credentials-invalid`: the link is good no more
   */
  async put(
    account: Account,
    password: string,
    more: Pick<NewPassword, 'keptSession' | 'link'>,
  ): Promise<void> {
    const { credentials, clock } = this.#options;
    const { logIn, password: rules } = await credentials.policy(account.tenant);
    const meta: PasswordSecretsMeta = { password, hasVerifiers: logIn.allowsScram };
    const secrets = (await this.#job(passwordSecretsJob, meta)) as PasswordSecrets;
    await credentials.setPassword(account, {
      ...secrets,
      setMs: clock.nowMs(),
      historyMax: rules.historyMax,
      ...more,
    });
  }

  /** Takes a hash that another system made: it is replaced by ours at the first log-in. */
  async setHash(account: Account, hash: string): Promise<void> {
    refuseIfElsewhere(this.#sourceOf, account.address);
    if (!isKnownHash(hash)) {
      throw new MailError('argument-invalid', 'the hash is of no kind that can be checked here');
    }
    const { credentials, clock } = this.#options;
    const { password: rules } = await credentials.policy(account.tenant);
    await credentials.setPassword(account, {
      hash,
      verifiers: [],
      setMs: clock.nowMs(),
      historyMax: rules.historyMax,
    });
  }

  get #sourceOf(): SourceNameOf {
    return this.#options.sourceOf ?? noSources;
  }

  async #isBreached(password: string): Promise<boolean> {
    const sha1 = createHash('sha1').update(password).digest('hex').toUpperCase();
    return (await this.#options.breached?.has(sha1)) ?? false;
  }

  async #judge({ address }: Owner, password: string, { scoreMin }: PasswordPolicy): Promise<void> {
    const words = [address, ...address.split(/[@.+_-]/)].filter((word) => word.length > 2);
    const meta: PasswordJudgeMeta = { password, words };
    const score = (await this.#job(passwordJudgeJob, meta)) as number;
    if (score < scoreMin)
      refuse(`it is too easily guessed (${score} of 4, and ${scoreMin} is needed)`);
  }

  async #refuseEarlier(
    { passwordHash }: Owner,
    password: string,
    history: readonly string[],
    { historyMax }: PasswordPolicy,
  ): Promise<void> {
    if (historyMax === 0) return;
    const hashes = passwordHash === undefined ? history : [passwordHash, ...history];
    for (const hash of hashes) {
      if ((await this.#job(passwordVerifyJob, { hash, password })) === true) {
        refuse('it was used before');
      }
    }
  }

  async #job(name: string, meta: unknown): Promise<unknown> {
    const answer = await this.#options.jobs.run({ name, meta });
    if (!answer.ok) throw new MailError(answer.code, answer.detail);
    return answer.value;
  }
}

function refuse(why: string): never {
  throw new MailError('argument-invalid', `the password is refused: ${why}`);
}
