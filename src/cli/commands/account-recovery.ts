/** `chaski account recovery …` and `chaski account session …`: ways back into an account, and where it is logged in. */

import type { SessionView } from '../../actors/asks/session-control.ts';
import { type Command, UsageError } from '../command.ts';
import { instant, pairs, table } from '../output.ts';

const oneAccount = { arguments: 'NAME@DOMAIN', argumentCount: [1, 1] } as const;

const address: Command = {
  name: 'account recovery address',
  summary: 'Show or set where links to a new password of an account go.',
  arguments: 'NAME@DOMAIN [ADDRESS]',
  argumentCount: [1, 2],
  options: { none: { type: 'boolean', doc: 'Forget it: no links are mailed.' } },
  examples: ['account recovery address ann@example.org ann@elsewhere.example'],
  async run({ arguments: [account, given], options, output, control }) {
    const isNone = options.isSet('none');
    if (isNone && given !== undefined) throw new UsageError('--none, or an ADDRESS');
    const connection = await control();
    const wanted = isNone ? '' : given;
    if (wanted !== undefined) {
      await connection.call('recovery.set', { address: account!, recoveryAddress: wanted });
    }
    const answer = await connection.call('recovery.show', { address: account! });
    output.result(answer, ({ recoveryAddress }) =>
      pairs([['recovery address', recoveryAddress === '' ? 'none' : recoveryAddress]]),
    );
    return undefined;
  },
};

const link: Command = {
  name: 'account recovery link',
  summary: 'Make a link to set a new password: good once, for an hour; it is shown this once.',
  ...oneAccount,
  examples: ['account recovery link ann@example.org'],
  async run({ arguments: [account], output, control }) {
    const answer = await (await control()).call('recovery.link', { address: account! });
    output.result(answer, ({ token, url, expiresMs }) =>
      pairs([url === '' ? ['token', token] : ['link', url], ['until', instant(expiresMs)]]),
    );
    return undefined;
  },
};

const list: Command = {
  name: 'account session list',
  summary: 'List where an account is logged in: its sessions, the oldest first.',
  ...oneAccount,
  examples: ['account session list ann@example.org --json'],
  async run({ arguments: [account], output, control }) {
    const { sessions } = await (await control()).call('session.list', { account: account! });
    output.result(sessions, describe);
    return undefined;
  },
};

const end: Command = {
  name: 'account session end',
  summary: 'End a session by its number, or all of an account.',
  arguments: 'NAME@DOMAIN [NUMBER]',
  argumentCount: [1, 2],
  options: { all: { type: 'boolean', doc: 'All of them.' } },
  examples: ['account session end ann@example.org 12', 'account session end ann@example.org --all'],
  async run({ arguments: [account, number], options, output, control }) {
    const isAll = options.isSet('all');
    const id = Number(number);
    if (isAll === (number !== undefined)) throw new UsageError('a NUMBER, or --all');
    if (!isAll && (!Number.isSafeInteger(id) || id < 1)) {
      throw new UsageError('NUMBER is as the list shows it');
    }
    const connection = await control();
    if (isAll) await connection.call('session.clear', { account: account! });
    else await connection.call('session.end', { account: account!, id });
    output.result({ account: account!, ...(isAll ? {} : { id }) }, () =>
      isAll ? `All sessions of ${account} are over.` : `Session ${id} is over.`,
    );
    return undefined;
  },
};

function describe(sessions: readonly SessionView[]) {
  if (sessions.length === 0) return ['No sessions.'];
  return table(
    ['NUMBER', 'DEVICE', 'FROM', 'SINCE', 'LAST USED', 'UNTIL'],
    sessions.map(({ id, device, address: from, createdMs, lastUseMs, lastAddress, expiresMs }) => [
      ...[id, device === '' ? '-' : device, from, instant(createdMs)],
      lastUseMs === undefined ? '-' : `${instant(lastUseMs)} from ${lastAddress}`,
      instant(expiresMs),
    ]),
  );
}

export const recoveryCommands: readonly Command[] = [address, link, list, end];
