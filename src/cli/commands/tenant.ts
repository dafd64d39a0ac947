/** `chaski tenant …`: those whose mail is kept apart: each has its domains and its keys. */

import type { TenantView } from '../../actors/asks/tenant-control.ts';
import { type Command, UsageError } from '../command.ts';
import {
  ceilingOptions,
  ceilingPairs,
  ceilingsIn,
  levelIn,
  levelOptions,
  levelPairs,
} from '../level-options.ts';
import { instant, pairs, table } from '../output.ts';
import { tenantEncryptCommand } from './tenant-encrypt.ts';
import { tenantPolicyCommand } from './tenant-policy.ts';

const create: Command = {
  name: 'tenant create',
  summary: 'Create a tenant.',
  arguments: 'NAME',
  argumentCount: [1, 1],
  examples: ['tenant create acme'],
  async run({ arguments: [name], output, control }) {
    const { tenant } = await (await control()).call('tenant.create', { name: name! });
    output.result(tenant, (shown) =>
      pairs([
        ['tenant', shown.name],
        ['number', shown.id],
        ['created', instant(shown.createdMs)],
      ]),
    );
    return undefined;
  },
};

const countMax = 1_000_000_000;

const set: Command = {
  name: 'tenant set',
  summary: 'Change limits of a tenant, and of accounts in it that say nothing of their own.',
  arguments: 'NAME',
  argumentCount: [1, 1],
  options: {
    'messages-per-hour': { type: 'string', value: 'N', doc: 'In an hour (UTC); 0: no quota.' },
    'messages-per-day': { type: 'string', value: 'N', doc: 'In a day (UTC); 0: no quota.' },
    'queue-max': { type: 'string', value: 'N', doc: 'Waiting in the queues at once; 0: no limit.' },
    ...levelOptions,
    ...ceilingOptions,
  },
  examples: [
    'tenant set acme --messages-per-day 50000',
    'tenant set acme --account-quota 5GiB --accounts-max 200',
    'tenant set acme --account-quota-max 20GiB',
  ],
  async run({ arguments: [name], options, output, control }) {
    const messagesPerHourMax = options.number('messages-per-hour', 0, countMax);
    const messagesPerDayMax = options.number('messages-per-day', 0, countMax);
    const queueMax = options.number('queue-max', 0, countMax);
    const quotas = {
      ...levelIn(options),
      ...ceilingsIn(options),
      ...(queueMax === undefined ? {} : { queueMax }),
      ...(messagesPerHourMax === undefined ? {} : { messagesPerHourMax }),
      ...(messagesPerDayMax === undefined ? {} : { messagesPerDayMax }),
    };
    if (Object.keys(quotas).length === 0) {
      throw new UsageError('nothing to change was given');
    }
    const { tenant } = await (await control()).call('tenant.set', { name: name!, ...quotas });
    output.result(tenant, (shown) => pairs(limitsOf(shown)));
    return undefined;
  },
};

function limitsOf(tenant: TenantView) {
  return [
    ['tenant', tenant.name],
    ['messages an hour', quotaOf(tenant.messagesPerHourMax)],
    ['messages a day', quotaOf(tenant.messagesPerDayMax)],
    ['waiting at once', quotaOf(tenant.queueMax)],
    ...levelPairs(tenant),
    ...ceilingPairs(tenant),
  ] as const;
}

const show: Command = {
  name: 'tenant show',
  summary: 'Show a tenant and its limits.',
  arguments: 'NAME',
  argumentCount: [1, 1],
  examples: ['tenant show acme'],
  async run({ arguments: [name], output, control }) {
    const answer = await (await control()).call('tenant.show', { name: name! });
    output.result(answer, ({ tenant, accountCount }) =>
      pairs([
        ...limitsOf(tenant),
        ['accounts', accountCount],
        ['created', instant(tenant.createdMs)],
      ]),
    );
    return undefined;
  },
};

function quotaOf(most = 0): string {
  return most === 0 ? 'no limit' : `${most}`;
}

const list: Command = {
  name: 'tenant list',
  summary: 'List tenants; `default` is always there.',
  examples: ['tenant list --json'],
  async run({ output, control }) {
    const { tenants } = await (await control()).call('tenant.list', {});
    output.result(tenants, (shown) =>
      table(
        ['TENANT', 'NUMBER', 'AN HOUR', 'A DAY', 'WAITING', 'CREATED'],
        shown.map((each) => [
          each.name,
          each.id,
          quotaOf(each.messagesPerHourMax),
          quotaOf(each.messagesPerDayMax),
          quotaOf(each.queueMax),
          instant(each.createdMs),
        ]),
      ),
    );
    return undefined;
  },
};

const remove: Command = {
  name: 'tenant delete',
  summary:
    'Delete a tenant that has no domains, with its keys, roles, webhooks and suppressed addresses.',
  arguments: 'NAME',
  argumentCount: [1, 1],
  examples: ['tenant delete acme'],
  async run({ arguments: [name], output, control }) {
    await (await control()).call('tenant.delete', { name: name! });
    output.result({ deleted: name }, () => `Deleted the tenant ${name}.`);
    return undefined;
  },
};

export const tenantCommands: readonly Command[] = [
  ...[create, set, tenantEncryptCommand, list, show, remove, tenantPolicyCommand],
];
