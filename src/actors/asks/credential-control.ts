/**
 * What may be asked of an account's second factors and app passwords, and of what a tenant demands of log-ins.
 *
 * Runs in:   both sides of the control socket; plain data only.
 * Invariant: a secret is in the answer that made it, and in no other.
 */

import { Type } from 'typebox';
import { appPasswordScopes } from '../../ports/credentials.ts';
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

const oneAccount = { address: addressText };
const text = Type.String();
const scope = Type.Enum([...appPasswordScopes]);

const factorStatus = Type.Object({
  isEnabled: flag,
  devices: listOf(
    Type.Object({
      id: count,
      name: text,
      kind: Type.Enum(['totp', 'passkey']),
      isConfirmed: flag,
      createdMs: epochMs,
    }),
  ),
  recoveryCodesLeft: count,
});

const appPassword = Type.Object({
  id: count,
  name: text,
  scopes: listOf(scope),
  networks: Type.Array(text, { description: 'Empty: good from anywhere.' }),
  createdMs: epochMs,
  expiresMs: Type.Number({ description: '0: never.' }),
  lastUse: Type.Optional(Type.Object({ atMs: epochMs, address: text })),
});

const policy = Type.Object({
  needsSecondFactor: flag,
  allowsScram: flag,
  allowsCertificates: flag,
  needsConsent: flag,
  allowsPasswordAlone: flag,
  allowsPasskeyAlone: flag,
  passwordLengthMin: count,
  passwordScoreMin: count,
  passwordHistoryMax: count,
  passwordAgeMsMax: Type.Number({ description: '0: a password may grow old.' }),
  refusesBreached: flag,
});

const factorActs = {
  'mfa.enable': {
    rest: 'POST /api/v1/accounts/{address}/second-factors',
    summary:
      'Makes the secret of a device for time-based codes; it counts once a code is confirmed.',
    params: only({ ...oneAccount, name: nameText }),
    result: Type.Object({
      id: count,
      uri: Type.String({ description: 'otpauth, for the device to scan.' }),
      secret: Type.String({ description: 'The same to type in, in base32.' }),
    }),
  },
  'mfa.confirm': {
    rest: 'POST /api/v1/accounts/{address}/second-factors/confirm',
    summary: 'Shows that the device makes the right codes; answers new recovery codes, this once.',
    params: only({ ...oneAccount, code: nameText }),
    result: Type.Object({ recoveryCodes: listOf(text) }),
  },
  'mfa.disable': {
    rest: 'DELETE /api/v1/accounts/{address}/second-factors',
    summary: 'Forgets all second factors of an account, and its recovery codes.',
    params: only(oneAccount),
    result: nothing,
  },
  'mfa.status': {
    rest: 'GET /api/v1/accounts/{address}/second-factors',
    summary: 'Second factors of an account.',
    params: only(oneAccount),
    result: factorStatus,
  },
} satisfies Record<string, Act>;

const appPasswordActs = {
  'app-password.create': {
    rest: 'POST /api/v1/accounts/{address}/app-passwords',
    summary: 'Makes a password for one program; it is answered this once.',
    params: only({
      ...oneAccount,
      name: nameText,
      scopes: Type.Array(scope, { minItems: 1, maxItems: 5 }),
      networks: Type.Optional(Type.Array(nameText, { maxItems: 32 })),
      expiresMs: Type.Optional(epochMs),
    }),
    result: Type.Object({ appPassword, password: text }),
  },
  'app-password.list': {
    rest: 'GET /api/v1/accounts/{address}/app-passwords',
    summary: 'App passwords of an account, the oldest first.',
    params: only(oneAccount),
    result: Type.Object({ appPasswords: listOf(appPassword) }),
  },
  'app-password.revoke': {
    rest: 'DELETE /api/v1/accounts/{address}/app-passwords/{id}',
    summary: 'Ends an app password.',
    params: only({ ...oneAccount, id: count }),
    result: nothing,
  },
} satisfies Record<string, Act>;

const policyActs = {
  'policy.show': {
    rest: 'GET /api/v1/tenants/{tenant}/policy',
    summary: 'What a tenant demands of log-ins and passwords.',
    params: only({ tenant: nameText }),
    result: policy,
  },
  'policy.set': {
    rest: 'PATCH /api/v1/tenants/{tenant}/policy',
    summary: 'Sets what a tenant demands of log-ins and passwords: what is absent stays as it is.',
    params: only({
      tenant: nameText,
      needsSecondFactor: Type.Optional(flag),
      allowsScram: Type.Optional(flag),
      allowsCertificates: Type.Optional(flag),
      needsConsent: Type.Optional(flag),
      allowsPasswordAlone: Type.Optional(flag),
      allowsPasskeyAlone: Type.Optional(flag),
      passwordLengthMin: Type.Optional(count),
      passwordScoreMin: Type.Optional(count),
      passwordHistoryMax: Type.Optional(count),
      passwordAgeMsMax: Type.Optional(Type.Number({ minimum: 0 })),
      refusesBreached: Type.Optional(flag),
    }),
    result: policy,
  },
} satisfies Record<string, Act>;

export const credentialActs = { ...factorActs, ...appPasswordActs, ...policyActs };

export type FactorStatus = PlainOf<typeof factorStatus>;
export type AppPasswordView = PlainOf<typeof appPassword>;
export type PolicyView = PlainOf<typeof policy>;
export type CredentialMethods = MethodsOf<typeof credentialActs>;
