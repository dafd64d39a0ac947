/** `chaski trace`: all that happened to a message, or to the mail of an address. */

import type { Command } from '../command.ts';
import { instant } from '../output.ts';

const eventsMax = 10_000;

const trace: Command = {
  name: 'trace',
  summary: 'Tell all that happened to a message, or to mail from or to an address.',
  arguments: 'ID|ADDRESS',
  argumentCount: [1, 1],
  options: {
    limit: {
      type: 'string',
      value: 'N',
      doc: `At most the last N events (200; up to ${eventsMax}).`,
    },
  },
  examples: ['trace 01JQ5Z8N3K7M0ABC', 'trace bob@example.net --limit 20'],
  notes:
    'The id stands in the 250 reply, in Received, and in every log line. Exit code 1: nothing is known.',
  async run({ arguments: [of], options, output, control }) {
    const limit = options.number('limit', 1, eventsMax) ?? 200;
    const answer = await (await control()).call('trace', { of: of!, limit });
    output.result(answer, ({ events, isComplete, unread = [] }) => [
      ...events.map((event) => {
        const from = event.sender === undefined ? '' : ` from=<${event.sender}>`;
        const to = event.recipient === undefined ? '' : ` to=<${event.recipient}>`;
        const detail = event.detail === '' ? '' : ` ${event.detail}`;
        return `${instant(event.instantMs)} ${event.id} ${event.kind}${from}${to}${detail}`;
      }),
      ...(isComplete
        ? []
        : [`There is more; ask for it with --limit ${Math.min(eventsMax, limit * 10)}.`]),
      ...unread.map(({ shard, reason }) => `Shard ${shard} could not be asked: ${reason}.`),
      ...(events.length === 0 ? [`Nothing is known of ${of}.`] : []),
    ]);
    return answer.events.length === 0 ? 1 : undefined;
  },
};

export const traceCommands: readonly Command[] = [trace];
