/**
 * Passwords, app passwords and policies of a table directory.
 *
 * Runs in:   the main thread.
 * Limits:    those of the port.
 * Invariant: whose it is is looked up in the write's turn, with its tenant: there is no row of an account that is gone,
 *            and none is read or written for another tenant. The hash stands in the account's row alone.
 */

import { isIP } from 'node:net';
import { MailError } from '../../base/errors.ts';
import type { AccountId, TenantId } from '../../base/ids.ts';
import {
  type AccountOf,
  type AppPassword,
  appPasswordScopes,
  appPasswordsMax,
  type CredentialStore,
  type NewPassword,
  networksMax,
  type PasswordState,
  type Renewal,
  type Renewed,
  type ResetMaker,
  type ScramVerifier,
  type Session,
  scramMechanisms,
  type TokenKey,
  tokenKeysMax,
  type Use,
  type Used,
} from '../../ports/credentials.ts';
import {
  type PasswordPolicy,
  passwordHistoryMax,
  passwordLengthLimits,
  passwordScoreMax,
  policyDefault,
  type TenantPolicy,
} from '../../ports/log-in-policy.ts';
import type { IndexChange, ShardIndex } from '../../ports/shard-index.ts';
import { accountKey } from './directory-rows.ts';
import {
  accountThatIs,
  asideOf,
  type IdentityParts,
  isThere,
  refuseHash,
  refuseShared,
  refuseText,
} from './identity-parts.ts';
import * as rows from './identity-rows.ts';
import { LastUses } from './last-uses.ts';
import { Sessions } from './sessions.ts';

const noPassword: PasswordState = { setMs: 0, verifiers: [], history: [] };

interface PasswordRow extends PasswordState {
  /** That was handed out. */
  readonly reset?: ResetRow;
  readonly askedReset?: ResetRow;
}

interface ResetRow {
  readonly hash: string;
  readonly expiresMs: number;
}

export class TableCredentials implements CredentialStore {
  readonly #parts: IdentityParts;
  readonly #uses: LastUses;
  readonly #sessions: Sessions;

  constructor(parts: IdentityParts) {
    this.#parts = parts;
    this.#uses = new LastUses(parts);
    this.#sessions = new Sessions(parts, this.#uses);
  }

  password(of: AccountOf): PasswordState {
    if (!isThere(this.#parts, of)) return noPassword;
    const { setMs, verifiers, history } = this.#passwordRow(of.id);
    return { setMs, verifiers, history };
  }

  setPassword(of: AccountOf, password: NewPassword): Promise<void> {
    return this.#parts.turns.write(() => {
      const account = accountThatIs(this.#parts, of);
      refuseShared(account);
      const { hash, verifiers, setMs, historyMax, keptSession, link } = password;
      refuseVerifiers(verifiers);
      if (link !== undefined && !this.hasReset(of, link.hash, link.nowMs)) {
        throw new MailError('credentials-invalid', 'the link was used, or is over');
      }
      const { history } = this.#passwordRow(of.id);
      const known = account.passwordHash === undefined ? [] : [account.passwordHash];
      const row: PasswordRow = {
        setMs,
        verifiers,
        history: [...known, ...history].slice(0, Math.min(historyMax, passwordHistoryMax)),
      };
      const changes = [
        rows.put(accountKey(of.id), { ...account, passwordHash: hash }),
        rows.put(rows.passwordKey(of.id), row),
        ...this.#sessions.endingAllBut(of.id, keptSession),
      ];
      return { changes, change: { kind: 'account', id: of.id } };
    });
  }

  async rehashPassword(
    of: AccountOf,
    from: string,
    to: { readonly hash: string; readonly verifiers?: readonly ScramVerifier[] },
  ): Promise<boolean> {
    let isDone = false;
    await this.#parts.turns.write(() => {
      const account = accountThatIs(this.#parts, of);
      if (account.passwordHash !== from) return { changes: [] };
      isDone = true;
      const changes = [rows.put(accountKey(of.id), { ...account, passwordHash: to.hash })];
      if (to.verifiers !== undefined) {
        refuseVerifiers(to.verifiers);
        const row = { ...this.#passwordRow(of.id), verifiers: to.verifiers };
        changes.push(rows.put(rows.passwordKey(of.id), row));
      }
      return { changes, change: { kind: 'account', id: of.id } };
    });
    return isDone;
  }

  putReset(of: AccountOf, hash: string, expiresMs: number, by: ResetMaker): Promise<void> {
    return this.#aside(of, () => {
      refuseHash(hash);
      const link = { hash, expiresMs };
      const made = by === 'asked' ? { askedReset: link } : { reset: link };
      const row: PasswordRow = { ...this.#passwordRow(of.id), ...made };
      return { changes: [rows.put(rows.passwordKey(of.id), row)], answer: undefined };
    });
  }

