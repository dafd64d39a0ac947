/** `chaski ldap …`: directories that passwords are checked by. */

import type { FoundView } from '../../actors/asks/ldap-control.ts';
import { type Command, exitCodes } from '../command.ts';
import { pairs, size } from '../output.ts';

const words: Readonly<Record<FoundView['kind'], string>> = {
  found: 'one entry',
  missing: 'no entry: nobody logs in',
  several: 'more than one entry: nobody logs in',
  'other-address': 'an entry with another address: nobody logs in',
  away: 'no answer: log-ins are put off',
};

function describe({ source, kind, why, person, hasAccount }: FoundView): readonly string[] {
  const { quotaBytes } = person ?? {};
  return pairs([
    ['source', source],
    ['found', why === undefined ? words[kind] : `${words[kind]} (${why})`],
    ...(person === undefined
      ? []
      : ([
          ['DN', person.id],
          ['address', person.address],
          ['name', person.displayName || '-'],
          ['aliases', person.aliases.join(', ') || '-'],
          ['groups', person.groups.join(', ') || '-'],
          ['quota', quotaBytes === undefined ? '-' : size(quotaBytes)],
          ['enabled', person.isEnabled ? 'yes' : 'no: nobody logs in'],
        ] as const)),
    ['account here', hasAccount ? 'yes' : 'none'],
  ]);
}

const test: Command = {
  name: 'ldap test',
  summary: 'Look an address up in the directory that checks its password; no log-in is tried.',
  arguments: 'NAME@DOMAIN',
  argumentCount: [1, 1],
  examples: ['ldap test ann@example.org', 'ldap test ann@example.org --json'],
  notes: 'The exit code is 1 where nobody could log in.',
  async run({ arguments: [address], output, control }) {
    const found = await (await control()).call('ldap.find', { address: address! });
    output.result(found, describe);
    return found.person?.isEnabled === true ? exitCodes.done : exitCodes.failed;
  },
};

export const ldapCommands: readonly Command[] = [test];
