/** `chaski account mfa …` and `chaski account app-password …`: what opens an account besides its password. */

import type { AppPasswordView, FactorStatus } from '../../actors/asks/credential-control.ts';
import { type AppPasswordScope, appPasswordScopes } from '../../ports/credentials.ts';
import { type Command, UsageError } from '../command.ts';
import { durationMs } from '../duration.ts';
import { instant, pairs, table } from '../output.ts';

const oneAccount = { arguments: 'NAME@DOMAIN', argumentCount: [1, 1] } as const;

function describeFactors({ isEnabled, devices, recoveryCodesLeft }: FactorStatus) {
  return [
    ...pairs([
      ['second factor', isEnabled ? 'on' : 'off'],
      ['recovery codes', recoveryCodesLeft],
    ]),
    ...(devices.length === 0
      ? []
      : table(
          ['NUMBER', 'NAME', 'KIND', 'STATE', 'CREATED'],
          devices.map(({ id, name, kind, isConfirmed, createdMs }) => [
            id,
            name,
            kind,
            isConfirmed ? 'confirmed' : 'waits for its first code',
            instant(createdMs),
          ]),
        )),
  ];
}

function describeAppPasswords(all: readonly AppPasswordView[]) {
  if (all.length === 0) return ['No app passwords.'];
  return table(
    ['NUMBER', 'NAME', 'FOR', 'FROM', 'UNTIL', 'LAST USED'],
    all.map(({ id, name, scopes, networks, expiresMs, lastUse }) => [
      id,
      name,
      scopes.join(' '),
      networks.join(' ') || 'anywhere',
      expiresMs === 0 ? '-' : instant(expiresMs),
      lastUse === undefined ? 'never' : `${instant(lastUse.atMs)} from ${lastUse.address}`,
    ]),
  );
}

const enable: Command = {
  name: 'account mfa enable',
  summary: 'Begin a second factor: shows the secret of a device for time-based codes.',
  ...oneAccount,
  options: { name: { type: 'string', value: 'TEXT', doc: 'What the device is called.' } },
  examples: ['account mfa enable ann@example.org --name phone'],
  async run({ arguments: [address], options, output, control }) {
    const name = options.text('name') ?? 'device';
    const made = await (await control()).call('mfa.enable', { address: address!, name });
    output.result(made, ({ uri, secret }) => [
      ...pairs([
        ['secret', secret],
        ['uri', uri],
      ]),
      '',
      'Put it into the device, then: chaski account mfa confirm NAME@DOMAIN CODE',
    ]);
    return undefined;
  },
};

const confirm: Command = {
  name: 'account mfa confirm',
  summary: 'Confirm a second factor by a code of its device; shows recovery codes, this once.',
  arguments: 'NAME@DOMAIN CODE',
  argumentCount: [2, 2],
  examples: ['account mfa confirm ann@example.org 123456'],
  async run({ arguments: [address, code], output, control }) {
    const params = { address: address!, code: code! };
    const answer = await (await control()).call('mfa.confirm', params);
    output.result(answer, ({ recoveryCodes }) => [
      'The second factor is on. Each of these opens once, without the device:',
      ...recoveryCodes.map((one) => `  ${one}`),
    ]);
    return undefined;
  },
};

const disable: Command = {
  name: 'account mfa disable',
  summary: 'Forget all second factors of an account.',
  ...oneAccount,
  examples: ['account mfa disable ann@example.org'],
  async run({ arguments: [address], output, control }) {
    await (await control()).call('mfa.disable', { address: address! });
    output.result({ address: address! }, (shown) => `${shown.address} has no second factor now.`);
    return undefined;
  },
};

const remove: Command = {
  name: 'account mfa remove',
  summary: 'Forget one second factor of an account, by its number.',
  arguments: 'NAME@DOMAIN NUMBER',
  argumentCount: [2, 2],
  examples: ['account mfa remove ann@example.org 2'],
  async run({ arguments: [address, number], output, control }) {
    const id = numberIn(number);
    await (await control()).call('factor.remove', { address: address!, id });
    output.result({ removed: id }, () => `Second factor ${id} is forgotten.`);
    return undefined;
  },
};

function numberIn(text: string | undefined): number {
  const id = Number(text);
  if (!Number.isSafeInteger(id) || id < 1) throw new UsageError('NUMBER is as the list shows it');
  return id;
}

const status: Command = {
  name: 'account mfa status',
  summary: 'Show the second factors of an account.',
  ...oneAccount,
  examples: ['account mfa status ann@example.org --json'],
  async run({ arguments: [address], output, control }) {
    const answer = await (await control()).call('mfa.status', { address: address! });
    output.result(answer, describeFactors);
    return undefined;
  },
};

function scopesIn(texts: readonly string[]): readonly AppPasswordScope[] {
  const words = texts.length === 0 ? ['imap', 'pop3', 'smtp'] : texts;
  return words.map((word) => {
    const scope = appPasswordScopes.find((one) => one === word);
    if (scope === undefined)
      throw new UsageError(`--for is one of ${appPasswordScopes.join(', ')}`);
    return scope;
  });
}

const create: Command = {
  name: 'account app-password create',
  summary: 'Make a password for one program; it is shown this once.',
  ...oneAccount,
  options: {
    name: { type: 'string', value: 'TEXT', doc: 'The program, as its owner knows it.' },
    for: {
      type: 'string',
      multiple: true,
      value: 'PROTOCOL',
      doc: 'smtp, imap, pop3, sieve or http; may stand more than once. Default: imap, pop3 and smtp.',
    },
    network: {
      type: 'string',
      multiple: true,
      value: 'NETWORK',
      doc: 'Good from there only, as 192.0.2.0/24; may stand more than once.',
    },
    expires: { type: 'string', value: 'TIME', doc: 'Good for so long, as 90d.' },
  },
  examples: ['account app-password create ann@example.org --name phone --for imap --for smtp'],
  async run({ arguments: [address], options, output, control }) {
    const expires = durationMs('expires', options.text('expires'));
    const networks = options.texts('network');
    const answer = await (await control()).call('app-password.create', {
      address: address!,
      name: options.text('name') ?? 'program',
      scopes: scopesIn(options.texts('for')),
      ...(networks.length === 0 ? {} : { networks }),
      ...(expires === undefined ? {} : { expiresMs: Date.now() + expires }),
    });
    output.result(answer, ({ password, appPassword }) => [
      password,
      '',
      ...describeAppPasswords([appPassword]),
    ]);
    return undefined;
  },
};

const list: Command = {
  name: 'account app-password list',
  summary: 'List the app passwords of an account, and when each was used last.',
  ...oneAccount,
  examples: ['account app-password list ann@example.org'],
  async run({ arguments: [address], output, control }) {
    const answer = await (await control()).call('app-password.list', { address: address! });
    output.result(answer.appPasswords, describeAppPasswords);
    return undefined;
  },
};

const revoke: Command = {
  name: 'account app-password revoke',
  summary: 'End an app password, by its number.',
  arguments: 'NAME@DOMAIN NUMBER',
  argumentCount: [2, 2],
  examples: ['account app-password revoke ann@example.org 3'],
  async run({ arguments: [address, number], output, control }) {
    const id = numberIn(number);
    await (await control()).call('app-password.revoke', { address: address!, id });
    output.result({ revoked: id }, () => `App password ${id} opens nothing any more.`);
    return undefined;
  },
};

export const credentialCommands: readonly Command[] = [
  enable,
  confirm,
  disable,
  remove,
  status,
  create,
  list,
  revoke,
];
