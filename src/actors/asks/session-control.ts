/**
 * What may be asked of sessions: where an account is logged in, and their end.
 *
 * Runs in: both sides of the control socket; plain data only.
 */

import { Type } from 'typebox';
import {
  type Act,
  addressText,
  epochMs,
  flag,
  listOf,
  type MethodsOf,
  nothing,
  only,
  type PlainOf,
  rowNumber,
} from './act.ts';

const session = Type.Object({
  id: Type.Integer(),
  device: Type.String({ description: 'What its program calls itself.' }),
  address: Type.String({ description: 'Of the log-in.' }),
  createdMs: epochMs,
  expiresMs: epochMs,
  secondFactorMs: Type.Number({ description: 'When a second factor was shown; 0: never.' }),
  lastUseMs: Type.Optional(epochMs),
  lastAddress: Type.Optional(Type.String()),
  isAsking: Type.Boolean({ description: 'The session that asks.' }),
});

const account = addressText;

export const sessionActs = {
  'session.list': {
    rest: 'GET /api/v1/sessions',
    own: 'account',
    summary: "An account's sessions, oldest first; the asker's own where no account is named.",
    params: only({ account }),
    result: Type.Object({ sessions: listOf(session) }),
  },
  'session.end': {
    rest: 'DELETE /api/v1/sessions/{id}',
    own: 'account',
    summary: 'Ends a session: its tokens are good no more.',
    params: only({ account, id: rowNumber }),
    result: nothing,
  },
  'session.clear': {
    rest: 'DELETE /api/v1/sessions',
    own: 'account',
    summary: 'Ends all sessions of an account, or all but the one that asks.',
    params: only({ account, exceptAsking: Type.Optional(flag) }),
    result: nothing,
  },
} satisfies Record<string, Act>;

export type SessionView = PlainOf<typeof session>;
export type SessionMethods = MethodsOf<typeof sessionActs>;
