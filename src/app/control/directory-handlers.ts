/**
 * Domains, accounts and aliases, as operators change them.
 *
 * Runs in:   main thread.
 * Invariant: a change is durable before it is answered; a domain's new keys sign from the answer on.
 */

import type {
  AccountView,
  AliasView,
  ControlHandlers,
  ControlParams,
  DomainAnswer,
} from '../../actors/asks/control.ts';
import type { Nothing } from '../../actors/asks/control-method.ts';
import { type AccountUse, mailboxAsks } from '../../actors/asks/mailbox-asks.ts';
import { type AskedBy, isOperator } from '../../actors/asks/principal.ts';
import { normalDomain } from '../../adapters/table/addresses.ts';
import { domainOf } from '../../base/address-parts.ts';
import { MailError } from '../../base/errors.ts';
import { defaultTenant, type TenantId } from '../../base/ids.ts';
import { dkimRecordText } from '../../mail/trust/dkim/keys.ts';
import { isRemovable } from '../../mail/trust/dkim/rotation.ts';
import { dnsRecordsFor } from '../../mail/trust/dns-records.ts';
import { stsPolicyId } from '../../mail/trust/mta-sts.ts';
import {
  type Account,
  type AccountDirectory,
  type Alias,
  type Domain,
  defaultTenantName,
} from '../../ports/account-directory.ts';
import { type Inheritable, inheritables, inherited, underCeiling } from '../../ports/levels.ts';
import { ownPolicy } from '../../settings/own-policy.ts';
import { publicServices, publicWebHost, tlsReportUrl } from '../../settings/public-services.ts';
import { accountNamed, askAccount, ensureKey, putAccount } from './account-asks.ts';
import { checkedAddress } from './addresses.ts';
import { makeAccount } from './encryption.ts';
import type { ControlParts } from './parts.ts';
import { tenantNamed, withLevel } from './tenant-handlers.ts';

export function directoryHandlers(parts: ControlParts): ControlHandlers {
  return { ...domainHandlers(parts), ...accountHandlers(parts), ...aliasHandlers(parts) };
}

function domainHandlers(parts: ControlParts): ControlHandlers {
  const { directory } = parts;
  return {
    'domain.create': async ({ name, catchAll, tenant, signWith }, { by }) => {
      const owner = await tenantNamed(parts, tenant ?? defaultTenantName);
      refuseSourced(parts, name, owner.id, by);
      if ((await directory.domain(name)) !== undefined) {
        throw new MailError('already-exists', `domain ${name}`);
      }
      const createdMs = parts.clock.nowMs();
      await directory.putDomain({
        name,
        tenant: owner.id,
        createdMs,
        ...(catchAll === undefined ? {} : { catchAll }),
      });
      await parts.dkimKeys.create(name, signWith ?? ['rsa-sha256', 'ed25519-sha256']);
      return await answerFor(parts, await domainNamed(parts, name));
    },
    'domain.list': async () => {
      const domains = await directory.domains();
      return { domains: await Promise.all(domains.map((domain) => viewOfDomain(parts, domain))) };
    },
    'domain.show': async ({ name }) => await answerFor(parts, await domainNamed(parts, name)),
    'domain.set': async ({ name, ...level }) => {
      await domainNamed(parts, name);
      const domain = await directory.changeDomain(name, (row) => withLevel(row, level));
      await parts.quotaSpread.settle();
      return { domain: await viewOfDomain(parts, domain) };
    },
    'domain.delete': async ({ name }) => {
      await domainNamed(parts, name);
      await directory.deleteDomain(name);
      await parts.policyChanged();
      return {};
    },
  };
}

/**
 * Whoever has a domain has those whom its source of log-in lets in: which tenant that is, operators say.
 *
 * @throws MailError `permission-missing`
 */
function refuseSourced(
  { settings }: ControlParts,
  name: string,
  owner: TenantId,
  by: AskedBy,
): void {
  if (isOperator(by) || owner === defaultTenant) return;
  const domain = normalDomain(name);
  const sources = [...settings.ldap.sources, ...settings.oidc.issuers];
  if (!sources.some(({ domains }) => domains.includes(domain))) return;
  throw new MailError(
    'permission-missing',
    `${domain} has a source of log-in: operators create it`,
  );
}

