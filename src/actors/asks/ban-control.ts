/**
 * What operators may ask about networks that are turned away.
 *
 * Runs in: both sides of the control socket; plain data only.
 */

import { Type } from 'typebox';
import {
  type Act,
  epochMs,
  listOf,
  type MethodsOf,
  nameText,
  nothing,
  only,
  type PlainOf,
} from './act.ts';

const ban = Type.Object({
  network: Type.String(),
  by: Type.Enum(['guard', 'operator']),
  reason: Type.String(),
  sinceMs: epochMs,
  untilMs: epochMs,
  times: Type.Integer({ description: 'How often it was banned.' }),
});

const forMsMax = 366 * 24 * 3_600_000;

export const banActs = {
  'ban.list': {
    rest: 'GET /api/v1/bans',
    summary: 'Networks that are turned away now: since when, until when and why.',
    params: nothing,
    result: Type.Object({ bans: listOf(ban) }),
  },
  'ban.add': {
    rest: 'POST /api/v1/bans',
    summary: 'Turns an address or a network away on all listeners.',
    params: only({
      network: nameText,
      forMs: Type.Integer({ minimum: 1_000, maximum: forMsMax }),
      reason: Type.String({ maxLength: 255 }),
    }),
    defaults: { forMs: 24 * 3_600_000, reason: '' },
    result: Type.Object({ ban }),
  },
  'ban.remove': {
    rest: 'DELETE /api/v1/bans/{network}',
    summary: 'Lets a network in again, and forgets its failures.',
    params: only({ network: nameText }),
    result: nothing,
  },
} satisfies Record<string, Act>;

export type BanView = PlainOf<typeof ban>;
export type BanMethods = MethodsOf<typeof banActs>;
