/** `chaski key …`: keys of the HTTP API. A secret is shown once, by `key create`. */

import type { ApiKeyView } from '../../actors/asks/tenant-control.ts';
import { apiScopes } from '../../ports/account-directory.ts';
import { type Command, UsageError } from '../command.ts';
import { count, instant, pairs, table } from '../output.ts';

const messagesPerMinuteMax = 10_000_000;
const idMax = 0xffff_ffff;

function rate({ messagesPerMinuteMax: most }: ApiKeyView): string {
  return most === 0 ? '-' : `${most}/min`;
}

const create: Command = {
  name: 'key create',
  summary: 'Create an API key and print its secret, this once.',
  options: {
    tenant: { type: 'string', value: 'NAME', doc: 'Whose key it is.' },
    scope: {
      type: 'string',
      multiple: true,
      value: 'SCOPE',
      doc: `What its bearer may do: ${apiScopes.join(', ')}. May stand more than once.`,
    },
    name: { type: 'string', value: 'TEXT', doc: 'What to call it in lists.' },
    rate: { type: 'string', value: 'COUNT', doc: 'Most messages a minute; 0 is no limit.' },
  },
  examples: ['key create --tenant default --scope send --name shop --json'],
  async run({ options, output, control }) {
    const tenant = options.text('tenant');
    const scopes = options.texts('scope').flatMap((each) => each.split(','));
    if (tenant === undefined) throw new UsageError('say whose key it is with --tenant');
    if (scopes.length === 0) throw new UsageError('say what it is for with --scope send');
    const name = options.text('name');
    const most = options.number('rate', 0, messagesPerMinuteMax);
    const { key, secret } = await (await control()).call('key.create', {
      tenant,
      scopes,
      ...(name === undefined ? {} : { name }),
      ...(most === undefined ? {} : { messagesPerMinuteMax: most }),
    });
    output.result({ ...key, secret }, (shown) => [
      ...pairs([
        ['key', shown.id],
        ['tenant', shown.tenant],
        ['name', shown.name || '-'],
        ['scopes', shown.scopes.join(', ')],
        ['rate', rate(shown)],
        ['secret', shown.secret],
      ]),
      'The secret is kept nowhere: note it now.',
    ]);
    return undefined;
  },
};

const list: Command = {
  name: 'key list',
  summary: 'List API keys.',
  options: { tenant: { type: 'string', value: 'NAME', doc: 'Only keys of this tenant.' } },
  examples: ['key list --tenant default'],
  async run({ options, output, control }) {
    const tenant = options.text('tenant');
    const params = tenant === undefined ? {} : { tenant };
    const { keys } = await (await control()).call('key.list', params);
    output.result(keys, (shown) =>
      table(
        ['KEY', 'TENANT', 'NAME', 'SCOPES', 'RATE', 'CREATED'],
        shown.map((each) => [
          each.id,
          each.tenant,
          each.name || '-',
          each.scopes.join(','),
          rate(each),
          instant(each.createdMs),
        ]),
      ),
    );
    return undefined;
  },
};

const remove: Command = {
  name: 'key delete',
  summary: 'Delete API keys: requests with them are refused from the answer on.',
  arguments: 'KEY...',
  argumentCount: [1, 1_000],
  examples: ['key delete 7'],
  async run({ arguments: keys, output, control }) {
    const ids = keys.map((text) => {
      const id = /^\d{1,10}$/.test(text) ? Number(text) : 0;
      if (id >= 1 && id <= idMax) return id;
      throw new UsageError(`a key is named by its number, not "${text}"`);
    });
    const connection = await control();
    for (const id of ids) await connection.call('key.delete', { id });
    output.result({ deleted: ids }, () => `Deleted ${count(ids.length, 'key')}.`);
    return undefined;
  },
};

export const keyCommands: readonly Command[] = [create, list, remove];
