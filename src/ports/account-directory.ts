/**
 * Who has mail here: tenants, domains, accounts, aliases, credentials, API keys, signing keys.
 *
 * Contract:
 * - The directory normalises: local parts compare in lower case and NFC without needless quotes, domains as
 *   lower-case A-labels. Callers pass what the envelope said. Rows come back normalised.
 * - `resolve` follows, in this order: the exact name; the name before `+` (subaddress); for postmaster and abuse
 *   their fallback (RFC 5321 §4.5.1, RFC 2142); the domain's catch-all. Aliases are expanded within limits, loops
 *   are cut, a target found twice is given once. A group leads to each account in it, full
 *   ones too where others are not: whoever wrote hears of those.
 * - Reads may answer at once or with a promise: hot paths must not pay for a promise they do not need.
 * - A write resolves when it is durable and this process's reads see it; then `subscribe`d listeners are called.
 *   It rejects with `MailError`: `domain-missing`, `not-found`, `already-exists`, `argument-invalid`,
 *   `not-possible-now` (a domain that still has names).
 * - A name is an account or an alias, never both. An account's number and shard are for life; a number is never
 *   given twice; neither is a tenant's or an API key's.
 * - The tenant `default` (0) is always there.
 */

import type { AccountId, ApiKeyId, GroupId, ShardId, TenantId } from '../base/ids.ts';
import type { HoldRule } from './hold-rule.ts';
import type { AccountLevel, Ceilings, Inheritable, Level, SpamLevels, Spread } from './levels.ts';

export type Eventually<T> = T | Promise<T>;

/** Whose mail it is: its domains, keys and limits are its own. */
export interface Tenant extends Level, Ceilings {
  readonly id: TenantId;
  /** Lower-case letters, digits and hyphens, at most 63. */
  readonly name: string;
  /** Messages it may hand in, in an hour and a day (UTC); absent or 0: no quota. */
  readonly messagesPerHourMax?: number;
  readonly messagesPerDayMax?: number;
  /** Messages it may have waiting in the queues at once; absent or 0: no limit. */
  readonly queueMax?: number;
  /** What it says of mail with a score; absent: the server says. */
  readonly spam?: Partial<SpamLevels>;
  /** The key by which accounts made from then on are encrypted; absent: they are not. */
  readonly encryptedBy?: string;
  readonly createdMs: number;
}

export const defaultTenantName = 'default';

/** What a key lets its bearer do; `send`: hand in mail, ask what became of it, and cancel it. */
export const apiScopes = ['send', 'suppression', 'events', 'webhooks'] as const;
export type ApiScope = (typeof apiScopes)[number];

export interface ApiKey {
  readonly id: ApiKeyId;
  readonly tenant: TenantId;
  /** What its owner calls it. */
  readonly name: string;
  readonly scopes: readonly ApiScope[];
  /** SHA-256 of the secret, in hex: the secret itself is kept nowhere. */
  readonly hash: string;
  /** Messages a minute; 0: no limit of its own. */
  readonly messagesPerMinuteMax: number;
  readonly createdMs: number;
}

export const apiKeysPerTenantMax = 1_000;

export interface Domain extends Level {
  readonly name: string;
  readonly tenant: TenantId;
  /** Address that gets mail for unknown local parts; absent: they are refused. */
  readonly catchAll?: string;
  /** Address that gets mail for postmaster and abuse where no such name is; absent: the domain's first account. */
  readonly postmaster?: string;
  readonly createdMs: number;
}

export interface Account {
  readonly id: AccountId;
  readonly tenant: TenantId;
  readonly shard: ShardId;
  /** Primary address. */
  readonly address: string;
  readonly isEnabled: boolean;
  /** Nobody logs in to it: it has no password, and whoever reads it has rights to its mailboxes. */
  readonly isShared?: true;
  /** Bytes; 0 is no limit. What counts, whoever said so, and never past the tenant's ceiling. */
  readonly quotaBytes: number;
  /** Messages; absent or 0: no limit. */
  readonly quotaMessages?: number;
  /** Those it has from the levels above: what a write says of them is not kept. Absent: none. */
  readonly inherits?: readonly Inheritable[];
  /** Encoded Argon2id string; absent: no log-in. */
  readonly passwordHash?: string;
  /** Addresses besides aliases this account may send as; `*@domain` allows the whole domain. */
  readonly sendAs: readonly string[];
  readonly createdMs: number;
}

/** An account that is gone, whose mail and key may be there still. */
export type AccountDeletion = Pick<Account, 'id' | 'tenant' | 'shard' | 'address'>;

/** Who may send in the name of one account, besides itself. */
export const sendersMax = 1_000;

/** Whatever it shows: whoever checks what an account logs in with asks this first. */
export function mayLogIn({
  isEnabled,
  isShared,
}: Pick<Account, 'isEnabled' | 'isShared'>): boolean {
  return isEnabled && isShared !== true;
}

