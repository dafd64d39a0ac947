/**
 * What operators may ask of tenants and their API keys.
 *
 * Runs in: both sides of the control socket; plain data only.
 */

import { Type } from 'typebox';
import {
  type Act,
  anyText,
  count,
  epochMs,
  listOf,
  type MethodsOf,
  nameText,
  nothing,
  only,
  type PlainOf,
} from './act.ts';

const below = Type.Optional(
  Type.Integer({ minimum: 0, description: 'Of each account below; absent: the level above says.' }),
);
/** Of a tenant or a domain. */
export const levelFields = {
  accountQuotaBytes: below,
  accountQuotaMessages: below,
  accountsMax: Type.Optional(
    Type.Integer({ minimum: 0, description: 'Accounts in it; absent or 0: no limit.' }),
  ),
};
export const levelChanges = {
  ...levelFields,
  inherit: Type.Optional(
    Type.Array(
      Type.Union([Type.Literal('accountQuotaBytes'), Type.Literal('accountQuotaMessages')]),
      { maxItems: 2, description: 'What the level above is to say from now on.' },
    ),
  ),
};

const ceiling = Type.Optional(
  Type.Integer({
    minimum: 0,
    description: 'The most any account of it may have, whoever says more; absent or 0: no bound.',
  }),
);
/** Of a tenant alone: only operators set them. */
const ceilingFields = { accountQuotaBytesMax: ceiling, accountQuotaMessagesMax: ceiling };

const tenant = Type.Object({
  id: Type.Integer(),
  name: Type.String(),
  messagesPerHourMax: Type.Optional(Type.Integer({ description: 'Absent or 0: no quota.' })),
  messagesPerDayMax: Type.Optional(Type.Integer({ description: 'Absent or 0: no quota.' })),
  queueMax: Type.Optional(
    Type.Integer({ description: 'Messages that may wait at once; absent or 0: no limit.' }),
  ),
  ...levelFields,
  ...ceilingFields,
  encryptedBy: Type.Optional(
    Type.String({ description: 'The key under which accounts made since are encrypted.' }),
  ),
  createdMs: epochMs,
});

const key = Type.Object({
  id: Type.Integer(),
  tenant: Type.String({ description: "Its tenant's name." }),
  name: Type.String(),
  scopes: listOf(Type.String()),
  messagesPerMinuteMax: Type.Integer({ description: '0: no limit of its own.' }),
  createdMs: epochMs,
});

export const tenantActs = {
  'tenant.create': {
    rest: 'POST /api/v1/tenants',
    summary: 'Makes a tenant.',
    params: only({ name: anyText }),
    result: Type.Object({ tenant }),
  },
  'tenant.set': {
    rest: 'PATCH /api/v1/tenants/{name}',
    summary:
      "Sets a tenant's quotas, and those of accounts in it that say nothing of their own: what is absent stays as it is, 0 ends a quota.",
    params: only({
      name: nameText,
      messagesPerHourMax: Type.Optional(count),
      messagesPerDayMax: Type.Optional(count),
      queueMax: Type.Optional(count),
      ...levelChanges,
      ...ceilingFields,
    }),
    result: Type.Object({ tenant }),
  },
  'tenant.show': {
    rest: 'GET /api/v1/tenants/{name}',
    summary: 'A tenant and its limits.',
    params: only({ name: nameText }),
    result: Type.Object({ tenant, accountCount: count }),
  },
  'tenant.encrypt': {
    rest: 'POST /api/v1/tenants/{name}/encryption',
    summary:
      'Has accounts made from now on encrypted under a key, or wraps the keys of those that are by the newest version of it.',
    params: only({
      name: nameText,
      key: Type.Optional(anyText),
      newDataKeys: Type.Optional(Type.Boolean()),
    }),
    result: Type.Object({
      tenant,
      encrypted: Type.Integer({ description: 'Accounts that are encrypted.' }),
      clear: Type.Integer({ description: 'Accounts from before: they stay as they are.' }),
    }),
  },
  'tenant.delete': {
    rest: 'DELETE /api/v1/tenants/{name}',
    summary:
      'Deletes a tenant with its keys, roles, webhooks and suppressed addresses; refused while it has domains.',
    params: only({ name: nameText }),
    result: nothing,
  },
  'tenant.list': {
    rest: 'GET /api/v1/tenants',
    summary: 'Tenants, by number.',
    params: nothing,
    result: Type.Object({ tenants: listOf(tenant) }),
  },
  'key.create': {
    rest: 'POST /api/v1/tenants/{tenant}/keys',
    summary: 'Makes an API key. No other answer has its secret.',
    params: only({
      tenant: nameText,
      scopes: Type.Array(anyText, { maxItems: 100 }),
      name: Type.Optional(anyText),
      messagesPerMinuteMax: Type.Optional(count),
    }),
    result: Type.Object({ key, secret: Type.String() }),
  },
  'key.list': {
    rest: 'GET /api/v1/keys',
    summary: 'API keys of a tenant, or of all.',
    params: only({ tenant: Type.Optional(nameText) }),
    result: Type.Object({ keys: listOf(key) }),
  },
  'key.delete': {
    rest: 'DELETE /api/v1/keys/{id}',
    summary: 'Ends an API key at once.',
    params: only({ id: Type.Number() }),
    result: nothing,
  },
} satisfies Record<string, Act>;

export type TenantView = PlainOf<typeof tenant>;
export type ApiKeyView = PlainOf<typeof key>;
export type TenantMethods = MethodsOf<typeof tenantActs>;
