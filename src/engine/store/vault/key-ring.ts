/**
 * The key files of one shard's encrypted accounts: brings their keys into the vault, makes, changes and destroys them.
 *
 * Runs in:   the engine thread that owns the shard.
 * Limits:    `unwrapsMax` accounts are asked for at once.
 * Invariant: an account's file is on disk before anything is sealed by its key, and a clear key is never written. A
 *            change of an account's keys waits for the one before.
 */

import { Buffer } from 'node:buffer';
import { MailError } from '../../../base/errors.ts';
import type { Log } from '../../../base/log.ts';
import { type Disk, DiskError } from '../../../ports/disk.ts';
import { type KeySource, KeySourceError } from '../../../ports/key-source.ts';
import type { Random } from '../../../ports/random.ts';
import {
  createKeyFile,
  type KeyFile,
  readKeyFile,
  replaceKeyFile,
  shredKeyFile,
  type WrappedKey,
} from './key-file.ts';
import { type KeySecret, secretBytes, type Vault, versionMax } from './vault.ts';

const unwrapsMax = 16;

export interface KeyRingParts {
  readonly disk: Disk;
  /** `keys` in the shard's folder. */
  readonly folder: string;
  readonly source: KeySource;
  readonly random: Pick<Random, 'bytes'>;
  readonly log: Log;
  readonly vault: Vault;
}

