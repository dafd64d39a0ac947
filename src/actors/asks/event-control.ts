/**
 * What operators may ask of what happened to mail.
 *
 * Runs in: both sides of the control socket; plain data only.
 */

import { Type } from 'typebox';
import {
  type Act,
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
const maybe = Type.Optional(text);
const maybeCount = Type.Optional(Type.Integer());
const limit = Type.Integer({ minimum: 1, maximum: 1_000_000 });

const unread = Type.Array(Type.Object({ shard: count, reason: text }), {
  description: 'Shards that could not be asked, and why: what they know is missing.',
});

const traced = Type.Object({
  id: text,
  instantMs: epochMs,
  kind: Type.String({
    description: 'As `accepted`, `delivered`, `deferred`, `bounced`, `stored`.',
  }),
  sender: maybe,
  recipient: maybe,
  detail: Type.String({ description: 'Words for people.' }),
});

/** One thing that happened to a message, for programs: fields that say nothing are left out. */
const event = Type.Object({
  id: Type.String({ description: 'Of the event: the same when it is read again.' }),
  at: text,
  kind: text,
  message: text,
  tenant: count,
  sender: text,
  recipients: listOf(text),
  campaign: maybe,
  bytes: maybeCount,
  recipientCount: maybeCount,
  host: maybe,
  address: maybe,
  source: maybe,
  egress: maybe,
  provider: maybe,
  reply: maybe,
  why: Type.Optional(
    Type.String({ description: 'Why it was not delivered; of what came back, why it came.' }),
  ),
  stream: maybe,
  words: maybe,
  from: maybe,
  attempts: maybeCount,
  next: maybe,
  report: Type.Optional(Type.String({ description: "The report's own message." })),
  uid: maybeCount,
  isRepeat: Type.Optional(flag),
  code: maybe,
  listener: maybe,
  protocol: maybe,
  peer: maybe,
  helo: maybe,
  user: maybe,
  what: Type.Optional(Type.String({ description: 'Of what is no step of a delivery.' })),
  detail: maybe,
  by: maybe,
});

/** Counts are since the server started. */
const sink = Type.Object({
  name: text,
  state: Type.Enum(['active', 'failing']),
  reason: Type.String({ description: 'What failed last, while it does; empty where nothing is.' }),
  lagSeconds: Type.Integer({ description: 'Age of the oldest event it has not; 0: it has all.' }),
  bytes: count,
  sentCount: count,
  failureCount: count,
  gapCount: Type.Integer({ description: 'Times that events were kept no more at their turn.' }),
  lastSent: maybe,
  failingSince: maybe,
  cursor: Type.String({ description: 'Behind what it has.' }),
});

export const eventActs = {
  'events.sinks': {
    rest: 'GET /api/v1/server/event-files',
    summary: 'How event files stand: what was written, how far behind they are, what fails.',
    params: nothing,
    result: Type.Object({ sinks: listOf(sink) }),
  },
  events: {
    rest: 'GET /api/v1/server/events',
    summary: 'The next events of all shards, after a cursor that an earlier answer gave.',
    params: only({
      after: Type.String({ maxLength: 65_536, description: 'A cursor, `start` or `end`.' }),
      limit,
    }),
    defaults: { after: 'start', limit: 1_000 },
    result: Type.Object({
      events: listOf(event),
      cursor: Type.String({ description: 'For the next call: it holds through restarts.' }),
      isCut: Type.Boolean({ description: 'Events between the cursor and these are kept no more.' }),
      hasMore: flag,
      unread,
    }),
  },
  trace: {
    rest: 'GET /api/v1/trace',
    summary: 'What happened to a message, or to mail of an address; oldest first.',
    params: only({ of: anyText, limit }),
    defaults: { limit: 100 },
    result: Type.Object({
      events: listOf(traced),
      isComplete: flag,
      unread: Type.Optional(unread),
    }),
  },
} satisfies Record<string, Act>;

export type TraceEvent = PlainOf<typeof traced>;
export type EventSinkView = PlainOf<typeof sink>;
export type EventView = PlainOf<typeof event>;
export type EventMethods = MethodsOf<typeof eventActs>;
