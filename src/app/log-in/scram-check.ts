/**
 * SCRAM's verifiers from the directory, and those of users that are not there.
 *
 * Runs in:   main thread.
 * Invariant: the key of fakes outlives the process, so that an unknown user's salt stays as a known one's does. A tenant
 *            that does not allow SCRAM has no verifiers: its people look as if they were not there.
 */

import { timingSafeEqual } from 'node:crypto';
import { spelled } from '../../adapters/table/addresses.ts';
import { failure } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { LogInAnswer } from '../../edge/guard/log-in.ts';
import type { ScramCheck } from '../../edge/guard/proofs.ts';
import { fakeVerifier, type ScramHash, type ScramVerifier } from '../../mail/trust/scram.ts';
import { verifierIn } from '../../mail/trust/scram-rows.ts';
import { type Account, mayLogIn } from '../../ports/account-directory.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Identity } from '../../ports/identity.ts';
import type { Random } from '../../ports/random.ts';
import { admitByPassword } from './admission.ts';
import { noSources, type SourceNameOf } from './source-names.ts';

const nonceBytes = 18;

export interface DirectoryScramOptions {
  readonly identity: Pick<Identity, 'directory' | 'credentials' | 'secondFactors'>;
  /** Whose passwords are checked elsewhere has none. */
  readonly sourceOf?: SourceNameOf;
  /** Of fakes. */
  readonly key: Uint8Array;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

export class DirectoryScram implements ScramCheck {
  readonly #options: DirectoryScramOptions;
  #isOffered = false;

  private constructor(options: DirectoryScramOptions) {
    this.#options = options;
  }

  /** Looks which tenants allow it now, and after each change of a policy. */
  static async open(options: DirectoryScramOptions): Promise<DirectoryScram> {
    const scram = new DirectoryScram(options);
    await scram.#look();
    options.identity.directory.subscribe(({ kind }) => {
      if (kind !== 'policy' && kind !== 'tenant') return;
      scram.#look().catch((error: unknown) => {
        options.log.error({ error: String(error) }, 'which tenants allow SCRAM could not be read');
      });
    });
    return scram;
  }

  get isOffered(): boolean {
    return this.#isOffered;
  }

  nonce(): string {
    return Buffer.from(this.#options.random.bytes(nonceBytes)).toString('base64url');
  }

  async verifierOf(user: string, hash: ScramHash): Promise<ScramVerifier> {
    // Every spelling of a known user gets one salt, so an unknown one's do, too.
    const fake = fakeVerifier(hash, spelled(user), this.#options.key);
    const account = await this.#options.identity.directory.accountByAddress(user);
    const real = account === undefined ? undefined : await this.#verifierOf(account, hash);
    return real ?? fake;
  }

  async admit(
    user: string,
    hash: ScramHash,
    verifier: ScramVerifier,
    { listener }: Parameters<ScramCheck['admit']>[3],
  ): Promise<LogInAnswer> {
    const { identity, clock } = this.#options;
    const account = await identity.directory.accountByAddress(user);
    const now = account === undefined ? undefined : await this.#verifierOf(account, hash);
    // The password may have been set anew between the two messages.
    if (account === undefined || now === undefined || !isSame(now, verifier)) {
      return failure('credentials-invalid', user);
    }
    const nowMs = clock.nowMs();
    return await admitByPassword(identity, account, { listener, nowMs });
  }

  async #verifierOf(account: Account, hash: ScramHash): Promise<ScramVerifier | undefined> {
    const { sourceOf = noSources } = this.#options;
    if (!mayLogIn(account) || sourceOf(account.address) !== undefined) return undefined;
    const { credentials } = this.#options.identity;
    const { logIn } = await credentials.policy(account.tenant);
    if (!logIn.allowsScram) return undefined;
    return verifierIn((await credentials.password(account)).verifiers, hash);
  }

  async #look(): Promise<void> {
    const { directory, credentials } = this.#options.identity;
    const tenants = await directory.tenants();
    const policies = await Promise.all(tenants.map(({ id }) => credentials.policy(id)));
    this.#isOffered = policies.some(({ logIn }) => logIn.allowsScram);
  }
}

function isSame(one: ScramVerifier, other: ScramVerifier): boolean {
  const [a, b] = [one.storedKey, other.storedKey];
  return a.length === b.length && timingSafeEqual(a, b);
}
