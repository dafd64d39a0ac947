/**
 * What may be asked of the audit log.
 *
 * Runs in: both sides of the control socket; plain data only.
 */

import { Type } from 'typebox';
import { type Act, count, epochMs, flag, listOf, type MethodsOf, nameText, only } from './act.ts';

const text = Type.String();
const maybe = Type.Optional(text);
const sequence = Type.Integer({ minimum: 0 });

/** As a line of the log has it: fields that say nothing are left out. */
const entry = Type.Object({
  seq: Type.Integer({ description: 'One more than that of the entry before.' }),
  at: text,
  act: text,
  outcome: Type.String({ description: '`begun`, `done`, `refused` or `failed`.' }),
  principal: text,
  tenant: Type.Optional(count),
  resource: maybe,
  peer: maybe,
  reason: maybe,
  of: Type.Optional(Type.Integer({ description: 'Sequence of the entry that began the act.' })),
  details: Type.Optional(Type.Record(text, Type.Union([text, Type.Number(), Type.Boolean()]))),
  previous: Type.String({ description: 'Hash of the entry before.' }),
  hash: text,
});

export const auditActs = {
  'audit.list': {
    rest: 'GET /api/v1/audit',
    summary: 'Who did what: entries of the audit log, oldest first.',
    params: only({
      tenant: Type.Optional(nameText),
      afterMs: Type.Optional(epochMs),
      untilMs: Type.Optional(epochMs),
      afterSequence: Type.Optional(sequence),
      limit: Type.Integer({ minimum: 1, maximum: 1_000 }),
    }),
    defaults: { limit: 100 },
    result: Type.Object({
      /** Of this log and no other. */
      log: text,
      entries: listOf(entry),
      hasMore: flag,
      lastSequence: Type.Integer({ description: 'For `afterSequence` of the next page.' }),
    }),
  },
} satisfies Record<string, Act>;

export type AuditMethods = MethodsOf<typeof auditActs>;
