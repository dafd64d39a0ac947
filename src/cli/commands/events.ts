/** `chaski events`: what happens to mail, in order, from a cursor on. */

import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ControlResult, EventView } from '../../actors/asks/control.ts';
import { type Command, UsageError } from '../command.ts';

const eventsMax = 10_000;
const pageMax = 1_000;
/** Between two looks, while nothing is new. */
const followMs = 500;

const events: Command = {
  name: 'events',
  summary: 'Tell what happens to mail: each acceptance, attempt, delivery, bounce.',
  options: {
    after: {
      type: 'string',
      value: 'CURSOR',
      doc: 'Begin after this cursor; "start": with the oldest that is kept, "end": with what comes. "start" when left out.',
    },
    'cursor-file': {
      type: 'string',
      value: 'FILE',
      doc: 'Begin where FILE says, and write there how far it came: a reader that is run again misses nothing.',
    },
    limit: { type: 'string', value: 'N', doc: `At most N events (1000; up to ${eventsMax}).` },
    follow: { type: 'boolean', short: 'f', doc: 'Go on with what comes, until it is ended.' },
  },
  examples: [
    'events --after end --follow --json',
    'events --json --cursor-file /var/lib/me/cursor',
  ],
  notes:
    'With --json each line is an event, or {"cursor": ...} behind those it covers. Events are told at least once; ids tell repeats.',
  async run({ options, output, server, control }) {
    const file = options.text('cursor-file');
    const isFollowing = options.isSet('follow');
    let left = options.number('limit', 1, eventsMax) ?? (isFollowing ? Infinity : pageMax);
    let after = startOf(options.text('after'), file);
    const asked = isFollowing ? ((await server()) ?? (await control())) : await control();
    while (left > 0) {
      const page = await asked.call('events', { after, limit: Math.min(left, pageMax) });
      const { events: found, cursor, isCut, hasMore, unread } = page;
      if (isCut)
        output.fault('events-missing', 'events between the cursor and these are kept no more');
      for (const { shard, reason } of unread) {
        output.fault('shard-unread', `shard ${shard} could not be asked: ${reason}`);
      }
      print(output, page, cursor !== after);
      if (file !== undefined && cursor !== after) keep(file, cursor);
      after = cursor;
      left -= found.length;
      if (!hasMore && !isFollowing) return unread.length === 0 ? undefined : 1;
      if (!hasMore) await sleep(followMs);
    }
    return undefined;
  },
};

function startOf(after: string | undefined, file: string | undefined): string {
  if (after !== undefined && file !== undefined) {
    throw new UsageError('--after and --cursor-file both say where to begin: give one of them');
  }
  if (file === undefined) return after ?? 'start';
  try {
    return readFileSync(file, 'utf8').trim() || 'start';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'start';
    throw new UsageError(`${file} cannot be read: ${(error as Error).message}`);
  }
}

/** Whole or not at all: a cursor that is cut off would read everything again. */
function keep(file: string, cursor: string): void {
  writeFileSync(`${file}.new`, `${cursor}\n`);
  renameSync(`${file}.new`, file);
}

function print(
  output: Parameters<Command['run']>[0]['output'],
  { events: found, cursor }: ControlResult<'events'>,
  isNew: boolean,
): void {
  for (const event of found) output.result(event, lineOf);
  if (output.isJson && isNew) output.result({ cursor }, () => []);
}

function lineOf({ at, kind, message, sender, recipients, host, reply, why }: EventView): string {
  const to = recipients.map((address) => `<${address}>`).join(' ');
  const words = [at, message, kind, `from=<${sender}>`, to === '' ? '' : `to=${to}`];
  if (host !== undefined) words.push(`at ${host}`);
  if (why !== undefined) words.push(`(${why})`);
  if (reply !== undefined) words.push(reply);
  return words.filter((word) => word !== '').join(' ');
}

export const eventCommands: readonly Command[] = [events];
