/** `chaski spam learnt|forget`: what an account learnt from what its people do with mail. */

import type { Command } from '../command.ts';
import { pairs } from '../output.ts';

const learnt: Command = {
  name: 'spam learnt',
  summary: 'Show how many examples an account has learnt from.',
  arguments: 'ACCOUNT',
  argumentCount: [1, 1],
  examples: ['spam learnt ann@example.org'],
  notes:
    'Mail that was moved into Junk is spam; what was moved out of it or answered, and read mail in INBOX, is not.',
  async run({ arguments: [account], output, control }) {
    const answer = await (await control()).call('account.learnt-spam', { account: account! });
    output.result(answer, ({ ham, spam }) =>
      pairs([
        ['spam', `${spam}`],
        ['other mail', `${ham}`],
      ]),
    );
    return undefined;
  },
};

const forget: Command = {
  name: 'spam forget',
  summary: 'Let an account forget all it learnt of spam.',
  arguments: 'ACCOUNT',
  argumentCount: [1, 1],
  examples: ['spam forget ann@example.org'],
  async run({ arguments: [account], output, control }) {
    await (await control()).call('account.forget-spam', { account: account! });
    output.result({}, () => 'Forgotten.');
    return undefined;
  },
};

export const spamLessons: readonly Command[] = [learnt, forget];
