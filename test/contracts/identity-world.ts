/** Two tenants with an account each, for the contracts of what stands beside the account directory. */

import type { Account, DirectoryChange } from '../../src/ports/account-directory.ts';
import type { Identity } from '../../src/ports/identity.ts';
import { accountRow, domainRow } from './directory-rows.ts';

export interface OpenedIdentity extends AsyncDisposable {
  readonly identity: Identity;
  /** Opens another one on the same table after a kill; absent where nothing outlives the object. */
  readonly reopen?: () => Promise<Identity>;
}

export interface World extends OpenedIdentity {
  /** Of tenant `acme`, domain acme.test. */
  readonly ann: Account;
  /** Of the same tenant. */
  readonly bob: Account;
  /** Of tenant `rival`, domain rival.test. */
  readonly eve: Account;
  /** What subscribers were told since the world was made. */
  readonly heard: DirectoryChange[];
}

export async function identityWorld(opened: OpenedIdentity): Promise<World> {
  const { directory } = opened.identity;
  const acme = await directory.createTenant({ name: 'acme', createdMs: 1 });
  const rival = await directory.createTenant({ name: 'rival', createdMs: 1 });
  await directory.putDomain(domainRow('acme.test', { tenant: acme.id }));
  await directory.putDomain(domainRow('rival.test', { tenant: rival.id }));
  const accountOf = (address: string, tenant: typeof acme) =>
    directory.createAccount(accountRow(address, { tenant: tenant.id }));
  const ann = await accountOf('ann@acme.test', acme);
  const bob = await accountOf('bob@acme.test', acme);
  const eve = await accountOf('eve@rival.test', rival);
  const heard: DirectoryChange[] = [];
  directory.subscribe((change) => heard.push(change));
  const { identity, reopen } = opened;
  return {
    ...{ identity, ann, bob, eve, heard },
    ...(reopen === undefined ? {} : { reopen }),
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  };
}

/** A row of one tenant asked for by another: nobody's. */
export function askedBy(other: Account, account: Account) {
  return { tenant: other.tenant, id: account.id };
}

export const hashOf = (letter: string) => letter.repeat(64);
