/**
 * Schemas of the token endpoints, and their part of the OpenAPI document.
 *
 * Runs in:   edge (main thread); plain data.
 * Limits:    each text has one.
 */

import { type Static, Type } from 'typebox';
import { only } from '../../../../actors/asks/act.ts';
import { tokenLengthMax } from '../../../guard/token-keys.ts';
import { passkeyShown, requestOptions } from './passkey-schema.ts';

const secondFactor = Type.Optional(
  Type.String({
    minLength: 1,
    maxLength: 64,
    description: 'A time-based code or a recovery code, where the account has a second factor.',
  }),
);
const passkey = Type.Optional(passkeyShown);
const device = Type.Optional(
  Type.String({ maxLength: 200, description: 'What the session is called in lists.' }),
);
const refreshToken = Type.String({ minLength: 1, maxLength: tokenLengthMax });

export const grantSchema = only({
  name: Type.String({ minLength: 1, maxLength: 1_000, description: "The account's address." }),
  password: Type.String({ minLength: 1, maxLength: 4_096 }),
  ...{ secondFactor, passkey, device },
});
export const passkeyOptionsSchema = only({});
export const passkeyGrantSchema = only({ passkey: passkeyShown, device });
export const codeGrantSchema = only({
  code: Type.String({ minLength: 1, maxLength: 100, description: 'Out of the fragment.' }),
  verifier: Type.String({
    pattern: '^[A-Za-z0-9._~-]{43,128}$',
    description: 'What `challenge` was the SHA-256 of when the log-in began.',
  }),
  ...{ secondFactor, passkey, device },
});
export const refreshSchema = only({ refreshToken });
export const revokeSchema = only({ token: refreshToken });

export const secondFactorSchema = only({ secondFactor, passkey });

export type Grant = Static<typeof grantSchema>;
export type PasskeyGrant = Static<typeof passkeyGrantSchema>;
export type CodeGrant = Static<typeof codeGrantSchema>;
export type FactorShownText = Static<typeof secondFactorSchema>;

const tokens = Type.Object({
  accessToken: Type.String(),
  tokenType: Type.Literal('Bearer'),
  expiresIn: Type.Integer({ description: 'Seconds.' }),
  refreshToken: Type.String({ description: 'Good once: the answer to it has the next one.' }),
});

const json = (schema: unknown) => ({ 'application/json': { schema } });
const fault = (description: string) => ({
  description,
  content: json({ $ref: '#/components/schemas/Fault' }),
});
const post = (
  operationId: string,
  summary: string,
  { schema, answer, security = [] }: { schema: unknown; answer: unknown; security?: object[] },
) => ({
  post: {
    ...{ operationId, summary, tags: ['token'], security },
    requestBody: { required: true, content: json(schema) },
    responses: {
      200: { description: 'Done.', content: json(answer) },
      400: fault('Not as it should be; `path` says where.'),
      401: fault('Wrong, or a second factor is needed.'),
      429: fault('Too many failures or requests; Retry-After says when.'),
    },
  },
});

const done = only({});
export const tokenPaths = {
  '/api/v1/token': post(
    'createToken',
    'Logs in, and answers an access token and a refresh token.',
    { schema: grantSchema, answer: tokens },
  ),
  '/api/v1/token/passkey/options': post(
    'askForPasskey',
    'What a browser needs to show a passkey, as a second factor or alone.',
    { schema: passkeyOptionsSchema, answer: requestOptions },
  ),
  '/api/v1/token/passkey': post(
    'createTokenByPasskey',
    'Logs in by a passkey alone, where the tenant allows it.',
    { schema: passkeyGrantSchema, answer: tokens },
  ),
  '/api/v1/token/code': post(
    'createTokenByCode',
    'Logs in by the code of an issuer, see `/api/v1/log-in/oidc/{name}`. Where a second factor is needed the code is good still.',
    { schema: codeGrantSchema, answer: tokens },
  ),
  '/api/v1/token/refresh': post(
    'refreshToken',
    'New tokens for a refresh token. One shown twice ends its session.',
    { schema: refreshSchema, answer: tokens },
  ),
  '/api/v1/token/revoke': post(
    'revokeToken',
    'Ends the session of a token. Nothing is told of one that is none.',
    { schema: revokeSchema, answer: done },
  ),
  '/api/v1/token/second-factor': post(
    'showSecondFactor',
    'Shows a second factor again, before a sensitive act.',
    { schema: secondFactorSchema, answer: done, security: [{ token: [] }] },
  ),
} as const;
