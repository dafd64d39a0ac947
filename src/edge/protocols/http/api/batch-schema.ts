/**
 * Batches in the OpenAPI document.
 *
 * Runs in:   edge (main thread); plain data.
 */

import { batchStates } from './batches.ts';

const id = { name: 'id', in: 'path', required: true, schema: { type: 'string' } } as const;

const viewProperties = {
  id: { type: 'string' },
  state: {
    type: 'string',
    enum: batchStates,
    description: '`stopped`: by DELETE. `failed`: `fault` says why nothing more was made of it.',
  },
  count: { type: 'integer' },
  taken: { type: 'integer', description: 'Messages that are on disk.' },
  failed: { type: 'integer' },
  acceptedAt: { type: 'string', format: 'date-time' },
  endedAt: { type: 'string', format: 'date-time' },
  fault: { type: 'string' },
} as const;
const required = ['id', 'state', 'count', 'taken', 'failed', 'acceptedAt', 'fault'] as const;

const batchSchema = {
  type: 'object',
  required: [...required, 'ids', 'failures'],
  properties: {
    ...viewProperties,
    ids: {
      type: 'array',
      items: { type: ['string', 'null'] },
      description: 'Of its messages, in the order asked. null: not taken, or not yet.',
    },
    failures: {
      type: 'array',
      description: 'Messages that were not taken, and will not be.',
      items: {
        type: 'object',
        required: ['index', 'code', 'message'],
        properties: {
          index: { type: 'integer' },
          code: { type: 'string' },
          message: { type: 'string' },
        },
      },
    },
  },
} as const;

const answer = (description: string, schema: unknown) => ({
  description,
  content: { 'application/json': { schema } },
});
const one = (operationId: string, summary: string) => ({
  ...{ operationId, summary, parameters: [id] },
  responses: {
    200: answer('As it stands.', batchSchema),
    404: { description: 'No such batch of this tenant; a day after its end it is forgotten.' },
  },
});

export const batchPaths = {
  '/api/v1/batches': {
    get: {
      operationId: 'listBatches',
      summary: 'Batches of the tenant, the newest first; at most 100.',
      responses: {
        200: answer('These.', {
          type: 'object',
          required: ['batches'],
          properties: {
            batches: {
              type: 'array',
              items: { type: 'object', required, properties: viewProperties },
            },
          },
        }),
      },
    },
  },
  '/api/v1/batches/{id}': {
    get: one('getBatch', 'What became of a batch, message by message.'),
    delete: one('stopBatch', 'Makes no more messages of it; those that were made go on.'),
  },
} as const;
