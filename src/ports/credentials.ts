/**
 * What accounts log in with besides the hash in their row: app passwords, SCRAM verifiers, the main password's history,
 * reset links, sessions; second factors stand in `second-factors.ts`.
 *
 * Contract:
 * - Each call says whose: account and tenant. Where there is no such account in that tenant, writes reject with
 *   `not-found` and reads find nothing, so a caller that errs crosses no tenant's wall.
 * - A write resolves when it is durable; then subscribers of the directory hear `{ kind: 'credentials' }` of the account,
 *   but for a session that is made or renewed. Deleting an account takes all of this along, in the same write.
 * - What is spent once (a reset link, `renewSession`, …) is decided in the write's turn: of two that come together one
 *   is told `true`.
 * - Random secrets are kept as SHA-256 in hex, never themselves. What was made is given a number; none is given twice.
 * - `noteUse` costs no write: uses are held in memory, joined, and stand in rows after `settleUses`, which the owner
 *   calls now and then; it runs by itself at `usesHeldMax` accounts and at close. A kill loses those since. Reads see them
 *   at once.
 */

import type { AccountId, TenantId } from '../base/ids.ts';
import type { Eventually } from './account-directory.ts';
import type { TenantPolicy } from './log-in-policy.ts';

/** Whose it is. An account's row is one. */
export interface AccountOf {
  readonly tenant: TenantId;
  readonly id: AccountId;
}

export const scramMechanisms = ['SCRAM-SHA-1', 'SCRAM-SHA-256'] as const;

/** RFC 5802 §3: what a server keeps to check one who knows the password. Values in base64. Never logged. */
export interface ScramVerifier {
  readonly mechanism: (typeof scramMechanisms)[number];
  readonly salt: string;
  readonly iterations: number;
  readonly storedKey: string;
  readonly serverKey: string;
}

export interface PasswordState {
  /** 0: not known, or there is no password. */
  readonly setMs: number;
  readonly verifiers: readonly ScramVerifier[];
  /** Hashes of earlier ones, the last one first. */
  readonly history: readonly string[];
}

export interface NewPassword {
  readonly hash: string;
  readonly verifiers: readonly ScramVerifier[];
  readonly setMs: number;
  /** How many earlier hashes are kept. */
  readonly historyMax: number;
  /** The session it is set in; all others end. */
  readonly keptSession?: number;
  /** The reset link it is set by: it is spent in this write, and where it is not good at `nowMs` nothing is written. */
  readonly link?: { readonly hash: string; readonly nowMs: number };
}

/** Who made a reset link: whoever asked for it by name, who may be a stranger, or somebody who may hand it out. */
export type ResetMaker = 'asked' | 'handed-out';

export const appPasswordScopes = ['smtp', 'imap', 'pop3', 'sieve', 'http'] as const;
export type AppPasswordScope = (typeof appPasswordScopes)[number];

export interface Use {
  readonly atMs: number;
  /** The peer's. */
  readonly address: string;
}

export interface AppPassword {
  readonly id: number;
  readonly name: string;
  readonly scopes: readonly AppPasswordScope[];
  /** From where it is good, as `192.0.2.0/24`; none: from anywhere. */
  readonly networks: readonly string[];
  readonly hash: string;
  readonly createdMs: number;
  /** 0: never. */
  readonly expiresMs: number;
  readonly lastUse?: Use;
}

export interface Session {
  readonly id: number;
  /** What its user would know it by: browser and system, or a program's name. */
  readonly device: string;
  /** Of the log-in. */
  readonly address: string;
  readonly createdMs: number;
  readonly refreshHash: string;
  /** It is over then, unless it is renewed before. */
  readonly expiresMs: number;
  /** A second factor was shown, at that instant; 0: none. */
  readonly secondFactorMs: number;
  /** Who vouched for its user saw them then; 0: nobody says when. Absent: they logged in here, at `createdMs`. */
  readonly authenticatedMs?: number;
  readonly lastUse?: Use;
}

export interface Renewal {
  readonly fromHash: string;
  readonly toHash: string;
  readonly nowMs: number;
  readonly expiresMs: number;
}

/**
 * `gone`: there is no such session, it is over, or the token never was its own. `reused`: the token had been renewed
 * before, so somebody else has it too: the session is over.
 */
