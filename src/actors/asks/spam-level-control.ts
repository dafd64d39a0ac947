/**
 * From which score on mail goes to Junk, into quarantine or back, as tenants and accounts say.
 *
 * Runs in: both sides of the control socket; plain data only.
 */

import { Type } from 'typebox';
import { type Act, addressText, count, type MethodsOf, nameText, nothing, only } from './act.ts';

const percent = Type.Optional(
  Type.Integer({
    minimum: 0,
    maximum: 10_000,
    description: 'Of what the scanner calls spam; 0: never; absent: the level above says.',
  }),
);
const ownFields = { junkPercent: percent, quarantinePercent: percent };
const tenantFields = { ...ownFields, rejectPercent: percent };

export const spamLevelActs = {
  'tenant.spam': {
    rest: 'GET /api/v1/tenants/{name}/spam',
    summary: 'What a tenant says of mail by its spam score.',
    params: only({ name: nameText }),
    result: Type.Object(tenantFields),
  },
  'tenant.set-spam': {
    rest: 'PUT /api/v1/tenants/{name}/spam',
    summary: 'Says for a tenant where mail goes by its spam score, in the place of what it said.',
    params: only({ name: nameText, ...tenantFields }),
    result: nothing,
  },
  'account.spam': {
    rest: 'GET /api/v1/accounts/{account}/spam',
    summary: 'What an account says of mail by its spam score.',
    params: only({ account: addressText }),
    result: Type.Object(ownFields),
  },
  'account.set-spam': {
    rest: 'PUT /api/v1/accounts/{account}/spam',
    summary: 'Says for an account where mail goes by its spam score, in the place of what it said.',
    params: only({ account: addressText, ...ownFields }),
    result: nothing,
  },
  'tenant.learnt-spam': {
    rest: 'GET /api/v1/tenants/{name}/spam/lessons',
    summary:
      "How many accounts of a tenant taught, and how many examples of theirs its shards' models are made of.",
    params: only({ name: nameText }),
    result: Type.Object({ accounts: count, ham: count, spam: count }),
  },
  'tenant.forget-spam': {
    rest: 'DELETE /api/v1/tenants/{name}/spam/lessons',
    summary: 'Lets all accounts of a tenant forget all they learnt of spam.',
    params: only({ name: nameText }),
    result: nothing,
  },
  'account.learnt-spam': {
    rest: 'GET /api/v1/accounts/{account}/spam/lessons',
    summary: 'How many examples of spam and of other mail an account has learnt from.',
    params: only({ account: addressText }),
    result: Type.Object({ ham: count, spam: count }),
  },
  'account.forget-spam': {
    rest: 'DELETE /api/v1/accounts/{account}/spam/lessons',
    summary: 'Lets an account forget all it learnt of spam.',
    params: only({ account: addressText }),
    result: nothing,
  },
} satisfies Record<string, Act>;

export type SpamLevelMethods = MethodsOf<typeof spamLevelActs>;
