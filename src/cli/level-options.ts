/** Reads limits of a tenant or a domain, and of the accounts below it; `inherit` leaves one to the level above. */

import type { Ceilings, Level } from '../ports/levels.ts';
import type { OptionValues, OptionWords } from './command.ts';
import { size } from './output.ts';
import { sizeOption } from './size-option.ts';

const messagesMax = 100_000_000;
const accountsMax = 1_000_000_000;

export const levelOptions = {
  'account-quota': {
    type: 'string',
    value: 'SIZE',
    doc: 'Most mail each account below may hold, as 5GiB; 0: no limit, inherit: as the level above says.',
  },
  'account-quota-messages': {
    type: 'string',
    value: 'COUNT',
    doc: 'Most messages each account below may hold; 0: no limit, inherit: as the level above says.',
  },
  'accounts-max': { type: 'string', value: 'N', doc: 'Accounts that may be in it; 0: no limit.' },
} as const satisfies Readonly<Record<string, OptionWords>>;

/** Of a tenant alone. */
export const ceilingOptions = {
  'account-quota-max': {
    type: 'string',
    value: 'SIZE',
    doc: 'Most mail any account of it may hold, whatever its domain or itself says; 0: no such bound.',
  },
  'account-quota-messages-max': {
    type: 'string',
    value: 'COUNT',
    doc: 'Most messages any account of it may hold, whatever its domain or itself says; 0: no such bound.',
  },
} as const satisfies Readonly<Record<string, OptionWords>>;

export function ceilingsIn(options: OptionValues): Ceilings {
  const bytes = sizeOption(options, 'account-quota-max');
  const messages = options.number('account-quota-messages-max', 0, messagesMax);
  return {
    ...(bytes === undefined ? {} : { accountQuotaBytesMax: bytes }),
    ...(messages === undefined ? {} : { accountQuotaMessagesMax: messages }),
  };
}

export function ceilingPairs(of: Ceilings): readonly (readonly [string, string])[] {
  const { accountQuotaBytesMax = 0, accountQuotaMessagesMax = 0 } = of;
  return [
    ['quota of an account at most', limitWords(accountQuotaBytesMax, size)],
    ['messages of an account at most', limitWords(accountQuotaMessagesMax, String)],
  ];
}

type Inherited = 'accountQuotaBytes' | 'accountQuotaMessages';

export function levelIn(
  options: OptionValues,
): Level & { readonly inherit?: readonly Inherited[] } {
  const most = options.number('accounts-max', 0, accountsMax);
  const inherit: Inherited[] = [];
  if (isInherited(options, 'account-quota')) inherit.push('accountQuotaBytes');
  if (isInherited(options, 'account-quota-messages')) inherit.push('accountQuotaMessages');
  const bytes = inherit.includes('accountQuotaBytes')
    ? undefined
    : sizeOption(options, 'account-quota');
  const messages = inherit.includes('accountQuotaMessages')
    ? undefined
    : options.number('account-quota-messages', 0, messagesMax);
  return {
    ...(bytes === undefined ? {} : { accountQuotaBytes: bytes }),
    ...(messages === undefined ? {} : { accountQuotaMessages: messages }),
    ...(most === undefined ? {} : { accountsMax: most }),
    ...(inherit.length === 0 ? {} : { inherit }),
  };
}

export function isInherited(options: OptionValues, name: string): boolean {
  return options.text(name) === 'inherit';
}

export function levelPairs(level: Level): readonly (readonly [string, string])[] {
  const { accountQuotaBytes, accountQuotaMessages, accountsMax: most = 0 } = level;
  return [
    ['accounts at most', most === 0 ? 'no limit' : `${most}`],
    ['quota of accounts', limitWords(accountQuotaBytes, size)],
    ['messages of accounts', limitWords(accountQuotaMessages, String)],
  ];
}

function limitWords(value: number | undefined, shown: (value: number) => string): string {
  if (value === undefined) return 'inherited';
  return value === 0 ? 'no limit' : shown(value);
}
