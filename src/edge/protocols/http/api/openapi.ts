/**
 * The OpenAPI document, made of the schemas that requests are held to.
 *
 * Runs in:   edge (main thread); made once.
 * Specs:     OpenAPI 3.1, whose dialect of JSON Schema holds all that `schema.ts` uses.
 */

import { batchPaths } from './batch-schema.ts';
import { eventOperations } from './event-schema.ts';
import {
  acceptedSchema,
  deferredSchema,
  faultSchema,
  judgedSchema,
  messageSchema,
  rawQuerySchema,
  statusSchema,
} from './schema.ts';
import { suppressionOperations } from './suppression-schema.ts';
import { webhookPaths } from './webhook-schema.ts';

const json = (schema: unknown) => ({ 'application/json': { schema } });
const fault = (description: string) => ({
  description,
  content: json({ $ref: '#/components/schemas/Fault' }),
});
const retried = (description: string) => ({
  ...fault(description),
  headers: { 'Retry-After': { description: 'Seconds.', schema: { type: 'integer' } } },
});

const refusals = {
  400: fault('Not as it should be; `path` says where.'),
  401: fault('No valid key.'),
  403: fault('A sender or author is not of a domain of the tenant.'),
};

const idParameter = { name: 'id', in: 'path', required: true, schema: { type: 'string' } } as const;

const sendOperation = {
  operationId: 'sendMessage',
  summary: 'Takes a message, or one for each of many recipients.',
  parameters: [
    {
      name: 'Idempotency-Key',
      in: 'header',
      description: 'Asked again with the same key, the ids are the same and nothing is sent.',
      schema: { type: 'string', minLength: 1, maxLength: 255 },
    },
    {
      name: 'X-Chaski-Pool',
      in: 'header',
      description:
        'The pool of sources to leave by; of one the tenant may not ask for, nothing comes.',
      schema: { type: 'string', pattern: '^[a-z0-9][a-z0-9._-]{0,62}$' },
    },
    ...Object.entries(rawQuerySchema.properties).map(([name, schema]) => ({
      name,
      in: 'query',
      description: 'Of a whole message only.',
      schema,
    })),
  ],
  requestBody: {
    required: true,
    content: {
      ...json({ $ref: '#/components/schemas/Message' }),
      'message/rfc822': { schema: { type: 'string', format: 'binary' } },
    },
  },
  responses: {
    200: {
      description: 'A dry run: what would be done. Nothing is kept, no idempotency key either.',
      content: json({ $ref: '#/components/schemas/Judged' }),
    },
    202: {
      description: 'On disk.',
      content: json({
        anyOf: [
          { $ref: '#/components/schemas/Accepted' },
          { $ref: '#/components/schemas/Deferred' },
        ],
      }),
    },
    ...refusals,
    411: fault('The body has no stated length.'),
    413: fault('Too large.'),
    429: retried('The key, or its tenant, has handed in too much.'),
    503: retried('No room now.'),
  },
};

export const openApi = {
  openapi: '3.1.0',
  info: { title: 'Chaski', version: '1', description: 'Mail, handed in and followed.' },
  security: [{ key: [] }],
  paths: {
    '/api/v1/messages': { post: sendOperation },
    '/api/v1/suppressions': suppressionOperations,
    '/api/v1/events': eventOperations,
    ...webhookPaths,
    ...batchPaths,
    '/api/v1/messages/{id}': {
      get: {
        operationId: 'getMessage',
        summary: 'What became of a message, recipient by recipient.',
        parameters: [idParameter],
        responses: {
          200: { description: 'Known.', content: json({ $ref: '#/components/schemas/Status' }) },
          401: refusals[401],
          404: fault('No such message of this tenant.'),
        },
      },
      delete: {
        operationId: 'cancelMessage',
        summary: 'Ends a message for all recipients that nothing is being sent to.',
        parameters: [idParameter],
        responses: {
          200: { description: 'Cancelled.' },
          401: refusals[401],
          404: fault('No such message of this tenant.'),
          409: fault('It is sent, or being sent.'),
        },
      },
    },
  },
  components: {
    securitySchemes: { key: { type: 'http', scheme: 'bearer' } },
    schemas: {
      Message: messageSchema,
      Accepted: acceptedSchema,
      Deferred: deferredSchema,
      Judged: judgedSchema,
      Status: statusSchema,
      Fault: faultSchema,
    },
  },
} as const;
