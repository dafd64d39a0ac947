/** `chaski store …`: look after journals and indexes. */

import type { StoreFinding } from '../../actors/asks/control.ts';
import {
  type Command,
  type CommandCall,
  exitCodes,
  type OptionWords,
  UsageError,
} from '../command.ts';
import { count, size } from '../output.ts';

const shardOption: OptionWords = {
  type: 'string',
  multiple: true,
  value: 'N',
  doc: 'Only this shard. May stand more than once.',
};

function shardsOf(options: CommandCall['options']): readonly number[] {
  return options.texts('shard').map((text) => {
    if (!/^\d{1,4}$/.test(text)) throw new UsageError(`--shard is a number, not "${text}"`);
    return Number(text);
  });
}

function describeFinding({ shard, segment, offset, reason, messages }: StoreFinding): string {
  const hit = messages.length === 0 ? '' : `; messages: ${messages.join(', ')}`;
  return `shard ${shard}, ${segment} at ${offset}: ${reason}${hit}`;
}

const verify: Command = {
  name: 'store verify',
  summary: 'Read all journals, check every record, compare the indexes, and name what is damaged.',
  options: { shard: shardOption },
  examples: ['store verify', 'store verify --shard 3 --json'],
  notes:
    'Exit code 1: something is damaged. With --json each finding is a line, the sum the last one.',
  async run({ options, output, control }) {
    const answer = await (await control()).call(
      'store.verify',
      { shards: shardsOf(options) },
      {
        onItem: (finding) => output.result(finding, describeFinding),
      },
    );
    output.result(answer, (shown) => {
      const read = `${count(shown.recordCount, 'record')} (${size(shown.bytes)}) in ${count(shown.shardCount, 'shard')}`;
      return `${read}: ${shown.findingCount === 0 ? 'all sound.' : `${count(shown.findingCount, 'finding')}.`}`;
    });
    return answer.findingCount === 0 ? undefined : exitCodes.failed;
  },
};

const rebuild: Command = {
  name: 'store rebuild',
  summary: 'Make the indexes again from checkpoints and journals.',
  options: { shard: shardOption },
  examples: ['store rebuild --shard 3'],
  async run({ options, output, control }) {
    const answer = await (await control()).call('store.rebuild', { shards: shardsOf(options) });
    output.result(
      answer,
      (shown) =>
        `Rebuilt ${count(shown.shardCount, 'index', 'indexes')} from ${count(shown.recordCount, 'record')}.`,
    );
    return undefined;
  },
};

const compact: Command = {
  name: 'store compact',
  summary: 'Write checkpoints, move what lives out of old segments, and remove them.',
  options: { shard: shardOption },
  examples: ['store compact'],
  async run({ options, output, control }) {
    const answer = await (await control()).call('store.compact', { shards: shardsOf(options) });
    output.result(
      answer,
      (shown) => `Freed ${size(shown.bytesFreed)} in ${count(shown.segmentsRemoved, 'segment')}.`,
    );
    return undefined;
  },
};

export const storeCommands: readonly Command[] = [verify, rebuild, compact];
