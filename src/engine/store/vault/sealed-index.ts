/**
 * A shard's index whose rows of encrypted accounts are sealed: their values, and what is a name in their keys.
 *
 * Runs in:   the engine thread that owns the shard; hot where accounts are encrypted.
 * Limits:    a sealed value is 31 bytes longer than a clear one (`textAt`). Rows with names in their keys that are read
 *            by a range are sorted anew: an account has few of each.
 * Invariant: a row's key is part of what its tag proves. Rows of the account table (counters, quota) stay clear, so
 *            that one who was deleted is known as such without a key. Snapshots show rows as they are stored.
 */

import { Buffer } from 'node:buffer';
import { MailError } from '../../../base/errors.ts';
import type {
  EntryVisit,
  IndexChange,
  IndexEntry,
  IndexRange,
  IndexSnapshot,
  ShardIndex,
} from '../../../ports/shard-index.ts';
import { accountOf, tables, upTo } from '../keys.ts';
import { fixedBytesOf, hasNames, RowNames } from './row-names.ts';
import { type Nonces, nonceBytes, openBytes, sealBytes, tagBytes } from './sealed-bytes.ts';
import type { Vault } from './vault.ts';

/** No packed row begins with it: msgpack never uses it. */
const sealedMark = 0xc1;
const versionAt = 1;
const nonceAt = versionAt + 2;
const tagAt = nonceAt + nonceBytes;
const textAt = tagAt + tagBytes;
const rowsPerRead = 256;

export class SealedIndex implements ShardIndex {
  readonly #index: ShardIndex;
  readonly #vault: Vault;
  readonly #nonces: Nonces;
  readonly #names: RowNames;

  constructor(index: ShardIndex, vault: Vault, nonces: Nonces) {
    this.#index = index;
    this.#vault = vault;
    this.#nonces = nonces;
    this.#names = new RowNames(vault);
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const account = this.#encrypted(key);
    if (account === undefined) return this.#index.get(key);
    return this.#getSealed(account, key);
  }

  peek(key: Uint8Array): Uint8Array | undefined {
    const account = this.#encrypted(key);
    if (account === undefined) return this.#index.peek(key);
    return this.#getSealed(account, key);
  }

