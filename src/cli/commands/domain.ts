/** `chaski domain …`: the domains whose mail is ours. */

import type { DomainAnswer } from '../../actors/asks/control.ts';
import { type DnsRecord, zoneLine } from '../../mail/trust/dns-records.ts';
import { type Command, UsageError } from '../command.ts';
import { levelIn, levelOptions, levelPairs } from '../level-options.ts';
import { count, instant, pairs, table } from '../output.ts';
import { signWith, signWithOption } from './dkim.ts';

export function recordLines(records: readonly DnsRecord[]): readonly string[] {
  if (records.length === 0) return [];
  const lines = records.flatMap((record) => [`; ${record.purpose}`, zoneLine(record)]);
  return ['', 'Publish in the DNS:', ...lines];
}

function describe({ domain, records }: DomainAnswer): readonly string[] {
  return [
    ...pairs([
      ['domain', domain.name],
      ['accounts', domain.accountCount],
      ['aliases', domain.aliasCount],
      ['catch-all', domain.catchAll ?? '-'],
      ...levelPairs(domain),
      ['created', instant(domain.createdMs)],
    ]),
    ...recordLines(records),
  ];
}

const create: Command = {
  name: 'domain create',
  summary: 'Make a domain ours, with DKIM keys, and print the DNS records it needs.',
  arguments: 'DOMAIN',
  argumentCount: [1, 1],
  options: {
    'catch-all': { type: 'string', value: 'ADDRESS', doc: 'Who gets mail for unknown users.' },
    tenant: { type: 'string', value: 'NAME', doc: "Whose domain it is, if not default's." },
    'sign-with': signWithOption,
  },
  examples: ['domain create example.org'],
  async run({ arguments: [name], options, output, control }) {
    const catchAll = options.text('catch-all');
    const tenant = options.text('tenant');
    const kinds = signWith(options);
    const params = {
      name: name!,
      ...(catchAll === undefined ? {} : { catchAll }),
      ...(tenant === undefined ? {} : { tenant }),
      ...(kinds === undefined ? {} : { signWith: kinds }),
    };
    output.result(await (await control()).call('domain.create', params), describe);
    return undefined;
  },
};

const list: Command = {
  name: 'domain list',
  summary: 'List our domains.',
  examples: ['domain list'],
  async run({ output, control }) {
    const { domains } = await (await control()).call('domain.list', {});
    output.result(domains, (shown) =>
      shown.length === 0
        ? 'No domains. Make one with: chaski domain create example.org'
        : table(
            ['DOMAIN', 'ACCOUNTS', 'ALIASES', 'CATCH-ALL'],
            shown.map((each) => [
              each.name,
              each.accountCount,
              each.aliasCount,
              each.catchAll ?? '-',
            ]),
          ),
    );
    return undefined;
  },
};

const show: Command = {
  name: 'domain show',
  summary: 'Show a domain and the DNS records it needs.',
  arguments: 'DOMAIN',
  argumentCount: [1, 1],
  examples: ['domain show example.org'],
  async run({ arguments: [name], output, control }) {
    output.result(await (await control()).call('domain.show', { name: name! }), describe);
    return undefined;
  },
};

const set: Command = {
  name: 'domain set',
  summary: 'Set limits of a domain, and of accounts in it that say nothing of their own.',
  arguments: 'DOMAIN',
  argumentCount: [1, 1],
  options: levelOptions,
  examples: [
    'domain set example.org --account-quota 5GiB --accounts-max 200',
    'domain set example.org --account-quota inherit',
  ],
  async run({ arguments: [name], options, output, control }) {
    const level = levelIn(options);
    if (Object.keys(level).length === 0) throw new UsageError('nothing to change was given');
    const { domain } = await (await control()).call('domain.set', { name: name!, ...level });
    output.result(domain, (shown) => describe({ domain: shown, records: [] }));
    return undefined;
  },
};

const remove: Command = {
  name: 'domain delete',
  summary: 'Delete domains that have no accounts and aliases left.',
  arguments: 'DOMAIN...',
  argumentCount: [1, 1_000],
  examples: ['domain delete example.org'],
  async run({ arguments: names, output, control }) {
    const connection = await control();
    for (const name of names) await connection.call('domain.delete', { name });
    output.result({ deleted: names }, () => `Deleted ${count(names.length, 'domain')}.`);
    return undefined;
  },
};

export const domainCommands: readonly Command[] = [create, list, show, set, remove];