export type Renewed = 'renewed' | 'gone' | 'reused';

/** Signs access tokens. Never logged, never leaves the process. */
export interface TokenKey {
  readonly id: string;
  /** PKCS #8 in PEM. */
  readonly privatePem: string;
  readonly createdMs: number;
}

/** Which credential was used; numbers are those of their rows. */
export type Used = { readonly appPassword: number } | { readonly session: number };

export const appPasswordsMax = 100;
export const sessionsMax = 100;
export const tokenKeysMax = 16;
export const networksMax = 32;
/** Accounts with uses that are in no row yet. */
export const usesHeldMax = 10_000;

export interface CredentialStore {
  password(of: AccountOf): Eventually<PasswordState>;
  /**
   * Its hash goes into the account's row; the one before into the history; verifiers of the one before, reset links and
   * all sessions but `keptSession` go. `credentials-invalid` where its `link` is not good.
   */
  setPassword(of: AccountOf, password: NewPassword): Promise<void>;
  /** The same password, hashed better; false: it is not `from` any more, and nothing changed. */
  rehashPassword(
    of: AccountOf,
    from: string,
    to: { readonly hash: string; readonly verifiers?: readonly ScramVerifier[] },
  ): Promise<boolean>;
  /**
   * A link to set a new password, good once; it takes the place of the one before by the same maker: a stranger's asking
   * ends none that was handed out.
   */
  putReset(of: AccountOf, hash: string, expiresMs: number, by: ResetMaker): Promise<void>;
  /** Whether it is good now; nothing is spent. */
  hasReset(of: AccountOf, hash: string, nowMs: number): Eventually<boolean>;

  /** Oldest first. */
  appPasswords(of: AccountOf): Eventually<readonly AppPassword[]>;
  /** `not-possible-now` past `appPasswordsMax`. */
  createAppPassword(of: AccountOf, row: Omit<AppPassword, 'id' | 'lastUse'>): Promise<AppPassword>;
  deleteAppPassword(of: AccountOf, id: number): Promise<void>;

  /** Oldest first; those that are over too. */
  sessions(of: AccountOf): Eventually<readonly Session[]>;
  session(of: AccountOf, id: number): Eventually<Session | undefined>;
  /**
   * Those that are over at `createdMs` go; past `sessionsMax` the one that was used longest ago goes too.
   * `credentials-invalid` where `isStill` says no of the account's hash in the write's turn: what was shown for the
   * session opens nothing any more. It is pure, and may be asked more than once.
   */
  createSession(
    of: AccountOf,
    row: Omit<Session, 'id' | 'lastUse'>,
    isStill?: (passwordHash: string | undefined) => boolean,
  ): Promise<Session>;
  renewSession(of: AccountOf, id: number, renewal: Renewal): Promise<Renewed>;
  /** A second factor was shown in it again. */
  noteSecondFactor(of: AccountOf, id: number, atMs: number): Promise<void>;
  deleteSession(of: AccountOf, id: number): Promise<void>;
  deleteSessions(of: AccountOf): Promise<void>;

  noteUse(of: AccountOf, what: Used, use: Use): void;
  settleUses(): Promise<void>;

  /** That of `policyDefault` where nothing was put. */
  policy(tenant: TenantId): Eventually<TenantPolicy>;
  /** `not-found` without the tenant, `argument-invalid` past the limits of `log-in-policy.ts`. */
  putPolicy(policy: TenantPolicy): Promise<void>;
  /**
   * As `putPolicy`, of what it is when it is written: what others change meanwhile stays. `change` may be called more
   * than once.
   */
  changePolicy(
    tenant: TenantId,
    change: (policy: TenantPolicy) => TenantPolicy,
  ): Promise<TenantPolicy>;

  /** The newest first. */
  tokenKeys(): Eventually<readonly TokenKey[]>;
  /**
   * Keeps one more, and those before it that were made after `keptAfterMs`; does nothing where one was made after
   * `newestBeforeMs`: another server of this directory came first. Answers those that are there then, durable, the
   * newest first. `argument-invalid` past `tokenKeysMax`.
   */
  addTokenKey(
    key: TokenKey,
    terms: { readonly newestBeforeMs: number; readonly keptAfterMs: number },
  ): Promise<readonly TokenKey[]>;
}
