/**
 * What operators may ask of suppressed addresses.
 *
 * Runs in: both sides of the control socket; plain data only.
 */

import { Type } from 'typebox';
import {
  type Act,
  addressText,
  anyText,
  count,
  epochMs,
  listOf,
  type MethodsOf,
  nameText,
  only,
  type PlainOf,
} from './act.ts';

/** What is no address is told by its place, and the others are taken. */
const input = only({
  address: Type.String({ maxLength: 10_000 }),
  stream: Type.Optional(anyText),
  reason: Type.Optional(anyText),
  sinceMs: Type.Optional(epochMs),
  untilMs: Type.Optional(epochMs),
  note: Type.Optional(Type.String({ maxLength: 10_000 })),
});

const view = Type.Object({
  address: Type.String(),
  stream: Type.String({ description: 'Empty: all streams.' }),
  reason: Type.String(),
  sinceMs: epochMs,
  untilMs: Type.Number({ description: 'Epoch milliseconds; 0: for good.' }),
  note: Type.String(),
});

const filter = { stream: Type.Optional(anyText), reason: Type.Optional(anyText) };

export const suppressionActs = {
  'feedback.addresses': {
    rest: 'GET /api/v1/tenants/{tenant}/feedback-addresses',
    summary: 'Where a tenant has complaints sent, and where requests by mail go.',
    params: only({ tenant: nameText }),
    result: Type.Object({ complaints: Type.String(), unsubscribe: Type.String() }),
  },
  'suppression.add': {
    rest: 'POST /api/v1/tenants/{tenant}/suppressions',
    summary: 'Suppresses addresses in one commit; what is there already changes nothing.',
    params: only({ tenant: nameText, entries: Type.Array(input, { maxItems: 100_000 }) }),
    result: Type.Object({ added: count, unchanged: count, invalid: listOf(count) }),
  },
  'suppression.list': {
    rest: 'GET /api/v1/tenants/{tenant}/suppressions',
    summary: 'Suppressed addresses of a tenant, by domain.',
    params: only({
      tenant: nameText,
      address: Type.Optional(anyText),
      ...filter,
      /** `next` of the page before. */
      after: Type.Optional(anyText),
      limit: Type.Integer({ minimum: 1, maximum: 100_000 }),
    }),
    defaults: { limit: 100 },
    result: Type.Object({
      entries: listOf(view),
      next: Type.Optional(Type.String({ description: 'For `after` of the next page.' })),
      addressCount: Type.Integer({ description: 'All addresses of the tenant.' }),
    }),
  },
  'suppression.remove': {
    rest: 'DELETE /api/v1/tenants/{tenant}/suppressions',
    summary: 'Lets mail go to an address again.',
    params: only({ tenant: nameText, address: addressText, ...filter }),
    result: Type.Object({ count }),
  },
} satisfies Record<string, Act>;

export type SuppressionInput = PlainOf<typeof input>;
export type SuppressionView = PlainOf<typeof view>;
export type SuppressionMethods = MethodsOf<typeof suppressionActs>;
