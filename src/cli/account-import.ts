/**
 * Brings accounts to what rows say, one after the other, and counts what that changed.
 *
 * Runs in:   the CLI's process; a client of the control socket.
 * Limits:    accounts of `domainsHeldMax` domains are held at a time, those of the last rows; `faultsMax` faults are
 *            told one by one, all are counted.
 * Invariant: what is right already is left alone, so a run that was killed is simply run again: each step of an account
 *            is taken where it is missing, and the password comes last.
 */

import type { AccountView } from '../actors/asks/control.ts';
import { MailError } from '../base/errors.ts';
import { RecentMap } from '../base/recent-map.ts';
import type { AccountRow, RowFault } from './account-rows.ts';
import type { Control } from './control-client.ts';

const domainsHeldMax = 8;
const faultsMax = 1_000;

export interface ImportTerms {
  readonly control: Control;
  /** Nothing is written; what would be is counted. */
  readonly isDry: boolean;
  /** Hashes take the place of passwords that are set. */
  readonly replacesPasswords: boolean;
  readonly onFault: (fault: RowFault) => void;
}

type Outcome = 'created' | 'changed' | 'unchanged';
type Wanted = Pick<AccountRow, 'isEnabled' | 'quotaBytes' | 'quotaMessages' | 'sendAs'>;

export class AccountImport {
  readonly counts: Record<Outcome | 'errors', number> = {
    ...{ created: 0, changed: 0, unchanged: 0, errors: 0 },
  };
  readonly faults: RowFault[] = [];
  readonly #terms: ImportTerms;
  readonly #held = new RecentMap<string, Map<string, AccountView>>(domainsHeldMax);
  #domains: ReadonlySet<string> | undefined;

  constructor(terms: ImportTerms) {
    this.#terms = terms;
  }

  async take(row: AccountRow | RowFault): Promise<void> {
    if ('reason' in row) {
      this.#fault(row);
      return;
    }
    try {
      this.counts[await this.#settle(row)]++;
    } catch (error) {
      const isOfRow = error instanceof MailError && rowCodes.has(error.code);
      if (!isOfRow) throw error;
      this.#fault({ line: row.line, reason: error.message });
    }
  }

  async #settle(row: AccountRow): Promise<Outcome> {
    const { address, hash } = row;
    const domain = address.slice(address.lastIndexOf('@') + 1);
    if (!(await this.#hasDomain(domain))) throw new MailError('domain-missing', domain);
    const held = await this.#accountsOf(domain);
    const before = held.get(address);
    let now = before ?? (await this.#create(row));
    const wanted = missing(now, row);
    if (Object.keys(wanted).length > 0) now = await this.#set(now, wanted);
    const setsHash = hash !== undefined && (!now.hasPassword || this.#terms.replacesPasswords);
    if (setsHash) {
      if (!this.#terms.isDry) await this.#terms.control.call('account.password', { address, hash });
      now = { ...now, hasPassword: true };
    }
    held.set(address, now);
    if (before === undefined) return 'created';
    return setsHash || Object.keys(wanted).length > 0 ? 'changed' : 'unchanged';
  }

  async #create({ address, quotaBytes, quotaMessages, sendAs }: AccountRow): Promise<AccountView> {
    const params = {
      address,
      ...(quotaBytes === undefined ? {} : { quotaBytes }),
      ...(quotaMessages === undefined ? {} : { quotaMessages }),
      ...(sendAs === undefined ? {} : { sendAs: [...sendAs] }),
    };
    if (!this.#terms.isDry) {
      return (await this.#terms.control.call('account.create', params)).account;
    }
    return {
      ...{ id: 0, tenant: 0, shard: 0, isEnabled: true, hasPassword: false, isShared: false },
      ...{ quotaBytes: 0, quotaMessages: 0, inherits: [], sendAs: [], createdMs: 0, ...params },
    };
  }

  async #set(account: AccountView, wanted: Wanted): Promise<AccountView> {
    const { sendAs, ...rest } = wanted;
    const changes = { ...rest, ...(sendAs === undefined ? {} : { sendAs: [...sendAs] }) };
    if (this.#terms.isDry) {
      const inherits = account.inherits.filter((name) => !(name in changes));
      return { ...account, inherits, ...changes };
    }
    const { address } = account;
    return (await this.#terms.control.call('account.set', { address, ...changes })).account;
  }

  async #hasDomain(name: string): Promise<boolean> {
    if (this.#domains === undefined) {
      const { domains } = await this.#terms.control.call('domain.list', {});
      this.#domains = new Set(domains.map((domain) => domain.name));
    }
    return this.#domains.has(name);
  }

  async #accountsOf(domain: string): Promise<Map<string, AccountView>> {
    const known = this.#held.get(domain);
    if (known !== undefined) return known;
    const { accounts } = await this.#terms.control.call('account.list', { domain });
    const read = new Map(accounts.map((account) => [account.address, account]));
    this.#held.set(domain, read);
    return read;
  }

  #fault(fault: RowFault): void {
    this.counts.errors++;
    if (this.faults.length >= faultsMax) return;
    this.faults.push(fault);
    this.#terms.onFault(fault);
  }
}

/** Of one row; others end the run, which is run again. */
const rowCodes: ReadonlySet<string> = new Set([
  ...['argument-invalid', 'already-exists', 'domain-missing', 'not-found', 'not-possible-now'],
  'permission-missing',
]);

/** What of the row is not so yet. */
function missing(now: AccountView, row: AccountRow): Wanted {
  const { isEnabled, quotaBytes, quotaMessages, sendAs } = row;
  const isOther = <T>(wanted: T | undefined, there: T) => wanted !== undefined && wanted !== there;
  // What a level above says may change: a line that names a quota makes it the account's own.
  const isOtherQuota = (name: 'quotaBytes' | 'quotaMessages') =>
    row[name] !== undefined && (isOther(row[name], now[name]) || now.inherits.includes(name));
  const words = (list: readonly string[] | undefined) =>
    list === undefined ? undefined : [...list].sort().join(' ');
  return {
    ...(isOther(isEnabled, now.isEnabled) ? { isEnabled: isEnabled! } : {}),
    ...(isOtherQuota('quotaBytes') ? { quotaBytes: quotaBytes! } : {}),
    ...(isOtherQuota('quotaMessages') ? { quotaMessages: quotaMessages! } : {}),
    ...(isOther(words(sendAs), words(now.sendAs)) ? { sendAs: sendAs! } : {}),
  };
}
