/** `chaski group …`: accounts that are written to, given roles and rights to mailboxes by one name. */

import type { GroupView } from '../../actors/asks/group-control.ts';
import { type GroupSenders, groupSenders } from '../../ports/groups.ts';
import { type Command, type OptionValues, UsageError } from '../command.ts';
import { count, instant, pairs, table } from '../output.ts';

const sendersOption = {
  type: 'string',
  value: 'WHO',
  doc: 'Who may write to it: anybody, tenant, members, nobody (it takes no mail).',
} as const;
const roleOption = { type: 'string', value: 'ROLE', doc: 'As `role list` names it.' } as const;

function sendersIn(options: OptionValues): GroupSenders | undefined {
  const given = options.text('senders');
  if (given === undefined) return undefined;
  const found = groupSenders.find((each) => each === given);
  if (found === undefined) throw new UsageError(`--senders is one of: ${groupSenders.join(', ')}`);
  return found;
}

function describe(group: GroupView): readonly string[] {
  return pairs([
    ['group', group.address],
    ['written to by', group.senders],
    ['members', group.memberCount],
    ...(group.accountCount === undefined ? [] : [['accounts', group.accountCount] as const]),
    ['created', instant(group.createdMs)],
  ]);
}

const create: Command = {
  name: 'group create',
  summary: 'Create a group: a list that is written to, given roles and rights by its address.',
  arguments: 'NAME@DOMAIN [MEMBER...]',
  argumentCount: [1, 1_001],
  options: {
    senders: { ...sendersOption, doc: `${sendersOption.doc} Left out: tenant.` },
  },
  examples: ['group create sales@example.org ann@example.org --senders anybody'],
  async run({ arguments: [address, ...members], options, output, control }) {
    const senders = sendersIn(options);
    const { group } = await (await control()).call('group.create', {
      address: address!,
      ...(senders === undefined ? {} : { senders }),
      ...(members.length === 0 ? {} : { members }),
    });
    output.result(group, describe);
    return undefined;
  },
};

const list: Command = {
  name: 'group list',
  summary: 'List groups.',
  options: { domain: { type: 'string', value: 'DOMAIN', doc: 'Only groups of this domain.' } },
  examples: ['group list --domain example.org'],
  async run({ options, output, control }) {
    const domain = options.text('domain');
    const params = domain === undefined ? {} : { domain };
    const { groups } = await (await control()).call('group.list', params);
    output.result(groups, (shown) =>
      table(
        ['GROUP', 'WRITTEN TO BY', 'MEMBERS'],
        shown.map((each) => [each.address, each.senders, each.memberCount]),
      ),
    );
    return undefined;
  },
};

const show: Command = {
  name: 'group show',
  summary: 'Show a group, who is in it, what it is in, and its roles.',
  arguments: 'NAME@DOMAIN',
  argumentCount: [1, 1],
  examples: ['group show sales@example.org'],
  async run({ arguments: [address], output, control }) {
    const answer = await (await control()).call('group.show', { address: address! });
    output.result(answer, ({ group, members, groups, roles }) => [
      ...describe(group),
      ...pairs([
        ['is in', groups.join(', ') || '-'],
        [
          'roles',
          roles.map(({ role, domains }) => [role, ...(domains ?? [])].join(' ')).join(', ') || '-',
        ],
      ]),
      '',
      ...table(
        ['MEMBER', 'KIND'],
        members.map((each) => [each.address, each.kind]),
      ),
    ]);
    return undefined;
  },
};

const set: Command = {
  name: 'group set',
  summary: 'Say who may write to a group.',
  arguments: 'NAME@DOMAIN',
  argumentCount: [1, 1],
  options: { senders: sendersOption },
  examples: ['group set sales@example.org --senders members'],
  async run({ arguments: [address], options, output, control }) {
    const senders = sendersIn(options);
    if (senders === undefined) throw new UsageError('say who may write to it with --senders');
    const asked = { address: address!, senders };
    const { group } = await (await control()).call('group.set', asked);
    output.result(group, describe);
    return undefined;
  },
};

const add: Command = {
  name: 'group add',
  summary: 'Put accounts or groups into a group.',
  arguments: 'NAME@DOMAIN MEMBER...',
  argumentCount: [2, 1_001],
  examples: ['group add sales@example.org bob@example.org interns@example.org'],
  async run({ arguments: [address, ...members], output, control }) {
    const asked = { address: address!, members };
    const { group } = await (await control()).call('group.add', asked);
    output.result(group, describe);
    return undefined;
  },
};

const leave: Command = {
  name: 'group remove',
  summary: 'Take accounts or groups out of a group.',
  arguments: 'NAME@DOMAIN MEMBER...',
  argumentCount: [2, 1_001],
  examples: ['group remove sales@example.org bob@example.org'],
  async run({ arguments: [address, ...members], output, control }) {
    const connection = await control();
    for (const member of members) {
      await connection.call('group.remove', { address: address!, member });
    }
    const gone = { address: address!, removed: members };
    output.result(gone, () => `Took ${count(members.length, 'member')} out of ${address}.`);
    return undefined;
  },
};

const grant: Command = {
  name: 'group grant',
  summary: 'Give all who are in a group a role, in all of its tenant or for some of its domains.',
  arguments: 'NAME@DOMAIN',
  argumentCount: [1, 1],
  options: {
    role: roleOption,
    domain: {
      type: 'string',
      multiple: true,
      value: 'DOMAIN',
      doc: 'Only for this domain; may stand more than once.',
    },
  },
  examples: ['group grant support@example.org --role help-desk'],
  async run({ arguments: [address], options, output, control }) {
    const role = roleIn(options);
    const domains = options.texts('domain').flatMap((each) => each.split(','));
    const answer = await (await control()).call('group.grant', {
      ...{ address: address!, role },
      ...(domains.length === 0 ? {} : { domains }),
    });
    output.result(answer.role, (shown) =>
      pairs([
        ['group', address!],
        ['role', shown.role],
        ['where', shown.domains?.join(',') ?? 'everywhere'],
      ]),
    );
    return undefined;
  },
};

const revoke: Command = {
  name: 'group revoke',
  summary: 'Take a role back from a group.',
  arguments: 'NAME@DOMAIN',
  argumentCount: [1, 1],
  options: { role: roleOption },
  examples: ['group revoke support@example.org --role help-desk'],
  async run({ arguments: [address], options, output, control }) {
    const role = roleIn(options);
    await (await control()).call('group.revoke', { address: address!, role });
    output.result({ address, role }, () => `${address} has the role ${role} no more.`);
    return undefined;
  },
};

const remove: Command = {
  name: 'group delete',
  summary: 'Delete groups: nobody has their roles and rights any more.',
  arguments: 'NAME@DOMAIN...',
  argumentCount: [1, 1_000],
  examples: ['group delete sales@example.org'],
  async run({ arguments: addresses, output, control }) {
    const connection = await control();
    for (const address of addresses) await connection.call('group.delete', { address });
    output.result({ deleted: addresses }, () => `Deleted ${count(addresses.length, 'group')}.`);
    return undefined;
  },
};

function roleIn(options: OptionValues): string {
  const role = options.text('role');
  if (role === undefined) throw new UsageError('say which role with --role');
  return role;
}

export const groupCommands: readonly Command[] = [
  ...[create, list, show, set, add, leave, grant, revoke, remove],
];
