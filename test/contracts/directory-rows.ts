/** Rows that contracts of the account directory are told with. */

import { defaultTenant } from '../../src/base/ids.ts';
import type { Account, Domain } from '../../src/ports/account-directory.ts';

const tenant = defaultTenant;

export function domainRow(name: string, more: Partial<Domain> = {}): Domain {
  return { name, tenant, createdMs: 1, ...more };
}

export function accountRow(
  address: string,
  more: Partial<Account> = {},
): Omit<Account, 'id' | 'shard'> {
  return { tenant, address, isEnabled: true, quotaBytes: 0, sendAs: [], createdMs: 1, ...more };
}
