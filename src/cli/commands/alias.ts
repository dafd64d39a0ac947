/** `chaski alias …`: addresses that lead to others, here or outside. */

import type { AliasView } from '../../actors/asks/control.ts';
import type { Command } from '../command.ts';
import { count, table } from '../output.ts';

const describe = (alias: AliasView) => `${alias.address} -> ${alias.targets.join(', ')}`;

const create: Command = {
  name: 'alias create',
  summary: 'Create an alias to one or more addresses, here or outside.',
  arguments: 'ADDRESS TARGET...',
  argumentCount: [2, 1_001],
  options: { replace: { type: 'boolean', doc: 'Replace the alias where there is one.' } },
  examples: ['alias create sales@example.org ann@example.org bob@example.net'],
  async run({ arguments: [address, ...targets], options, output, control }) {
    const mustBeNew = !options.isSet('replace');
    const params = { address: address!, targets, mustBeNew };
    const { alias } = await (await control()).call('alias.set', params);
    output.result(alias, describe);
    return undefined;
  },
};

const list: Command = {
  name: 'alias list',
  summary: 'List aliases.',
  options: { domain: { type: 'string', value: 'DOMAIN', doc: 'Only aliases of this domain.' } },
  examples: ['alias list --domain example.org'],
  async run({ options, output, control }) {
    const domain = options.text('domain');
    const params = domain === undefined ? {} : { domain };
    const { aliases } = await (await control()).call('alias.list', params);
    output.result(aliases, (shown) =>
      table(
        ['ALIAS', 'TARGETS'],
        shown.map((each) => [each.address, each.targets.join(', ')]),
      ),
    );
    return undefined;
  },
};

const show: Command = {
  name: 'alias show',
  summary: 'Show where an alias leads.',
  arguments: 'ADDRESS',
  argumentCount: [1, 1],
  examples: ['alias show sales@example.org'],
  async run({ arguments: [address], output, control }) {
    const { alias } = await (await control()).call('alias.show', { address: address! });
    output.result(alias, describe);
    return undefined;
  },
};

const remove: Command = {
  name: 'alias delete',
  summary: 'Delete aliases.',
  arguments: 'ADDRESS...',
  argumentCount: [1, 1_000],
  examples: ['alias delete sales@example.org'],
  async run({ arguments: addresses, output, control }) {
    const connection = await control();
    for (const address of addresses) await connection.call('alias.delete', { address });
    output.result(
      { deleted: addresses },
      () => `Deleted ${count(addresses.length, 'alias', 'aliases')}.`,
    );
    return undefined;
  },
};

export const aliasCommands: readonly Command[] = [create, list, show, remove];
