/** `chaski account …`: who has mail here. Passwords come by standard input only: arguments show in process lists. */

import type { AccountView } from '../../actors/asks/control.ts';
import { view } from '../../base/bytes.ts';
import { type Command, type CommandCall, type OptionWords, UsageError } from '../command.ts';
import { isInherited } from '../level-options.ts';
import { count, instant, pairs, size, table } from '../output.ts';
import { sizeOption } from '../size-option.ts';
import { credentialCommands } from './account-credentials.ts';
import { importCommand } from './account-import.ts';
import { recoveryCommands } from './account-recovery.ts';

const passwordBytesMax = 1_024;
const messagesMax = 100_000_000;

/** The first line of standard input. */
export async function readPassword(input: () => Promise<Uint8Array>): Promise<string> {
  const password = view(await input())
    .toString('utf8')
    .split(/\r?\n/, 1)[0]!;
  if (password === '') throw new UsageError('standard input has no password in its first line');
  if (Buffer.byteLength(password) > passwordBytesMax) {
    throw new UsageError(`a password has at most ${passwordBytesMax} bytes`);
  }
  return password;
}

const passwordOption: OptionWords = {
  type: 'boolean',
  doc: 'Read the password from the first line of standard input.',
};
const quotaWords = 'Most mail it may hold';
const orInherit = ', inherit: as its domain, tenant or server says.';
const quotaOption: OptionWords = {
  type: 'string',
  value: 'SIZE',
  doc: 'Most mail it may hold, as 5GiB; 0 is no limit, left out: as its domain, tenant or server says.',
};
const quotaMessagesOption: OptionWords = {
  type: 'string',
  value: 'COUNT',
  doc: 'Most messages it may hold; 0 is no limit.',
};
const sendAsOption: OptionWords = {
  type: 'string',
  multiple: true,
  value: 'ADDRESS',
  doc: 'Also allowed as sender; *@DOMAIN is a whole domain. May stand more than once.',
};

function describe(account: AccountView): readonly string[] {
  const { usedBytes, messageCount } = account;
  const { quotaBytes, quotaMessages } = account;
  const quota = quotaBytes === 0 ? 'no limit' : size(quotaBytes);
  const most = quotaMessages === 0 ? '' : `at most ${quotaMessages}`;
  const messages = [messageCount, most].filter((one) => one !== undefined && one !== '').join(', ');
  return pairs([
    ['account', account.address],
    ['number', account.id],
    ['shard', account.shard],
    ['enabled', account.isEnabled ? 'yes' : 'no'],
    account.isShared
      ? ['shared', 'yes: nobody logs in']
      : ['password', account.hasPassword ? 'set' : 'none here'],
    // Only `account show` asks the shard what is in it.
    usedBytes === undefined ? ['quota', quota] : ['used', `${size(usedBytes)} of ${quota}`],
    ...(messages === '' ? [] : [['messages', messages] as const]),
    ['sends as', account.sendAs.join(', ') || '-'],
    ['created', instant(account.createdMs)],
  ]);
}

const create: Command = {
  name: 'account create',
  summary: 'Create an account.',
  arguments: 'NAME@DOMAIN',
  argumentCount: [1, 1],
  options: {
    'password-stdin': passwordOption,
    shared: {
      type: 'boolean',
      doc: 'A shared mailbox: nobody logs in; `shared grant` says who reads it.',
    },
    quota: quotaOption,
    'quota-messages': quotaMessagesOption,
    'send-as': sendAsOption,
  },
  examples: [
    '|printf \'%s\\n\' "$PASSWORD" | chaski account create ann@example.org --password-stdin',
    'account create support@example.org --shared',
  ],
  async run({ arguments: [address], options, output, control, input }) {
    const quotaBytes = sizeOption(options, 'quota');
    const quotaMessages = options.number('quota-messages', 0, messagesMax);
    const sendAs = options.texts('send-as');
    const password = options.isSet('password-stdin') ? await readPassword(input) : undefined;
    const isShared = options.isSet('shared');
    if (isShared && password !== undefined) {
      throw new UsageError('nobody logs in to a shared mailbox: it has no password');
    }
    const { account } = await (await control()).call('account.create', {
      address: address!,
      ...(isShared ? { isShared } : {}),
      ...(password === undefined ? {} : { password }),
      ...(quotaBytes === undefined ? {} : { quotaBytes }),
      ...(quotaMessages === undefined ? {} : { quotaMessages }),
      ...(sendAs.length === 0 ? {} : { sendAs }),
    });
    output.result(account, describe);
    return undefined;
  },
};

const list: Command = {
  name: 'account list',
  summary: 'List accounts.',
  options: { domain: { type: 'string', value: 'DOMAIN', doc: 'Only accounts of this domain.' } },
  examples: ['account list --domain example.org'],
  async run({ options, output, control }) {
    const domain = options.text('domain');
    const params = domain === undefined ? {} : { domain };
    const { accounts } = await (await control()).call('account.list', params);
    output.result(accounts, (shown) =>
      table(
        ['ACCOUNT', 'ENABLED', 'PASSWORD', 'QUOTA', 'SHARD'],
        shown.map((each) => [
          each.address,
          each.isEnabled ? 'yes' : 'no',
          each.hasPassword ? 'set' : 'none',
          each.quotaBytes === 0 ? '-' : size(each.quotaBytes),
          each.shard,
        ]),
      ),
    );
    return undefined;
  },
};

