/**
 * Directories that passwords are checked by, as operators look into them.
 *
 * Runs in:   main thread.
 * Limits:    one person is handed out at a time, when there is room for the next.
 */

import type { ControlHandlers } from '../../actors/asks/control.ts';
import type { FoundView, PersonView } from '../../actors/asks/ldap-control.ts';
import { MailError } from '../../base/errors.ts';
import type { Person } from '../../ports/log-in-source.ts';
import type { ControlParts } from './parts.ts';

/** Of a running server: a stopped one asks nobody. */
export function ldapHandlers({ logInSources, directory }: ControlParts): ControlHandlers {
  if (logInSources === undefined) return {};
  return {
    'ldap.find': async ({ address }) => {
      const source = logInSources.sourceOf(address);
      if (source === undefined)
        throw new MailError('not-found', `no ldap.sources has the domain of ${address}`);
      const account = await directory.accountByAddress(address);
      const found = await source.find(account?.address ?? address.toLowerCase());
      return {
        ...{ source: source.name, hasAccount: account !== undefined },
        ...(found.kind === 'found'
          ? { kind: 'found', person: viewOf(found.person) }
          : found.kind === 'nobody'
            ? { kind: found.why }
            : { kind: 'away', why: found.why }),
      } satisfies FoundView;
    },
    'ldap.people': async ({ source: name }, { emit, signal }) => {
      const source = logInSources.source(name);
      if (source === undefined) throw new MailError('not-found', `ldap.sources has no ${name}`);
      let count = 0;
      for await (const person of source.people()) {
        if (signal.aborted) break;
        await emit(viewOf(person));
        count++;
      }
      return { count };
    },
  };
}

function viewOf(person: Person): PersonView {
  return { ...person, aliases: [...person.aliases], groups: [...person.groups] };
}
