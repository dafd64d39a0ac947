/**
 * What operators may ask of hold rules.
 *
 * Runs in: both sides of the control socket; plain data only.
 */

import { Type } from 'typebox';
import {
  type Act,
  anyText,
  epochMs,
  listOf,
  type MethodsOf,
  nameText,
  nothing,
  only,
  type PlainOf,
} from './act.ts';

/** All that is given must hold; at least one thing is given. */
const suspendParams = only({
  /** By name. */
  tenant: Type.Optional(nameText),
  campaign: Type.Optional(anyText),
  sender: Type.Optional(anyText),
  domain: Type.Optional(anyText),
  recipient: Type.Optional(anyText),
  untilMs: Type.Number({ description: 'Epoch milliseconds; 0: until it is ended.' }),
  note: anyText,
});

const rule = Type.Object({
  id: Type.Integer(),
  filter: Type.Object({
    tenant: Type.Optional(Type.Object({ id: Type.Integer(), name: Type.String() })),
    campaign: Type.Optional(Type.String()),
    sender: Type.Optional(Type.String()),
    domain: Type.Optional(Type.String()),
    recipient: Type.Optional(Type.String()),
  }),
  createdMs: epochMs,
  untilMs: epochMs,
  note: Type.String(),
  isByTenant: Type.Optional(Type.Boolean({ description: 'Its tenant made it, and may end it.' })),
});

export const suspensionActs = {
  'queue.suspend': {
    rest: 'POST /api/v1/queue/suspensions',
    summary: 'Holds back what waits and what is still to come, until it ends.',
    params: suspendParams,
    defaults: { untilMs: 0, note: '' },
    result: Type.Object({ rule }),
  },
  'queue.suspensions': {
    rest: 'GET /api/v1/queue/suspensions',
    summary: 'Hold rules that are on.',
    params: nothing,
    result: Type.Object({ rules: listOf(rule) }),
  },
  'queue.resume': {
    rest: 'DELETE /api/v1/queue/suspensions/{id}',
    summary: 'Ends a hold rule.',
    params: only({ id: Type.Integer() }),
    result: nothing,
  },
} satisfies Record<string, Act>;

export type SuspendParams = PlainOf<typeof suspendParams>;
export type SuspensionMethods = MethodsOf<typeof suspensionActs>;
