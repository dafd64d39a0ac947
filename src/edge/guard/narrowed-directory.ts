/**
 * A tenant's directory as one sees it who was given some of its domains: lists hold what is in those.
 *
 * Runs in:   edge (main thread).
 * Invariant: it is for lists alone, which name nothing; whatever is named was decided by its name.
 */

import { domainOf } from '../../base/address-parts.ts';
import type { AccountDirectory } from '../../ports/account-directory.ts';

/** `domains` as the directory spells them. */
export function narrowedDirectory(
  directory: AccountDirectory,
  domains: readonly string[],
): AccountDirectory {
  const isIn = ({ address }: { readonly address: string }) => domains.includes(domainOf(address));
  return {
    ...directory,
    domains: async () => (await directory.domains()).filter(({ name }) => domains.includes(name)),
    accounts: async (domain) => (await directory.accounts(domain)).filter(isIn),
    aliases: async (domain) => (await directory.aliases(domain)).filter(isIn),
  };
}
