/**
 * What operators may ask of acts on very many queued messages.
 *
 * Runs in: both sides of the control socket; plain data only.
 */

import { Type } from 'typebox';
import {
  type Act,
  count,
  epochMs,
  formOf,
  listOf,
  type MethodsOf,
  nothing,
  only,
  type PlainOf,
} from './act.ts';
import type { QueueAct } from './queue-asks.ts';
import type { QueueSelection } from './queue-control.ts';

const actNames = [
  ...['retry', 'hold', 'release', 'delete', 'bounce', 'cancel', 'rebind'],
] as const satisfies readonly QueueAct[];
const states = ['running', 'done', 'stopped', 'failed'] as const;

/** An act on all messages that a selection means, and how far it is. */
export const massAct = Type.Object({
  id: Type.Integer({ minimum: 1, description: 'Given out once.' }),
  action: Type.Enum(actNames),
  selection: formOf<QueueSelection>('Which messages it means.'),
  state: Type.Enum(states),
  startedMs: epochMs,
  endedMs: Type.Number({ description: 'Epoch milliseconds; 0: it goes on.' }),
  count: Type.Integer({ minimum: 0, description: 'Messages acted on.' }),
  scannedCount: Type.Integer({ minimum: 0, description: 'Messages looked at.' }),
  queuedCount: Type.Integer({ minimum: 0, description: 'In the queue when it began.' }),
  fault: Type.String({ description: 'Why it failed; empty where it did not.' }),
});

/** `act` is absent where the messages were named: that is done at once. */
export const acted = Type.Object({ count, act: Type.Optional(massAct) });

const oneAct = only({ id: Type.Integer() });

export const massActActs = {
  'queue.acts': {
    rest: 'GET /api/v1/queue/acts',
    summary: 'Acts on many messages and how far they are, newest first.',
    params: nothing,
    result: Type.Object({ acts: listOf(massAct) }),
  },
  'queue.stop': {
    rest: 'DELETE /api/v1/queue/acts/{id}',
    summary: 'Ends an act on many messages where it is; what it has done stays done.',
    params: oneAct,
    result: Type.Object({ act: massAct }),
  },
  'queue.follow': {
    cliOnly: 'It tells of an act until that ends; over HTTP `queue.acts` says how far it is.',
    summary: 'How far an act on many messages is, until it ends.',
    params: oneAct,
    result: Type.Object({ act: massAct }),
    item: massAct,
  },
} satisfies Record<string, Act>;

export type MassActView = PlainOf<typeof massAct>;
export type MassActState = MassActView['state'];
export type ActAnswer = PlainOf<typeof acted>;
export type QueueActMethods = MethodsOf<typeof massActActs>;
