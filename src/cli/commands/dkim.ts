/** `chaski dkim …`: the keys domains sign with, and how one follows another. */

import type { DkimKeyView } from '../../actors/asks/dkim-control.ts';
import { zoneLine } from '../../mail/trust/dns-records.ts';
import type { DkimAlgorithm } from '../../ports/account-directory.ts';
import { type Command, type OptionValues, UsageError } from '../command.ts';
import { instant, table } from '../output.ts';

const algorithms: Readonly<Record<string, readonly DkimAlgorithm[]>> = {
  rsa: ['rsa-sha256'],
  ed25519: ['ed25519-sha256'],
  both: ['rsa-sha256', 'ed25519-sha256'],
};

export const signWithOption = {
  type: 'string',
  value: 'KIND',
  doc: 'Kinds of keys: rsa, ed25519 or both.',
} as const;

/** @throws UsageError */
export function signWith(options: OptionValues): readonly DkimAlgorithm[] | undefined {
  const text = options.text('sign-with');
  if (text === undefined) return undefined;
  if (!Object.hasOwn(algorithms, text)) throw new UsageError('--sign-with is rsa, ed25519 or both');
  return algorithms[text];
}

function describe(keys: readonly DkimKeyView[]): readonly string[] {
  if (keys.length === 0) return ['No keys.'];
  const lines = table(
    ['DOMAIN', 'SELECTOR', 'KIND', 'STATE', 'PUBLISH UNTIL'],
    keys.map((key) => [
      key.domain,
      key.selector,
      key.algorithm,
      key.state,
      key.publishUntilMs === undefined ? '-' : instant(key.publishUntilMs),
    ]),
  );
  return [...lines, ...advice(keys, 'waiting'), ...advice(keys, 'removable')];
}

const words = {
  waiting: 'Publish in the DNS; the key signs once it is seen there:',
  removable: 'Take out of the DNS, then forget the key with dkim delete:',
} as const;

function advice(keys: readonly DkimKeyView[], state: keyof typeof words): readonly string[] {
  const some = keys.filter((key) => key.state === state);
  return some.length === 0 ? [] : ['', words[state], ...some.map(({ record }) => zoneLine(record))];
}

const list: Command = {
  name: 'dkim list',
  summary: 'List the keys of a domain, or of all, and what is to be done about them.',
  arguments: '[DOMAIN]',
  argumentCount: [0, 1],
  examples: ['dkim list example.org --json'],
  async run({ arguments: [domain], output, control }) {
    const params = domain === undefined ? {} : { domain };
    output.result((await (await control()).call('dkim.list', params)).keys, describe);
    return undefined;
  },
};

const rotate: Command = {
  name: 'dkim rotate',
  summary: 'Make new keys. They sign once their records are seen in the DNS.',
  arguments: 'DOMAIN',
  argumentCount: [1, 1],
  options: {
    'sign-with': signWithOption,
    force: { type: 'boolean', doc: 'Sign with them now, whatever the DNS says.' },
  },
  examples: ['dkim rotate example.org', 'dkim rotate example.org --sign-with ed25519'],
  notes: 'The keys they follow sign no more then; their records stay published for dkim.overlapMs.',
  async run({ arguments: [domain], options, output, control }) {
    const kinds = signWith(options);
    const params = {
      domain: domain!,
      ...(kinds === undefined ? {} : { signWith: kinds }),
      force: options.isSet('force'),
    };
    output.result((await (await control()).call('dkim.rotate', params)).keys, describe);
    return undefined;
  },
};

function ofOneKey(method: 'dkim.retire' | 'dkim.delete', command: Omit<Command, 'run'>): Command {
  return {
    ...command,
    arguments: 'DOMAIN SELECTOR',
    argumentCount: [2, 2],
    async run({ arguments: [domain, selector], options, output, control }) {
      const params = { domain: domain!, selector: selector!, force: options.isSet('force') };
      output.result((await (await control()).call(method, params)).keys, describe);
      return undefined;
    },
  };
}

const retire = ofOneKey('dkim.retire', {
  name: 'dkim retire',
  summary: 'Sign with a key no more, or drop one that waits.',
  options: { force: { type: 'boolean', doc: 'Also where it is the last one that signs.' } },
  examples: ['dkim retire example.org chaski-rsa'],
});

const remove = ofOneKey('dkim.delete', {
  name: 'dkim delete',
  summary: 'Forget a retired key whose record is out of the DNS.',
  options: { force: { type: 'boolean', doc: 'Also one that signs or is needed still.' } },
  examples: ['dkim delete example.org chaski-rsa'],
});

export const dkimCommands: readonly Command[] = [list, rotate, retire, remove];
