/** `chaski spam levels`: from which score on mail goes to Junk, into quarantine or back. */

import { type Command, type OptionValues, UsageError } from '../command.ts';
import { pairs } from '../output.ts';

const percentMax = 10_000;
const words = { value: 'PERCENT|inherit', type: 'string' } as const;

interface Levels {
  readonly junkPercent?: number;
  readonly quarantinePercent?: number;
  readonly rejectPercent?: number;
}

const optionOf = {
  junkPercent: 'junk',
  quarantinePercent: 'quarantine',
  rejectPercent: 'reject',
} as const satisfies Record<keyof Levels, string>;

export const spamLevels: Command = {
  name: 'spam levels',
  summary: 'Show or change where mail goes by its score, for an account or a tenant.',
  arguments: 'ACCOUNT|TENANT',
  argumentCount: [1, 1],
  options: {
    junk: { ...words, doc: 'From here on mail goes to Junk; 0: never.' },
    quarantine: { ...words, doc: 'From here on it is kept apart; 0: never.' },
    reject: { ...words, doc: 'From here on it is refused; 0: never. Of tenants alone.' },
  },
  examples: [
    'spam levels ann@example.org',
    'spam levels ann@example.org --junk 80 --quarantine inherit',
    'spam levels example --quarantine 200 --reject 400',
  ],
  notes:
    'In percent of the score from which on its scanner calls mail spam: 100 is just that, 200 twice as much. `inherit`: the level above says (an account its tenant, a tenant the settings `spam`).',
  async run({ arguments: [name], options, output, control }) {
    const connection = await control();
    const isAccount = name!.includes('@');
    if (isAccount && options.text('reject') !== undefined) {
      throw new UsageError('--reject is of tenants: a refusal is one answer for all recipients');
    }
    const before: Levels = isAccount
      ? await connection.call('account.spam', { account: name! })
      : await connection.call('tenant.spam', { name: name! });
    const now = changed(before, options);
    if (now !== before) {
      if (isAccount) await connection.call('account.set-spam', { account: name!, ...now });
      else await connection.call('tenant.set-spam', { name: name!, ...now });
    }
    output.result(now, (shown) =>
      pairs([
        ['Junk from', wordsOf(shown.junkPercent)],
        ['quarantine from', wordsOf(shown.quarantinePercent)],
        ...(isAccount ? [] : [['refused from', wordsOf(shown.rejectPercent)] as const]),
      ]),
    );
    return undefined;
  },
};

function wordsOf(percent: number | undefined): string {
  if (percent === undefined) return 'inherited';
  return percent === 0 ? 'never' : `${percent}%`;
}

/** The same where nothing is asked for. @throws UsageError */
function changed(before: Levels, options: OptionValues): Levels {
  let now = before;
  for (const [name, option] of Object.entries(optionOf) as [keyof Levels, string][]) {
    const text = options.text(option);
    if (text === undefined) continue;
    const { [name]: _old, ...rest } = now;
    if (text === 'inherit') now = rest;
    else if (/^\d{1,5}$/.test(text) && Number(text) <= percentMax) {
      now = { ...rest, [name]: Number(text) };
    } else throw new UsageError(`--${option}: "${text}" is no percentage up to ${percentMax}`);
  }
  return now;
}
