/** `chaski mailbox …`: look into an account; make mailboxes, bring mail in and take it out. */

import type { Command } from '../command.ts';
import { size, table } from '../output.ts';
import { exporting } from './mailbox-export.ts';
import { mailboxImportCommands } from './mailbox-import.ts';
import { undelete } from './mailbox-undelete.ts';

const list: Command = {
  name: 'mailbox list',
  summary: 'List the mailboxes of an account.',
  arguments: 'ACCOUNT',
  argumentCount: [1, 1],
  examples: ['mailbox list ann@example.org'],
  async run({ arguments: [account], output, control }) {
    const answer = await (await control()).call('mailbox.list', { account: account! });
    output.result(answer.mailboxes, (shown) =>
      table(
        ['MAILBOX', 'MESSAGES', 'UNSEEN', 'SIZE', 'ROLE'],
        shown.map((each) => [
          each.name,
          each.messageCount,
          each.unseenCount,
          size(each.bytes),
          each.role || '-',
        ]),
      ),
    );
    return undefined;
  },
};

export const mailboxCommands: readonly Command[] = [
  list,
  ...mailboxImportCommands,
  exporting,
  undelete,
];
