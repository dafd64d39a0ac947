/**
 * JSON Schemas of the API: requests are held to them, and the OpenAPI document is made of them.
 *
 * Runs in:   edge (main thread); plain data.
 * Specs:     JSON Schema, as far as draft 7 (the validator's) and 2020-12 (OpenAPI 3.1's) say the same.
 * Limits:    each list and text has one; they stand in `limits.ts`.
 */

import { suppressionReasons } from '../../../../ports/suppressions.ts';
import {
  addressLengthMax,
  attachmentsMax,
  copiesMax,
  filenameLengthMax,
  headersMax,
  headerValueLengthMax,
  subjectLengthMax,
  variableLengthMax,
  variablesMax,
} from './limits.ts';

const messageStates = [
  ...['waiting', 'sending', 'held', 'delivered', 'failed', 'expired', 'cancelled'],
] as const;

const address = {
  description: 'An address, alone or with a name: `Ann <ann@example.org>`.',
  anyOf: [
    { type: 'string', minLength: 3, maxLength: addressLengthMax },
    {
      type: 'object',
      additionalProperties: false,
      required: ['address'],
      properties: {
        address: { type: 'string', minLength: 3, maxLength: addressLengthMax },
        name: { type: 'string', maxLength: addressLengthMax },
      },
    },
  ],
} as const;

const addresses = { anyOf: [address, { type: 'array', minItems: 1, items: address }] } as const;

const attachment = {
  type: 'object',
  additionalProperties: false,
  required: ['filename', 'content'],
  properties: {
    filename: {
      type: 'string',
      minLength: 1,
      maxLength: filenameLengthMax,
      pattern: '^[^\\u0000-\\u001f\\u007f/\\\\]+$',
    },
    content: { type: 'string', description: 'Base64.' },
    contentType: {
      type: 'string',
      maxLength: 128,
      pattern: '^[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+$',
      default: 'application/octet-stream',
    },
    contentId: {
      type: 'string',
      maxLength: 128,
      pattern: '^[A-Za-z0-9.@_+-]+$',
      description: 'What `cid:` in the HTML refers to.',
    },
    disposition: { type: 'string', enum: ['attachment', 'inline'] },
  },
} as const;

/** One copy of a batch. */
const copy = {
  type: 'object',
  additionalProperties: false,
  required: ['to'],
  properties: {
    to: address,
    variables: {
      type: 'object',
      maxProperties: variablesMax,
      propertyNames: { pattern: '^[A-Za-z_][A-Za-z0-9_]{0,63}$' },
      additionalProperties: { type: 'string', maxLength: variableLengthMax },
    },
  },
} as const;

export const messageSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['from'],
  properties: {
    from: address,
    to: addresses,
    cc: addresses,
    bcc: addresses,
    replyTo: addresses,
    returnPath: {
      type: 'string',
      minLength: 3,
      maxLength: addressLengthMax,
      description: 'Who gets reports, where that is not `from`; of a domain of the tenant.',
    },
    subject: {
      type: 'string',
      maxLength: subjectLengthMax,
      pattern: '^[^\\u0000-\\u001f\\u007f]*$',
    },
    text: { type: 'string' },
    html: { type: 'string' },
    headers: {
      type: 'object',
      description: 'Further header fields.',
      maxProperties: headersMax,
      propertyNames: { pattern: '^[A-Za-z0-9-]{1,76}$' },
      additionalProperties: {
        type: 'string',
        maxLength: headerValueLengthMax,
        pattern: '^[^\\u0000-\\u001f\\u007f]*$',
      },
    },
    attachments: { type: 'array', maxItems: attachmentsMax, items: attachment },
    recipients: {
      type: 'array',
      minItems: 1,
      maxItems: copiesMax,
      items: copy,
      description:
        'In place of to, cc and bcc: a message for each, with {{name}} in subject, text and html replaced.',
    },
    campaign: { type: 'string', pattern: '^[!-~]{1,64}$' },
    priority: { type: 'integer', minimum: -9, maximum: 9, description: 'RFC 6710.' },
    sendAt: { type: 'string', format: 'date-time', description: 'Not before then.' },
    requireTls: { type: 'boolean', description: 'Over verified TLS all the way (RFC 8689).' },
    dryRun: { type: 'boolean', description: 'Say what would happen, and do nothing of it.' },
    deferGeneration: {
      type: 'boolean',
      description:
        'Answer once the request is on disk, with the id of a batch; its messages are made after that. ' +
        'Where mail under way is encrypted on disk they are made at once, and the answer has their ids.',
    },
  },
} as const;

