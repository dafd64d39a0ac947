/**
 * A client of OpenID Connect issuers by openid-client, over undici, from where a guard lets it.
 *
 * Runs in:   main thread. Implements `ports/issuer-client.ts`.
 * Specs:     RFC 6749 §2.3.1 (the client's secret), RFC 7636 (PKCE), RFC 7662, RFC 9207; OpenID Connect Core 1.0 §3.1,
 *            §5.3; OpenID Connect RP-Initiated Logout 1.0 §2.
 * Limits:    `timeoutMs` an answer, `answerBytesMax` of it; one connection a request, closed behind it. No redirect is
 *            followed.
 * Invariant: the log has what went wrong and where, and nothing of tokens, codes or the secret.
 */

import { createSecureContext } from 'node:tls';
import type { Configuration, CustomFetch, ServerMetadata } from 'openid-client';
import type { Log } from '../../base/log.ts';
import { secondMs } from '../../base/units.ts';
import type { Dns } from '../../ports/dns.ts';
import type { Asked, IssuerClient, IssuerConfiguration } from '../../ports/issuer-client.ts';
import { createGuardedAgent } from './guarded-agent.ts';

const answerBytesMax = 262_144;
const skewS = 30;

export interface IssuerClientOptions {
  readonly clientId: string;
  /** Read anew for each question; "": a public client. */
  readonly secret: () => Promise<string>;
  readonly dns: Dns;
  readonly mayDial: (address: string) => boolean;
  readonly timeoutMs: number;
  readonly log: Log;
}

type Library = typeof import('openid-client');
type Undici = typeof import('undici');

/** What may go wrong on the way; whatever else does is an answer that is no good. */
class Away extends Error {}

interface Call {
  readonly library: Library;
  readonly config: Configuration;
}

export function createIssuerClient(options: IssuerClientOptions): IssuerClient {
  const open = opener(options);
  const ask = async <T>(
    at: IssuerConfiguration,
    what: string,
    question: (call: Call) => Promise<T | 'refused'>,
  ): Asked<T> => {
    try {
      return await question(await open(at));
    } catch (error) {
      const away = awayIn(error);
      const { message, code } = (away ?? error) as { readonly message?: string; code?: string };
      const why = { code, message: String(message ?? error).slice(0, 200) };
      const told = { issuer: at.issuer, what, isAway: away !== undefined, why };
      options.log.warn(told, 'an issuer gave no answer');
      return away === undefined ? 'refused' : 'away';
    }
  };
  return {
    async logInUrl(at, { redirectUrl, scopes, state, nonce, codeVerifier, isFresh }) {
      if (typeof at.authorization_endpoint !== 'string') return undefined;
      const { library, config } = await open(at);
      const url = library.buildAuthorizationUrl(config, {
        ...{ redirect_uri: redirectUrl, scope: scopes.join(' '), state, nonce },
        code_challenge: await library.calculatePKCECodeChallenge(codeVerifier),
        code_challenge_method: 'S256',
        ...(isFresh ? { prompt: 'login', max_age: '0' } : {}),
      });
      return url.href;
    },
    async logOutUrl(at, returnUrl) {
      if (typeof at.end_session_endpoint !== 'string') return undefined;
      const { library, config } = await open(at);
      return library.buildEndSessionUrl(config, { post_logout_redirect_uri: returnUrl }).href;
    },
    exchange: (at, { url, state, nonce, codeVerifier }) =>
      ask(at, 'token', async ({ library, config }) => {
        const tokens = await library.authorizationCodeGrant(config, new URL(url), {
          ...{ expectedState: state, expectedNonce: nonce, pkceCodeVerifier: codeVerifier },
          idTokenExpected: true,
        });
        const { id_token: idToken = '', access_token: accessToken } = tokens;
        return { idToken, accessToken };
      }),
    introspect: (at, token) =>
      ask(at, 'introspection', async ({ library, config }) => {
        const { active, ...said } = await library.tokenIntrospection(config, token);
        return active ? said : 'refused';
      }),
    userInfo: (at, accessToken, sub) =>
      ask(at, 'userinfo', async ({ library, config }) =>
        library.fetchUserInfo(config, accessToken, sub),
      ),
  };
}

function opener(options: IssuerClientOptions): (at: IssuerConfiguration) => Promise<Call> {
  const secureContext = createSecureContext();
  // Loading them takes a fifth of a second: who asks nothing does not pay for it.
  let loading: Promise<readonly [Library, Undici]> | undefined;
  return async (at) => {
    loading ??= Promise.all([import('openid-client'), import('undici')]);
    const [library, undici] = await loading;
    const secret = await options.secret();
    const auth = secret === '' ? library.None() : secretOf(library, at, secret);
    const config = new library.Configuration(
      at as ServerMetadata,
      options.clientId,
      { [library.clockTolerance]: skewS },
      auth,
    );
    config.timeout = options.timeoutMs / secondMs;
    config[library.customFetch] = guardedFetch(options, undici, secureContext);
    // Settings take a `url` in clear on this machine alone, and nothing in clear that is elsewhere.
    if (at.issuer.startsWith('http:')) library.allowInsecureRequests(config);
    return { library, config };
  };
}

/** OpenID Connect Core 1.0 §9: by the header, unless the issuer takes it by the form alone. */
function secretOf(library: Library, at: IssuerConfiguration, secret: string) {
  const methods = at.token_endpoint_auth_methods_supported;
  const isByForm =
    Array.isArray(methods) &&
    methods.includes('client_secret_post') &&
    !methods.includes('client_secret_basic');
  return isByForm ? library.ClientSecretPost(secret) : library.ClientSecretBasic(secret);
}

function guardedFetch(
  { dns, mayDial, timeoutMs }: IssuerClientOptions,
  undici: Undici,
  secureContext: ReturnType<typeof createSecureContext>,
): CustomFetch {
  return async (url, { method, headers, body, signal, redirect }) => {
    const limits = { timeoutMs, bytesMax: answerBytesMax, secureContext };
    const agent = createGuardedAgent(undici, { dns, mayDial, ...limits });
    try {
      const response = await undici.fetch(url, {
        ...{ method, headers, redirect, dispatcher: agent, signal: signal ?? null },
        body: body === undefined || body === null ? null : String(body),
      });
      // Read whole, so that what goes wrong within it is of the way, too.
      const text = await response.text();
      if (response.status >= 500 || response.status === 429)
        throw new Away(`status ${response.status}`);
      const { status } = response;
      const isEmpty = status === 204 || status === 205 || status === 304;
      return new Response(isEmpty ? null : text, {
        ...{ status, headers: Object.fromEntries(response.headers) },
      });
    } catch (error) {
      const { message, cause } = error as Error;
      throw error instanceof Away ? error : new Away(String((cause as Error)?.message ?? message));
    } finally {
      await agent.destroy().catch(() => {});
    }
  };
}

/** The library wraps what its fetch throws. */
function awayIn(error: unknown): Away | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    if (at instanceof Away) return at;
  }
  return undefined;
}
