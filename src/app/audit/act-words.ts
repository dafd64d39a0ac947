/**
 * What the audit log keeps of acts' arguments. An act that is not here is recorded by the rule it stands under
 * (`actors/asks/permissions.ts`): what it is done to, and nothing else.
 *
 * Runs in:   anywhere; plain data.
 * Invariant: what is not named is not kept, so a new parameter is kept nowhere until somebody decides. No parameter
 *            that holds a password, a key, or anything of a message may be named.
 */

import type { ControlMethod, ControlParams, ControlResult } from '../../actors/asks/control.ts';
import type { AuditDetail } from '../../ports/audit-log.ts';

/** What the parameter names; it says whose act it is. */
export type Named = 'tenant' | 'domain' | 'account' | 'address' | 'key' | 'webhook' | 'server';

type ParamOf<M extends ControlMethod> = Extract<keyof ControlParams<M>, string>;

export interface ActWords<M extends ControlMethod> {
  /** `look`: recorded where it is refused. `change` and `mail`: before it is done, and how it ended. */
  readonly kind: 'look' | 'change' | 'mail';
  readonly on: readonly [named: Named, param?: ParamOf<M>];
  readonly keeps?: readonly ParamOf<M>[];
  /** Of what it answered. */
  readonly tells?: (result: ControlResult<M>) => Readonly<Record<string, AuditDetail>>;
}

type SomeActWords = { readonly [M in ControlMethod]?: ActWords<M> };

const onServer = { kind: 'change', on: ['server'] } as const;
const counted = ({ count }: { readonly count: number }) => ({ count });

/** Whose messages: by what they were chosen. */
const selected = [
  ...(['ids', 'sender', 'state', 'campaign', 'olderThanMs', 'all'] as const),
  ...(['domain', 'recipient', 'why'] as const),
] as const;

const spamWords = ['junkPercent', 'quarantinePercent'] as const;

const levelWords = [
  ...(['accountQuotaBytes', 'accountQuotaMessages', 'accountsMax', 'inherit'] as const),
] as const;

