/**
 * What each act asks of whoever asks for it: one line an act, beside the table of acts. Roles are made of these
 * permissions, decisions are made by them (`edge/guard/authority.ts`), and the test of who may do what is generated
 * from them.
 *
 * Runs in:   anywhere; plain data.
 * Invariant: each act has exactly one line: a new one does not compile until it has.
 */

import type { ApiScope } from '../../ports/account-directory.ts';
import type { ControlMethod } from './control.ts';

/** What an act is done to. `server`: operators only. */
export type ResourceKind = 'server' | 'tenant' | 'domain' | 'account';

export interface ActRule {
  readonly permission: string;
  readonly resource: ResourceKind;
  /** The parameter that names it: a tenant's name, a domain or an address in it, an account's address, a key's number. */
  readonly at?: string;
  /** Where the parameter is absent: all of the server, which is for operators, or all of the asker's own tenant. */
  readonly absent?: 'own-tenant';
  /** `look` changes nothing and shows no mail; `mail` shows or changes what is in an account. */
  readonly kind: 'look' | 'change' | 'mail';
  /** A second factor is asked for again. */
  readonly isSensitive?: true;
  /** Whoever does it can become, or disarm, the account's owner: not to one who may do more. */
  readonly takesOver?: true;
  /**
   * It gives others the power of a role, of a key's scopes, or of the group they are put into, or takes that away:
   * nobody disposes of what they do not have.
   */
  readonly gives?: 'role' | 'group' | 'key';
  /** A list: where its parameter is absent, whoever may see some domains only is shown those. */
  readonly narrows?: true;
  /** Parameters with addresses or domains that it lets use besides: it must be allowed for each of those domains. */
  readonly names?: readonly string[];
  /** What the number in the parameter `id` is of; absent: an API key. */
  readonly idOf?: 'hold-rule';
}

const operators = <P extends string>(permission: P, kind: ActRule['kind'] = 'change') =>
  ({ permission, resource: 'server', kind }) as const;

