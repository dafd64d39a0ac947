/**
 * What operators and tenants' programs may ask of batches: requests whose messages are made after the answer.
 *
 * Runs in: both sides of the control socket; plain data only.
 */

import { type Static, Type } from 'typebox';
import { type Act, anyText, count, listOf, type MethodsOf, nameText, only } from './act.ts';

const batch = Type.Object({
  id: Type.String(),
  tenant: Type.String(),
  state: Type.Enum(['generating', 'done', 'stopped', 'failed']),
  count,
  taken: count,
  failed: count,
  acceptedAt: Type.String({ format: 'date-time' }),
  endedAt: Type.Optional(Type.String({ format: 'date-time' })),
  fault: Type.String(),
});

export type BatchRow = Static<typeof batch>;

const place = '/api/v1/tenants/{tenant}/batches';

export const batchActs = {
  'batch.list': {
    rest: `GET ${place}`,
    summary: 'Batches of a tenant, the newest first.',
    params: only({ tenant: Type.Optional(nameText) }),
    result: Type.Object({ batches: listOf(batch) }),
  },
  'batch.stop': {
    rest: `DELETE ${place}/{id}`,
    summary: 'Makes no more messages of a batch; those that were made go on.',
    params: only({ tenant: nameText, id: anyText }),
    result: Type.Object({ batch }),
  },
} as const satisfies Record<string, Act>;

export type BatchMethods = MethodsOf<typeof batchActs>;
