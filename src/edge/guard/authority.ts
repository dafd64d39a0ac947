/**
 * Decides whether somebody may do an act to a thing.
 *
 * Runs in:   edge (main thread); pure.
 * Invariant: what is another tenant's is answered as what is not there, whatever was asked and by whom. A question for
 *            a second factor, a reason or consent is put only to one who would be allowed then.
 */

import type { ActRule } from '../../actors/asks/permissions.ts';
import type { AccountId, TenantId } from '../../base/ids.ts';
import type { Right } from './roles.ts';

/** Whoever asks, with what they have been given. */
export type Authority =
  | { readonly kind: 'operator' }
  | {
      readonly kind: 'account';
      readonly tenant: TenantId;
      readonly account: AccountId;
      readonly rights: readonly Right[];
      /** It showed its second factor, or where it has none its password, a short while ago. */
      readonly isFresh: boolean;
    }
  | { readonly kind: 'api-key'; readonly tenant: TenantId; readonly rights: readonly Right[] };

export interface AccountResource {
  readonly kind: 'account';
  readonly tenant: TenantId;
  readonly domain: string;
  readonly account: AccountId;
  /** What was given to its owner. */
  readonly rights: readonly Right[];
  /** Whether the asker gave a reason to open it, and a second person agreed. */
  readonly access: 'none' | 'asked' | 'agreed';
  /** Its tenant wants a second person. */
  readonly needsConsent: boolean;
}

export type Resource =
  | { readonly kind: 'server' }
  | { readonly kind: 'tenant'; readonly tenant: TenantId }
  | { readonly kind: 'domain'; readonly tenant: TenantId; readonly domain: string }
  | AccountResource;

export type Decision =
  | 'allowed'
  | 'refused'
  | 'not-there'
  | 'needs-second-factor'
  | 'needs-reason'
  | 'needs-consent';

/** `resource` undefined: there is none of that name. `given`: what the act would give to others. */
export function mayDo(
  authority: Authority,
  rule: ActRule,
  resource: Resource | undefined,
  given?: readonly Right[],
): Decision {
  if (authority.kind === 'operator') return 'allowed';
  if (resource === undefined) return 'not-there';
  if (resource.kind === 'server' || rule.resource === 'server') return 'refused';
  if (resource.tenant !== authority.tenant) return 'not-there';
  const isOwn = isOwnAccount(authority, resource);
  if (!has(authority.rights, rule.permission, resource, isOwn)) return 'refused';
  if (rule.takesOver === true && !isOwn && resource.kind === 'account') {
    if (!resource.rights.every((right) => holds(authority.rights, right))) return 'refused';
  }
  if (rule.gives !== undefined) {
    const hasAll = given?.every((right) => holds(authority.rights, right)) === true;
    if (!hasAll) return 'refused';
  }
  if (rule.isSensitive === true && !isFresh(authority)) {
    // A program has nothing to show again.
    return authority.kind === 'api-key' ? 'refused' : 'needs-second-factor';
  }
  if (rule.kind !== 'mail' || isOwn || resource.kind !== 'account') return 'allowed';
  if (resource.access === 'none') return 'needs-reason';
  return resource.needsConsent && resource.access !== 'agreed' ? 'needs-consent' : 'allowed';
}

/** Where a permission was given for some domains only: those; none where it was given for none, or for all. */
export function domainsWith(authority: Authority, permission: string): readonly string[] {
  if (authority.kind === 'operator') return [];
  const rights = authority.rights.filter((right) => right.permissions.has(permission));
  if (rights.some(({ where }) => where === undefined)) return [];
  const named = rights.flatMap(({ where }) => (where === 'own' ? [] : (where ?? [])));
  return [...new Set(named)].sort();
}

function isFresh(authority: Authority): boolean {
  return authority.kind === 'account' && authority.isFresh;
}

function isOwnAccount(authority: Authority, resource: Resource): boolean {
  return (
    authority.kind === 'account' &&
    resource.kind === 'account' &&
    resource.account === authority.account
  );
}

function has(
  rights: readonly Right[],
  permission: string,
  resource: Exclude<Resource, { readonly kind: 'server' }>,
  isOwn: boolean,
): boolean {
  return rights.some(({ permissions, where }) => {
    if (!permissions.has(permission)) return false;
    if (where === undefined) return true;
    if (where === 'own') return isOwn;
    return resource.kind !== 'tenant' && where.includes(resource.domain);
  });
}

/** Whether all of `wanted` is among `rights`, everywhere where it reaches. */
function holds(rights: readonly Right[], wanted: Right): boolean {
  const { permissions, where } = wanted;
  if (where === 'own') return true;
  return [...permissions].every((permission) => {
    const mine = rights.filter(
      (right) => right.where !== 'own' && right.permissions.has(permission),
    );
    if (mine.some((right) => right.where === undefined)) return true;
    return where?.every((domain) => mine.some((right) => right.where?.includes(domain))) === true;
  });
}