export const actWords: SomeActWords = {
  'message.send': { kind: 'change', on: ['server'], keeps: ['sender', 'recipients'] },

  'source.suspend': { ...onServer, keeps: ['name'] },
  'source.resume': { ...onServer, keeps: ['name'] },
  'source.warmup': { ...onServer, keeps: ['name'] },
  'shaping.suspend': {
    ...onServer,
    keeps: ['forMs', 'why', 'provider', 'site', 'source', 'domain', 'tenant'],
  },
  'shaping.resume': { ...onServer, keeps: ['ids', 'all'] },
  'ban.add': { ...onServer, keeps: ['network', 'forMs', 'reason'] },
  'ban.remove': { ...onServer, keeps: ['network'] },
  'store.rebuild': { ...onServer, keeps: ['shards'] },
  'store.compact': { ...onServer, keeps: ['shards'] },

  'tenant.create': { kind: 'change', on: ['tenant', 'name'] },
  'tenant.set': {
    ...{ kind: 'change', on: ['tenant', 'name'] },
    keeps: [
      ...(['messagesPerHourMax', 'messagesPerDayMax', 'queueMax'] as const),
      ...(['accountQuotaBytesMax', 'accountQuotaMessagesMax'] as const),
      ...levelWords,
    ],
  },
  'tenant.encrypt': { kind: 'change', on: ['tenant', 'name'], keeps: ['key', 'newDataKeys'] },
  'key.create': {
    ...{ kind: 'change', on: ['tenant', 'tenant'] },
    keeps: ['scopes', 'name', 'messagesPerMinuteMax'],
    tells: ({ key }) => ({ key: key.id }),
  },
  'key.delete': { kind: 'change', on: ['key', 'id'] },

  'domain.create': {
    ...{ kind: 'change', on: ['domain', 'name'] },
    keeps: ['catchAll', 'tenant', 'signWith'],
  },
  'domain.set': { kind: 'change', on: ['domain', 'name'], keeps: levelWords },
  'domain.delete': { kind: 'change', on: ['domain', 'name'] },
  'dkim.rotate': { kind: 'change', on: ['domain', 'domain'], keeps: ['signWith', 'force'] },
  'dkim.retire': { kind: 'change', on: ['domain', 'domain'], keeps: ['selector', 'force'] },
  'dkim.delete': { kind: 'change', on: ['domain', 'domain'], keeps: ['selector', 'force'] },

  'account.create': {
    ...{ kind: 'change', on: ['account', 'address'] },
    keeps: ['isShared', 'quotaBytes', 'quotaMessages', 'sendAs'],
  },
  'account.set': {
    ...{ kind: 'change', on: ['account', 'address'] },
    keeps: ['isEnabled', 'quotaBytes', 'quotaMessages', 'sendAs', 'inherit'],
  },
  'account.password': { kind: 'change', on: ['account', 'address'] },
  'account.delete': { kind: 'change', on: ['account', 'address'] },
  'role.create': { kind: 'change', on: ['tenant', 'tenant'], keeps: ['name', 'permissions'] },
  'role.delete': { kind: 'change', on: ['tenant', 'tenant'], keeps: ['name'] },
  'role.grant': { kind: 'change', on: ['account', 'account'], keeps: ['role', 'domains'] },
  'role.revoke': { kind: 'change', on: ['account', 'account'], keeps: ['role'] },
  'script.show': { kind: 'mail', on: ['account', 'account'], keeps: ['name'] },
  'script.put': {
    ...{ kind: 'change', on: ['account', 'account'] },
    keeps: ['name', 'activate'],
    tells: ({ isKept }) => ({ isKept }),
  },
  'script.activate': { kind: 'change', on: ['account', 'account'], keeps: ['name'] },
  'script.deactivate': { kind: 'change', on: ['account', 'account'] },
  'quarantine.list': { kind: 'mail', on: ['account', 'account'] },
  'quarantine.show': { kind: 'mail', on: ['account', 'account'], keeps: ['id'] },
  'quarantine.release': { kind: 'change', on: ['account', 'account'], tells: counted },
  'quarantine.force': {
    kind: 'change',
    on: ['account', 'account'],
    keeps: ['ids'],
    tells: counted,
  },
  'quarantine.delete': { kind: 'change', on: ['account', 'account'], tells: counted },
  'tenant.set-spam': {
    kind: 'change',
    on: ['tenant', 'name'],
    keeps: [...spamWords, 'rejectPercent'],
  },
  'tenant.forget-spam': { kind: 'change', on: ['tenant', 'name'] },
  'account.forget-spam': { kind: 'change', on: ['account', 'account'] },
  'account.set-spam': { kind: 'change', on: ['account', 'account'], keeps: spamWords },
  'script.delete': { kind: 'change', on: ['account', 'account'], keeps: ['name'] },
  'shared.grant': {
    ...{ kind: 'change', on: ['account', 'address'] },
    keeps: ['member', 'rights', 'sendsAs'],
  },
  'shared.revoke': { kind: 'change', on: ['account', 'address'], keeps: ['member'] },
  'group.create': {
    ...{ kind: 'change', on: ['address', 'address'] },
    keeps: ['senders', 'members'],
  },
  'group.set': { kind: 'change', on: ['address', 'address'], keeps: ['senders'] },
  'group.add': { kind: 'change', on: ['address', 'address'], keeps: ['members'] },
  'group.remove': { kind: 'change', on: ['address', 'address'], keeps: ['member'] },
  'group.grant': { kind: 'change', on: ['address', 'address'], keeps: ['role', 'domains'] },
  'group.revoke': { kind: 'change', on: ['address', 'address'], keeps: ['role'] },
  'group.delete': { kind: 'change', on: ['address', 'address'] },
  'access.request': { kind: 'change', on: ['account', 'account'] },
  'access.consent': { kind: 'change', on: ['account', 'account'], keeps: ['id'] },
  'alias.set': { kind: 'change', on: ['address', 'address'], keeps: ['targets'] },
  'alias.delete': { kind: 'change', on: ['address', 'address'] },

  // It shows a message's header.
  'queue.show': { kind: 'mail', on: ['server'], keeps: ['id'] },
  'queue.retry': { kind: 'change', on: ['tenant', 'tenant'], keeps: selected, tells: counted },
  'queue.hold': { kind: 'change', on: ['tenant', 'tenant'], keeps: selected, tells: counted },
  'queue.release': { kind: 'change', on: ['tenant', 'tenant'], keeps: selected, tells: counted },
  'queue.rebind': {
    ...{ kind: 'change', on: ['tenant', 'tenant'] },
    keeps: [...selected, 'toCampaign', 'toPool'],
    tells: counted,
  },
  'queue.delete': {
    ...{ kind: 'change', on: ['tenant', 'tenant'] },
    keeps: [...selected, 'withBounce'],
    tells: counted,
  },
  'queue.flush': { ...onServer, tells: counted },
  'queue.suspend': {
    ...{ kind: 'change', on: ['tenant', 'tenant'] },
    keeps: ['campaign', 'sender', 'domain', 'recipient', 'untilMs', 'note'],
    tells: ({ rule }) => ({ rule: rule.id }),
  },
  'queue.stop': { ...onServer, keeps: ['id'] },
  'queue.resume': { ...onServer, keeps: ['id'] },

  'mailbox.create': { kind: 'change', on: ['account', 'account'], keeps: ['name'] },
  'mailbox.subscribe': { kind: 'change', on: ['account', 'account'], keeps: ['name'] },
  'mailbox.import': {
    ...{ kind: 'mail', on: ['account', 'account'] },
    keeps: ['mailbox', 'run'],
    tells: ({ importedCount, knownCount }) => ({ importedCount, knownCount }),
  },
  'mailbox.export': {
    ...{ kind: 'mail', on: ['account', 'account'] },
    keeps: ['mailbox', 'fromUid'],
    tells: counted,
  },
  'mailbox.expunged': { kind: 'mail', on: ['account', 'account'], keeps: ['mailbox'] },
  'mailbox.undelete': { kind: 'mail', on: ['account', 'account'], keeps: ['to'], tells: counted },
  'mailbox.purge': { kind: 'mail', on: ['account', 'account'], tells: counted },

  'session.end': { kind: 'change', on: ['account', 'account'], keeps: ['id'] },
  'session.clear': { kind: 'change', on: ['account', 'account'], keeps: ['exceptAsking'] },

  'suppression.add': {
    ...{ kind: 'change', on: ['tenant', 'tenant'] },
    tells: ({ added, unchanged }) => ({ added, unchanged }),
  },
  'suppression.remove': {
    ...{ kind: 'change', on: ['tenant', 'tenant'] },
    keeps: ['address', 'stream', 'reason'],
    tells: counted,
  },
  // A URL may hold a secret: its number says which it is.
  'webhook.add': {
    ...{ kind: 'change', on: ['tenant', 'tenant'] },
    keeps: ['types', 'campaign'],
    tells: ({ webhook }) => ({ webhook: webhook.id }),
  },
  'webhook.remove': { kind: 'change', on: ['webhook', 'id'] },
  'webhook.pause': { kind: 'change', on: ['webhook', 'id'] },
  'webhook.resume': { kind: 'change', on: ['webhook', 'id'] },
  'webhook.replay': { kind: 'change', on: ['webhook', 'id'], keeps: ['from'] },
  'webhook.rotate': { kind: 'change', on: ['webhook', 'id'] },
};
