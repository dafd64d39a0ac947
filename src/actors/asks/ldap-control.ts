/**
 * What operators may ask about directories that passwords are checked by.
 *
 * Runs in:   both sides of the control socket; plain data only.
 * Invariant: no password is in it.
 */

import { Type } from 'typebox';
import {
  type Act,
  addressText,
  count,
  flag,
  listOf,
  type MethodsOf,
  nameText,
  only,
  type PlainOf,
} from './act.ts';

const person = Type.Object({
  id: Type.String({ description: 'Its DN.' }),
  address: Type.String(),
  displayName: Type.String(),
  aliases: listOf(Type.String()),
  groups: listOf(Type.String()),
  quotaBytes: Type.Optional(count),
  isEnabled: flag,
});

const found = Type.Object({
  source: Type.String(),
  kind: Type.Enum(['found', 'missing', 'several', 'other-address', 'away']),
  why: Type.Optional(Type.String({ description: 'Why there is no answer.' })),
  person: Type.Optional(person),
  hasAccount: Type.Boolean({ description: 'There is an account of this address here.' }),
});

export const ldapActs = {
  'ldap.find': {
    rest: 'GET /api/v1/ldap/people/{address}',
    summary: 'Looks up in its directory whose password is not kept here; no log-in is tried.',
    params: only({ address: addressText }),
    result: found,
  },
  'ldap.people': {
    cliOnly: 'all people of a directory come as a stream',
    summary: 'Hands out all people a directory has of its domains.',
    params: only({ source: nameText }),
    item: person,
    result: Type.Object({ count }),
  },
} satisfies Record<string, Act>;

export type FoundView = PlainOf<typeof found>;
export type PersonView = PlainOf<typeof person>;
export type LdapMethods = MethodsOf<typeof ldapActs>;
