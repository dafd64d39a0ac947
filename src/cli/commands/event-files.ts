/** `chaski event-files …`: how the files stand that events are written to. */

import type { EventSinkView } from '../../actors/asks/event-control.ts';
import type { Command } from '../command.ts';
import { pairs } from '../output.ts';

const status: Command = {
  name: 'event-files status',
  summary: 'Show how event files stand: what was written, how far behind they are, what fails.',
  examples: ['event-files status --json'],
  async run({ output, control }) {
    const { sinks } = await (await control()).call('events.sinks', {});
    output.result({ sinks }, () =>
      sinks.length === 0 ? ['eventFiles.folder is not set'] : sinks.flatMap(linesOf),
    );
    return undefined;
  },
};

function linesOf(sink: EventSinkView): readonly string[] {
  const { name, state, reason, lagSeconds, bytes, sentCount, failureCount, lastSent } = sink;
  return pairs([
    ['sink', name],
    ['state', reason === '' ? state : `${state}: ${reason}`],
    ['behind', lagSeconds === 0 ? 'no' : `${lagSeconds} s`],
    ['written', `${sentCount} events, ${bytes} bytes, last ${lastSent ?? 'none'}`],
    ['failures', failureCount],
    ['gaps', sink.gapCount],
    ['cursor', sink.cursor],
  ]);
}

export const eventFileCommands: readonly Command[] = [status];