export class KeyRing {
  readonly #parts: KeyRingParts;
  /** Those whose files are known to hold no key any more. */
  readonly #shredded = new Set<number>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(parts: KeyRingParts) {
    this.#parts = parts;
  }

  /** Before the shard is opened. Accounts whose key cannot be had go without; so do those of damaged files. */
  async load(): Promise<void> {
    const { disk, folder } = this.#parts;
    const accounts = (await listed(disk, folder)).flatMap((name) => accountOfName(name) ?? []);
    for (let i = 0; i < accounts.length; i += unwrapsMax) {
      await Promise.all(accounts.slice(i, i + unwrapsMax).map((account) => this.#load(account)));
    }
  }

  /** Makes an account one that is encrypted; nothing where it is. @throws MailError, KeySourceError, DiskError */
  create(account: number, reference: string): Promise<void> {
    return this.#alone(async () => {
      const { disk, folder, vault } = this.#parts;
      if (vault.isEncrypted(account)) return;
      const key = this.#newKey(1);
      const keys = [await this.#wrapped(account, reference, key)];
      await disk.makeFolder(folder);
      await createKeyFile(disk, folder, nameOf(account), { account, reference, keys });
      vault.admit(account, [key]);
    });
  }

  /** Whether a tenant key can be used. @throws KeySourceError, MailError */
  async try(reference: string): Promise<void> {
    const { source, random } = this.#parts;
    const context = 'chaski trial';
    const secret = random.bytes(secretBytes);
    const opened = await source.unwrap(
      reference,
      context,
      await source.wrap(reference, context, secret),
    );
    if (Buffer.compare(opened, secret) === 0) return;
    throw new KeySourceError('what it unwraps is not what it wrapped');
  }

  /** A new data key for what is written from now on; the old ones open what they sealed. */
  rotate(account: number): Promise<number> {
    return this.#alone(async () => {
      const file = await this.#fileOf(account);
      const secrets = await this.#secretsOf(file);
      const version = (secrets.at(-1)?.version ?? 0) + 1;
      if (version > versionMax) throw new MailError('not-possible-now', 'no data keys left');
      const key = this.#newKey(version);
      const keys = [...file.keys, await this.#wrapped(account, file.reference, key)];
      await replaceKeyFile(this.#parts.disk, this.#path(account), { ...file, keys });
      this.#parts.vault.admit(account, [...secrets, key]);
      return version;
    });
  }

  /** Wraps an account's data keys by the newest version of a tenant key, which may be another than before. */
  rewrap(account: number, reference: string): Promise<void> {
    return this.#alone(async () => {
      const file = await this.#fileOf(account);
      const secrets = await this.#secretsOf(file);
      const keys: WrappedKey[] = [];
      for (const secret of secrets) keys.push(await this.#wrapped(account, reference, secret));
      await replaceKeyFile(this.#parts.disk, this.#path(account), { account, reference, keys });
      this.#parts.vault.admit(account, secrets);
    });
  }

  /** Destroys an account's keys: nothing it ever wrote can be read again. Nothing for one that is clear. */
  shred(account: number): Promise<void> {
    return this.#alone(async () => {
      const { disk, folder, vault } = this.#parts;
      // The file is asked, not the vault: that says so of a deleted account whose key was missing, too.
      if (!vault.isEncrypted(account) || this.#shredded.has(account)) return;
      await disk.makeFolder(folder);
      await shredKeyFile(disk, folder, nameOf(account));
      this.#shredded.add(account);
      vault.shred(account);
    });
  }

  async #load(account: number): Promise<void> {
    const { vault, log } = this.#parts;
    try {
      const found = await readKeyFile(this.#parts.disk, this.#path(account));
      if (found === 'shredded') {
        this.#shredded.add(account);
        vault.shred(account);
      } else if (found === 'damaged' || found.account !== account) {
        throw new MailError('store-failed', 'its key file is damaged, or of another account');
      } else vault.admit(account, await this.#secretsOf(found));
    } catch (error) {
      if (!isExpected(error)) throw error;
      vault.miss(account);
      log.error({ account, detail: error.message }, 'an account is without its key');
    }
  }

  async #fileOf(account: number): Promise<KeyFile> {
    const { disk, vault } = this.#parts;
    if (!vault.isEncrypted(account)) {
      throw new MailError('not-possible-now', `account ${account} is not encrypted`);
    }
    // Records of it may wait for the key: an index that goes on without them would pass them for ever.
    if (vault.goneOf(account) === 'missing') {
      const text = `account ${account} was opened without its key: start the server again first`;
      throw new MailError('not-possible-now', text);
    }
    const found = await readKeyFile(disk, this.#path(account));
    if (typeof found !== 'string') return found;
    throw new MailError('not-possible-now', `the keys of account ${account} are ${found}`);
  }

  async #secretsOf({ account, reference, keys }: KeyFile): Promise<KeySecret[]> {
    const secrets: KeySecret[] = [];
    for (const { version, wrapped } of keys) {
      const bytes = Buffer.from(wrapped, 'base64');
      const context = contextOf(account, version);
      const secret = await this.#parts.source.unwrap(reference, context, bytes);
      if (secret.byteLength !== secretBytes) throw new KeySourceError('a data key has 32 bytes');
      secrets.push({ version, secret });
    }
    return secrets;
  }

  #newKey(version: number): KeySecret {
    return { version, secret: this.#parts.random.bytes(secretBytes) };
  }

  async #wrapped(account: number, reference: string, key: KeySecret): Promise<WrappedKey> {
    const { version, secret } = key;
    const context = contextOf(account, version);
    const wrapped = await this.#parts.source.wrap(reference, context, secret);
    return { version, wrapped: Buffer.from(wrapped).toString('base64') };
  }

  #path(account: number): string {
    return `${this.#parts.folder}/${nameOf(account)}`;
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#last.then(work);
    this.#last = run.catch(() => {});
    return run;
  }
}

function contextOf(account: number, version: number): string {
  return `chaski account ${account} key ${version}`;
}

function nameOf(account: number): string {
  return `${String(account).padStart(8, '0')}.key`;
}

function accountOfName(name: string): number | undefined {
  return /^\d{8,10}\.key$/.test(name) ? Number.parseInt(name, 10) : undefined;
}

async function listed(disk: Disk, folder: string): Promise<readonly string[]> {
  try {
    return await disk.list(folder);
  } catch (error) {
    if (error instanceof DiskError && error.fault === 'missing') return [];
    throw error;
  }
}

function isExpected(error: unknown): error is Error {
  return (
    error instanceof MailError || error instanceof KeySourceError || error instanceof DiskError
  );
}
