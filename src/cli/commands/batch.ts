/** `chaski batch …`: requests of the HTTP API whose messages are made after the answer. */

import type { BatchRow } from '../../actors/asks/batch-control.ts';
import type { Command } from '../command.ts';
import { table } from '../output.ts';

const tenantOption = { type: 'string', value: 'NAME', doc: 'Whose they are.' } as const;

function linesOf(batches: readonly BatchRow[]): readonly string[] {
  return table(
    ['ID', 'TENANT', 'STATE', 'MESSAGES', 'TAKEN', 'FAILED', 'ACCEPTED', 'WHY'],
    batches.map(({ id, tenant, state, count, taken, failed, acceptedAt, fault }) => [
      ...[id, tenant, state, String(count), String(taken), String(failed), acceptedAt, fault],
    ]),
  );
}

const list: Command = {
  name: 'batch list',
  summary: 'List batches, the newest first: those under way, and those of the last day.',
  options: { tenant: { ...tenantOption, doc: 'Whose; all when left out.' } },
  examples: ['batch list --tenant acme'],
  async run({ options, output, control }) {
    const tenant = options.text('tenant');
    const given = tenant === undefined ? {} : { tenant };
    const { batches } = await (await control()).call('batch.list', given);
    output.result({ batches }, () => linesOf(batches));
    return undefined;
  },
};

const stop: Command = {
  name: 'batch stop',
  summary: 'Make no more messages of a batch; those that were made go on.',
  arguments: 'ID',
  argumentCount: [1, 1],
  options: { tenant: { ...tenantOption, doc: 'Whose it is; "default" when left out.' } },
  examples: ['batch stop 01J9Z4K2M8Q7R5TX --tenant acme --json'],
  async run({ arguments: [id = ''], options, output, control }) {
    const tenant = options.text('tenant') ?? 'default';
    const { batch } = await (await control()).call('batch.stop', { id, tenant });
    output.result(batch, () => linesOf([batch]));
    return undefined;
  },
};

export const batchCommands: readonly Command[] = [list, stop];