export const actRules = {
  'server.status': operators('server.read', 'look'),
  'source.list': operators('source.read', 'look'),
  'source.suspend': operators('source.change'),
  'source.resume': operators('source.change'),
  'source.warmup': operators('source.change'),
  'shaping.show': operators('shaping.read', 'look'),
  'shaping.list': operators('shaping.read', 'look'),
  'shaping.suspend': operators('shaping.change'),
  'shaping.resume': operators('shaping.change'),
  'certificate.list': operators('certificate.read', 'look'),
  'certificate.renew': operators('certificate.change'),
  'ldap.find': operators('ldap.read', 'look'),
  'ldap.people': operators('ldap.read', 'look'),
  'ban.list': operators('ban.read', 'look'),
  'ban.add': operators('ban.change'),
  'ban.remove': operators('ban.change'),
  'store.verify': operators('store.read', 'look'),
  'store.rebuild': operators('store.change'),
  'store.compact': operators('store.change'),
  'message.send': operators('message.send'),
  // Events and traces are of all tenants.
  events: operators('event.read', 'look'),
  trace: operators('event.read', 'look'),
  'audit.list': {
    ...{ permission: 'audit.read', resource: 'tenant', at: 'tenant', kind: 'look' },
  },
  'events.sinks': operators('event.read', 'look'),

  'tenant.create': operators('tenant.create'),
  'tenant.set': operators('tenant.limits'),
  'tenant.show': { permission: 'tenant.read', resource: 'tenant', at: 'name', kind: 'look' },
  'tenant.encrypt': { ...operators('tenant.encrypt'), isSensitive: true },
  'tenant.delete': operators('tenant.delete'),
  'tenant.list': {
    permission: 'tenant.read',
    resource: 'tenant',
    absent: 'own-tenant',
    kind: 'look',
  },
  'key.create': {
    ...{ permission: 'key.change', resource: 'tenant', at: 'tenant', kind: 'change' },
    isSensitive: true,
    gives: 'key',
  },
  'key.list': {
    ...{ permission: 'key.read', resource: 'tenant', at: 'tenant', kind: 'look' },
    absent: 'own-tenant',
  },
  'key.delete': {
    ...{ permission: 'key.change', resource: 'tenant', at: 'id', kind: 'change' },
    isSensitive: true,
  },

  'domain.create': {
    permission: 'domain.create',
    resource: 'tenant',
    at: 'tenant',
    kind: 'change',
  },
  'domain.list': {
    ...{ permission: 'domain.read', resource: 'tenant', kind: 'look' },
    absent: 'own-tenant',
    narrows: true,
  },
  'domain.show': { permission: 'domain.read', resource: 'domain', at: 'name', kind: 'look' },
  'domain.set': { permission: 'domain.limits', resource: 'domain', at: 'name', kind: 'change' },
  'domain.delete': {
    ...{ permission: 'domain.delete', resource: 'domain', at: 'name', kind: 'change' },
    isSensitive: true,
  },
  'dkim.list': { permission: 'domain.read', resource: 'domain', at: 'domain', kind: 'look' },
  'dkim.rotate': {
    ...{ permission: 'dkim.change', resource: 'domain', at: 'domain', kind: 'change' },
    isSensitive: true,
  },
  'dkim.retire': {
    ...{ permission: 'dkim.change', resource: 'domain', at: 'domain', kind: 'change' },
    isSensitive: true,
  },
  'dkim.delete': {
    ...{ permission: 'dkim.change', resource: 'domain', at: 'domain', kind: 'change' },
    isSensitive: true,
  },
  'tls-report.list': { permission: 'domain.read', resource: 'domain', at: 'domain', kind: 'look' },
  'tls-report.pending': operators('tls-report.read', 'look'),
  'dmarc.pending': operators('dmarc.read', 'look'),
  'dmarc.summary': { permission: 'domain.read', resource: 'domain', at: 'domain', kind: 'look' },

  'account.create': {
    ...{ permission: 'account.create', resource: 'domain', at: 'address', kind: 'change' },
    names: ['sendAs'],
  },
  'account.list': {
    ...{ permission: 'account.read', resource: 'domain', at: 'domain', kind: 'look' },
    absent: 'own-tenant',
    narrows: true,
  },
  'account.show': { permission: 'account.read', resource: 'account', at: 'address', kind: 'look' },
  'account.set': {
    ...{ permission: 'account.change', resource: 'account', at: 'address', kind: 'change' },
    takesOver: true,
    names: ['sendAs'],
  },
  'account.password': {
    ...{ permission: 'account.password', resource: 'account', at: 'address', kind: 'change' },
    isSensitive: true,
    takesOver: true,
  },
  'account.delete': {
    ...{ permission: 'account.delete', resource: 'account', at: 'address', kind: 'change' },
    isSensitive: true,
    takesOver: true,
  },

  // Nobody's own mail: who reads it is said here, not by an owner.
  'shared.show': { permission: 'shared.read', resource: 'account', at: 'address', kind: 'look' },
  'shared.grant': {
    ...{ permission: 'shared.change', resource: 'account', at: 'address', kind: 'change' },
    isSensitive: true,
  },
  'shared.revoke': {
    ...{ permission: 'shared.change', resource: 'account', at: 'address', kind: 'change' },
  },

  'mfa.enable': {
    ...{ permission: 'factor.change', resource: 'account', at: 'address', kind: 'change' },
    isSensitive: true,
    takesOver: true,
  },
  'mfa.confirm': {
    ...{ permission: 'factor.change', resource: 'account', at: 'address', kind: 'change' },
    isSensitive: true,
    takesOver: true,
  },
  'mfa.disable': {
    ...{ permission: 'factor.reset', resource: 'account', at: 'address', kind: 'change' },
    isSensitive: true,
    takesOver: true,
  },
  // What is answered lets a passkey be made: it is no look.
  'passkey.options': {
    ...{ permission: 'factor.change', resource: 'account', at: 'address', kind: 'change' },
    isSensitive: true,
    takesOver: true,
  },
  'passkey.add': {
    ...{ permission: 'factor.change', resource: 'account', at: 'address', kind: 'change' },
    isSensitive: true,
    takesOver: true,
  },
  'factor.remove': {
    ...{ permission: 'factor.reset', resource: 'account', at: 'address', kind: 'change' },
    isSensitive: true,
    takesOver: true,
  },
  'mfa.status': { permission: 'factor.read', resource: 'account', at: 'address', kind: 'look' },
  'recovery.show': {
    ...{ permission: 'recovery.read', resource: 'account', at: 'address', kind: 'look' },
  },
  'recovery.set': {
    ...{ permission: 'recovery.change', resource: 'account', at: 'address', kind: 'change' },
    isSensitive: true,
    takesOver: true,
  },
  // Who has the link sets the password.
  'recovery.link': {
    ...{ permission: 'account.password', resource: 'account', at: 'address', kind: 'change' },
    isSensitive: true,
    takesOver: true,
  },
  // Whoever has one opens the mail.
  'app-password.create': {
    ...{ permission: 'app-password.create', resource: 'account', at: 'address', kind: 'mail' },
    isSensitive: true,
    takesOver: true,
  },
  'app-password.list': {
    ...{ permission: 'app-password.read', resource: 'account', at: 'address', kind: 'look' },
  },
  'app-password.revoke': {
    ...{ permission: 'app-password.revoke', resource: 'account', at: 'address', kind: 'change' },
  },
  'policy.show': { permission: 'policy.read', resource: 'tenant', at: 'tenant', kind: 'look' },
  'policy.set': {
    ...{ permission: 'policy.change', resource: 'tenant', at: 'tenant', kind: 'change' },
    isSensitive: true,
  },

  // Where mail for a name goes is what forwarding is. Targets may be anybody's, as whom one writes to may be.
  'alias.set': {
    ...{ permission: 'alias.change', resource: 'domain', at: 'address', kind: 'change' },
    isSensitive: true,
  },
  'alias.list': {
    ...{ permission: 'alias.read', resource: 'domain', at: 'domain', kind: 'look' },
    absent: 'own-tenant',
    narrows: true,
  },
  'alias.show': { permission: 'alias.read', resource: 'domain', at: 'address', kind: 'look' },
  'alias.delete': { permission: 'alias.change', resource: 'domain', at: 'address', kind: 'change' },

  'group.create': {
    ...{ permission: 'group.change', resource: 'domain', at: 'address', kind: 'change' },
  },
  'group.list': {
    ...{ permission: 'group.read', resource: 'domain', at: 'domain', kind: 'look' },
    absent: 'own-tenant',
    narrows: true,
  },
  'group.show': { permission: 'group.read', resource: 'domain', at: 'address', kind: 'look' },
  'group.set': { permission: 'group.change', resource: 'domain', at: 'address', kind: 'change' },
  // Whoever is in it has what it was given, roles and rights to mailboxes.
  'group.add': {
    ...{ permission: 'group.change', resource: 'domain', at: 'address', kind: 'change' },
    isSensitive: true,
    gives: 'group',
  },
  'group.remove': {
    ...{ permission: 'group.change', resource: 'domain', at: 'address', kind: 'change' },
    gives: 'group',
  },
  'group.delete': {
    ...{ permission: 'group.change', resource: 'domain', at: 'address', kind: 'change' },
    isSensitive: true,
    gives: 'group',
  },
  'group.grant': {
    ...{ permission: 'role.change', resource: 'domain', at: 'address', kind: 'change' },
    isSensitive: true,
    gives: 'role',
  },
  'group.revoke': {
    ...{ permission: 'role.change', resource: 'domain', at: 'address', kind: 'change' },
    isSensitive: true,
    gives: 'role',
  },

  'role.list': { permission: 'role.read', resource: 'tenant', at: 'tenant', kind: 'look' },
  'role.create': {
    ...{ permission: 'role.change', resource: 'tenant', at: 'tenant', kind: 'change' },
    isSensitive: true,
    gives: 'role',
  },
  'role.delete': {
    ...{ permission: 'role.change', resource: 'tenant', at: 'tenant', kind: 'change' },
    isSensitive: true,
  },
  'role.grant': {
    ...{ permission: 'role.change', resource: 'account', at: 'account', kind: 'change' },
    isSensitive: true,
    gives: 'role',
  },
  'role.revoke': {
    ...{ permission: 'role.change', resource: 'account', at: 'account', kind: 'change' },
    isSensitive: true,
    takesOver: true,
  },
  'session.list': { permission: 'session.read', resource: 'account', at: 'account', kind: 'look' },
  'session.end': { permission: 'session.end', resource: 'account', at: 'account', kind: 'change' },
  'session.clear': {
    ...{ permission: 'session.end', resource: 'account', at: 'account', kind: 'change' },
  },
  'access.request': {
    ...{ permission: 'access.request', resource: 'account', at: 'account', kind: 'change' },
  },
  'access.list': { permission: 'access.read', resource: 'account', at: 'account', kind: 'look' },
  'access.consent': {
    ...{ permission: 'access.consent', resource: 'account', at: 'account', kind: 'change' },
  },

  'mailbox.list': { permission: 'mail.read', resource: 'account', at: 'account', kind: 'mail' },
  'mailbox.create': { permission: 'mail.change', resource: 'account', at: 'account', kind: 'mail' },
  'mailbox.subscribe': {
    permission: 'mail.change',
    resource: 'account',
    at: 'account',
    kind: 'mail',
  },
  'mailbox.import': { permission: 'mail.change', resource: 'account', at: 'account', kind: 'mail' },
  'mailbox.export': {
    ...{ permission: 'mail.read', resource: 'account', at: 'account', kind: 'mail' },
    isSensitive: true,
  },
  'mailbox.expunged': { permission: 'mail.read', resource: 'account', at: 'account', kind: 'mail' },
  'mailbox.undelete': {
    permission: 'mail.change',
    resource: 'account',
    at: 'account',
    kind: 'mail',
  },
  'mailbox.purge': {
    ...{ permission: 'mail.change', resource: 'account', at: 'account', kind: 'mail' },
    isSensitive: true,
  },

  'script.list': { permission: 'mail.read', resource: 'account', at: 'account', kind: 'mail' },
  'script.show': { permission: 'mail.read', resource: 'account', at: 'account', kind: 'mail' },
  'script.put': { permission: 'mail.change', resource: 'account', at: 'account', kind: 'mail' },
  'script.activate': {
    permission: 'mail.change',
    resource: 'account',
    at: 'account',
    kind: 'mail',
  },
  'script.deactivate': {
    ...{ permission: 'mail.change', resource: 'account', at: 'account', kind: 'mail' },
  },
  'script.delete': { permission: 'mail.change', resource: 'account', at: 'account', kind: 'mail' },

  'quarantine.list': { permission: 'mail.read', resource: 'account', at: 'account', kind: 'mail' },
  'quarantine.show': { permission: 'mail.read', resource: 'account', at: 'account', kind: 'mail' },
  'quarantine.release': {
    ...{ permission: 'mail.change', resource: 'account', at: 'account', kind: 'mail' },
  },
  // No right of users: what it releases was kept from them.
  'quarantine.force': {
    ...{ permission: 'quarantine.force', resource: 'account', at: 'account', kind: 'change' },
  },
  'quarantine.delete': {
    ...{ permission: 'mail.change', resource: 'account', at: 'account', kind: 'mail' },
  },
  'tenant.spam': { permission: 'spam.read', resource: 'tenant', at: 'name', kind: 'look' },
  'tenant.set-spam': { permission: 'spam.change', resource: 'tenant', at: 'name', kind: 'change' },
  'tenant.learnt-spam': {
    ...{ permission: 'spam.read', resource: 'tenant', at: 'name', kind: 'look' },
  },
  'tenant.forget-spam': {
    ...{ permission: 'spam.change', resource: 'tenant', at: 'name', kind: 'change' },
  },
  'account.spam': { permission: 'mail.read', resource: 'account', at: 'account', kind: 'mail' },
  'account.learnt-spam': {
    ...{ permission: 'mail.read', resource: 'account', at: 'account', kind: 'mail' },
  },
  'account.forget-spam': {
    ...{ permission: 'mail.change', resource: 'account', at: 'account', kind: 'mail' },
  },
  'account.set-spam': {
    ...{ permission: 'mail.change', resource: 'account', at: 'account', kind: 'mail' },
  },

  // Of a tenant only where it is named: the rest of the selection narrows that down.
  'queue.list': { permission: 'queue.read', resource: 'tenant', at: 'tenant', kind: 'look' },
  'queue.retry': { permission: 'queue.change', resource: 'tenant', at: 'tenant', kind: 'change' },
  'queue.hold': { permission: 'queue.change', resource: 'tenant', at: 'tenant', kind: 'change' },
  'queue.release': { permission: 'queue.change', resource: 'tenant', at: 'tenant', kind: 'change' },
  'queue.rebind': operators('queue.server'),
  'queue.delete': { permission: 'queue.change', resource: 'tenant', at: 'tenant', kind: 'change' },
  'queue.suspend': { permission: 'queue.change', resource: 'tenant', at: 'tenant', kind: 'change' },
  'queue.explain': operators('queue.server', 'look'),
  'queue.show': operators('queue.server', 'mail'),
  'queue.flush': operators('queue.server'),
  'queue.suspensions': {
    ...{ permission: 'queue.read', resource: 'tenant', kind: 'look' },
    absent: 'own-tenant',
  },
  'queue.resume': {
    ...{ permission: 'queue.change', resource: 'tenant', at: 'id', kind: 'change' },
    idOf: 'hold-rule',
  },
  'queue.acts': operators('queue.server', 'look'),
  'queue.follow': operators('queue.server', 'look'),
  'queue.stop': operators('queue.server'),

  'batch.list': { permission: 'queue.read', resource: 'tenant', at: 'tenant', kind: 'look' },
  'batch.stop': { permission: 'queue.change', resource: 'tenant', at: 'tenant', kind: 'change' },

  'feedback.addresses': {
    ...{ permission: 'suppression.read', resource: 'tenant', at: 'tenant', kind: 'look' },
  },
  'suppression.list': {
    ...{ permission: 'suppression.read', resource: 'tenant', at: 'tenant', kind: 'look' },
  },
  'suppression.add': {
    ...{ permission: 'suppression.change', resource: 'tenant', at: 'tenant', kind: 'change' },
  },
  'suppression.remove': {
    ...{ permission: 'suppression.change', resource: 'tenant', at: 'tenant', kind: 'change' },
  },
  'webhook.list': { permission: 'webhook.read', resource: 'tenant', at: 'tenant', kind: 'look' },
  'webhook.add': { permission: 'webhook.change', resource: 'tenant', at: 'tenant', kind: 'change' },
  'webhook.remove': {
    permission: 'webhook.change',
    resource: 'tenant',
    at: 'tenant',
    kind: 'change',
  },
  'webhook.pause': {
    permission: 'webhook.change',
    resource: 'tenant',
    at: 'tenant',
    kind: 'change',
  },
  'webhook.resume': {
    permission: 'webhook.change',
    resource: 'tenant',
    at: 'tenant',
    kind: 'change',
  },
  'webhook.replay': {
    permission: 'webhook.change',
    resource: 'tenant',
    at: 'tenant',
    kind: 'change',
  },
  'webhook.rotate': {
    ...{ permission: 'webhook.change', resource: 'tenant', at: 'tenant', kind: 'change' },
    isSensitive: true,
  },
} as const satisfies Readonly<Record<ControlMethod, ActRule>>;

/** What scopes of API keys let do, acts of the mail API among it. */
const scopePermissions = {
  send: ['message.submit'],
  suppression: ['suppression.read', 'suppression.change'],
  events: ['event.follow'],
  webhooks: ['webhook.read', 'webhook.change'],
} as const satisfies Readonly<Record<ApiScope, readonly string[]>>;

export type Permission =
  | (typeof actRules)[ControlMethod]['permission']
  | (typeof scopePermissions)[ApiScope][number];

/** Undefined: there is no such scope. */
export function permissionsOfScope(scope: string): readonly Permission[] | undefined {
  return Object.hasOwn(scopePermissions, scope) ? scopePermissions[scope as ApiScope] : undefined;
}

export function ruleOf(method: ControlMethod): ActRule {
  return actRules[method];
}

/** Those that reach no further than a tenant, each once: what roles are made of. */
export const tenantPermissions: readonly Permission[] = [
  ...new Set<Permission>([
    ...Object.values(actRules)
      .filter(({ resource }) => resource !== 'server')
      .map(({ permission }) => permission),
    ...Object.values(scopePermissions).flat(),
  ]),
].sort();
