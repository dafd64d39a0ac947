/**
 * `POST /api/v1/token`, its renewal and its end.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 6749 §5.1 (answers are not stored), RFC 7009.
 * Limits:    log-ins by the throttle of all protocols; `strangerRequestsPerMinuteMax` of an address; small bodies.
 * Invariant: a wrong password, a wrong second factor and an account that is not there are told alike. Tokens of a
 *            session that was there before are never handed to who logs in: each log-in begins its own.
 */

import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { TSchema } from 'typebox';
import { checkOf } from '../../../../actors/asks/check-params.ts';
import type { Failure, Result } from '../../../../base/errors.ts';
import { kibibyte } from '../../../../base/units.ts';
import type { IssuerLogIn } from '../../../guard/issuer-log-in.ts';
import type { PasskeyShown, Passkeys } from '../../../guard/passkeys.ts';
import type { Sessions, Tokens } from '../../../guard/sessions.ts';
import type { TokenLogIn } from '../../../guard/token-log-in.ts';
import { ApiFault } from '../api/fault.ts';
import { askedByOf, peerOf } from './asked-by.ts';
import {
  type CodeGrant,
  codeGrantSchema,
  type FactorShownText,
  type Grant,
  grantSchema,
  type PasskeyGrant,
  passkeyGrantSchema,
  passkeyOptionsSchema,
  refreshSchema,
  revokeSchema,
  secondFactorSchema,
} from './token-schema.ts';

const bodyLimit = 16 * kibibyte;
/** Of a peer that failed too often: it may have to wait longer. */
const retryAfterSeconds = 10;

export interface TokenRouteParts {
  readonly logIn: TokenLogIn;
  readonly sessions: Sessions;
  readonly passkeys: Passkeys;
  readonly issuers: IssuerLogIn;
}

export function tokenRoutes(
  app: FastifyInstance,
  { logIn, sessions, passkeys }: TokenRouteParts,
): void {
  const post = posting(app);
  post('/api/v1/token', grantSchema, async (grant: Grant, request) => {
    const device = grant.device ?? deviceOf(request);
    const { name, password } = grant;
    const secondFactor = factorOf(grant);
    const { address } = peerOf(request);
    const asked = { name, password, device, address };
    return tokensOf(
      await logIn.grant(secondFactor === undefined ? asked : { ...asked, secondFactor }),
    );
  });
  post('/api/v1/token/passkey/options', passkeyOptionsSchema, async () => {
    const options = passkeys.requestOptions();
    if (options !== undefined) return options;
    throw new ApiFault('not-possible-now', 'this server has no web pages that passkeys are for');
  });
  post('/api/v1/token/passkey', passkeyGrantSchema, async (grant: PasskeyGrant, request) => {
    const device = grant.device ?? deviceOf(request);
    const passkey = grant.passkey as PasskeyShown;
    const { address } = peerOf(request);
    return tokensOf(await logIn.grantByPasskey({ passkey, device, address }));
  });
  post('/api/v1/token/code', codeGrantSchema, async (grant: CodeGrant, request) => {
    const device = grant.device ?? deviceOf(request);
    const { code, verifier } = grant;
    const secondFactor = factorOf(grant);
    const { address } = peerOf(request);
    const asked = { code, verifier, device, address };
    return tokensOf(
      await logIn.grantByCode(secondFactor === undefined ? asked : { ...asked, secondFactor }),
    );
  });
  post('/api/v1/token/refresh', refreshSchema, async (body: { readonly refreshToken: string }) =>
    tokensOf(await sessions.renew(body.refreshToken)),
  );
  post(
    '/api/v1/token/second-factor',
    secondFactorSchema,
    async (body: FactorShownText, request) => {
      const { principal, peer } = askedByOf(request);
      if (principal.kind !== 'account') {
        throw new ApiFault('permission-missing', 'an access token of an account is needed');
      }
      const shown = factorOf(body);
      if (shown === undefined) {
        throw new ApiFault('argument-invalid', '`secondFactor` or `passkey` is needed');
      }
      const answer = await logIn.again(principal, shown, peer);
      if (!answer.ok) throw faultOf(answer);
      return {};
    },
    'principal',
  );
  post('/api/v1/token/revoke', revokeSchema, async ({ token }: { readonly token: string }) => {
    await sessions.revoke(token);
    return {};
  });
}

function posting(app: FastifyInstance) {
  return <Body>(
    path: string,
    schema: TSchema,
    answer: (body: Body, request: FastifyRequest) => Promise<object>,
    access: 'stranger' | 'principal' = 'stranger',
  ) => {
    const check = checkOf(schema);
    app.post(path, {
      ...{ config: { access }, bodyLimit },
      async handler(request) {
        const fault = check(request.body);
        if (fault !== undefined) {
          throw new ApiFault('argument-invalid', fault.message, { path: fault.path });
        }
        return await answer(request.body as Body, request);
      },
    });
  };
}

/** @throws ApiFault where there are two */
function factorOf({ secondFactor, passkey }: FactorShownText): string | PasskeyShown | undefined {
  if (secondFactor !== undefined && passkey !== undefined) {
    throw new ApiFault('argument-invalid', '`secondFactor` or `passkey`, one of the two');
  }
  return secondFactor ?? (passkey as PasskeyShown | undefined);
}

/** @throws ApiFault */
function tokensOf(answer: Result<{ readonly tokens: Tokens }>): object {
  if (!answer.ok) throw faultOf(answer);
  return { ...answer.tokens, tokenType: 'Bearer' };
}

function faultOf({ code }: Failure): ApiFault {
  if (code === 'authentication-required') return new ApiFault(code, 'a second factor is needed');
  const more = code === 'rate-exceeded' ? { retryAfterSeconds } : {};
  return new ApiFault(code, code.replaceAll('-', ' '), more);
}

/** A line of printable characters. */
function deviceOf({ headers }: FastifyRequest): string {
  return (headers['user-agent'] ?? '').replace(/[^\x20-\x7e]/g, '').slice(0, 200);
}
