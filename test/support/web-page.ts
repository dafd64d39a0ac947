/** A browser, and a page in it, that log in by an issuer: one keeps the cookie, the other its verifier. */

import { createHash, randomBytes } from 'node:crypto';
import { type RestAnswer, rest } from './rest-client.ts';
import type { TestServer } from './test-server.ts';

export class WebPage {
  readonly verifier = randomBytes(32).toString('base64url');
  cookie = '';
  readonly #server: TestServer;
  readonly #origin: string;

  constructor(server: TestServer, origin: string) {
    this.#server = server;
    this.#origin = origin;
  }

  get challenge(): string {
    return createHash('sha256').update(this.verifier).digest('base64url');
  }

  /** Goes to a path or URL of the server, as a proxy with a certificate would lead there. */
  async visit(place: string): Promise<RestAnswer> {
    const path = place.startsWith(this.#origin) ? place.slice(this.#origin.length) : place;
    const headers = this.cookie === '' ? {} : { cookie: `other=1; ${this.cookie}; more=2` };
    const answer = await rest(this.#server, `GET ${path}`, { token: '', headers });
    const [set] = answer.headers['set-cookie'] ?? [];
    if (set !== undefined) this.cookie = set.includes('Max-Age=0') ? '' : set.split(';', 1)[0]!;
    return answer;
  }

  begin(name: string, more: Record<string, string> = {}): Promise<RestAnswer> {
    const query = new URLSearchParams({ challenge: this.challenge, return: '/mail', ...more });
    return this.visit(`/api/v1/log-in/oidc/${name}?${query}`);
  }

  /** The code in the fragment for tokens. */
  redeem(code: string, more: Record<string, unknown> = {}): Promise<RestAnswer> {
    const body = { code, verifier: this.verifier, ...more };
    return rest(this.#server, 'POST /api/v1/token/code', { token: '', body });
  }
}

/** What a page finds after `#`. */
export function fragmentOf({ headers }: RestAnswer): URLSearchParams {
  return new URLSearchParams(
    new URL(headers.location as string, 'https://page.test').hash.slice(1),
  );
}