const show: Command = {
  name: 'account show',
  summary: 'Show an account.',
  arguments: 'NAME@DOMAIN',
  argumentCount: [1, 1],
  examples: ['account show ann@example.org'],
  async run({ arguments: [address], output, control }) {
    const answer = await (await control()).call('account.show', { address: address! });
    output.result(answer, ({ account, aliases, limits }) => [
      ...describe(account),
      ...pairs([
        ['limits by', limits.map(({ name, from }) => `${name}: ${from}`).join(', ')],
        ['aliases', aliases.join(', ') || '-'],
      ]),
    ]);
    return undefined;
  },
};

const set: Command = {
  name: 'account set',
  summary: 'Change an account.',
  arguments: 'NAME@DOMAIN',
  argumentCount: [1, 1],
  options: {
    enable: { type: 'boolean', doc: 'Let it receive mail and log in.' },
    disable: { type: 'boolean', doc: 'Refuse its mail and log-ins; what it holds stays.' },
    quota: { ...quotaOption, doc: `${quotaWords}, as 5GiB; 0 is no limit${orInherit}` },
    'quota-messages': {
      ...quotaMessagesOption,
      doc: `Most messages it may hold; 0 is no limit${orInherit}`,
    },
    'send-as': { ...sendAsOption, doc: `${sendAsOption.doc} Replaces all; "" is none.` },
  },
  examples: ['account set ann@example.org --quota 10GiB', 'account set ann@example.org --disable'],
  async run({ arguments: [address], options, output, control }) {
    const { account } = await (await control()).call('account.set', {
      address: address!,
      ...changesOf(options),
    });
    output.result(account, describe);
    return undefined;
  },
};

function changesOf(options: CommandCall['options']) {
  const [isOn, isOff] = [options.isSet('enable'), options.isSet('disable')];
  if (isOn && isOff) throw new UsageError('--enable and --disable exclude each other');
  const inherit = [
    ...(isInherited(options, 'quota') ? ['quotaBytes' as const] : []),
    ...(isInherited(options, 'quota-messages') ? ['quotaMessages' as const] : []),
  ];
  const quotaBytes = inherit.includes('quotaBytes') ? undefined : sizeOption(options, 'quota');
  const quotaMessages = inherit.includes('quotaMessages')
    ? undefined
    : options.number('quota-messages', 0, messagesMax);
  const sendAs = options.texts('send-as');
  const changes = {
    ...(inherit.length === 0 ? {} : { inherit }),
    ...(isOn || isOff ? { isEnabled: isOn } : {}),
    ...(quotaBytes === undefined ? {} : { quotaBytes }),
    ...(quotaMessages === undefined ? {} : { quotaMessages }),
    ...(sendAs.length === 0 ? {} : { sendAs: sendAs.filter((address) => address !== '') }),
  };
  if (Object.keys(changes).length === 0) throw new UsageError('nothing to change was given');
  return changes;
}

const password: Command = {
  name: 'account password',
  summary: 'Set the password of an account.',
  arguments: 'NAME@DOMAIN',
  argumentCount: [1, 1],
  options: {
    'password-stdin': passwordOption,
    'hash-stdin': {
      type: 'boolean',
      doc: 'Read its hash by another system: bcrypt, sha512-crypt, PBKDF2, {SSHA}. The first log-in replaces it.',
    },
  },
  examples: [
    '|printf \'%s\\n\' "$PASSWORD" | chaski account password ann@example.org --password-stdin',
  ],
  async run({ arguments: [address], options, output, control, input }) {
    const [isText, isHash] = [options.isSet('password-stdin'), options.isSet('hash-stdin')];
    if (isText === isHash) {
      throw new UsageError(
        'give the password with --password-stdin, or its hash with --hash-stdin',
      );
    }
    const text = await readPassword(input);
    await (await control()).call('account.password', {
      address: address!,
      ...(isHash ? { hash: text } : { password: text }),
    });
    output.result({ address: address! }, (shown) => `The password of ${shown.address} is set.`);
    return undefined;
  },
};

const remove: Command = {
  name: 'account delete',
  summary: 'Delete an account and all its mail.',
  arguments: 'NAME@DOMAIN...',
  argumentCount: [1, 1_000],
  options: { yes: { type: 'boolean', doc: 'Needed: the mail cannot be brought back.' } },
  examples: ['account delete ann@example.org --yes'],
  async run({ arguments: addresses, options, output, control }) {
    if (!options.isSet('yes'))
      throw new UsageError('this deletes all mail of the account; add --yes');
    const connection = await control();
    for (const address of addresses) await connection.call('account.delete', { address });
    output.result({ deleted: addresses }, () => `Deleted ${count(addresses.length, 'account')}.`);
    return undefined;
  },
};

export const accountCommands: readonly Command[] = [
  create,
  list,
  show,
  set,
  password,
  importCommand,
  ...credentialCommands,
  ...recoveryCommands,
  remove,
];