export interface Alias {
  readonly address: string;
  readonly tenant: TenantId;
  /** Local or outside addresses. */
  readonly targets: readonly string[];
}

/** RFC 6376 §3.3.1, RFC 8463. */
export type DkimAlgorithm = 'rsa-sha256' | 'ed25519-sha256';

export interface DkimKey {
  readonly selector: string;
  readonly algorithm: DkimAlgorithm;
  /** PKCS #8 in PEM. Never logged, never leaves the process. */
  readonly privatePem: string;
  readonly createdMs: number;
  /** Absent: it signs. `waiting`: its record was not seen in the DNS yet. `retired`: it signs no more. */
  readonly state?: 'waiting' | 'retired';
  /** Of a retired key: until then its record is needed for mail it signed. */
  readonly publishUntilMs?: number;
}

/** Makes return paths of forwarded mail checkable. Never logged, never leaves the process. */
export interface SrsSecret {
  readonly secret: string;
  readonly createdMs: number;
}

/** What becomes of one RCPT TO. An alias may give several, some of them remote. */
export type Resolution =
  | { readonly kind: 'remote' }
  | { readonly kind: 'missing' }
  | { readonly kind: 'disabled' }
  | { readonly kind: 'over-quota' }
  | {
      readonly kind: 'resolved';
      readonly tenant: TenantId;
      readonly targets: readonly ResolvedTarget[];
      /** Groups written to that do not take everybody's mail; absent: none. */
      readonly closed?: readonly ClosedGroup[];
    };

/** Whoever asked for the address may not be let write to it. */
export interface ClosedGroup {
  readonly group: GroupId;
  readonly tenant: TenantId;
  readonly senders: 'tenant' | 'members';
}

export type ResolvedTarget =
  | {
      readonly kind: 'account';
      readonly address: string;
      readonly account: AccountId;
      readonly shard: ShardId;
    }
  | { readonly kind: 'remote'; readonly address: string };

/** What changed; `domain` stands for its keys too. */
export type DirectoryChange =
  | { readonly kind: 'tenant'; readonly id: TenantId }
  | { readonly kind: 'api-key'; readonly id: ApiKeyId }
  | { readonly kind: 'hold-rule'; readonly id: number }
  | { readonly kind: 'domain'; readonly name: string }
  | { readonly kind: 'srs-secrets' }
  | { readonly kind: 'account'; readonly id: AccountId }
  /** Its app passwords, second factors, sessions. */
  | { readonly kind: 'credentials'; readonly id: AccountId }
  /** Roles, grants, requests for access of a tenant. */
  | { readonly kind: 'roles'; readonly tenant: TenantId }
  /** What a tenant asks of those who log in. */
  | { readonly kind: 'policy'; readonly tenant: TenantId }
  | { readonly kind: 'alias'; readonly address: string }
  | { readonly kind: 'group'; readonly id: GroupId };

export interface AccountDirectory {
  isLocalDomain(domain: string): Eventually<boolean>;
  /** An empty domain is only good for postmaster (RFC 5321 §4.5.1). */
  resolve(localPart: string, domain: string): Eventually<Resolution>;
  /** By primary address: for log-in. Aliases do not log in. */
  accountByAddress(address: string): Eventually<Account | undefined>;
  accountById(id: AccountId): Eventually<Account | undefined>;
  /**
   * Whether the account may use `address` in MAIL FROM and From: its own, an alias to it, send-as, or an address of
   * an account it may send for.
   */
  maySendAs(account: Account, address: string): Eventually<boolean>;
  /** All keys of a domain, those that wait and retired ones too, oldest first; [] where there are none. */
  dkimKeys(domain: string): Eventually<readonly DkimKey[]>;

  tenantById(id: TenantId): Eventually<Tenant | undefined>;
  tenantByName(name: string): Eventually<Tenant | undefined>;
  /** By number. */
  tenants(): Eventually<readonly Tenant[]>;
  /** The directory numbers it; `argument-invalid` for a name that is none. */
  createTenant(tenant: Omit<Tenant, 'id'>): Promise<Tenant>;
  /** Replaces a tenant that is there; its name may not change. `argument-invalid` for `default`, which has no quota. */
  putTenant(tenant: Tenant): Promise<void>;
  /** As `putTenant`, of what the row is when it is written; as `changeAccount` says. */
  changeTenant(id: TenantId, change: (tenant: Tenant) => Tenant): Promise<Tenant>;
  /**
   * Takes its keys, roles and policy along. `not-possible-now` while it has domains, `argument-invalid` for `default`.
   * Its number is never given again, its name may be.
   */
  deleteTenant(id: TenantId): Promise<void>;
  apiKey(id: ApiKeyId): Eventually<ApiKey | undefined>;
  /** By number. */
  apiKeys(tenant?: TenantId): Eventually<readonly ApiKey[]>;
  /** The directory numbers it; `not-found` without its tenant, `not-possible-now` past `apiKeysPerTenantMax`. */
  createApiKey(key: Omit<ApiKey, 'id'>): Promise<ApiKey>;
  deleteApiKey(id: ApiKeyId): Promise<void>;

