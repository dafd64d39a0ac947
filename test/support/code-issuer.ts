/**
 * An OpenID Connect issuer with the code flow, introspection and userinfo, by HTTP on a port of this machine. Its user
 * is logged in already and agrees to everything; what it says can be bent at will.
 */

import { createHash, randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import type { JWTPayload } from 'jose';
import { MockIssuer } from './mock-issuer.ts';

interface Asked {
  readonly nonce: string;
  readonly challenge: string;
  readonly redirectUrl: string;
}

export class CodeIssuer implements AsyncDisposable {
  readonly mock = new MockIssuer();
  readonly clientId: string;
  readonly clientSecret: string;
  /** What its ID tokens say of the user. */
  user: JWTPayload = {};
  /** What they say otherwise than they should. */
  bent: JWTPayload = {};
  /** Makes its ID tokens; absent: signed by its key. */
  sign: ((claims: JWTPayload) => Promise<string>) | undefined;
  /** What the browser brings back besides, or in place of, what it should. */
  brought: Record<string, string> = {};
  /** It takes a code as often as it is shown. */
  isLax = false;
  /** Active opaque tokens, and what is said of them. */
  readonly opaque = new Map<string, JWTPayload>();
  userInfo: JWTPayload = {};
  readonly #codes = new Map<string, Asked>();
  #http: AsyncDisposable | undefined;

  constructor(clientId: string, clientSecret: string) {
    this.clientId = clientId;
    this.clientSecret = clientSecret;
  }

  get url(): string {
    return this.mock.url;
  }

  /** How often a path was asked for. */
  count(path: string): number {
    return this.mock.asked.filter((each) => each === path).length;
  }

  async open(changes: Record<string, unknown> = {}): Promise<this> {
    await this.mock.add('ed', 'EdDSA');
    this.#http = await this.mock.listen((request, response) => this.#handle(request, response));
    const { url } = this.mock;
    const path = '/.well-known/openid-configuration';
    this.mock.documents.set(path, {
      ...(this.mock.documents.get(path) as object),
      authorization_endpoint: `${url}/authorize`,
      token_endpoint: `${url}/token`,
      introspection_endpoint: `${url}/introspect`,
      userinfo_endpoint: `${url}/userinfo`,
      end_session_endpoint: `${url}/end`,
      id_token_signing_alg_values_supported: ['EdDSA', 'RS256', 'HS256', 'none'],
      authorization_response_iss_parameter_supported: true,
      ...changes,
    });
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#http?.[Symbol.asyncDispose]();
  }

  /** Where the browser goes that came to `place`. */
  visit(place: string): string {
    const { searchParams } = new URL(place);
    const asked = (name: string) => searchParams.get(name) ?? '';
    const code = randomBytes(16).toString('base64url');
    this.#codes.set(code, {
      ...{ nonce: asked('nonce'), challenge: asked('code_challenge') },
      redirectUrl: asked('redirect_uri'),
    });
    const query = { code, state: asked('state'), iss: this.url, ...this.brought };
    return `${asked('redirect_uri')}?${new URLSearchParams(query)}`;
  }

  #handle(request: IncomingMessage, response: ServerResponse): boolean {
    const path = request.url!.split('?', 1)[0]!;
    const answer = {
      '/token': (form: URLSearchParams) => this.#tokens(form),
      '/introspect': async (form: URLSearchParams) => {
        const said = this.opaque.get(form.get('token') ?? '');
        return said === undefined ? { active: false } : { active: true, ...said };
      },
      '/userinfo': async () => this.userInfo,
    }[path];
    if (answer === undefined) return false;
    this.mock.asked.push(path);
    void (async () => {
      const form = new URLSearchParams(await text(request));
      // RFC 6749 §2.3.1: both are form-encoded first.
      const parts = [this.clientId, this.clientSecret].map(encodeURIComponent);
      const basic = Buffer.from(parts.join(':')).toString('base64');
      const isClient = request.headers.authorization === `Basic ${basic}`;
      const said = isClient || path === '/userinfo' ? await answer(form) : undefined;
      response.setHeader('content-type', 'application/json');
      const error = JSON.stringify({ error: isClient ? 'invalid_grant' : 'invalid_client' });
      response.writeHead(said === undefined ? 400 : 200).end(JSON.stringify(said) ?? error);
    })();
    return true;
  }

  async #tokens(form: URLSearchParams): Promise<object | undefined> {
    const code = form.get('code') ?? '';
    const asked = this.#codes.get(code);
    if (!this.isLax) this.#codes.delete(code);
    const verifier = form.get('code_verifier') ?? '';
    const challenge = createHash('sha256').update(verifier).digest('base64url');
    if (asked?.challenge !== challenge || asked.redirectUrl !== form.get('redirect_uri'))
      return undefined;
    const nowS = Math.floor(Date.now() / 1_000);
    const usual = { aud: this.clientId, nonce: asked.nonce, iat: nowS, exp: nowS + 300 };
    const claims = { iss: this.url, sub: '17', ...usual, ...this.user, ...this.bent };
    const id_token = await (this.sign?.(claims) ?? this.mock.token(claims));
    return { access_token: 'opaque', token_type: 'Bearer', expires_in: 300, id_token };
  }
}
