/**
 * Which accounts an issuer that is not ours may open.
 *
 * Runs in:   main thread.
 * Invariant: an account of its domains, by its own address, that may log in now; an alias is no name to log in by.
 */

import { domainOf } from '../../base/address-parts.ts';
import type { TokenIssuer } from '../../edge/guard/token-issuer.ts';
import { type Account, type AccountDirectory, mayLogIn } from '../../ports/account-directory.ts';

/** Undefined: nobody that it may. */
export async function accountOpenTo(
  directory: Pick<AccountDirectory, 'accountByAddress'>,
  { rules }: Pick<TokenIssuer, 'rules'>,
  address: string,
): Promise<Account | undefined> {
  const account = await directory.accountByAddress(address);
  if (account === undefined || !mayLogIn(account)) return undefined;
  return rules.domains.includes(domainOf(account.address)) ? account : undefined;
}