  range(range: IndexRange): readonly IndexEntry[] {
    if (!this.#vault.isUsed || !mayBeSealed(range.from, range.to)) return this.#index.range(range);
    const account = accountOfRange(range);
    if (account === undefined) return this.#rangeOfMany(range);
    if (!this.#vault.isEncrypted(account)) return this.#index.range(range);
    this.#mustBeAtHand(account);
    if (hasNames(range.from[0]!)) return this.#namedRange(range, account);
    return this.#index.range(range).flatMap((entry) => this.#opened(entry) ?? []);
  }

  each(from: Uint8Array, to: Uint8Array, visit: EntryVisit): void {
    if (!this.#vault.isUsed || !mayBeSealed(from, to)) {
      this.#index.each(from, to, visit);
      return;
    }
    for (const { key, value } of this.range({ from, to })) if (!visit(key, value)) return;
  }

  /** As stored: what a checkpoint writes is sealed as the rows are. */
  snapshot(): IndexSnapshot {
    return this.#index.snapshot();
  }

  async commit(changes: readonly IndexChange[]): Promise<void> {
    await this.#index.commit(this.#vault.isUsed ? this.#sealed(changes) : changes);
  }

  /** Rows as they were stored. */
  async commitStored(changes: readonly IndexChange[]): Promise<void> {
    await this.#index.commit(changes);
  }

  clear(): Promise<void> {
    return this.#index.clear();
  }

  close(): Promise<void> {
    return this.#index.close();
  }

  /** The account of a row that is sealed. */
  #encrypted(key: Uint8Array): number | undefined {
    if (!this.#vault.isUsed || key[0]! <= tables.account) return undefined;
    const account = accountOf(key) ?? this.#names.accountOfLink(key);
    return account !== undefined && this.#vault.isEncrypted(account) ? account : undefined;
  }

  /** Nothing is told of an account whose key is missing: not even that there is nothing. */
  #mustBeAtHand(account: number): void {
    if (this.#vault.goneOf(account) === 'missing') this.#vault.newest(account);
  }

  #getSealed(account: number, key: Uint8Array): Uint8Array | undefined {
    this.#mustBeAtHand(account);
    if (this.#vault.goneOf(account) === 'shredded') return undefined;
    const stored = this.#names.storedKey(account, key);
    const value = this.#index.get(stored);
    if (value === undefined) return undefined;
    return this.#opened({ key: stored, value })?.value;
  }

  /** Undefined: its account is shredded. */
  #opened(entry: IndexEntry): IndexEntry | undefined {
    const { key, value } = entry;
    if (key[0] === tables.account) return entry;
    const account = accountOf(key);
    if (account === undefined || !this.#vault.isEncrypted(account)) return entry;
    const version = value[0] === sealedMark ? value[versionAt]! + value[versionAt + 1]! * 256 : 0;
    const data = this.#vault.find({ account, version });
    if (data === 'shredded') return undefined;
    if (data === 'missing') throw notSealed(account);
    const nonce = value.subarray(nonceAt, tagAt);
    const tag = value.subarray(tagAt, textAt);
    const clear = openBytes(data.rows, nonce, key, value.subarray(textAt), tag);
    if (clear === undefined) throw notSealed(account);
    return hasNames(key[0]!) ? this.#names.named(key, clear) : { key, value: clear };
  }

  #sealedRow(account: number, key: Uint8Array, value: Uint8Array): IndexChange {
    const data = this.#vault.newest(account)!;
    const stored = this.#names.storedKey(account, key);
    const text = hasNames(key[0]!) ? this.#names.withName(key, value) : [value];
    const nonce = this.#nonces.next();
    const { parts, tag } = sealBytes(data.rows, nonce, stored, text);
    const head = Buffer.of(sealedMark, data.version & 0xff, data.version >>> 8);
    return { put: stored, value: Buffer.concat([head, nonce, tag, ...parts]) };
  }

  #sealed(changes: readonly IndexChange[]): IndexChange[] {
    const sealed: IndexChange[] = [];
    for (const change of changes) {
      if ('removeFrom' in change) {
        sealed.push(...this.#removed(change.removeFrom, change.to));
        continue;
      }
      const key = 'put' in change ? change.put : change.remove;
      const account = this.#encrypted(key);
      const isGone = account !== undefined && this.#vault.goneOf(account) !== undefined;
      // Rows of one who was shredded meanwhile: they are gone already.
      if (isGone) continue;
      if (account === undefined) sealed.push(change);
      else if (!('put' in change)) sealed.push({ remove: this.#names.storedKey(account, key) });
      else if (key[0] === tables.blobLink) {
        sealed.push({ put: this.#names.storedKey(account, key), value: change.value });
      } else sealed.push(this.#sealedRow(account, key, change.value));
    }
    return sealed;
  }

  /** A range of names is none of the keys they are stored by. */
  #removed(from: Uint8Array, to: Uint8Array): IndexChange[] {
    const whole: IndexChange = { removeFrom: from, to };
    const account = accountOfRange({ from, to });
    const isWhole = account === undefined || from.byteLength <= fixedBytesOf(from[0]!);
    if (isWhole || !hasNames(from[0]!) || !this.#vault.isEncrypted(account)) return [whole];
    if (this.#vault.goneOf(account) !== undefined) return [];
    return this.#namedRange({ from, to }, account).map(({ key }) => {
      return { remove: this.#names.storedKey(account, key) };
    });
  }

  /** Rows of one table and account, by what their keys are when they are open. */
  #namedRange({ from, to, reverse, limit }: IndexRange, account: number): IndexEntry[] {
    if (from[0] === tables.blobLink) return this.#linkRange({ from, to }, account);
    const fixed = fixedBytesOf(from[0]!);
    const end = to.byteLength <= fixed ? to : upTo(to.subarray(0, fixed));
    const stored = this.#index.range({ from: from.subarray(0, fixed), to: end });
    const entries = stored
      .flatMap((entry) => this.#opened(entry) ?? [])
      .filter(({ key }) => Buffer.compare(key, from) >= 0 && Buffer.compare(key, to) < 0)
      .sort((a, b) => Buffer.compare(a.key, b.key));
    if (reverse === true) entries.reverse();
    return limit === undefined ? entries : entries.slice(0, limit);
  }

  /** Links of one body, which both ends of the range name. */
  #linkRange({ from, to }: IndexRange, account: number): IndexEntry[] {
    if (this.#vault.goneOf(account) !== undefined) return [];
    const first = this.#names.storedKey(account, from);
    const end = this.#names.sameLink(first, to);
    return this.#index.range({ from: first, to: end }).map(({ key, value }) => {
      return { key: this.#names.sameLink(from, key), value };
    });
  }

  /** Rows of many accounts: those of one whose key is gone are left out. */
  #rangeOfMany(range: IndexRange): readonly IndexEntry[] {
    const { limit = Number.POSITIVE_INFINITY, reverse = false } = range;
    const found: IndexEntry[] = [];
    let { from, to } = range;
    for (;;) {
      const page = this.#index.range({ from, to, reverse, limit: rowsPerRead });
      for (const entry of page) {
        const account = accountOf(entry.key);
        const isMissing = account !== undefined && this.#vault.goneOf(account) === 'missing';
        const opened = isMissing ? undefined : this.#opened(entry);
        if (opened !== undefined) found.push(opened);
        if (found.length === limit) return found;
      }
      const last = page.at(-1);
      if (last === undefined || page.length < rowsPerRead) return found;
      if (reverse) to = last.key;
      else from = Buffer.concat([last.key, Buffer.of(0)]);
    }
  }
}

/** By what is stored: clear rows never look like it. */
export function isSealedRow(value: Uint8Array): boolean {
  return value[0] === sealedMark;
}

/** Whether a range has rows of accounts. */
function mayBeSealed(from: Uint8Array, to: Uint8Array): boolean {
  return from[0]! > tables.account || to[0]! > tables.account;
}

/** The one account all of a range is of. */
function accountOfRange({ from, to }: IndexRange): number | undefined {
  if (from[0] === tables.blobLink) return linkAccount(from);
  if (from.byteLength < 5) return undefined;
  const account = accountOf(from);
  const isOne = account !== undefined && Buffer.compare(to, upTo(from.subarray(0, 5))) <= 0;
  return isOne ? account : undefined;
}

function linkAccount(key: Uint8Array): number | undefined {
  const at = 34;
  if (key.byteLength < at + 4) return undefined;
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).readUInt32BE(at);
}

function notSealed(account: number): MailError {
  return new MailError('store-failed', `a row of account ${account} is not what was sealed`);
}
