/**
 * What operators may ask of the queue.
 *
 * Runs in:   both sides of the control socket; plain data only.
 * Specs:     RFC 3464 §2.3 (outcomes of recipients), RFC 3463 (status codes).
 */

import { Type } from 'typebox';
import { responseClasses } from '../../mail/wire/smtp/response-class.ts';
import {
  type Act,
  anyText,
  count,
  epochMs,
  flag,
  formOf,
  listOf,
  type MethodsOf,
  nameText,
  nothing,
  only,
  type PlainOf,
} from './act.ts';
import type { MessageReasons, SiteFacts } from './explain-asks.ts';
import { acted, massAct } from './queue-act-control.ts';
import { endingWords } from './queue-endings.ts';
import { queueStates } from './queue-states.ts';

const text = Type.String();
const responseClass = Type.Enum(responseClasses);

const recipient = Type.Object({
  address: text,
  state: Type.Enum([...queueStates, 'delivered', 'failed', 'expired']),
  attemptCount: count,
  nextAttemptMs: Type.Number({ description: 'Epoch milliseconds; 0: no next try is set.' }),
  lastReply: Type.String({
    description:
      'What the last server said, or why it was not reached; empty before the first try.',
  }),
  why: Type.Optional(Type.Enum([...responseClasses, ...endingWords])),
});

const entry = Type.Object({
  id: text,
  tenant: count,
  sender: text,
  bytes: count,
  acceptedMs: epochMs,
  expiresMs: epochMs,
  shard: count,
  recipients: listOf(recipient),
});

/** Messages with a recipient that waits and fits; only those recipients are acted on. */
const ofRecipients = {
  domain: Type.Optional(anyText),
  recipient: Type.Optional(
    Type.String({ maxLength: 1_000, description: 'The whole address, in any case.' }),
  ),
  why: Type.Optional(responseClass),
  replyText: Type.Optional(
    Type.String({ maxLength: 1_000, description: 'Stands in the last reply, in any case.' }),
  ),
};
const ofMessages = {
  sender: Type.Optional(anyText),
  state: Type.Optional(Type.Enum(queueStates)),
  campaign: Type.Optional(anyText),
  tenant: Type.Optional(nameText),
  olderThanMs: Type.Optional(Type.Number({ description: 'Accepted at least so long ago.' })),
};
/** Which queued messages a command acts on; all given conditions must hold, and at least one is given. */
const selection = {
  ...ofRecipients,
  ...ofMessages,
  ids: Type.Optional(Type.Array(nameText, { maxItems: 100_000 })),
  all: Type.Optional(Type.Literal(true)),
};
const selected = only(selection);

export const queueActs = {
  'queue.list': {
    rest: 'GET /api/v1/queue',
    summary: 'Messages in the queue, oldest first.',
    params: only({
      ...ofRecipients,
      ...ofMessages,
      after: Type.Optional(
        Type.String({ maxLength: 64, description: '`scannedTo` of the page before.' }),
      ),
      limit: Type.Integer({ minimum: 0, maximum: 100_000 }),
    }),
    defaults: { limit: 100 },
    result: Type.Object({
      entries: listOf(entry),
      messageCount: count,
      isComplete: flag,
      scannedTo: Type.String({
        description: 'For `after` of the next page, be there entries or not; empty: that is all.',
      }),
    }),
  },
  'queue.explain': {
    rest: 'GET /api/v1/queue/explanation',
    summary: 'What holds a message back, or how the sites of a domain stand.',
    params: only({ of: nameText }),
    result: Type.Object({
      message: Type.Optional(formOf<MessageReasons>('Why each recipient waits.')),
      sites: listOf(formOf<SiteFacts>('A path as one thread sees it.')),
    }),
  },
  'queue.show': {
    rest: 'GET /api/v1/queue/messages/{id}',
    summary: 'A message in the queue, with its header.',
    params: only({ id: nameText }),
    result: Type.Object({ entry, header: text }),
  },
  'queue.retry': {
    rest: 'POST /api/v1/queue/retry',
    summary: 'Tries messages now.',
    params: selected,
    result: acted,
    item: massAct,
  },
  'queue.hold': {
    rest: 'POST /api/v1/queue/hold',
    summary: 'Holds messages back until they are released.',
    params: selected,
    result: acted,
    item: massAct,
  },
  'queue.release': {
    rest: 'POST /api/v1/queue/release',
    summary: 'Lets held messages go.',
    params: selected,
    result: acted,
    item: massAct,
  },
  'queue.rebind': {
    rest: 'POST /api/v1/queue/rebind',
    summary: 'Gives messages another campaign or pool; an empty one takes it away.',
    params: only({
      ...selection,
      toCampaign: Type.Optional(anyText),
      toPool: Type.Optional(anyText),
    }),
    result: acted,
    item: massAct,
  },
  'queue.delete': {
    rest: 'POST /api/v1/queue/delete',
    summary: 'Takes messages out of the queue, with or without a report to their senders.',
    params: only({ ...selection, withBounce: flag }),
    result: acted,
    item: massAct,
  },
  'queue.flush': {
    rest: 'POST /api/v1/queue/flush',
    summary: 'Tries everything that waits (not what is held) now.',
    params: nothing,
    result: acted,
    item: massAct,
  },
} satisfies Record<string, Act>;

export type QueueRecipient = PlainOf<typeof recipient>;
export type QueueEntry = PlainOf<typeof entry>;
const recipientSelection = only(ofRecipients);
export type RecipientSelection = PlainOf<typeof recipientSelection>;
/** As shards are asked: the server puts the tenant's number in the place of its name. */
export type QueueSelection = PlainOf<typeof selected> & { readonly tenantId?: number };
export type QueueMethods = MethodsOf<typeof queueActs>;
