/**
 * The data keys of one shard's accounts, as they are at hand now.
 *
 * Runs in:   the engine thread that owns the shard; plain look-ups, no I/O.
 * Limits:    one entry for each encrypted account of the shard; `versionMax` keys of one account over all its life.
 * Invariant: an account is clear, or encrypted from its first record on and for ever: all its records and rows are
 *            sealed, or none is. A key once known is forgotten only by `shred`.
 */

import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { assert } from '../../../base/assert.ts';
import { MailError } from '../../../base/errors.ts';

export const secretBytes = 32;
/** No account has this number: its key seals bodies of mail under way. */
export const transitAccount = 0;
/** It has 16 bits in a record's header. */
export const versionMax = 0xffff;

/** Who sealed something, as it stands beside it in the clear. */
export interface KeyName {
  readonly account: number;
  readonly version: number;
}

/** One version of an account's data key, as keys for one use each. */
export interface DataKey extends KeyName {
  readonly records: KeyObject;
  readonly rows: KeyObject;
  /** Of bodies in files of their own: each has a key derived from it. */
  readonly bodies: KeyObject;
}

export interface KeySecret {
  readonly version: number;
  readonly secret: Uint8Array;
}

/** `missing`: its key cannot be had now; `shredded`: never again. */
export type KeyGone = 'missing' | 'shredded';

interface OpenAccount {
  readonly byVersion: ReadonlyMap<number, DataKey>;
  readonly newest: DataKey;
  /** Names in keys of rows: the same for all versions, for a row is found by it. */
  readonly names: KeyObject;
}

export class Vault {
  readonly #accounts = new Map<number, OpenAccount | KeyGone>();
  #missingCount = 0;

  /** Whether any account of the shard is encrypted: all others pay for this look alone. */
  get isUsed(): boolean {
    return this.#accounts.size > 0;
  }

  get hasMissing(): boolean {
    return this.#missingCount > 0;
  }

  /** Those that are encrypted. */
  accounts(): readonly number[] {
    return [...this.#accounts.keys()];
  }

  isEncrypted(account: number): boolean {
    return this.#accounts.has(account);
  }

  /** An account's keys, oldest first; the newest seals from now on. */
  admit(account: number, secrets: readonly KeySecret[]): void {
    assert(secrets.length > 0, 'an encrypted account has a key');
    const keys = secrets.map(({ version, secret }) => dataKey(account, version, secret));
    const byVersion = new Map(keys.map((key) => [key.version, key]));
    const names = derived(secrets[0]!.secret, 'names');
    this.#set(account, { byVersion, newest: keys.at(-1)!, names });
  }

  miss(account: number): void {
    this.#set(account, 'missing');
  }

  shred(account: number): void {
    this.#set(account, 'shredded');
  }

  goneOf(account: number): KeyGone | undefined {
    const found = this.#accounts.get(account);
    return typeof found === 'string' ? found : undefined;
  }

  /** What seals for an account now; undefined for one that is clear. @throws MailError where its key is gone */
  newest(account: number): DataKey | undefined {
    const found = this.#accounts.get(account);
    if (typeof found === 'string') throw keyGone(account, found);
    return found?.newest;
  }

  /** What sealed something. */
  find({ account, version }: KeyName): DataKey | KeyGone {
    const found = this.#accounts.get(account);
    if (found === undefined) return 'missing';
    if (typeof found === 'string') return found;
    return found.byVersion.get(version) ?? 'missing';
  }

  /** @throws MailError where its key is gone */
  namesOf(account: number): KeyObject | undefined {
    const found = this.#accounts.get(account);
    if (typeof found === 'string') throw keyGone(account, found);
    return found?.names;
  }

  #set(account: number, state: OpenAccount | KeyGone): void {
    if (this.#accounts.get(account) === 'missing') this.#missingCount--;
    if (state === 'missing') this.#missingCount++;
    this.#accounts.set(account, state);
  }
}

/** Temporary for those who send: a key that is missing may come back. */
function keyGone(account: number, gone: KeyGone): MailError {
  if (gone === 'shredded') return new MailError('account-missing', `account ${account}: shredded`);
  return new MailError('store-failed', `the key of account ${account} cannot be had now`);
}

function dataKey(account: number, version: number, secret: Uint8Array): DataKey {
  assert(secret.byteLength === secretBytes, 'a data key of 32 bytes');
  assert(version > 0 && version <= versionMax, 'a version within its limit');
  return {
    account,
    version,
    records: derived(secret, 'records'),
    rows: derived(secret, 'rows'),
    bodies: derived(secret, 'bodies'),
  };
}

function derived(secret: Uint8Array, use: string): KeyObject {
  return createSecretKey(createHmac('sha256', secret).update(`chaski ${use}`).digest());
}
