/** `chaski access …`: who asked to open somebody else's account, why, and who agreed. */

import type { AccessView } from '../../actors/asks/role-control.ts';
import { type Command, UsageError } from '../command.ts';
import { durationMs } from '../duration.ts';
import { instant, pairs, table } from '../output.ts';

function requestLines(shown: AccessView): readonly string[] {
  return pairs([
    ['request', shown.id],
    ['account', shown.account],
    ['asked by', shown.asker],
    ['reason', shown.reason],
    ['until', instant(shown.expiresMs)],
    ['agreed by', shown.consentBy ?? '-'],
  ]);
}

const request: Command = {
  name: 'access request',
  summary: 'Ask to open an account; its owner sees the reason.',
  arguments: 'ADDRESS',
  argumentCount: [1, 1],
  options: {
    reason: { type: 'string', value: 'TEXT', doc: 'Why; it is kept.' },
    for: { type: 'string', value: 'TIME', doc: 'For so long, as 30m or 2d; 1h when left out.' },
  },
  examples: ['access request ann@example.org --reason "case 4711" --for 2h'],
  async run({ arguments: [account], options, output, control }) {
    const reason = options.text('reason');
    if (reason === undefined) throw new UsageError('say why with --reason');
    const forMs = durationMs('for', options.text('for'));
    const answer = await (await control()).call('access.request', {
      ...{ account: account!, reason },
      ...(forMs === undefined ? {} : { forMs }),
    });
    output.result(answer.request, requestLines);
    return undefined;
  },
};

const list: Command = {
  name: 'access list',
  summary: 'List who asked to open an account; the newest first.',
  arguments: 'ADDRESS',
  argumentCount: [1, 1],
  examples: ['access list ann@example.org --json'],
  async run({ arguments: [account], output, control }) {
    const { requests } = await (await control()).call('access.list', { account: account! });
    output.result(requests, (shown) =>
      table(
        ['REQUEST', 'ASKED BY', 'AT', 'UNTIL', 'AGREED BY', 'REASON'],
        shown.map((each) => [
          each.id,
          each.asker,
          instant(each.createdMs),
          instant(each.expiresMs),
          each.consentBy ?? '-',
          each.reason,
        ]),
      ),
    );
    return undefined;
  },
};

const consent: Command = {
  name: 'access consent',
  summary: 'Agree that somebody else opens an account.',
  arguments: 'ADDRESS REQUEST',
  argumentCount: [2, 2],
  examples: ['access consent ann@example.org 7'],
  async run({ arguments: [account, text], output, control }) {
    if (!/^\d{1,9}$/.test(text!)) throw new UsageError(`a request is a number, not "${text}"`);
    const asked = { account: account!, id: Number(text) };
    const answer = await (await control()).call('access.consent', asked);
    output.result(answer.request, requestLines);
    return undefined;
  },
};

export const accessCommands: readonly Command[] = [request, list, consent];
