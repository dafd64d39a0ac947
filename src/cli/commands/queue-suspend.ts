/** `chaski queue suspend|suspensions|resume`: rules that hold mail back, what waits and what is still to come. */

import type { HoldRule } from '../../ports/hold-rule.ts';
import { type Command, type OptionWords, UsageError } from '../command.ts';
import { durationMs } from '../duration.ts';
import { instant, pairs, table } from '../output.ts';

const filterWords: Readonly<Record<string, OptionWords>> = {
  tenant: { type: 'string', value: 'NAME', doc: 'Mail of this tenant.' },
  campaign: { type: 'string', value: 'NAME', doc: 'Mail of this campaign; "" is of none.' },
  sender: { type: 'string', value: 'ADDRESS', doc: 'Mail from this envelope sender.' },
  domain: { type: 'string', value: 'DOMAIN', doc: 'Copies for recipients at this domain.' },
  recipient: { type: 'string', value: 'ADDRESS', doc: 'Copies for this recipient.' },
};

const suspend: Command = {
  name: 'queue suspend',
  summary:
    'Hold back what a filter fits, what waits and what is still to come, until it is resumed.',
  options: {
    ...filterWords,
    for: { type: 'string', value: 'TIME', doc: 'It ends by itself after this, as 30m, 12h or 2d.' },
    note: { type: 'string', value: 'TEXT', doc: 'What to remember of it.' },
  },
  examples: [
    'queue suspend --tenant acme --campaign news --note "complaints"',
    'queue suspend --domain example.net --for 2h',
  ],
  async run({ options, output, control }) {
    const filter: Record<string, string> = {};
    for (const name of Object.keys(filterWords)) {
      const text = options.text(name);
      if (text !== undefined) filter[name] = text;
    }
    if (Object.keys(filter).length === 0) {
      throw new UsageError(`say what to hold back: --${Object.keys(filterWords).join(', --')}`);
    }
    const forMs = durationMs('for', options.text('for'));
    const untilMs = forMs === undefined ? 0 : Date.now() + forMs;
    const note = options.text('note') ?? '';
    const { rule } = await (await control()).call('queue.suspend', { ...filter, untilMs, note });
    output.result(rule, (shown) =>
      pairs([
        ['rule', shown.id],
        ['holds back', wordsOf(shown)],
        ['until', untilOf(shown)],
      ]),
    );
    return undefined;
  },
};

const suspensions: Command = {
  name: 'queue suspensions',
  summary: 'List the rules that hold mail back.',
  examples: ['queue suspensions --json'],
  async run({ output, control }) {
    const { rules } = await (await control()).call('queue.suspensions', {});
    output.result(rules, (shown) =>
      table(
        ['RULE', 'HOLDS BACK', 'SINCE', 'UNTIL', 'NOTE'],
        shown.map((rule) => [
          rule.id,
          wordsOf(rule),
          instant(rule.createdMs),
          untilOf(rule),
          rule.note,
        ]),
      ),
    );
    return undefined;
  },
};

const resume: Command = {
  name: 'queue resume',
  summary: 'End a rule: what it held goes on.',
  arguments: 'RULE',
  argumentCount: [1, 1],
  examples: ['queue resume 3'],
  async run({ arguments: [text], output, control }) {
    if (!/^[1-9]\d{0,8}$/.test(text!)) throw new UsageError(`no number of a rule: ${text}`);
    const id = Number(text);
    await (await control()).call('queue.resume', { id });
    output.result({ id }, () => `Rule ${id} has ended; what it held goes on.`);
    return undefined;
  },
};

function wordsOf({ filter }: HoldRule): string {
  return Object.entries(filter)
    .map(([name, value]) => `${name} ${typeof value === 'string' ? value || '""' : value.name}`)
    .join(', ');
}

function untilOf({ untilMs }: HoldRule): string {
  return untilMs === 0 ? 'resumed' : instant(untilMs);
}

export const suspensionCommands: readonly Command[] = [suspend, suspensions, resume];