function accountHandlers(parts: ControlParts): ControlHandlers {
  const { directory } = parts;
  return {
    'account.create': async (given, { by }) => {
      const { address, password, isShared, quotaBytes, quotaMessages, sendAs } = given;
      checkedAddress(address);
      await refuseForeignNames(parts, sendAs, by);
      if (isShared && password !== undefined) {
        throw new MailError('argument-invalid', 'a shared mailbox has no password');
      }
      const tenant = await tenantOf(directory, address);
      if (password !== undefined) await parts.passwords.check({ tenant, address }, password);
      const account = await makeAccount(parts, {
        tenant,
        address,
        isEnabled: true,
        ...(isShared ? { isShared } : {}),
        quotaBytes: quotaBytes ?? 0,
        quotaMessages: quotaMessages ?? 0,
        inherits: inheritables.filter((name) => given[name] === undefined),
        sendAs: sendAs ?? [],
        createdMs: parts.clock.nowMs(),
      });
      if (password !== undefined) await parts.passwords.set(account, password);
      return { account: viewOfAccount(await accountNamed(parts, address)) };
    },
    'account.list': async ({ domain }) => ({
      accounts: (await directory.accounts(domain)).map(viewOfAccount),
    }),
    'account.show': async ({ address }) => {
      const account = await accountNamed(parts, address);
      const domain = domainOf(account.address);
      const aliases = (await directory.aliases(domain))
        .filter(({ targets }) => targets.includes(account.address))
        .map((alias) => alias.address);
      const { value } = await askAccount(parts, account, mailboxAsks.use, [account.id]);
      const { bytes: usedBytes, messages: messageCount } = value as AccountUse;
      const limits = await limitsOf(directory, account);
      return { account: { ...viewOfAccount(account), usedBytes, messageCount }, aliases, limits };
    },
    'account.set': async (given, { by }) => {
      const { address, isEnabled, quotaBytes, quotaMessages, sendAs } = given;
      const account = await accountNamed(parts, address);
      await refuseForeignNames(parts, sendAs, by);
      await ensureKey(parts, account);
      const now = await directory.changeAccount(account.id, (row) => ({
        ...row,
        isEnabled: isEnabled ?? row.isEnabled,
        quotaBytes: quotaBytes ?? row.quotaBytes,
        quotaMessages: quotaMessages ?? row.quotaMessages ?? 0,
        sendAs: sendAs ?? row.sendAs,
        inherits: inheritsNow(row, given),
      }));
      await putAccount(parts, now);
      return { account: viewOfAccount(now) };
    },
    'account.password': async (given, { by }) => await setPassword(parts, given, by),
    'account.delete': async ({ address }) => {
      const account = await accountNamed(parts, address);
      await directory.deleteAccount(account.id);
      // The directory first: nobody may deliver into an account that is being emptied.
      await parts.deletions.settle();
      if (!(await parts.deletions.isLeft(account.id))) return {};
      const words = 'the account is gone; its mail is deleted as soon as its shard answers';
      throw new MailError('not-possible-now', words);
    },
  };
}

/** Those it is to inherit, and those it did and is given nothing of. */
function inheritsNow(
  { inherits = [] }: Account,
  { inherit = [], ...given }: ControlParams<'account.set'>,
): readonly Inheritable[] {
  return inheritables.filter(
    (name) => inherit.includes(name) || (given[name] === undefined && inherits.includes(name)),
  );
}

async function setPassword(
  parts: ControlParts,
  { address, password, hash }: ControlParams<'account.password'>,
  by: AskedBy,
): Promise<Nothing> {
  // No rule can be held to a hash: whoever moves a system's accounts here is trusted with it, nobody else.
  if (hash !== undefined && !isOperator(by)) {
    throw new MailError('permission-missing', 'a hash is set by operators');
  }
  const account = await accountNamed(parts, address);
  if (hash !== undefined && password === undefined) await parts.passwords.setHash(account, hash);
  else if (password !== undefined && hash === undefined) {
    await parts.passwords.set(account, password);
  } else throw new MailError('argument-invalid', 'a password or a hash is set, one of the two');
  return {};
}

function aliasHandlers({ directory }: ControlParts): ControlHandlers {
  return {
    'alias.set': async ({ address, targets, mustBeNew }) => {
      for (const each of [address, ...targets]) checkedAddress(each);
      const isThere = (await aliasNamed(directory, address)) !== undefined;
      if (isThere && mustBeNew) throw new MailError('already-exists', `alias ${address}`);
      await directory.putAlias({ address, tenant: await tenantOf(directory, address), targets });
      return { alias: viewOfAlias((await aliasNamed(directory, address))!) };
    },
    'alias.list': async ({ domain }) => ({
      aliases: (await directory.aliases(domain)).map(viewOfAlias),
    }),
    'alias.show': async ({ address }) => {
      const alias = await aliasNamed(directory, address);
      if (alias === undefined) throw new MailError('not-found', `alias ${address}`);
      return { alias: viewOfAlias(alias) };
    },
    'alias.delete': async ({ address }) => {
      await directory.deleteAlias(address);
      return {};
    },
  };
}

