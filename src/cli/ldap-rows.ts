/**
 * Reads accounts from a directory that checks passwords, as rows of an import.
 *
 * Runs in:   the CLI's process; a client of the control socket.
 * Limits:    `peopleMax` people are in memory: the socket does one thing at a time, so all come before the first is taken.
 */

import { MailError } from '../base/errors.ts';
import type { AccountRow, RowFault } from './account-rows.ts';
import type { Control } from './control-client.ts';

const peopleMax = 500_000;

/**
 * One row an address, in their order; an address that more than one entry has is a fault. @throws MailError `not-found`
 * for the source, `deadline-passed` while it is away.
 */
export async function ldapRows(
  control: Control,
  source: string,
): Promise<readonly (AccountRow | RowFault)[]> {
  const people: Omit<AccountRow, 'line'>[] = [];
  await control.call(
    'ldap.people',
    { source },
    {
      onItem({ address, isEnabled, quotaBytes }) {
        if (people.length >= peopleMax)
          throw new MailError('argument-invalid', `${source}: over ${peopleMax} people`);
        people.push({ address, isEnabled, ...(quotaBytes === undefined ? {} : { quotaBytes }) });
      },
    },
  );
  people.sort((a, b) => (a.address < b.address ? -1 : 1));
  return people.flatMap((person, at): (AccountRow | RowFault)[] => {
    const line = at + 1;
    const isTwice = people[at + 1]?.address === person.address;
    if (people[at - 1]?.address === person.address) return [];
    if (isTwice) return [{ line, reason: `${person.address}: more than one entry has it` }];
    return [{ line, ...person }];
  });
}
