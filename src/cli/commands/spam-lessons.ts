/** `chaski spam learnt|forget`: what an account learnt from what its people do with mail, or all accounts of a tenant. */

import { type Command, type OptionValues, UsageError } from '../command.ts';
import { pairs } from '../output.ts';

const whoseOptions = {
  tenant: { type: 'string', value: 'NAME', doc: 'Of all accounts of this tenant.' },
} as const;

const learnt: Command = {
  name: 'spam learnt',
  summary: 'Show how many examples an account, or a tenant, has learnt from.',
  arguments: '[ACCOUNT]',
  argumentCount: [0, 1],
  options: whoseOptions,
  examples: ['spam learnt ann@example.org', 'spam learnt --tenant acme'],
  notes:
    'Mail that was moved into Junk is spam; what was moved out of it or answered, and read mail in INBOX, is not. Of a tenant the examples are those that count for all its accounts now; there are none before three accounts taught.',
  async run({ arguments: [given], options, output, control }) {
    const { account, tenant } = whose(given, options);
    const asked = await control();
    if (tenant !== undefined) {
      const answer = await asked.call('tenant.learnt-spam', { name: tenant });
      output.result(answer, ({ accounts, ham, spam }) =>
        pairs([
          ['accounts that taught', `${accounts}`],
          ['spam', `${spam}`],
          ['other mail', `${ham}`],
        ]),
      );
      return undefined;
    }
    const answer = await asked.call('account.learnt-spam', { account: account! });
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
  summary: 'Let an account, or all accounts of a tenant, forget all they learnt of spam.',
  arguments: '[ACCOUNT]',
  argumentCount: [0, 1],
  options: whoseOptions,
  examples: ['spam forget ann@example.org', 'spam forget --tenant acme'],
  async run({ arguments: [given], options, output, control }) {
    const { account, tenant } = whose(given, options);
    const asked = await control();
    if (tenant !== undefined) await asked.call('tenant.forget-spam', { name: tenant });
    else await asked.call('account.forget-spam', { account: account! });
    output.result({}, () => 'Forgotten.');
    return undefined;
  },
};

/** @throws UsageError unless it is one of the two. */
function whose(
  account: string | undefined,
  options: OptionValues,
): { readonly account?: string | undefined; readonly tenant?: string | undefined } {
  const tenant = options.text('tenant');
  if ((account === undefined) === (tenant === undefined)) {
    throw new UsageError('give an ACCOUNT, or --tenant NAME, one of the two');
  }
  return { account, tenant };
}

export const spamLessons: readonly Command[] = [learnt, forget];