/** Nobody lets an account send in the name of a domain that is not of their tenant. @throws MailError `argument-invalid` */
async function refuseForeignNames(
  { directory }: ControlParts,
  names: readonly string[] = [],
  by: AskedBy,
): Promise<void> {
  if (isOperator(by)) return;
  for (const name of names) {
    if ((await directory.domain(domainOf(name))) !== undefined) continue;
    throw new MailError('argument-invalid', `of no domain of the tenant: ${name}`);
  }
}

/** That of its domain; where there is none, the write says so. */
async function tenantOf(directory: AccountDirectory, address: string): Promise<TenantId> {
  return (await directory.domain(domainOf(address)))?.tenant ?? defaultTenant;
}

export async function domainNamed(
  { directory }: Pick<ControlParts, 'directory'>,
  name: string,
): Promise<Domain> {
  const domain = await directory.domain(name);
  if (domain === undefined) throw new MailError('not-found', `domain ${name}`);
  return domain;
}

async function aliasNamed(
  directory: AccountDirectory,
  address: string,
): Promise<Alias | undefined> {
  const domain = domainOf(address);
  const wanted = address.toLowerCase();
  return (await directory.aliases(domain)).find((alias) => alias.address.toLowerCase() === wanted);
}

async function answerFor(parts: ControlParts, domain: Domain): Promise<DomainAnswer> {
  const keys = await parts.directory.dkimKeys(domain.name);
  const policy = ownPolicy(parts.settings);
  const records = dnsRecordsFor({
    domain: domain.name,
    hostname: parts.settings.hostname,
    services: publicServices(parts.settings),
    webHost: publicWebHost(parts.settings),
    reportUrl: tlsReportUrl(parts.settings),
    sources: parts.settings.relay.sources
      .flatMap(({ ipv4, ipv6 }) => [ipv4, ipv6])
      .filter((address) => address !== ''),
    policyId: policy === undefined ? '' : stsPolicyId(policy),
    keys: keys
      .filter((key) => !isRemovable(key, parts.clock.nowMs()))
      .map(({ selector, privatePem }) => ({ selector, recordText: dkimRecordText(privatePem) })),
  });
  return { domain: await viewOfDomain(parts, domain), records };
}

async function viewOfDomain(
  { directory }: ControlParts,
  domain: Domain,
): Promise<DomainAnswer['domain']> {
  const [accounts, aliases] = await Promise.all([
    directory.accounts(domain.name),
    directory.aliases(domain.name),
  ]);
  const { name, tenant, catchAll, createdMs } = domain;
  const { accountQuotaBytes, accountQuotaMessages, accountsMax } = domain;
  return {
    name,
    tenant,
    ...(accountQuotaBytes === undefined ? {} : { accountQuotaBytes }),
    ...(accountQuotaMessages === undefined ? {} : { accountQuotaMessages }),
    ...(accountsMax === undefined ? {} : { accountsMax }),
    ...(catchAll === undefined ? {} : { catchAll }),
    createdMs,
    accountCount: accounts.length,
    aliasCount: aliases.length,
  };
}

function viewOfAccount(account: Account): AccountView {
  const { passwordHash, quotaMessages = 0, ...view } = account;
  const isShared = account.isShared === true;
  const { inherits = [] } = account;
  return { ...view, quotaMessages, inherits, isShared, hasPassword: passwordHash !== undefined };
}

/** What counts for an account, and which level says so. */
async function limitsOf(directory: AccountDirectory, account: Account) {
  const levels = [
    ['domain', await directory.domain(domainOf(account.address))],
    ['tenant', await directory.tenantById(account.tenant)],
    ['server', await directory.serverLevel()],
  ] as const;
  return inheritables.map((name) => {
    const isOwn = account.inherits?.includes(name) !== true;
    const own = [account[name] ?? 0, 'account'] as const;
    const said = isOwn ? own : inherited(name, levels);
    const [value, from] = underCeiling(name, said, levels[1][1]);
    return { name, value, from };
  });
}

function viewOfAlias({ address, tenant, targets }: Alias): AliasView {
  return { address, tenant, targets };
}
