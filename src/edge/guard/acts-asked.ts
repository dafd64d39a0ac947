/**
 * Looks up what a decision about an act needs: what whoever asks has been given, and what the act is done to.
 *
 * Runs in:   edge (main thread).
 * Limits:    a second factor counts as fresh for `freshMs`.
 * Invariant: rights are read for each act, so what was taken back is gone with the next one. An account that is not
 *            enabled any more has none.
 */

import { type ActRule, permissionsOfScope } from '../../actors/asks/permissions.ts';
import type { AccountPrincipal, Principal } from '../../actors/asks/principal.ts';
import { domainOf } from '../../base/address-parts.ts';
import { MailError } from '../../base/errors.ts';
import { apiKeyId, type GroupId, type TenantId, tenantId } from '../../base/ids.ts';
import { minuteMs } from '../../base/units.ts';
import { type Account, mayLogIn } from '../../ports/account-directory.ts';
import type { AccountOf } from '../../ports/credentials.ts';
import type { Identity } from '../../ports/identity.ts';
import type { Grant } from '../../ports/roles.ts';
import type { AccountResource, Authority, Resource } from './authority.ts';
import { type Right, rightOfGrant, userRight } from './roles.ts';

const freshMs = 10 * minuteMs;
const idMax = 0xffff_ffff;

/** Undefined: the account is gone, not enabled, or its session is over. */
export async function authorityOf(
  identity: Identity,
  principal: Principal,
  nowMs: number,
): Promise<Authority | undefined> {
  if (principal.kind === 'operator') return principal;
  const { tenant } = principal;
  if (principal.kind === 'api-key') {
    const permissions = principal.scopes.flatMap((scope) => permissionsOfScope(scope) ?? []);
    return { kind: 'api-key', tenant, rights: [{ permissions: new Set(permissions) }] };
  }
  const of = { tenant, id: principal.account };
  const account = await identity.directory.accountById(of.id);
  if (account?.tenant !== tenant || !mayLogIn(account)) return undefined;
  const isFresh = await isFreshNow(identity, principal, nowMs);
  if (isFresh === undefined) return undefined;
  const rights = [userRight, ...(await rightsOf(identity, of))];
  return { kind: 'account', tenant, account: of.id, rights, isFresh };
}

/** Undefined: there is no such session. */
async function isFreshNow(
  { credentials, secondFactors }: Identity,
  { tenant, account, session: id }: AccountPrincipal,
  nowMs: number,
): Promise<boolean | undefined> {
  const of = { tenant, id: account };
  const session = await credentials.session(of, id);
  if (session === undefined || session.expiresMs <= nowMs) return undefined;
  const hasFactor = await secondFactors.hasSecondFactor(of);
  const { secondFactorMs, createdMs, authenticatedMs = createdMs } = session;
  const shownMs = hasFactor ? secondFactorMs : authenticatedMs;
  return shownMs > nowMs - freshMs;
}

/** Of its grants and those of its groups; a role that is there no more gives nothing. */
async function rightsOf(identity: Identity, of: AccountOf): Promise<readonly Right[]> {
  const { roles, directory } = identity;
  const groups = await directory.groupsOf(of.id);
  const own = await rightsIn(identity, await roles.grantsOf(of));
  return groups.length === 0
    ? own
    : [...own, ...(await rightsOfGroups(identity, of.tenant, groups))];
}

async function rightsOfGroups(
  identity: Identity,
  tenant: TenantId,
  groups: readonly GroupId[],
): Promise<readonly Right[]> {
  const rights: Right[] = [];
  for (const id of groups) {
    rights.push(...(await rightsIn(identity, await identity.roles.grantsOfGroup({ tenant, id }))));
  }
  return rights;
}

async function rightsIn({ roles }: Identity, grants: readonly Grant[]): Promise<readonly Right[]> {
  const rights: Right[] = [];
  for (const grant of grants) {
    const right = rightOfGrant(grant, await roles.customRole(grant.tenant, grant.role));
    if (right !== undefined) rights.push(right);
  }
  return rights;
}

/** Undefined: there is none of that name. */
export async function resourceOf(
  identity: Identity,
  rule: ActRule,
  params: Readonly<Record<string, unknown>>,
  asker: Principal,
  nowMs: number,
): Promise<Resource | undefined> {
  const { directory } = identity;
  if (rule.resource === 'server') return { kind: 'server' };
  const named = rule.at === undefined ? undefined : params[rule.at];
  if (named === undefined) {
    const isOwn = rule.absent === 'own-tenant' && asker.kind !== 'operator';
    return isOwn ? { kind: 'tenant', tenant: asker.tenant } : { kind: 'server' };
  }
  if (rule.at === 'id') {
    const tenantOf = rule.idOf === 'hold-rule' ? tenantOfHoldRule : tenantOfKey;
    return tenantResource(await tenantOf(identity, named));
  }
  if (typeof named !== 'string') return undefined;
  if (rule.resource === 'tenant') {
    return tenantResource((await directory.tenantByName(named))?.id);
  }
  if (rule.resource === 'domain') {
    const domain = await directory.domain(domainOf(named));
    if (domain === undefined) return undefined;
    return { kind: 'domain', tenant: domain.tenant, domain: domain.name };
  }
  const account = await directory.accountByAddress(named);
  return account === undefined ? undefined : accountResource(identity, account, asker, nowMs);
}