  hasReset(of: AccountOf, hash: string, nowMs: number): boolean {
    if (!isThere(this.#parts, of)) return false;
    const { reset, askedReset } = this.#passwordRow(of.id);
    return [reset, askedReset].some((row) => row?.hash === hash && row.expiresMs > nowMs);
  }

  appPasswords(of: AccountOf): readonly AppPassword[] {
    if (!isThere(this.#parts, of)) return [];
    const all = rows.readRows<AppPassword>(this.#parts.table, rows.appPasswordsOf(of.id));
    return all.map((row) => this.#uses.joinedTo(of.id, { appPassword: row.id }, row));
  }

  createAppPassword(of: AccountOf, row: Omit<AppPassword, 'id' | 'lastUse'>): Promise<AppPassword> {
    return this.#aside(of, () => {
      refuseAppPassword(row);
      const { table } = this.#parts;
      const range = { ...rows.appPasswordsOf(of.id), limit: appPasswordsMax };
      if (table.range(range).length === appPasswordsMax) {
        const text = `an account has at most ${appPasswordsMax} app passwords`;
        throw new MailError('not-possible-now', text);
      }
      const [id, spent] = rows.nextNumber(table, rows.nextAppPasswordKey);
      const made: AppPassword = { ...row, id };
      return { changes: [rows.put(rows.appPasswordKey(of.id, id), made), spent], answer: made };
    });
  }

  deleteAppPassword(of: AccountOf, id: number): Promise<void> {
    return this.#aside(of, () => {
      const key = rows.appPasswordKey(of.id, id);
      if (this.#parts.table.get(key) === undefined) {
        throw new MailError('not-found', `app password ${id}`);
      }
      return { changes: [{ remove: key }], answer: undefined };
    });
  }

  sessions(of: AccountOf): readonly Session[] {
    return this.#sessions.all(of);
  }

  session(of: AccountOf, id: number): Session | undefined {
    return this.#sessions.one(of, id);
  }

  createSession(
    of: AccountOf,
    row: Omit<Session, 'id' | 'lastUse'>,
    isStill?: (passwordHash: string | undefined) => boolean,
  ): Promise<Session> {
    refuseText('device', row.device);
    refuseHash(row.refreshHash);
    return this.#sessions.create(of, row, isStill);
  }

  renewSession(of: AccountOf, id: number, renewal: Renewal): Promise<Renewed> {
    refuseHash(renewal.toHash);
    return this.#sessions.renew(of, id, renewal);
  }

  noteSecondFactor(of: AccountOf, id: number, atMs: number): Promise<void> {
    return this.#sessions.noteSecondFactor(of, id, atMs);
  }

  deleteSession(of: AccountOf, id: number): Promise<void> {
    return this.#sessions.end(of, id);
  }

  deleteSessions(of: AccountOf): Promise<void> {
    return this.#sessions.endAll(of);
  }

  noteUse(of: AccountOf, what: Used, use: Use): void {
    if (isThere(this.#parts, of)) this.#uses.note(of.id, what, use);
  }

  settleUses(): Promise<void> {
    return this.#uses.settle();
  }

  policy(tenant: TenantId): TenantPolicy {
    const row = rows.readRow<TenantPolicy>(this.#parts.table, rows.policyKey(tenant));
    const usual = policyDefault(tenant);
    // A row may be older than some of what can be asked.
    return row === undefined ? usual : { ...row, logIn: { ...usual.logIn, ...row.logIn } };
  }

  async putPolicy(policy: TenantPolicy): Promise<void> {
    await this.changePolicy(policy.tenant, () => policy);
  }

  changePolicy(
    tenant: TenantId,
    change: (policy: TenantPolicy) => TenantPolicy,
  ): Promise<TenantPolicy> {
    return this.#parts.turns.aside(() => {
      if (!this.#parts.hasTenant(tenant)) throw new MailError('not-found', `tenant ${tenant}`);
      const answer: TenantPolicy = { ...change(this.policy(tenant)), tenant };
      refusePasswordPolicy(answer.password);
      const changes = [rows.put(rows.policyKey(tenant), answer)];
      return { changes, change: { kind: 'policy', tenant }, answer };
    });
  }

  tokenKeys(): readonly TokenKey[] {
    return rows.readRow<readonly TokenKey[]>(this.#parts.table, rows.tokenKeysKey) ?? [];
  }

  addTokenKey(
    key: TokenKey,
    terms: { readonly newestBeforeMs: number; readonly keptAfterMs: number },
  ): Promise<readonly TokenKey[]> {
    return this.#parts.turns.aside(() => {
      const known = this.tokenKeys();
      const [newest] = known;
      if (newest !== undefined && newest.createdMs > terms.newestBeforeMs) {
        return { changes: [], answer: known };
      }
      const kept = known.filter(({ createdMs }) => createdMs > terms.keptAfterMs);
      const keys = [key, ...kept].sort((a, b) => b.createdMs - a.createdMs);
      if (keys.length > tokenKeysMax) {
        throw new MailError('argument-invalid', `there are at most ${tokenKeysMax} token keys`);
      }
      return { changes: [rows.put(rows.tokenKeysKey, keys)], answer: keys };
    });
  }

  #passwordRow(id: AccountId): PasswordRow {
    return rows.readRow<PasswordRow>(this.#parts.table, rows.passwordKey(id)) ?? noPassword;
  }

  #aside<Answer>(
    of: AccountOf,
    decide: () => { readonly changes: readonly IndexChange[]; readonly answer: Answer },
  ): Promise<Answer> {
    return asideOf(this.#parts, of, decide);
  }
}

/** What goes with an account. */
export function credentialRemovals(id: AccountId): IndexChange[] {
  return [
    { remove: rows.passwordKey(id) },
    rows.removal(rows.appPasswordsOf(id)),
    rows.removal(rows.sessionsOf(id)),
  ];
}

/**
 * Where the account's hash changes by its row: what was made from the old password is good no more.
 */
export function withoutVerifiers(table: ShardIndex, id: AccountId): IndexChange[] {
  const row = rows.readRow<PasswordRow>(table, rows.passwordKey(id));
  if (row === undefined || row.verifiers.length === 0) return [];
  return [rows.put(rows.passwordKey(id), { ...row, verifiers: [] })];
}

function refuseVerifiers(verifiers: readonly ScramVerifier[]): void {
  const mechanisms = new Set(verifiers.map(({ mechanism }) => mechanism));
  const areKnown = [...mechanisms].every((each) => scramMechanisms.includes(each));
  if (mechanisms.size === verifiers.length && areKnown) return;
  throw new MailError('argument-invalid', `one verifier for each of ${scramMechanisms.join(', ')}`);
}

function refuseAppPassword(row: Omit<AppPassword, 'id' | 'lastUse'>): void {
  refuseText('a name', row.name);
  refuseHash(row.hash);
  if (row.scopes.length === 0 || !row.scopes.every((each) => appPasswordScopes.includes(each))) {
    throw new MailError('argument-invalid', `scopes are: ${appPasswordScopes.join(', ')}`);
  }
  if (row.networks.length > networksMax || !row.networks.every(isNetwork)) {
    const text = `networks are at most ${networksMax} of the form 192.0.2.0/24`;
    throw new MailError('argument-invalid', text);
  }
  if (!isCount(row.expiresMs)) throw new MailError('argument-invalid', 'an expiry is an instant');
}

function isNetwork(text: string): boolean {
  const match = /^([0-9a-fA-F:.]{2,45})\/(\d{1,3})$/.exec(text);
  const family = match === null ? 0 : isIP(match[1]!);
  return family !== 0 && Number(match![2]) <= (family === 4 ? 32 : 128);
}

function refusePasswordPolicy(policy: PasswordPolicy): void {
  const { lengthMin, scoreMin, historyMax, ageMsMax } = policy;
  const { least, most } = passwordLengthLimits;
  const isGood =
    [lengthMin, scoreMin, historyMax, ageMsMax].every(isCount) &&
    lengthMin >= least &&
    lengthMin <= most &&
    scoreMin <= passwordScoreMax &&
    historyMax <= passwordHistoryMax;
  if (isGood) return;
  const text =
    `a password has ${least} to ${most} characters, a score of 0 to ${passwordScoreMax}, ` +
    `at most ${passwordHistoryMax} before it, and an age`;
  throw new MailError('argument-invalid', text);
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
