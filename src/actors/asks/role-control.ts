/**
 * What may be asked of roles, and of access to another's account.
 *
 * Runs in: both sides of the control socket; plain data only.
 */

import { Type } from 'typebox';
import {
  type Act,
  addressText,
  count,
  epochMs,
  flag,
  listOf,
  type MethodsOf,
  nameText,
  nothing,
  only,
  type PlainOf,
} from './act.ts';

const text = Type.String();

const role = Type.Object({ name: text, isBuiltIn: flag, permissions: listOf(text) });

const grant = Type.Object({
  account: text,
  role: text,
  domains: Type.Optional(Type.Array(text, { description: 'Absent: in all of the tenant.' })),
  createdMs: epochMs,
  by: text,
});

const access = Type.Object({
  id: count,
  account: text,
  asker: Type.String({ description: 'An address, or `operator`.' }),
  reason: text,
  createdMs: epochMs,
  expiresMs: epochMs,
  consentBy: Type.Optional(Type.String({ description: 'Who agreed; absent: nobody yet.' })),
});

const ofTenant = { tenant: nameText };
const ofAccount = { account: addressText };

const ownRoleActs = {
  'role.list': {
    rest: 'GET /api/v1/tenants/{tenant}/roles',
    summary: 'Roles of a tenant, those that every tenant has first, and who has them.',
    params: only(ofTenant),
    result: Type.Object({ roles: listOf(role), grants: listOf(grant) }),
  },
  'role.create': {
    rest: 'PUT /api/v1/tenants/{tenant}/roles/{name}',
    summary: 'Makes a role of permissions, or replaces one of that name.',
    params: only({
      ...ofTenant,
      name: nameText,
      permissions: Type.Array(nameText, { maxItems: 1_000 }),
    }),
    result: Type.Object({ role }),
  },
  'role.delete': {
    rest: 'DELETE /api/v1/tenants/{tenant}/roles/{name}',
    summary: 'Deletes a role; refused while an account has it.',
    params: only({ ...ofTenant, name: nameText }),
    result: nothing,
  },
} satisfies Record<string, Act>;

/** What is given: in all of the tenant, or for some of its domains. */
export const grantFields = {
  role: nameText,
  domains: Type.Optional(Type.Array(nameText, { minItems: 1, maxItems: 1_000 })),
};

const grantActs = {
  'role.grant': {
    rest: 'PUT /api/v1/accounts/{account}/roles/{role}',
    summary: 'Gives an account a role in all of its tenant, or for some of its domains.',
    params: only({
      ...ofAccount,
      ...grantFields,
    }),
    result: Type.Object({ grant }),
  },
  'role.revoke': {
    rest: 'DELETE /api/v1/accounts/{account}/roles/{role}',
    summary: 'Takes a role back.',
    params: only({ ...ofAccount, role: nameText }),
    result: nothing,
  },
} satisfies Record<string, Act>;

const accessActs = {
  'access.request': {
    rest: 'POST /api/v1/accounts/{account}/access',
    summary: "Asks to open somebody else's account; its owner sees the reason.",
    params: only({
      ...ofAccount,
      reason: Type.String({ minLength: 1, maxLength: 1_000 }),
      forMs: Type.Optional(Type.Integer({ minimum: 1, description: 'Absent: an hour.' })),
    }),
    result: Type.Object({ request: access }),
  },
  'access.list': {
    rest: 'GET /api/v1/accounts/{account}/access',
    summary: 'Who asked to open an account, the newest first.',
    params: only(ofAccount),
    result: Type.Object({ requests: listOf(access) }),
  },
  'access.consent': {
    rest: 'POST /api/v1/accounts/{account}/access/{id}/consent',
    summary: 'Agrees that somebody else opens an account.',
    params: only({ ...ofAccount, id: Type.Integer({ minimum: 1 }) }),
    result: Type.Object({ request: access }),
  },
} satisfies Record<string, Act>;

export const roleActs = { ...ownRoleActs, ...grantActs, ...accessActs };

export type RoleView = PlainOf<typeof role>;
export type GrantView = PlainOf<typeof grant>;
export type AccessView = PlainOf<typeof access>;
export type RoleMethods = MethodsOf<typeof roleActs>;
