/** `chaski tenant …`: those whose mail is kept apart: each has its domains and its keys. */

import type { Command } from '../command.ts';
import { instant, pairs, table } from '../output.ts';

const create: Command = {
  name: 'tenant create',
  summary: 'Create a tenant.',
  arguments: 'NAME',
  argumentCount: [1, 1],
  examples: ['tenant create acme'],
  async run({ arguments: [name], output, control }) {
    const { tenant } = await (await control()).call('tenant.create', { name: name! });
    output.result(tenant, (shown) =>
      pairs([
        ['tenant', shown.name],
        ['number', shown.id],
        ['created', instant(shown.createdMs)],
      ]),
    );
    return undefined;
  },
};

const list: Command = {
  name: 'tenant list',
  summary: 'List tenants; `default` is always there.',
  examples: ['tenant list --json'],
  async run({ output, control }) {
    const { tenants } = await (await control()).call('tenant.list', {});
    output.result(tenants, (shown) =>
      table(
        ['TENANT', 'NUMBER', 'CREATED'],
        shown.map((each) => [each.name, each.id, instant(each.createdMs)]),
      ),
    );
    return undefined;
  },
};

export const tenantCommands: readonly Command[] = [create, list];