  /** By number. */
  holdRules(): Eventually<readonly HoldRule[]>;
  /** The directory numbers it; `not-possible-now` past `holdRulesMax`. */
  createHoldRule(rule: Omit<HoldRule, 'id'>): Promise<HoldRule>;
  deleteHoldRule(id: number): Promise<void>;

  /** What holds for accounts where no tenant, domain or account says otherwise. */
  serverLevel(): Eventually<AccountLevel>;
  putServerLevel(level: AccountLevel): Promise<void>;
  /** Levels that were set, whose accounts' shards are to be told, from the oldest on: kept until `endSpread`. */
  spreads(): Eventually<readonly Spread[]>;
  endSpread(spread: Spread): Promise<void>;

  domain(name: string): Eventually<Domain | undefined>;
  domains(): Eventually<readonly Domain[]>;
  accounts(domain?: string): Eventually<readonly Account[]>;
  aliases(domain?: string): Eventually<readonly Alias[]>;
  putDomain(domain: Domain): Promise<void>;
  /** As `putDomain` of one that is there, of what the row is when it is written; as `changeAccount` says. */
  changeDomain(name: string, change: (domain: Domain) => Domain): Promise<Domain>;
  /** Takes the domain's keys along. */
  deleteDomain(name: string): Promise<void>;
  /** The newest first. */
  srsSecrets(): Eventually<readonly SrsSecret[]>;
  putSrsSecrets(secrets: readonly SrsSecret[]): Promise<void>;
  putDkimKeys(domain: string, keys: readonly DkimKey[]): Promise<void>;
  /** The directory numbers the account and picks its shard. `not-possible-now` past an `accountsMax` above it. */
  createAccount(account: Omit<Account, 'id' | 'shard'>): Promise<Account>;
  /** There is mail of accounts up to it: whatever the directory remembers, their numbers are not given again. */
  spendNumbers(upTo: AccountId | 0): void;
  /**
   * Replaces the row of an account that is there; its address may change, its shard, its tenant and whether it is
   * shared may not.
   */
  putAccount(account: Account): Promise<void>;
  /**
   * As `putAccount`, of what the row is when it is written: what others change meanwhile stays, a new password first of
   * all. `change` may be called more than once. `not-found` where it is not there. Resolves to what was written.
   */
  changeAccount(id: AccountId, change: (account: Account) => Account): Promise<Account>;
  /** Leaves a mark that its mail is to be deleted, too: written with what else changes, kept until `endDeletion`. */
  deleteAccount(id: AccountId): Promise<void>;
  /** By number. */
  deletions(): Eventually<readonly AccountDeletion[]>;
  endDeletion(id: AccountId): Promise<void>;
  putAlias(alias: Alias): Promise<void>;
  deleteAlias(address: string): Promise<void>;
  /** Who may send in the account's name: accounts, and groups by `identifierOf`. */
  sendersOf(owner: AccountId): Eventually<readonly number[]>;
  /** In whose names the account may send, by itself or by a group. */
  ownersSentFor(sender: AccountId): Eventually<readonly AccountId[]>;
  /**
   * `not-found` for what is of another tenant, `not-possible-now` past `sendersMax`; whoever goes takes it along.
   */
  putSender(owner: AccountId, identifier: number, isNamed: boolean): Promise<void>;
  /** Groups the account is in, by whatever way, by number; none of an account that is not there. */
  groupsOf(account: AccountId): Eventually<readonly GroupId[]>;
  /**
   * Accounts whose access lists name this one, a group it is in, or anyone (0) of its tenant: where its
   * mailboxes of others are looked for. Never fewer than there are. An owner whose account is gone is not among them.
   */
  sharersFor(reader: AccountId): Eventually<readonly AccountId[]>;
  /**
   * Notes that some list of `owner` names an account, a group (`identifierOf`) or anyone (0), or that none does any
   * more. Subscribers hear nothing. `not-found` for an account that is not of the owner's tenant.
   */
  noteSharing(owner: AccountId, identifier: number, isNamed: boolean): Promise<void>;
  /**
   * What the engine last said of an account's room: `resolve` answers from it. Kept in memory only, so after a
   * start the first message to a full account is refused by its shard.
   */
  noteOverQuota(id: AccountId, isOver: boolean): void;
  /** Calls `listener` after each write; the function returned ends that. */
  subscribe(listener: (change: DirectoryChange) => void): () => void;
  close(): Promise<void>;
}
