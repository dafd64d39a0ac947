/**
 * What may be asked of groups: accounts written to, given roles and rights by one name.
 *
 * Runs in: both sides of the control socket; plain data only.
 */

import { Type } from 'typebox';
import { type GroupSenders, groupSenders } from '../../ports/groups.ts';
import {
  type Act,
  addressText,
  anyText,
  count,
  epochMs,
  listOf,
  type MethodsOf,
  nameText,
  nothing,
  only,
  type PlainOf,
} from './act.ts';
import { grantFields } from './role-control.ts';

const text = Type.String();

const senders = Type.Unsafe<GroupSenders>(
  Type.Union(
    groupSenders.map((each) => Type.Literal(each)),
    {
      description:
        'Who may write to it: anybody, accounts and keys of its tenant, its members, or nobody (it takes no mail).',
    },
  ),
);

const group = Type.Object({
  address: text,
  id: Type.Integer(),
  tenant: count,
  senders,
  memberCount: Type.Integer({ description: 'Accounts and groups that stand in it by themselves.' }),
  accountCount: Type.Optional(Type.Integer({ description: 'Accounts that it leads to in all.' })),
  createdMs: epochMs,
});

const member = Type.Object({
  address: text,
  kind: Type.Union([Type.Literal('account'), Type.Literal('group')]),
});

const role = Type.Object({
  role: text,
  domains: Type.Optional(listOf(text)),
  createdMs: epochMs,
  by: text,
});

const oneGroup = { address: addressText };
const members = Type.Array(addressText, { minItems: 1, maxItems: 1_000 });

export const groupActs = {
  'group.create': {
    rest: 'POST /api/v1/groups',
    summary:
      'Makes a group. Its name is an address; whether mail is taken for it is what senders says.',
    params: only({
      address: anyText,
      senders: Type.Optional(senders),
      members: Type.Optional(members),
    }),
    result: Type.Object({ group }),
  },
  'group.list': {
    rest: 'GET /api/v1/groups',
    summary: 'Groups of a domain, or of all.',
    params: only({ domain: Type.Optional(anyText) }),
    result: Type.Object({ groups: listOf(group) }),
  },
  'group.show': {
    rest: 'GET /api/v1/groups/{address}',
    summary: 'A group, who is in it, what it is in, and its roles.',
    params: only(oneGroup),
    result: Type.Object({
      group,
      members: listOf(member),
      groups: listOf(text),
      roles: listOf(role),
    }),
  },
  'group.set': {
    rest: 'PATCH /api/v1/groups/{address}',
    summary: 'Says who may write to a group.',
    params: only({ ...oneGroup, senders }),
    result: Type.Object({ group }),
  },
  'group.add': {
    rest: 'POST /api/v1/groups/{address}/members',
    summary: 'Puts accounts or groups into a group: all of them or none.',
    params: only({ ...oneGroup, members }),
    result: Type.Object({ group }),
  },
  'group.remove': {
    rest: 'DELETE /api/v1/groups/{address}/members/{member}',
    summary: 'Takes an account or a group out of a group.',
    params: only({ ...oneGroup, member: addressText }),
    result: Type.Object({ group }),
  },
  'group.grant': {
    rest: 'PUT /api/v1/groups/{address}/roles/{role}',
    summary:
      'Gives all who are in a group a role in all of its tenant, or for some of its domains.',
    params: only({
      ...oneGroup,
      ...grantFields,
    }),
    result: Type.Object({ role }),
  },
  'group.revoke': {
    rest: 'DELETE /api/v1/groups/{address}/roles/{role}',
    summary: 'Takes a role back from a group.',
    params: only({ ...oneGroup, role: nameText }),
    result: nothing,
  },
  'group.delete': {
    rest: 'DELETE /api/v1/groups/{address}',
    summary: 'Deletes a group: nobody has its roles and rights any more.',
    params: only(oneGroup),
    result: nothing,
  },
} satisfies Record<string, Act>;

export type GroupView = PlainOf<typeof group>;
export type GroupMemberView = PlainOf<typeof member>;
export type GroupRoleView = PlainOf<typeof role>;
export type GroupMethods = MethodsOf<typeof groupActs>;
