/** `chaski source …`: what mail leaves by, how it stands, and how far its warm-up is. */

import type { SourceView } from '../../actors/asks/source-asks.ts';
import type { Command, CommandCall } from '../command.ts';
import { instant, table } from '../output.ts';

const list: Command = {
  name: 'source list',
  summary: 'List sources: their state, and today’s count against the plan, by provider.',
  examples: ['source list --json'],
  async run({ output, control }) {
    const { sources } = await (await control()).call('source.list', {});
    output.result(sources, (shown) => [
      ...table(
        ['SOURCE', 'STATE', 'IPV4', 'IPV6', 'NAME', 'PROXY', 'POOLS', 'WARM-UP'],
        shown.map((each) => [
          ...[each.name, each.state, each.ipv4 ?? '-', each.ipv6 ?? '-', each.helloName],
          ...[each.proxy ?? '-', each.pools.join(', ') || '-', warmupOf(each)],
        ]),
      ),
      ...shown.flatMap(details),
    ]);
    return undefined;
  },
};

const suspend = named('suspend', 'Send nothing by a source until it is resumed.', 'source.suspend');
const resume = named(
  'resume',
  'Send by a source again: what an operator or a rule stopped.',
  'source.resume',
);
const restart = named(
  'warmup restart',
  'Begin the warm-up of a source anew: today is its first day.',
  'source.warmup',
);

function named(
  words: string,
  summary: string,
  method: 'source.suspend' | 'source.resume' | 'source.warmup',
): Command {
  return {
    name: `source ${words}`,
    summary,
    arguments: 'NAME',
    argumentCount: [1, 1],
    examples: [`source ${words} vie1`],
    async run({ arguments: [name], output, control }: CommandCall) {
      await (await control()).call(method, { name: name! });
      output.result({ name: name! }, (shown) => [`${shown.name}: done`]);
      return undefined;
    },
  };
}

function warmupOf({ warmup }: SourceView): string {
  return warmup === undefined ? '-' : `day ${warmup.day} of ${warmup.days}`;
}

function details(source: SourceView): readonly string[] {
  return [...detailsOf(source)];
}

function* detailsOf(source: SourceView): Iterable<string> {
  const { name, state, downUntilMs = 0, downReason } = source;
  if (state === 'down') yield `${name} is down until ${instant(downUntilMs)}: ${downReason}`;
  for (const { provider, count, plan } of source.today) {
    yield `${name} to ${provider}: ${count} of ${plan} today`;
  }
  for (const { site, untilMs } of source.suspensions) {
    yield `${name} does not send to ${site} until ${instant(untilMs)}`;
  }
}

export const sourceCommands: readonly Command[] = [list, suspend, resume, restart];
