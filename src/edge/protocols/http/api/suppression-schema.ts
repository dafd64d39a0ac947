/**
 * JSON Schemas and OpenAPI operations of `/api/v1/suppressions`.
 *
 * Runs in:   edge (main thread); plain data.
 * Specs:     as `schema.ts`.
 */

import { suppressionNoteLengthMax, suppressionReasons } from '../../../../ports/suppressions.ts';
import { givenMax } from '../../../feedback/given.ts';
import { addressLengthMax } from './limits.ts';

const address = { type: 'string', minLength: 3, maxLength: addressLengthMax } as const;
const stream = {
  type: 'string',
  pattern: '^[!-~]{0,64}$',
  description: 'The campaign it counts for; left out or empty: all mail of the tenant.',
} as const;
const reason = { type: 'string', enum: suppressionReasons } as const;
const until = {
  type: 'string',
  format: 'date-time',
  description: 'When it runs out; left out: never.',
} as const;
const note = { type: 'string', maxLength: suppressionNoteLengthMax } as const;

export const suppressionsSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['entries'],
  properties: {
    entries: {
      type: 'array',
      minItems: 1,
      maxItems: givenMax,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['address'],
        properties: { address, stream, reason, until, note },
      },
    },
  },
} as const;

export const suppressionListQuerySchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    address,
    stream,
    reason,
    after: { type: 'string', maxLength: 1_000, description: '`next` of the page before.' },
    limit: { type: 'string', pattern: '^[1-9][0-9]{0,3}$' },
  },
} as const;

export const suppressionRemoveQuerySchema = {
  type: 'object',
  additionalProperties: false,
  required: ['address'],
  properties: { address, stream, reason },
} as const;

const pageSchema = {
  type: 'object',
  required: ['suppressions'],
  properties: {
    suppressions: {
      type: 'array',
      items: {
        type: 'object',
        required: ['address', 'reason', 'since'],
        properties: {
          address,
          stream,
          reason,
          since: { type: 'string', format: 'date-time' },
          until,
          note,
        },
      },
    },
    next: { type: 'string', description: 'There are more: ask with `after`.' },
  },
} as const;

const addedSchema = {
  type: 'object',
  required: ['added', 'unchanged', 'invalid'],
  properties: {
    added: { type: 'integer' },
    unchanged: { type: 'integer', description: 'They were there.' },
    invalid: { type: 'array', items: { type: 'integer' }, description: 'Places of no addresses.' },
  },
} as const;

const removedSchema = {
  type: 'object',
  required: ['removed'],
  properties: { removed: { type: 'integer' } },
} as const;

const json = (schema: unknown) => ({ 'application/json': { schema } });
const parametersOf = (properties: Readonly<Record<string, unknown>>, required: string[] = []) =>
  Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema,
  }));

export const suppressionOperations = {
  get: {
    operationId: 'listSuppressions',
    summary: 'Suppressed addresses of the tenant, by domain.',
    parameters: parametersOf(suppressionListQuerySchema.properties),
    responses: { 200: { description: 'A page.', content: json(pageSchema) } },
  },
  post: {
    operationId: 'addSuppressions',
    summary: 'Suppresses addresses; what is there already changes nothing.',
    requestBody: { required: true, content: json(suppressionsSchema) },
    responses: { 200: { description: 'On disk.', content: json(addedSchema) } },
  },
  delete: {
    operationId: 'removeSuppressions',
    summary: 'Lets mail go to an address again.',
    parameters: parametersOf(suppressionRemoveQuerySchema.properties, ['address']),
    responses: { 200: { description: 'On disk.', content: json(removedSchema) } },
  },
} as const;
