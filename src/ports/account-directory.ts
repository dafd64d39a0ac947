/**
 * Who has mail here: domains, accounts, aliases, credentials.
 *
 * Contract:
 * - Addresses are looked up by domain in lower-case A-labels and local part in lower case; the directory normalises,
 *   callers pass what the envelope said. Subaddress (`user+tag`) and catch-all are resolved here.
 * - Reads may answer at once or with a promise: hot paths must not pay for a promise they do not need.
 * - A write resolves when it is durable and this process's reads see it; other threads get a notice.
 * - An account's row names its shard for life.
 */

import type { AccountId, ShardId, TenantId } from '../base/ids.ts';

export type Eventually<T> = T | Promise<T>;

export interface Domain {
  readonly name: string;
  readonly tenant: TenantId;
  /** Address that gets mail for unknown local parts; absent: they are refused. */
  readonly catchAll?: string;
  readonly createdMs: number;
}

export interface Account {
  readonly id: AccountId;
  readonly tenant: TenantId;
  readonly shard: ShardId;
  /** Primary address. */
  readonly address: string;
  readonly isEnabled: boolean;
  /** Bytes; 0 is no limit. */
  readonly quotaBytes: number;
  /** Encoded Argon2id string; absent: no log-in. */
  readonly passwordHash?: string;
  /** Addresses besides aliases this account may send as; `*@domain` allows the whole domain. */
  readonly sendAs: readonly string[];
  readonly createdMs: number;
}

export interface Alias {
  readonly address: string;
  readonly tenant: TenantId;
  /** Local or outside addresses. */
  readonly targets: readonly string[];
}

/** What becomes of one RCPT TO. An alias may give several, some of them remote. */
export type Resolution =
  | { readonly kind: 'remote' }
  | { readonly kind: 'missing' }
  | { readonly kind: 'disabled' }
  | { readonly kind: 'over-quota' }
  | { readonly kind: 'resolved'; readonly tenant: TenantId; readonly targets: readonly ResolvedTarget[] };

export type ResolvedTarget =
  | { readonly kind: 'account'; readonly address: string; readonly account: AccountId; readonly shard: ShardId }
  | { readonly kind: 'remote'; readonly address: string };

export interface AccountDirectory {
  isLocalDomain(domain: string): Eventually<boolean>;
  resolve(localPart: string, domain: string): Eventually<Resolution>;
  accountByAddress(address: string): Eventually<Account | undefined>;
  accountById(id: AccountId): Eventually<Account | undefined>;
  /** Whether the account may use `address` in MAIL FROM and From: its own, an alias to it, or send-as. */
  maySendAs(account: Account, address: string): Eventually<boolean>;

  domains(): Eventually<readonly Domain[]>;
  accounts(domain?: string): Eventually<readonly Account[]>;
  aliases(domain?: string): Eventually<readonly Alias[]>;
  putDomain(domain: Domain): Promise<void>;
  deleteDomain(name: string): Promise<void>;
  /** The directory numbers the account and picks its shard. */
  createAccount(account: Omit<Account, 'id' | 'shard'>): Promise<Account>;
  putAccount(account: Account): Promise<void>;
  deleteAccount(id: AccountId): Promise<void>;
  putAlias(alias: Alias): Promise<void>;
  deleteAlias(address: string): Promise<void>;
  close(): Promise<void>;
}
