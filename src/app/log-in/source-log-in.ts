/**
 * Main passwords that a source elsewhere checks: of all addresses of its domains, of no others.
 *
 * Runs in:   main thread.
 * Limits:    of one source, `askedMax` log-ins are asked at once; others wait as hashes do (`PasswordJobs`), peer after
 *            peer. Checks of the same name and password that come together are one. One password of each of
 *            `accountsHeldMax` accounts is remembered, for as long as the cache keeps it.
 * Invariant: only `wrong` counts as a guess. While a source is away, those get in whom the cache knows; of the others
 *            nothing is said. A hash kept here opens nothing that a source was set up for.
 */

import type { Answer } from '../../actors/ask.ts';
import { joined, splitAddress } from '../../adapters/table/addresses.ts';
import { type Failure, failure, failureOf } from '../../base/errors.ts';
import type { AccountId } from '../../base/ids.ts';
import type { Log } from '../../base/log.ts';
import { RecentMap } from '../../base/recent-map.ts';
import type { CheckedCredentials, CredentialCache } from '../../edge/guard/credential-cache.ts';
import type { CheckCredentials, Credentials, LogInAnswer } from '../../edge/guard/log-in.ts';
import { type Account, type AccountDirectory, mayLogIn } from '../../ports/account-directory.ts';
import type { Checked, LogInSource, Person } from '../../ports/log-in-source.ts';
import { type AdmissionParts, admitBySource } from './admission.ts';
import { KnownPeers } from './known-peers.ts';
import { PasswordJobs, type Wanting } from './password-jobs.ts';
import type { SourceNameOf } from './source-names.ts';

const accountsHeldMax = 10_000;

export interface BoundSource {
  readonly source: LogInSource;
  /** Whoever the source lets in and is not here yet gets an account. */
  readonly createsAccounts: boolean;
}

export interface SourceLogInParts extends AdmissionParts {
  readonly sources: readonly BoundSource[];
  readonly nameOf: SourceNameOf;
  /** How many log-ins one source is asked at once. */
  readonly askedMax: number;
  readonly directory: Pick<AccountDirectory, 'accountByAddress' | 'subscribe'>;
  /** Makes an account for somebody the source let in. @throws MailError */
  readonly create: (person: Person) => Promise<Account>;
  readonly cache: CredentialCache;
  readonly log: Log;
}

interface Opened extends BoundSource {
  readonly turns: PasswordJobs;
}

type Facts = Parameters<CheckCredentials>[2];

export class SourceLogIn {
  readonly #parts: SourceLogInParts;
  readonly #byName: ReadonlyMap<string, Opened>;
  /** What is in the cache of an account is under this number; a number is used for one password. */
  readonly #held = new RecentMap<AccountId, number>(accountsHeldMax);
  readonly #underWay = new Map<string, Promise<Answer>>();
  /** By address: an account that is being made may be there already, and not open yet. */
  readonly #making = new Map<string, Promise<Account | Failure>>();
  readonly #knownPeers = new KnownPeers();
  readonly #unsubscribe: () => void;
  #lastNumber = 0;

