/**
 * The directory as one tenant sees it: what is another's is not there, and is not made, changed or deleted.
 *
 * Runs in:   edge (main thread).
 * Invariant: it holds even where a decision before it was wrong: every read looks at the row's tenant, every write at
 *            the tenant of the row it makes and of the one that is there.
 */

import { domainOf } from '../../base/address-parts.ts';
import { MailError } from '../../base/errors.ts';
import type { AccountId, TenantId } from '../../base/ids.ts';
import type { AccountDirectory } from '../../ports/account-directory.ts';
import {
  type HoldRule,
  holdRulesOfTenantsMax,
  holdRulesPerTenantMax,
} from '../../ports/hold-rule.ts';

export function walledDirectory(directory: AccountDirectory, tenant: TenantId): AccountDirectory {
  const { reads, mustBeOwn } = wallOf(directory, tenant);
  return {
    ...reads,
    ...tenantWrites(directory, tenant),
    ...nameWrites(directory, tenant, mustBeOwn),
    ...holdRuleActs(directory, tenant),
    // Of the whole server: operators only.
    serverLevel: () => directory.serverLevel(),
    putServerLevel: () => notThere('limits of the server'),
    deletions: () => [],
    endDeletion: () => notThere('accounts that are gone'),
    spreads: () => [],
    endSpread: () => notThere('limits of the server'),
    srsSecrets: () => [],
    putSrsSecrets: () => notThere('secrets'),
    noteOverQuota: () => {},
    // Whoever hears of every change learns what other tenants do.
    subscribe: () => () => {},
    close: async () => {},
  };
}

/** An operator's rule holds until an operator ends it: its tenant sees it, no more. */
function holdRuleActs(directory: AccountDirectory, tenant: TenantId) {
  const rules = async () => await directory.holdRules();
  const isOwn = ({ filter }: Pick<HoldRule, 'filter'>) => filter.tenant?.id === tenant;
  return {
    holdRules: async () => (await rules()).filter(isOwn),
    async createHoldRule(rule: Omit<HoldRule, 'id'>) {
      // What names no tenant is of the mail of all.
      if (!isOwn(rule)) return await notThere('hold rules');
      const made = (await rules()).filter(({ isByTenant }) => isByTenant === true);
      const isFull = made.filter(isOwn).length >= holdRulesPerTenantMax;
      if (isFull || made.length >= holdRulesOfTenantsMax) {
        const words = `a tenant has at most ${holdRulesPerTenantMax} hold rules: end some first`;
        throw new MailError('not-possible-now', words);
      }
      return await directory.createHoldRule({ ...rule, isByTenant: true });
    },
    async deleteHoldRule(id: number) {
      const rule = (await rules()).find((each) => each.id === id);
      if (rule === undefined || !isOwn(rule)) return await notThere(`hold rule ${id}`);
      if (rule.isByTenant !== true) {
        throw new MailError('permission-missing', 'an operator made it, and ends it');
      }
      await directory.deleteHoldRule(id);
    },
  };
}

async function notThere(what: string): Promise<never> {
  throw new MailError('not-found', what);
}

interface Owned {
  readonly tenant: TenantId;
}

function wallOf(directory: AccountDirectory, tenant: TenantId) {
  const own = <Row extends Owned>(row: Row | undefined) =>
    row?.tenant === tenant ? row : undefined;
  const domain = async (name: string) => own(await directory.domain(name));
  const accountById = async (id: AccountId) => own(await directory.accountById(id));
  const isOwn = async (name: string) => (await domain(name)) !== undefined;
  const allOwn = async <Row extends Owned>(rows: readonly Row[] | Promise<readonly Row[]>) =>
    (await rows).filter((row) => row.tenant === tenant);
  const reads = {
    isLocalDomain: isOwn,
    resolve: async (localPart: string, name: string) =>
      (await isOwn(name)) ? await directory.resolve(localPart, name) : { kind: 'remote' as const },
    accountByAddress: async (address: string) => own(await directory.accountByAddress(address)),
    accountById,
    maySendAs: async (account: Owned & { readonly id: AccountId }, address: string) => {
      const row = await accountById(account.id);
      return row !== undefined && (await directory.maySendAs(row, address));
    },
    dkimKeys: async (name: string) => ((await isOwn(name)) ? await directory.dkimKeys(name) : []),
    tenantById: async (id: TenantId) =>
      id === tenant ? await directory.tenantById(id) : undefined,
    tenantByName: async (name: string) => {
      const found = await directory.tenantByName(name);
      return found?.id === tenant ? found : undefined;
    },
    tenants: async () => (await directory.tenants()).filter(({ id }) => id === tenant),
    apiKey: async (id: Parameters<AccountDirectory['apiKey']>[0]) =>
      own(await directory.apiKey(id)),
    apiKeys: async () => await directory.apiKeys(tenant),
    domain,
    domains: () => allOwn(directory.domains()),
    accounts: (name?: string) => allOwn(directory.accounts(name)),
    aliases: (name?: string) => allOwn(directory.aliases(name)),
    sendersOf: async (owner: AccountId) =>
      (await accountById(owner)) === undefined ? [] : await directory.sendersOf(owner),
    ownersSentFor: async (sender: AccountId) =>
      (await accountById(sender)) === undefined ? [] : await directory.ownersSentFor(sender),
    groupsOf: async (account: AccountId) =>
      (await accountById(account)) === undefined ? [] : await directory.groupsOf(account),
    sharersFor: async (reader: AccountId) =>
      (await accountById(reader)) === undefined ? [] : await directory.sharersFor(reader),
  };
  const mustBeOwn = async (name: string) => {
    if (!(await isOwn(name))) throw new MailError('domain-missing', name);
  };
  return { reads, mustBeOwn };
}

