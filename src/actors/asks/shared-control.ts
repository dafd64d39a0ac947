/**
 * What may be asked of shared mailboxes: accounts that nobody logs in to.
 *
 * Runs in: both sides of the control socket; plain data only.
 */

import { Type } from 'typebox';
import { type Act, addressText, flag, listOf, type MethodsOf, only, type PlainOf } from './act.ts';

const text = Type.String();

/** Of all its mailboxes; what is made below one takes its list over (RFC 4314 §4). */
export const sharedRights = ['none', 'read', 'write', 'manage'] as const;
export type SharedRights = (typeof sharedRights)[number];

const rights = Type.Unsafe<SharedRights>(
  Type.Union(
    sharedRights.map((each) => Type.Literal(each)),
    {
      description:
        'read: see it, with \\Seen of their own; write: put in, mark and delete too; manage: make and delete mailboxes and change who has rights.',
    },
  ),
);

/** Of one reader, mailboxes that are named; the rest are counted. */
export const mailboxesShownMax = 100;

const reader = Type.Object({
  member: Type.String({ description: 'An account’s address, group: and a group’s, or anyone.' }),
  rights: Type.String({ description: 'As RFC 4314 writes them: those had in every mailbox.' }),
  sendsAs: flag,
  mailboxes: Type.Array(Type.Object({ mailbox: text, rights: text }), {
    maxItems: mailboxesShownMax,
    description: 'Mailboxes in which it has more than that.',
  }),
  moreCount: Type.Integer({ minimum: 0, description: 'Such mailboxes that are not named here.' }),
});

const ofMember = {
  address: addressText,
  member: Type.String({
    ...{ minLength: 1, maxLength: 1_000 },
    description: 'The address of an account or a group.',
  }),
};

export const sharedActs = {
  'shared.show': {
    rest: 'GET /api/v1/shared/{address}',
    summary: 'Who reads a shared mailbox, and who sends in its name.',
    params: only({ address: addressText }),
    result: Type.Object({ address: text, readers: listOf(reader) }),
  },
  'shared.grant': {
    rest: 'PUT /api/v1/shared/{address}/members/{member}',
    summary:
      'Gives an account or a group rights to a shared mailbox, in the place of those it had.',
    params: only({ ...ofMember, rights, sendsAs: flag }),
    defaults: { rights: 'write', sendsAs: false },
    result: Type.Object({ reader }),
  },
  'shared.revoke': {
    rest: 'DELETE /api/v1/shared/{address}/members/{member}',
    summary:
      'Takes all rights to a shared mailbox back, and says which a member has still by a group or anyone.',
    params: only(ofMember),
    result: Type.Object({ left: listOf(reader) }),
  },
} satisfies Record<string, Act>;

export type SharedReaderView = PlainOf<typeof reader>;
export type SharedMethods = MethodsOf<typeof sharedActs>;
