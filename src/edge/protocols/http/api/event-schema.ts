/**
 * JSON Schemas and the OpenAPI operation of `/api/v1/events`, and what a webhook is sent.
 *
 * Runs in:   edge (main thread); plain data.
 * Specs:     as `schema.ts`.
 */

import { eventKinds } from '../../../../actors/asks/trace-asks.ts';

export const eventsMax = 1_000;

const type = { type: 'string', enum: eventKinds } as const;
const text = { type: 'string' } as const;
const count = { type: 'integer' } as const;

export const eventsQuerySchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    after: {
      type: 'string',
      minLength: 1,
      maxLength: 16_384,
      description: '`start` (the oldest that is kept), `end` (what comes), or a cursor.',
    },
    limit: { type: 'string', pattern: '^[1-9][0-9]{0,4}$', description: `At most ${eventsMax}.` },
    type: { anyOf: [type, { type: 'array', minItems: 1, items: type }] },
    campaign: { type: 'string', pattern: '^[!-~]{1,64}$' },
    wait: {
      type: 'string',
      pattern: '^(?:[0-9]|[1-5][0-9]|60)$',
      description: 'Seconds to wait for an event where there is none yet.',
    },
  },
} as const;

const eventSchema = {
  type: 'object',
  required: ['id', 'at', 'kind', 'message', 'sender', 'recipients'],
  properties: {
    id: { type: 'string', description: 'The same when the event comes again.' },
    at: { type: 'string', format: 'date-time' },
    kind: type,
    message: { type: 'string', description: 'Its id; empty where none is known.' },
    sender: text,
    recipients: { type: 'array', items: text },
    campaign: text,
    bytes: count,
    recipientCount: { ...count, description: 'Of the whole message.' },
    host: { ...text, description: 'Whom the attempt spoke to.' },
    address: text,
    reply: text,
    why: { ...text, description: 'The class of the reply, or why it came.' },
    attempts: count,
    next: { type: 'string', format: 'date-time', description: 'Of the next attempt.' },
    report: { ...text, description: 'Id of the message that reports it to the sender.' },
    uid: count,
    isRepeat: { type: 'boolean' },
    code: text,
    listener: text,
    protocol: text,
    peer: text,
    helo: text,
    user: text,
    stream: text,
    words: text,
    from: text,
    what: text,
    detail: text,
    by: text,
  },
} as const;

const pageSchema = {
  type: 'object',
  required: ['events', 'cursor', 'hasMore'],
  properties: {
    events: { type: 'array', items: eventSchema },
    cursor: {
      type: 'string',
      description: 'For `after` of the next request; it holds through restarts.',
    },
    hasMore: { type: 'boolean', description: 'There may be more already.' },
  },
} as const;

const headers = { 'Retry-After': { description: 'Seconds.', schema: count } } as const;

const json = (schema: unknown) => ({ 'application/json': { schema } });

export const eventOperations = {
  get: {
    operationId: 'listEvents',
    summary: "What happened to the tenant's mail, in order, at least once.",
    parameters: Object.entries(eventsQuerySchema.properties).map(([name, schema]) => ({
      ...{ name, in: 'query', schema },
    })),
    responses: {
      200: { description: 'A page.', content: json(pageSchema) },
      400: { description: 'No cursor of this server, or no such type.' },
      410: { description: 'Events after the cursor are kept no more.' },
      429: { description: 'The key asks too often, or has too many requests that wait.', headers },
      503: { description: 'Too many requests of all keys wait.', headers },
    },
  },
} as const;