const queryAddress = { type: 'string', minLength: 3, maxLength: addressLengthMax } as const;

/** The envelope of a message that comes whole. */
export const rawQuerySchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    from: queryAddress,
    to: { anyOf: [queryAddress, { type: 'array', minItems: 1, items: queryAddress }] },
    campaign: { type: 'string', pattern: '^[!-~]{1,64}$' },
    priority: { type: 'string', pattern: '^(?:-?[1-9]|0)$' },
    sendAt: { type: 'string', format: 'date-time' },
    dryRun: { type: 'string', enum: ['true', 'false'] },
  },
} as const;

/** What is said of a request's messages beside those that were taken. */
const refusedProperties = {
  suppressed: {
    type: 'array',
    description: 'Recipients that mail was not sent to: they are suppressed.',
    items: {
      type: 'object',
      required: ['index', 'address', 'reason'],
      properties: {
        index: { type: 'integer', description: 'Of the message.' },
        address: { type: 'string' },
        reason: { type: 'string', enum: suppressionReasons },
      },
    },
  },
  failures: {
    type: 'array',
    description: 'Messages of a batch that were not taken.',
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
} as const;

export const acceptedSchema = {
  type: 'object',
  required: ['ids'],
  properties: {
    ids: {
      type: 'array',
      items: { type: ['string', 'null'] },
      description: 'Of the messages, which are on disk; in the order asked. null: see failures.',
    },
    ...refusedProperties,
  },
} as const;

export const judgedSchema = {
  type: 'object',
  required: ['dryRun', 'messages'],
  properties: {
    dryRun: { type: 'boolean', enum: [true] },
    messages: {
      type: 'array',
      description: 'What would be sent, in the order asked. null: see failures.',
      items: {
        type: ['object', 'null'],
        required: ['from', 'to', 'bytes'],
        properties: {
          from: { type: 'string', description: 'The envelope sender.' },
          to: {
            type: 'array',
            items: { type: 'string' },
            description: 'The envelope recipients, aliases of ours expanded.',
          },
          bytes: { type: 'integer', description: 'Before trace fields and signatures.' },
        },
      },
    },
    ...refusedProperties,
  },
} as const;

export const deferredSchema = {
  type: 'object',
  required: ['batch', 'count'],
  properties: {
    batch: { type: 'string', description: 'Its id; what becomes of it: GET /api/v1/batches/ID.' },
    count: { type: 'integer', description: 'Messages that will be made.' },
  },
} as const;

export const statusSchema = {
  type: 'object',
  required: ['id', 'from', 'recipients'],
  properties: {
    id: { type: 'string' },
    from: { type: 'string' },
    acceptedAt: { type: 'string', format: 'date-time' },
    recipients: {
      type: 'array',
      items: {
        type: 'object',
        required: ['address', 'state', 'attempts', 'reply'],
        properties: {
          address: { type: 'string' },
          state: { type: 'string', enum: messageStates },
          attempts: { type: 'integer' },
          reply: { type: 'string', description: 'What the last server said.' },
          nextAttemptAt: { type: 'string', format: 'date-time' },
        },
      },
    },
  },
} as const;

export const faultSchema = {
  type: 'object',
  required: ['error'],
  properties: {
    error: {
      type: 'object',
      required: ['code', 'message'],
      properties: {
        code: { type: 'string' },
        message: { type: 'string' },
        path: { type: 'string', description: 'JSON pointer to what is wrong.' },
      },
    },
  },
} as const;
