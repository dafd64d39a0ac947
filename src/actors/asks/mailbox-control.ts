/**
 * What operators may ask of accounts' mailboxes.
 *
 * Runs in: both sides of the control socket; plain data only.
 */

import { Type } from 'typebox';
import {
  type Act,
  addressText,
  anyText,
  count,
  epochMs,
  flag,
  listOf,
  type MethodsOf,
  nothing,
  only,
  type PlainOf,
} from './act.ts';

const text = Type.String();
const mailboxName = Type.String({ minLength: 1, maxLength: 10_000 });
const account = addressText;
const counted = Type.Object({ count });

const mailbox = Type.Object({
  name: text,
  id: count,
  role: text,
  messageCount: count,
  unseenCount: count,
  bytes: count,
  uidValidity: count,
});

/** One message of an import's body. */
const imported = only({
  bytes: count,
  occurrence: Type.Integer({
    description: 'The n-th message with these bytes that the run brings into the mailbox, from 1.',
  }),
  flags: listOf(text),
  // One without a date is told by its place, and the others are taken.
  internalMs: Type.Unsafe<number>({}),
});

const importedAnswer = Type.Object({
  importedCount: count,
  knownCount: Type.Integer({ description: 'Were in the mailbox before.' }),
  faults: listOf(
    Type.Object({
      index: Type.Integer({ description: 'Place in `messages`.' }),
      code: text,
      detail: text,
    }),
  ),
});

/** An expunged message that can be had back. */
const kept = Type.Object({
  id: count,
  mailbox: Type.String({ description: 'As its mailbox was called.' }),
  expungedMs: epochMs,
  untilMs: Type.Number({ description: 'Until when it is kept.' }),
  bytes: count,
  internalMs: epochMs,
  from: text,
  subject: text,
});

/** An exported message, or a piece of a large one; its bytes are the item's body. */
const exported = Type.Object({
  mailbox: text,
  uid: count,
  internalMs: epochMs,
  flags: listOf(text),
  size: Type.Integer({ description: 'Of the message; -1: it went while it was told in pieces.' }),
  offset: Type.Integer({ description: 'Pieces come in order; the last one ends at `size`.' }),
});

export const mailboxActs = {
  'mailbox.list': {
    rest: 'GET /api/v1/accounts/{account}/mailboxes',
    summary: 'Mailboxes of an account.',
    params: only({ account }),
    result: Type.Object({ mailboxes: listOf(mailbox) }),
  },
  'mailbox.create': {
    rest: 'POST /api/v1/accounts/{account}/mailboxes',
    summary: 'Makes a mailbox, and levels above it. `mayExist`: one that is there is as good.',
    params: only({ account, name: mailboxName, mayExist: Type.Optional(flag) }),
    result: Type.Object({ name: text, isNew: flag }),
  },
  'mailbox.subscribe': {
    rest: 'POST /api/v1/accounts/{account}/subscriptions',
    summary: 'Subscribes an account to a mailbox of its own.',
    params: only({ account, name: mailboxName }),
    result: nothing,
  },
  'mailbox.import': {
    cliOnly: 'whole mailboxes come as files',
    summary: 'Brings messages in: they are the body. Asked again, nothing is doubled.',
    params: only({
      account,
      mailbox: mailboxName,
      run: Type.String({ maxLength: 10_000, description: 'Names the import.' }),
      messages: Type.Array(imported, { maxItems: 100_000 }),
    }),
    result: importedAnswer,
  },
  'mailbox.export': {
    cliOnly: 'whole mailboxes go out as a stream of messages',
    summary: 'Hands out messages of a mailbox, from `fromUid` up, or of all.',
    params: only({
      account,
      mailbox: Type.Optional(anyText),
      fromUid: Type.Optional(Type.Integer({ minimum: 1 })),
    }),
    result: counted,
    item: exported,
  },
  'mailbox.expunged': {
    rest: 'GET /api/v1/accounts/{account}/expunged',
    summary: 'Hands out what can be had back; what was expunged last comes first.',
    params: only({
      account,
      mailbox: Type.Optional(anyText),
      sinceMs: Type.Optional(Type.Number({ description: 'Only what was expunged since.' })),
    }),
    result: counted,
    item: kept,
  },
  'mailbox.undelete': {
    rest: 'POST /api/v1/accounts/{account}/expunged/restore',
    summary: 'Puts messages back where they were, or into `to`. Counts those that are back.',
    params: only({
      account,
      ids: Type.Array(count, { maxItems: 1_000_000 }),
      to: Type.Optional(mailboxName),
    }),
    result: counted,
  },
  'mailbox.purge': {
    rest: 'DELETE /api/v1/accounts/{account}/expunged',
    summary: 'Lets go of all that could be had back.',
    params: only({ account }),
    result: counted,
  },
} satisfies Record<string, Act>;

export type MailboxView = PlainOf<typeof mailbox>;
export type ImportedMessage = PlainOf<typeof imported>;
export type ImportedAnswer = PlainOf<typeof importedAnswer>;
export type KeptMessage = PlainOf<typeof kept>;
export type ExportedMessage = PlainOf<typeof exported>;
export type MailboxMethods = MethodsOf<typeof mailboxActs>;
