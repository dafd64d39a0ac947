/** `chaski shared …`: mailboxes that several read and nobody logs in to; `account create --shared` makes one. */

import {
  type SharedReaderView,
  type SharedRights,
  sharedRights,
} from '../../actors/asks/shared-control.ts';
import { type Command, type OptionValues, UsageError } from '../command.ts';
import { count, pairs, table } from '../output.ts';

function rightsIn(options: OptionValues): SharedRights {
  const given = options.text('rights') ?? 'write';
  const found = sharedRights.find((each) => each === given);
  if (found === undefined) throw new UsageError(`--rights is one of: ${sharedRights.join(', ')}`);
  return found;
}

function lines(readers: readonly SharedReaderView[]): readonly string[] {
  return table(
    ['MEMBER', 'MAILBOX', 'RIGHTS', 'SENDS AS IT'],
    readers.flatMap(({ member, rights, sendsAs, mailboxes, moreCount }) => [
      [member, 'all', rights || '-', sendsAs ? 'yes' : 'no'],
      ...mailboxes.map((each) => [member, each.mailbox, each.rights || '-', '']),
      ...(moreCount === 0 ? [] : [[member, `and ${moreCount} more`, '', '']]),
    ]),
  );
}

const list: Command = {
  name: 'shared list',
  summary: 'List shared mailboxes.',
  options: { domain: { type: 'string', value: 'DOMAIN', doc: 'Only those of this domain.' } },
  examples: ['shared list --domain example.org'],
  async run({ options, output, control }) {
    const domain = options.text('domain');
    const params = domain === undefined ? {} : { domain };
    const { accounts } = await (await control()).call('account.list', params);
    const shared = accounts.filter(({ isShared }) => isShared);
    output.result(shared, (shown) =>
      table(
        ['SHARED MAILBOX', 'ENABLED'],
        shown.map((each) => [each.address, each.isEnabled ? 'yes' : 'no']),
      ),
    );
    return undefined;
  },
};

const show: Command = {
  name: 'shared show',
  summary: 'Show who reads a shared mailbox, and who sends in its name.',
  arguments: 'NAME@DOMAIN',
  argumentCount: [1, 1],
  examples: ['shared show support@example.org'],
  async run({ arguments: [address], output, control }) {
    const answer = await (await control()).call('shared.show', { address: address! });
    output.result(answer, (shown) => [
      ...pairs([['shared mailbox', shown.address]]),
      '',
      ...lines(shown.readers),
    ]);
    return undefined;
  },
};

const grant: Command = {
  name: 'shared grant',
  summary: 'Let accounts or groups use a shared mailbox, in the place of what they might before.',
  arguments: 'NAME@DOMAIN MEMBER...',
  argumentCount: [2, 1_001],
  options: {
    rights: {
      type: 'string',
      value: 'RIGHTS',
      doc: 'none, read, write (put in, mark and delete), manage (mailboxes and rights too); write if left out.',
    },
    'send-as': { type: 'boolean', doc: 'Let them send in its name.' },
  },
  examples: [
    'shared grant support@example.org ann@example.org --send-as',
    'shared grant support@example.org interns@example.org --rights read',
  ],
  async run({ arguments: [address, ...members], options, output, control }) {
    const rights = rightsIn(options);
    const sendsAs = options.isSet('send-as');
    const connection = await control();
    const readers: SharedReaderView[] = [];
    for (const member of members) {
      const asked = { address: address!, member, rights, sendsAs };
      readers.push((await connection.call('shared.grant', asked)).reader);
    }
    output.result(readers, lines);
    return undefined;
  },
};

const revoke: Command = {
  name: 'shared revoke',
  summary: 'Take all rights to a shared mailbox back.',
  arguments: 'NAME@DOMAIN MEMBER...',
  argumentCount: [2, 1_001],
  examples: ['shared revoke support@example.org ann@example.org'],
  async run({ arguments: [address, ...members], output, control }) {
    const connection = await control();
    const left: { readonly member: string; readonly by: readonly SharedReaderView[] }[] = [];
    for (const member of members) {
      const answer = await connection.call('shared.revoke', { address: address!, member });
      if (answer.left.length > 0) left.push({ member, by: answer.left });
    }
    const gone = { address: address!, revoked: members, left };
    output.result(gone, () => [
      `Took ${address} from ${count(members.length, 'member')}.`,
      ...left.flatMap(({ member, by }) => ['', `${member} has rights still, by:`, ...lines(by)]),
    ]);
    return undefined;
  },
};

export const sharedCommands: readonly Command[] = [list, show, grant, revoke];
