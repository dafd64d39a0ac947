/**
 * What the stores of accounts' credentials and roles have in common: whose a row is, and how it is written.
 *
 * Runs in:   the main thread.
 * Limits:    texts have `textMax` characters.
 * Invariant: an account of another tenant is as good as not there.
 */

import { MailError } from '../../base/errors.ts';
import type { AccountId, TenantId } from '../../base/ids.ts';
import type { Account } from '../../ports/account-directory.ts';
import type { AccountOf } from '../../ports/credentials.ts';
import type { IndexChange, ShardIndex } from '../../ports/shard-index.ts';
import type { WriteTurns } from './write-turns.ts';

const textMax = 100;
const hashText = /^[0-9a-f]{64}$/;

export interface IdentityParts {
  readonly table: ShardIndex;
  readonly turns: WriteTurns;
  /** As it stands in the table. */
  readonly account: (id: AccountId) => Account | undefined;
  readonly hasTenant: (id: TenantId) => boolean;
}

export function isThere({ account }: Pick<IdentityParts, 'account'>, of: AccountOf): boolean {
  return account(of.id)?.tenant === of.tenant;
}

/** @throws MailError `not-found`: of another tenant is as good as not there. */
export function accountThatIs(
  { account }: Pick<IdentityParts, 'account'>,
  { tenant, id }: AccountOf,
): Account {
  const found = account(id);
  if (found?.tenant !== tenant) throw new MailError('not-found', `no account ${id}`);
  return found;
}

/** A write of one account's rows, which its listeners hear of. */
export function asideOf<Answer>(
  parts: IdentityParts,
  of: AccountOf,
  decide: () => { readonly changes: readonly IndexChange[]; readonly answer: Answer },
): Promise<Answer> {
  return parts.turns.aside(() => {
    refuseShared(accountThatIs(parts, of));
    return { ...decide(), change: { kind: 'credentials', id: of.id } };
  });
}

export function refuseText(what: string, text: string): void {
  if (text.length <= textMax && !/[\x00-\x1f\x7f]/.test(text)) return;
  throw new MailError('argument-invalid', `${what} is a line of at most ${textMax} characters`);
}

export function refuseHash(hash: string): void {
  if (!hashText.test(hash)) throw new MailError('argument-invalid', 'a hash is SHA-256 in hex');
}

/** What logs in. @throws MailError `argument-invalid` */
export function refuseShared({ address, isShared }: Pick<Account, 'address' | 'isShared'>): void {
  if (isShared !== true) return;
  throw new MailError('argument-invalid', `nobody logs in to a shared mailbox: ${address}`);
}