  constructor(parts: SourceLogInParts) {
    this.#parts = parts;
    this.#byName = new Map(
      parts.sources.map((bound) => [
        bound.source.name,
        { ...bound, turns: turnsAt(bound.source, parts.askedMax) },
      ]),
    );
    this.#unsubscribe = parts.directory.subscribe((change) => {
      if (change.kind === 'account') this.#held.delete(change.id);
    });
  }

  /** Whether `address`, in any spelling, is a source's affair. */
  isOfSource(address: string): boolean {
    return this.#parts.nameOf(address) !== undefined;
  }

  source(name: string): LogInSource | undefined {
    return this.#byName.get(name)?.source;
  }

  /** The source that checks the password of `address`. */
  sourceOf(address: string): LogInSource | undefined {
    const name = this.#parts.nameOf(address);
    return name === undefined ? undefined : this.source(name);
  }

  /** `known`: that of `user`, where there is one. Only of what `isOfSource` says is one. */
  async check(
    { user, password }: Credentials,
    known: Account | undefined,
    facts: Facts,
  ): Promise<LogInAnswer> {
    const address = known?.address ?? spelled(user);
    const opened = this.#byName.get(this.#parts.nameOf(address)!)!;
    const { name } = opened.source;
    if (known !== undefined && mayLogIn(known) && this.#knows(known, password))
      return await this.#admit(known, name, facts);
    const answer = await this.#ask(
      opened,
      { user: address, password },
      this.#knownPeers.wanting(facts.address, known),
    );
    if (!answer.ok) return answer;
    const checked = answer.value as Checked;
    if (checked.kind === 'away') {
      this.#parts.log.warn({ source: name, why: checked.why }, 'a log-in could not be checked');
      return failure('deadline-passed', `${name} is away`);
    }
    const refused = failure('credentials-invalid', user);
    if (checked.kind === 'wrong') {
      const { why } = checked;
      if (why === 'several' || why === 'other-address')
        this.#parts.log.warn({ source: name, user: address, why }, 'found is nobody to let in');
      return refused;
    }
    // Seconds may have passed: it may have been closed, or made, meanwhile.
    const account = await this.#parts.directory.accountByAddress(address);
    const isHere = account !== undefined && mayLogIn(account);
    // Asked all the same: who is not here costs what others cost.
    const mayBeMade = account === undefined ? opened.createsAccounts : this.#making.has(address);
    if (!isHere && !mayBeMade) return refused;
    if (checked.kind === 'expired') return failure('password-expired', address);
    if (isHere) return await this.#letIn(account, password, name, facts);
    const made = await this.#makeOnce(checked.person);
    if ('code' in made) return made;
    return mayLogIn(made) ? await this.#letIn(made, password, name, facts) : refused;
  }

  /** Ends what is asked, and hears of no changes any more. */
  async close(): Promise<void> {
    this.#unsubscribe();
    await Promise.all([...this.#byName.values()].map(({ source }) => source.close()));
  }

  async #letIn(
    account: Account,
    password: string,
    name: string,
    facts: Facts,
  ): Promise<LogInAnswer> {
    // A password that was right before is not known by this number: there is one of an account at a time.
    this.#held.set(account.id, ++this.#lastNumber);
    this.#knownPeers.gotIn(facts.address, account);
    this.#parts.cache.remember(this.#remembered(account, password));
    return await this.#admit(account, name, facts);
  }

  #admit(account: Account, source: string, { listener }: Facts): Promise<LogInAnswer> {
    return admitBySource(this.#parts, account, { listener, source });
  }

  #knows(account: Account, password: string): boolean {
    if (this.#held.get(account.id) === undefined) return false;
    return this.#parts.cache.knows(this.#remembered(account, password));
  }

  #remembered({ id, address }: Account, password: string): CheckedCredentials {
    return { user: address, password, storedHash: `source ${id} ${this.#held.get(id)}` };
  }

  #ask({ source, turns }: Opened, checked: Credentials, wanting: Wanting): Promise<Answer> {
    const storedHash = `source ${source.name}`;
    const name = this.#parts.cache.nameOf({ ...checked, storedHash });
    const known = this.#underWay.get(name);
    if (known !== undefined) return known;
    const asking = turns.run({ name: source.name, meta: checked }, wanting);
    this.#underWay.set(name, asking);
    void asking.then(() => this.#underWay.delete(name));
    return asking;
  }

  /** Who logs in on several connections at once gets one account, and in on all of them. */
  #makeOnce(person: Person): Promise<Account | Failure> {
    const { address } = person;
    const known = this.#making.get(address);
    if (known !== undefined) return known;
    const making = this.#create(person).finally(() => this.#making.delete(address));
    this.#making.set(address, making);
    return making;
  }

  async #create(person: Person): Promise<Account | Failure> {
    const { create, directory, log } = this.#parts;
    try {
      return await create(person);
    } catch (error) {
      // Another log-in may have made it a moment ago.
      const now = await directory.accountByAddress(person.address);
      if (now !== undefined) return now;
      const { code, detail } = failureOf(error);
      log.warn(
        { address: person.address, code, detail },
        'no account was made at its first log-in',
      );
      return failure('not-possible-now', person.address);
    }
  }
}

/** One queue a source: who waits for a slow one keeps nobody of another one from theirs. */
function turnsAt(source: LogInSource, askedMax: number): PasswordJobs {
  const run = async ({ meta }: { readonly meta: unknown }): Promise<Answer> => {
    const { user, password } = meta as Credentials;
    return { ok: true, value: await source.check(user, password) };
  };
  return new PasswordJobs({ run }, askedMax);
}

function spelled(user: string): string {
  const address = splitAddress(user);
  return address === undefined ? user : joined(address);
}
