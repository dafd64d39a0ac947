/**
 * The table of roles × acts × resources, made from the rules of acts; what each role has is written down here once
 * more, by hand. Its world: tenants acme (acme.test, more.test) and rival (rival.test), an account of each role in
 * acme.test (the domain's admin for that domain), peer@acme.test, far@more.test, eve@rival.test.
 */

import type { ControlMethod } from '../../src/actors/asks/control.ts';
import { type ActRule, actRules } from '../../src/actors/asks/permissions.ts';

export const rules = Object.entries(actRules) as [ControlMethod, ActRule][];
/** All that can be done in a tenant; of operators are the others. */
export const everything: readonly string[] = [
  ...['access.consent', 'access.read', 'access.request'],
  ...['account.change', 'account.create', 'account.delete', 'account.password', 'account.read'],
  ...['alias.change', 'alias.read', 'audit.read', 'dkim.change'],
  ...['app-password.create', 'app-password.read', 'app-password.revoke'],
  ...['domain.create', 'domain.delete', 'domain.limits', 'domain.read'],
  ...['factor.change', 'factor.read', 'factor.reset', 'group.change', 'group.read'],
  ...['key.change', 'key.read', 'mail.change', 'mail.read', 'policy.change', 'policy.read'],
  ...['quarantine.force', 'queue.change', 'queue.read', 'recovery.change', 'recovery.read'],
  ...['role.change', 'role.read', 'session.end', 'session.read', 'shared.change', 'shared.read'],
  ...['spam.change', 'spam.read'],
  ...['suppression.change', 'suppression.read', 'tenant.read', 'webhook.change', 'webhook.read'],
];

const own = [
  ...['access.consent', 'access.read', 'account.password', 'account.read'],
  ...['app-password.create', 'app-password.read', 'app-password.revoke'],
  ...['factor.change', 'factor.read', 'factor.reset'],
  ...['mail.change', 'mail.read', 'session.end', 'session.read'],
  ...['recovery.change', 'recovery.read'],
];

/** What a role may do in its tenant, besides what every user may with the own account. */
export const expected: Readonly<Record<string, readonly string[]>> = {
  owner: everything,
  'tenant-admin': everything.filter((each) => each !== 'role.change'),
  'domain-admin': [
    ...['account.change', 'account.create', 'account.delete', 'account.password', 'account.read'],
    ...['alias.change', 'alias.read', 'dkim.change', 'domain.read'],
    ...['app-password.read', 'app-password.revoke', 'factor.read', 'factor.reset'],
    ...['group.change', 'group.read', 'shared.change', 'shared.read'],
    ...['quarantine.force', 'session.end', 'session.read'],
  ],
  'help-desk': [
    ...['account.password', 'account.read', 'alias.read', 'domain.read'],
    ...['app-password.read', 'app-password.revoke', 'factor.read', 'factor.reset'],
    ...['group.read', 'recovery.read', 'session.end', 'session.read', 'shared.read'],
  ],
  auditor: [
    ...['access.read', 'account.read', 'alias.read', 'audit.read', 'domain.read', 'key.read'],
    'queue.read',
    ...['role.read', 'session.read', 'suppression.read', 'tenant.read', 'webhook.read'],
    ...['app-password.read', 'factor.read', 'group.read', 'policy.read', 'recovery.read'],
    ...['shared.read', 'spam.read'],
  ],
  user: [],
};

/** From the least to the most: one may take an account over whose owner may do no more. */
export const roles = Object.keys(expected);

/** Numbers of things of one's own tenant and of the other one. */
export interface Numbers {
  readonly own: number;
  readonly foreign: number;
}

export interface NumberedThings {
  readonly keys: Numbers;
  readonly holds: Numbers;
}

export type Place = 'own' | 'peer' | 'sibling' | 'foreign' | 'absent' | 'unnamed';
export const places: readonly Place[] = ['own', 'peer', 'sibling', 'foreign', 'absent', 'unnamed'];

/** Parameters that name a resource of the kind at a place; undefined: there is no such place. */
export function paramsFor(
  rule: ActRule,
  place: Place,
  role: string,
  world: NumberedThings,
): object | undefined {
  const { at, resource } = rule;
  const gives = rule.gives !== undefined ? { role: 'user', permissions: [], scopes: [] } : {};
  const { own: ownId, foreign: foreignId } = rule.idOf === 'hold-rule' ? world.holds : world.keys;
  if (place === 'unnamed') return {};
  if (at === undefined) return undefined;
  if (at === 'id') {
    const id = { own: ownId, foreign: foreignId, absent: 99, peer: 0, sibling: 0 }[place];
    return id === 0 ? undefined : { id };
  }
  const tenants = { own: 'acme', foreign: 'rival', absent: 'nobody', peer: '', sibling: '' };
  const domains = { own: 'acme.test', sibling: 'more.test', foreign: 'rival.test', peer: '' };
  const accounts = {
    ...{ own: `${role}@acme.test`, peer: 'peer@acme.test', sibling: 'far@more.test' },
    ...{ foreign: 'eve@rival.test', absent: 'nobody@acme.test' },
  };
  const domain = { ...domains, absent: 'absent.test' }[place];
  const isAddress = at === 'address' && domain !== '';
  const named =
    resource === 'tenant'
      ? tenants[place]
      : resource === 'account'
        ? accounts[place]
        : isAddress
          ? `x@${domain}`
          : domain;
  return named === '' ? undefined : { ...gives, [at]: named };
}

/** What the rules and the table above say of a cell. */
export function wanted(rule: ActRule, place: Place, role: string): string {
  if (rule.resource === 'server') return 'permission-missing';
  if (place === 'unnamed') {
    if (rule.absent === undefined) return 'permission-missing';
    const reaches = role !== 'domain-admin' || rule.narrows === true;
    return reaches && expected[role]!.includes(rule.permission) ? 'done' : 'permission-missing';
  }
  if (place === 'foreign' || place === 'absent') return 'not-found';
  const isOwnAccount = place === 'own' && rule.resource === 'account';
  const byUser = isOwnAccount && own.includes(rule.permission);
  const reaches = role !== 'domain-admin' || (rule.resource !== 'tenant' && place !== 'sibling');
  const byRole = reaches && expected[role]!.includes(rule.permission);
  if (!byUser && !byRole) return 'permission-missing';
  // The table gives no more than what every user has.
  if (rule.kind === 'mail' && !isOwnAccount) return 'reason-required';
  return 'done';
}
