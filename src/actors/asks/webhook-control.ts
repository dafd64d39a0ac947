/**
 * What operators and tenants' programs may ask of webhooks.
 *
 * Runs in: both sides of the control socket; plain data only.
 */

import { Type } from 'typebox';
import {
  type Act,
  anyText,
  count,
  listOf,
  type MethodsOf,
  nameText,
  nothing,
  only,
  type PlainOf,
} from './act.ts';

const input = {
  url: Type.String({ maxLength: 10_000 }),
  types: Type.Optional(
    Type.Array(anyText, { maxItems: 1_000, description: 'Kinds of events; absent: all.' }),
  ),
  campaign: Type.Optional(Type.String({ maxLength: 1_000, description: 'Absent: all.' })),
};

const instant = Type.String({ format: 'date-time' });

const webhook = Type.Object({
  id: Type.Integer(),
  tenant: Type.String(),
  url: Type.String(),
  types: Type.Array(Type.String(), { description: 'Empty: all.' }),
  campaign: Type.String({ description: 'Empty: all.' }),
  state: Type.Enum(['active', 'failing', 'paused']),
  reason: Type.String({ description: 'Why it is paused or what failed last.' }),
  created: Type.String(),
  cursor: Type.String({ description: 'Behind what was taken; for `replay`.' }),
  sentCount: count,
  failureCount: count,
  gapCount: Type.Integer({ description: 'Times that events were kept no more at their turn.' }),
  lastSent: Type.Optional(instant),
  failingSince: Type.Optional(instant),
  nextTry: Type.Optional(instant),
  lagSeconds: Type.Integer({
    description: 'Age of the oldest event it was not sent; 0: it was sent all, or is paused.',
  }),
});

/** `tenant` absent: whatever its tenant. */
const one = { id: Type.Integer(), tenant: Type.Optional(nameText) };
const shown = Type.Object({ webhook });
const made = Type.Object({ webhook, secret: Type.String() });
const place = '/api/v1/tenants/{tenant}/webhooks';

export const webhookActs = {
  'webhook.add': {
    rest: `POST ${place}`,
    summary: 'Posts events to a URL, from now on. No other answer has the secret, but of rotation.',
    params: only({ ...input, tenant: nameText }),
    result: made,
  },
  'webhook.list': {
    rest: `GET ${place}`,
    summary: 'Webhooks of a tenant.',
    params: only({ tenant: Type.Optional(nameText) }),
    result: Type.Object({ webhooks: listOf(webhook) }),
  },
  'webhook.remove': {
    rest: `DELETE ${place}/{id}`,
    summary: 'Removes a webhook and its cursor.',
    params: only(one),
    result: nothing,
  },
  'webhook.pause': {
    rest: `POST ${place}/{id}/pause`,
    summary: 'Stops sending.',
    params: only(one),
    result: shown,
  },
  'webhook.resume': {
    rest: `POST ${place}/{id}/resume`,
    summary: 'Goes on where it stopped.',
    params: only(one),
    result: shown,
  },
  'webhook.replay': {
    rest: `POST ${place}/{id}/replay`,
    summary: 'Sends events again.',
    params: only({
      ...one,
      from: Type.String({
        maxLength: 16_384,
        description: 'A cursor, an instant (RFC 3339), `start` or `end`.',
      }),
    }),
    result: shown,
  },
  'webhook.rotate': {
    rest: `POST ${place}/{id}/rotate`,
    summary: 'Makes a new secret.',
    params: only(one),
    result: made,
  },
} satisfies Record<string, Act>;

export type WebhookInput = Omit<PlainOf<(typeof webhookActs)['webhook.add']['params']>, 'tenant'>;
export type WebhookView = PlainOf<typeof webhook>;
export type WebhookMethods = MethodsOf<typeof webhookActs>;
