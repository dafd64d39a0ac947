/**
 * What operators may ask of domains, accounts and aliases.
 *
 * Runs in: both sides of the control socket; plain data only.
 */

import { Type } from 'typebox';
import type { LevelName } from '../../ports/levels.ts';
import {
  type Act,
  addressText,
  anyText,
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
import { dkimAlgorithm } from './dkim-control.ts';
import { dnsRecord } from './dns-record.ts';
import { levelChanges, levelFields } from './tenant-control.ts';

const text = Type.String();

const domain = Type.Object({
  name: text,
  tenant: count,
  catchAll: Type.Optional(text),
  ...levelFields,
  createdMs: epochMs,
  accountCount: count,
  aliasCount: count,
});

const domainAnswer = Type.Object({
  domain,
  records: Type.Array(dnsRecord, { description: 'What to publish in the DNS.' }),
});

const inheritable = Type.Union([Type.Literal('quotaBytes'), Type.Literal('quotaMessages')]);

const limit = Type.Object({
  name: inheritable,
  value: Type.Number({ description: '0: no limit.' }),
  from: Type.Unsafe<LevelName>(
    Type.String({ description: 'The level that says so: account, domain, tenant, server.' }),
  ),
});

const account = Type.Object({
  address: text,
  id: count,
  tenant: count,
  shard: count,
  isEnabled: flag,
  hasPassword: flag,
  isShared: Type.Boolean({ description: 'Nobody logs in to it.' }),
  quotaBytes: Type.Number({ description: '0: no limit.' }),
  quotaMessages: Type.Integer({ description: '0: no limit.' }),
  inherits: Type.Array(inheritable, { description: 'What the levels above it say.' }),
  usedBytes: Type.Optional(Type.Number()),
  messageCount: Type.Optional(count),
  sendAs: listOf(text),
  createdMs: epochMs,
});

const alias = Type.Object({ address: text, tenant: count, targets: listOf(text) });

const ofDomain = only({ domain: Type.Optional(anyText) });
const oneAccount = { address: addressText };
const inherit = Type.Optional(
  Type.Array(inheritable, { maxItems: 2, description: 'What the levels above are to say.' }),
);
const quotas = {
  quotaBytes: Type.Optional(Type.Number({ minimum: 0 })),
  quotaMessages: Type.Optional(count),
  sendAs: Type.Optional(Type.Array(addressText, { maxItems: 1_000 })),
};
const password = Type.String({ minLength: 1, maxLength: 4_096 });

const domainActs = {
  'domain.create': {
    rest: 'POST /api/v1/domains',
    summary: 'Makes a domain with its signing keys.',
    params: only({
      name: anyText,
      catchAll: Type.Optional(anyText),
      tenant: Type.Optional(nameText),
      signWith: Type.Optional(listOf(dkimAlgorithm)),
    }),
    result: domainAnswer,
  },
  'domain.list': {
    rest: 'GET /api/v1/domains',
    summary: 'Domains.',
    params: nothing,
    result: Type.Object({ domains: listOf(domain) }),
  },
  'domain.show': {
    rest: 'GET /api/v1/domains/{name}',
    summary: 'A domain, and what to publish in the DNS.',
    params: only({ name: nameText }),
    result: domainAnswer,
  },
  'domain.set': {
    rest: 'PATCH /api/v1/domains/{name}',
    summary:
      'Sets limits of a domain, and of accounts in it that say nothing of their own: what is absent stays as it is.',
    params: only({ name: nameText, ...levelChanges }),
    result: Type.Object({ domain }),
  },
  'domain.delete': {
    rest: 'DELETE /api/v1/domains/{name}',
    summary: 'Deletes a domain; refused while it has accounts or aliases.',
    params: only({ name: nameText }),
    result: nothing,
  },
} satisfies Record<string, Act>;

const accountActs = {
  'account.create': {
    rest: 'POST /api/v1/accounts',
    summary: 'Makes an account. Without a password nobody can log in until one is set.',
    params: only({
      address: anyText,
      password: Type.Optional(password),
      isShared: Type.Optional(Type.Literal(true)),
      ...quotas,
    }),
    result: Type.Object({ account }),
  },
  'account.list': {
    rest: 'GET /api/v1/accounts',
    summary: 'Accounts of a domain, or of all.',
    params: ofDomain,
    result: Type.Object({ accounts: listOf(account) }),
  },
  'account.show': {
    rest: 'GET /api/v1/accounts/{address}',
    summary: 'An account, what it holds, and its aliases.',
    params: only(oneAccount),
    result: Type.Object({ account, aliases: listOf(text), limits: listOf(limit) }),
  },
  'account.set': {
    rest: 'PATCH /api/v1/accounts/{address}',
    summary: 'Changes what is given of an account.',
    params: only({ ...oneAccount, isEnabled: Type.Optional(flag), ...quotas, inherit }),
    result: Type.Object({ account }),
  },
  'account.password': {
    rest: 'PUT /api/v1/accounts/{address}/password',
    summary: "Sets an account's password.",
    params: only({
      ...oneAccount,
      password: Type.Optional(password),
      /** As another system wrote it; one of the two is given. */
      hash: Type.Optional(Type.String({ minLength: 1, maxLength: 1_000 })),
    }),
    result: nothing,
  },
  'account.delete': {
    rest: 'DELETE /api/v1/accounts/{address}',
    summary: 'Deletes an account with all its mail.',
    params: only(oneAccount),
    result: nothing,
  },
} satisfies Record<string, Act>;

const aliasActs = {
  'alias.set': {
    rest: 'PUT /api/v1/aliases/{address}',
    summary: 'Makes an alias, or replaces it.',
    params: only({
      address: addressText,
      targets: Type.Array(addressText, { maxItems: 10_000 }),
      mustBeNew: flag,
    }),
    defaults: { mustBeNew: false },
    result: Type.Object({ alias }),
  },
  'alias.list': {
    rest: 'GET /api/v1/aliases',
    summary: 'Aliases of a domain, or of all.',
    params: ofDomain,
    result: Type.Object({ aliases: listOf(alias) }),
  },
  'alias.show': {
    rest: 'GET /api/v1/aliases/{address}',
    summary: 'An alias.',
    params: only({ address: addressText }),
    result: Type.Object({ alias }),
  },
  'alias.delete': {
    rest: 'DELETE /api/v1/aliases/{address}',
    summary: 'Deletes an alias.',
    params: only({ address: addressText }),
    result: nothing,
  },
} satisfies Record<string, Act>;

export const directoryActs = { ...domainActs, ...accountActs, ...aliasActs };

export type DomainView = PlainOf<typeof domain>;
export type DomainAnswer = PlainOf<typeof domainAnswer>;
export type AccountView = PlainOf<typeof account>;
export type AliasView = PlainOf<typeof alias>;
export type DirectoryMethods = MethodsOf<typeof directoryActs>;
