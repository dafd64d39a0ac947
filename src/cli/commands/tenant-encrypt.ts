/** `chaski tenant encrypt`: by which key the accounts of a tenant are encrypted, and new keys for them. */

import type { Command } from '../command.ts';
import { pairs } from '../output.ts';

export const tenantEncryptCommand: Command = {
  name: 'tenant encrypt',
  summary:
    "Encrypt accounts made from now on under a key that stands elsewhere; asked again, wrap their keys by the key's newest version.",
  arguments: 'NAME',
  argumentCount: [1, 1],
  options: {
    key: {
      type: 'string',
      value: 'KEY',
      doc: 'file:/PATH, env:CHASKI_KEY_… or command:/PATH; absent: the one it has.',
    },
    'new-data-keys': {
      type: 'boolean',
      doc: 'Give each account a new data key for what is written from now on.',
    },
  },
  examples: ['tenant encrypt acme --key file:/etc/chaski/acme.key'],
  async run({ arguments: [name], options, output, control }) {
    const key = options.text('key');
    const newDataKeys = options.isSet('new-data-keys');
    const given = { name: name!, newDataKeys, ...(key === undefined ? {} : { key }) };
    const result = await (await control()).call('tenant.encrypt', given);
    output.result(result, ({ tenant, encrypted, clear }) =>
      pairs([
        ['tenant', tenant.name],
        ['key', tenant.encryptedBy ?? ''],
        ['encrypted accounts', encrypted],
        ['clear accounts', clear],
      ]),
    );
    return undefined;
  },
};