function tenantWrites(directory: AccountDirectory, tenant: TenantId) {
  return {
    createTenant: () => notThere('tenants'),
    putTenant: () => notThere('tenants'),
    changeTenant: () => notThere('tenants'),
    deleteTenant: () => notThere('tenants'),
    createApiKey: (key: Parameters<AccountDirectory['createApiKey']>[0]) =>
      key.tenant === tenant ? directory.createApiKey(key) : notThere(`tenant ${key.tenant}`),
    async deleteApiKey(id: Parameters<AccountDirectory['deleteApiKey']>[0]) {
      const key = await directory.apiKey(id);
      if (key?.tenant !== tenant) return await notThere(`API key ${id}`);
      await directory.deleteApiKey(id);
    },
  };
}

function nameWrites(
  directory: AccountDirectory,
  tenant: TenantId,
  mustBeOwn: (domain: string) => Promise<void>,
) {
  const mustHave = async (id: AccountId) => {
    if ((await directory.accountById(id))?.tenant !== tenant) await notThere(`account ${id}`);
  };
  type Of<Method extends keyof AccountDirectory> = Parameters<AccountDirectory[Method]>;
  return {
    async putDomain(...[domain]: Of<'putDomain'>) {
      if (domain.tenant !== tenant) await notThere(`tenant ${domain.tenant}`);
      const before = await directory.domain(domain.name);
      // That a name is taken must be said: it is one that anybody can look up.
      if (before !== undefined && before.tenant !== tenant) {
        throw new MailError('already-exists', `domain ${domain.name}`);
      }
      await directory.putDomain(domain);
    },
    async changeDomain(...[name, change]: Of<'changeDomain'>) {
      await mustBeOwn(name);
      return await directory.changeDomain(name, change);
    },
    async deleteDomain(name: string) {
      await mustBeOwn(name);
      await directory.deleteDomain(name);
    },
    async putDkimKeys(...[name, keys]: Of<'putDkimKeys'>) {
      await mustBeOwn(name);
      await directory.putDkimKeys(name, keys);
    },
    async createAccount(...[account]: Of<'createAccount'>) {
      await mustBeOwn(domainOf(account.address));
      if (account.tenant !== tenant) await notThere(`tenant ${account.tenant}`);
      return await directory.createAccount(account);
    },
    spendNumbers: (upTo: AccountId | 0) => directory.spendNumbers(upTo),
    async putAccount(...[account]: Of<'putAccount'>) {
      await mustHave(account.id);
      await directory.putAccount(account);
    },
    async changeAccount(...[id, change]: Of<'changeAccount'>) {
      await mustHave(id);
      return await directory.changeAccount(id, change);
    },
    async deleteAccount(id: AccountId) {
      await mustHave(id);
      await directory.deleteAccount(id);
    },
    async putAlias(...[alias]: Of<'putAlias'>) {
      await mustBeOwn(domainOf(alias.address));
      if (alias.tenant !== tenant) await notThere(`tenant ${alias.tenant}`);
      await directory.putAlias(alias);
    },
    async deleteAlias(address: string) {
      await mustBeOwn(domainOf(address));
      await directory.deleteAlias(address);
    },
    async putSender(...[owner, identifier, isNamed]: Of<'putSender'>) {
      await mustHave(owner);
      await directory.putSender(owner, identifier, isNamed);
    },
    async noteSharing(...[owner, identifier, isNamed]: Of<'noteSharing'>) {
      await mustHave(owner);
      await directory.noteSharing(owner, identifier, isNamed);
    },
  };
}