async function accountResource(
  identity: Identity,
  account: Account,
  asker: Principal,
  nowMs: number,
): Promise<AccountResource> {
  const { tenant, id, address } = account;
  const by = asker.kind === 'account' ? asker.account : undefined;
  const requests = by === undefined ? [] : await identity.roles.accessRequests(account);
  const asked = requests.filter((each) => each.asker === by && each.expiresMs > nowMs);
  const isAgreed = asked.some((each) => each.consentBy !== undefined);
  return {
    kind: 'account',
    ...{ tenant, account: id, domain: domainOf(address) },
    rights: await rightsOf(identity, account),
    access: asked.length === 0 ? 'none' : isAgreed ? 'agreed' : 'asked',
    needsConsent: (await identity.credentials.policy(tenant)).logIn.needsConsent,
  };
}

async function tenantOfKey({ directory }: Identity, id: unknown): Promise<TenantId | undefined> {
  const isNumber = typeof id === 'number' && Number.isInteger(id) && id >= 1 && id <= idMax;
  return isNumber ? (await directory.apiKey(apiKeyId(id)))?.tenant : undefined;
}

async function tenantOfHoldRule({ directory }: Identity, id: unknown) {
  const rule = (await directory.holdRules()).find((each) => each.id === id);
  const tenant = rule?.filter.tenant;
  return tenant === undefined ? undefined : tenantId(tenant.id);
}

function tenantResource(tenant: TenantId | undefined): Resource | undefined {
  return tenant === undefined ? undefined : { kind: 'tenant', tenant };
}

/** What an act that gives power would give, or take; undefined where the role or a scope is none. */
export async function givenBy(
  identity: Identity,
  rule: ActRule,
  params: Readonly<Record<string, unknown>>,
  tenant: TenantId,
): Promise<readonly Right[] | undefined> {
  if (rule.gives === 'group') return await powerOfGroup(identity, params, tenant);
  const right =
    rule.gives === 'key' ? scopesGiven(params) : await roleGiven(identity, params, tenant);
  if (right === undefined) return undefined;
  return rule.gives === 'key'
    ? [right]
    : [right, ...(await roleReplaced(identity, params, tenant))];
}

function scopesGiven({ scopes }: Readonly<Record<string, unknown>>): Right | undefined {
  const given = isWords(scopes) ? scopes.map((scope) => permissionsOfScope(scope)) : [undefined];
  const known = given.filter((each) => each !== undefined);
  return known.length === given.length ? { permissions: new Set(known.flat()) } : undefined;
}

/** What its members have of it, and of the groups that it is in; of a group that is not there nothing. */
async function powerOfGroup(
  identity: Identity,
  { address }: Readonly<Record<string, unknown>>,
  tenant: TenantId,
): Promise<readonly Right[]> {
  const { groups } = identity;
  const group = await groups.groupByAddress(tenant, String(address));
  if (group === undefined) return [];
  return await rightsOfGroups(identity, tenant, await groups.lineOf(group));
}

async function roleGiven(
  { roles }: Identity,
  params: Readonly<Record<string, unknown>>,
  tenant: TenantId,
): Promise<Right | undefined> {
  const { role, permissions, domains } = params;
  if (isWords(permissions)) return { permissions: new Set(permissions) };
  if (typeof role !== 'string' || (domains !== undefined && !isWords(domains))) return undefined;
  const grant = { role, ...(domains === undefined ? {} : { domains }) };
  return rightOfGrant(grant, await roles.customRole(tenant, role));
}

/** What the act's row takes the place of: to give less of a role than somebody has is to take the rest away. */
async function roleReplaced(
  identity: Identity,
  params: Readonly<Record<string, unknown>>,
  tenant: TenantId,
): Promise<readonly Right[]> {
  const { roles, directory, groups } = identity;
  const { name, permissions, account, address, role } = params;
  if (isWords(permissions)) {
    const known = await roles.customRole(tenant, String(name));
    return known === undefined ? [] : [{ permissions: new Set(known.permissions) }];
  }
  const group =
    address === undefined ? undefined : await groups.groupByAddress(tenant, String(address));
  const holder =
    account === undefined ? undefined : await directory.accountByAddress(String(account));
  const held = [
    ...(group === undefined ? [] : await roles.grantsOfGroup(group)),
    ...(holder === undefined ? [] : await roles.grantsOf(holder)),
  ];
  return await rightsIn(
    identity,
    held.filter((grant) => grant.role === role),
  );
}

/**
 * Domains that the act lets use besides, by addresses in them or as themselves. @throws MailError `argument-invalid` for
 * one that is not of the tenant: another one's is as nobody's.
 */
export async function domainsNamed(
  { directory }: Identity,
  { names = [] }: ActRule,
  params: Readonly<Record<string, unknown>>,
  tenant: TenantId,
): Promise<readonly Resource[]> {
  const found = new Map<string, Resource>();
  for (const name of names.flatMap((each) => params[each] ?? []).map(String)) {
    const domain = await directory.domain(domainOf(name));
    if (domain?.tenant !== tenant) {
      throw new MailError('argument-invalid', `of no domain of the tenant: ${name}`);
    }
    found.set(domain.name, { kind: 'domain', tenant, domain: domain.name });
  }
  return [...found.values()];
}

function isWords(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}
