/**
 * JSON Schemas and OpenAPI operations of `/api/v1/webhooks`.
 *
 * Runs in:   edge (main thread); plain data.
 * Specs:     as `schema.ts`.
 */

import { eventKinds } from '../../../../actors/asks/trace-asks.ts';

const url = { type: 'string', minLength: 8, maxLength: 2_048 } as const;
const types = {
  type: 'array',
  maxItems: eventKinds.length,
  items: { type: 'string', enum: eventKinds },
  description: 'Left out: all.',
} as const;
const campaign = { type: 'string', pattern: '^[!-~]{1,64}$' } as const;

export const webhookSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['url'],
  properties: { url, types, campaign },
} as const;

export const webhookReplaySchema = {
  type: 'object',
  additionalProperties: false,
  required: ['from'],
  properties: {
    from: {
      type: 'string',
      minLength: 1,
      maxLength: 16_384,
      description: 'A cursor, an instant, `start` or `end`.',
    },
  },
} as const;

const count = { type: 'integer' } as const;
const instant = { type: 'string', format: 'date-time' } as const;

const viewSchema = {
  type: 'object',
  required: ['id', 'url', 'types', 'campaign', 'state', 'reason', 'created', 'cursor'],
  properties: {
    ...{ id: count, url, types, campaign: { type: 'string' } },
    state: { type: 'string', enum: ['active', 'failing', 'paused'] },
    reason: { type: 'string', description: 'Why it is paused, or what failed last.' },
    created: instant,
    cursor: { type: 'string', description: 'Behind what was taken.' },
    ...{ sentCount: count, failureCount: count, gapCount: count },
    lagSeconds: { ...count, description: 'Age of the oldest event it was not sent; 0: none.' },
    ...{ lastSent: instant, failingSince: instant, nextTry: instant },
  },
} as const;

const secret = {
  type: 'string',
  description: 'What requests are signed with; told this once.',
} as const;
const madeSchema = {
  ...viewSchema,
  required: [...viewSchema.required, 'secret'],
  properties: { ...viewSchema.properties, secret },
} as const;

const answer = (description: string, schema: unknown) => ({
  description,
  content: { 'application/json': { schema } },
});
const id = { name: 'id', in: 'path', required: true, schema: { type: 'integer' } } as const;
const body = (schema: unknown) => ({
  required: true,
  content: { 'application/json': { schema } },
});
const post = (operationId: string, summary: string, schema: unknown, more = {}) => ({
  post: {
    ...{ operationId, summary, parameters: [id], ...more },
    responses: {
      200: answer('Done.', schema),
      404: { description: 'No such webhook of this tenant.' },
    },
  },
});

export const webhookPaths = {
  '/api/v1/webhooks': {
    get: {
      operationId: 'listWebhooks',
      summary: "The tenant's webhooks.",
      responses: {
        200: answer('All.', {
          type: 'object',
          required: ['webhooks'],
          properties: { webhooks: { type: 'array', items: viewSchema } },
        }),
      },
    },
    post: {
      operationId: 'addWebhook',
      summary: 'Posts events to a URL, from now on.',
      requestBody: body(webhookSchema),
      responses: { 201: answer('Made.', madeSchema) },
    },
  },
  '/api/v1/webhooks/{id}': {
    delete: {
      operationId: 'removeWebhook',
      summary: 'Removes a webhook and its cursor.',
      parameters: [id],
      responses: {
        200: answer('Removed.', { type: 'object', properties: { removed: { type: 'boolean' } } }),
        404: { description: 'No such webhook of this tenant.' },
      },
    },
  },
  '/api/v1/webhooks/{id}/pause': post('pauseWebhook', 'Stops sending.', viewSchema),
  '/api/v1/webhooks/{id}/resume': post('resumeWebhook', 'Goes on where it stopped.', viewSchema),
  '/api/v1/webhooks/{id}/replay': post('replayWebhook', 'Sends events again.', viewSchema, {
    requestBody: body(webhookReplaySchema),
  }),
  '/api/v1/webhooks/{id}/rotate': post('rotateWebhook', 'Makes a new secret.', madeSchema),
} as const;
