/** `chaski ban …`: networks that are turned away on all listeners. */

import type { BanView } from '../../actors/asks/ban-control.ts';
import { dayMs } from '../../base/units.ts';
import type { Command } from '../command.ts';
import { durationMs } from '../duration.ts';
import { instant, table } from '../output.ts';

function describe(bans: readonly BanView[]): readonly string[] {
  if (bans.length === 0) return ['No network is banned.'];
  return table(
    ['NETWORK', 'BY', 'SINCE', 'UNTIL', 'TIMES', 'REASON'],
    bans.map(({ network, by, sinceMs, untilMs, times, reason }) => [
      ...[network, by, instant(sinceMs), instant(untilMs), String(times), reason || '-'],
    ]),
  );
}

const list: Command = {
  name: 'ban list',
  summary: 'List the networks that are turned away now, until when and why.',
  examples: ['ban list', 'ban list --json'],
  async run({ output, control }) {
    const { bans } = await (await control()).call('ban.list', {});
    output.result(bans, describe);
    return undefined;
  },
};

const add: Command = {
  name: 'ban add',
  summary: 'Turn an address or a network away on all listeners.',
  arguments: 'NETWORK',
  argumentCount: [1, 1],
  options: {
    for: { type: 'string', value: 'TIME', doc: 'How long, as 30m, 12h or 2d; a day else.' },
    reason: { type: 'string', value: 'TEXT', doc: 'Why, for whoever lists it.' },
  },
  examples: ['ban add 203.0.113.7', 'ban add 2001:db8:7::/48 --for 2d --reason guessing --json'],
  notes: 'An IPv6 address stands for its /64. Sessions that are open stay so.',
  async run({ arguments: [network], options, output, control }) {
    const forMs = durationMs('for', options.text('for')) ?? dayMs;
    const params = { network: network!, forMs, reason: options.text('reason') ?? '' };
    const { ban } = await (await control()).call('ban.add', params);
    output.result(ban, (made) => [`${made.network} is banned until ${instant(made.untilMs)}.`]);
    return undefined;
  },
};

const remove: Command = {
  name: 'ban remove',
  summary: 'Let a banned network in again, and forget its failures.',
  arguments: 'NETWORK',
  argumentCount: [1, 1],
  examples: ['ban remove 203.0.113.7', 'ban remove 2001:db8:7::/48 --json'],
  async run({ arguments: [network], output, control }) {
    await (await control()).call('ban.remove', { network: network! });
    output.result({ network: network! }, (each) => [`${each.network} may come again.`]);
    return undefined;
  },
};

export const banCommands: readonly Command[] = [list, add, remove];
