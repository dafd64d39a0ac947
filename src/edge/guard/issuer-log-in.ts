/**
 * Log-ins to the web and the API by OpenID Connect issuers: a browser goes to one, comes back with a code, and gets a
 * code of ours, which its page changes for tokens.
 *
 * Runs in:   edge (main thread).
 * Specs:     OpenID Connect Core 1.0 §3.1 (authorization code), RFC 7636 (PKCE), RFC 9207 (issuer in the answer),
 *            RFC 9700 §2.1, §4.4 (mix-up), §4.7 (CSRF), §4.11 (open redirects).
 * Limits:    `log-in-tickets.ts`, `log-in-codes.ts`; questions to issuers by `issuer-calls.ts`. Of `spentMax` tickets
 *            that came back it is known that they did; the issuer knows it of each of its codes.
 * Invariant: an answer counts in the browser that asked, for the issuer that was asked, once. An issuer opens accounts
 *            of its domains, as they are then. A browser is sent to its issuer and to paths of `origin`, nowhere else.
 */

import { timingSafeEqual } from 'node:crypto';
import { failure, type Result } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { RecentMap } from '../../base/recent-map.ts';
import type { Account } from '../../ports/account-directory.ts';
import type { IssuerClient } from '../../ports/issuer-client.ts';
import type { AccessWitness } from './access-witness.ts';
import type { IssuerCalls } from './issuer-calls.ts';
import { IssuerAway, type IssuerKeys } from './issuer-keys.ts';
import { tokenListener } from './log-in.ts';
import type { HeldCode, LogInCodes } from './log-in-codes.ts';
import type { LogInTickets, Ticket } from './log-in-tickets.ts';
import type { NamedByIdToken, TokenIssuer } from './token-issuer.ts';

export const returnPathCharsMax = 1_000;
export const callbackCharsMax = 8_192;
const spentMax = 10_000;

/** An issuer that knows us as a client of it. */
export interface WebIssuer {
  readonly name: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly issuer: Pick<TokenIssuer, 'rules' | 'readIdToken' | 'addressOf'>;
  readonly configuration: IssuerKeys['configuration'];
  readonly client: Omit<IssuerClient, 'introspect'>;
  readonly calls: Pick<IssuerCalls, 'run'>;
}

export interface IssuerLogInParts {
  readonly issuers: readonly WebIssuer[];
  /** Of the web pages, as `https://mail.example.org`. */
  readonly origin: string;
  readonly tickets: LogInTickets;
  readonly codes: LogInCodes;
  /** Whom an issuer may open by an address; undefined: nobody that it may. */
  readonly accountOf: (
    issuer: Pick<TokenIssuer, 'rules'>,
    address: string,
  ) => Promise<Account | undefined>;
  readonly witness?: AccessWitness;
  readonly log: Log;
}

export interface BeginAsked {
  /** SHA-256 of what the page keeps to itself, in base64url. */
  readonly challenge: string;
  readonly returnPath: string;
  readonly isFresh: boolean;
}

/** Where the browser goes, and what it keeps meanwhile. */
export interface Begun {
  readonly location: string;
  readonly ticket: string;
}

export interface CallbackShown {
  /** What follows `?`. */
  readonly query: string;
  /** What the browser kept; "": nothing. */
  readonly ticket: string;
  readonly peer: string;
}

/** What a page is told, in the fragment, that went wrong. */
type Trouble = 'refused' | 'cancelled' | 'away';

export class IssuerLogIn {
  readonly #parts: IssuerLogInParts;
  readonly #byName: ReadonlyMap<string, WebIssuer>;
  /** By state. */
  readonly #spent = new RecentMap<string, true>(spentMax);

  constructor(parts: IssuerLogInParts) {
    this.#parts = parts;
    this.#byName = new Map(parts.issuers.map((each) => [each.name, each]));
  }

  get names(): readonly string[] {
    return [...this.#byName.keys()];
  }

  callbackUrl(name: string): string {
    return `${this.#parts.origin}/api/v1/log-in/oidc/${name}/callback`;
  }

  /** `not-found`: no such issuer. `argument-invalid`: no path of ours. `deadline-passed`: the issuer is away. */
  async begin(
    name: string,
    { challenge, returnPath, isFresh }: BeginAsked,
  ): Promise<Result<Begun>> {
    const web = this.#byName.get(name);
    if (web === undefined) return failure('not-found', name);
    if (!this.#isOwnPath(returnPath)) return failure('argument-invalid', 'no path of this server');
    const { tickets } = this.#parts;
    const ticket = tickets.make({ issuer: name, challenge, returnPath });
    const { state, nonce, codeVerifier } = ticket;
    const location = await whereOf(async () =>
      web.client.logInUrl(await web.configuration(), {
        ...{ redirectUrl: this.callbackUrl(name), scopes: web.scopes },
        ...{ state, nonce, codeVerifier, isFresh },
      }),
    );
    if (location === undefined) return failure('deadline-passed', web.issuer.rules.url);
    return { ok: true, location, ticket: await tickets.seal(ticket) };
  }

  /** Where the browser goes then, with a code or what went wrong. `credentials-invalid`: it did not begin here. */
  async callback(
    name: string,
    shown: CallbackShown,
  ): Promise<Result<{ readonly location: string }>> {
    const web = this.#byName.get(name);
    const ticket = shown.ticket === '' ? undefined : await this.#parts.tickets.open(shown.ticket);
    const query = new URLSearchParams(shown.query);
    const isOfThisBrowser =
      ticket?.issuer === name && isSame(query.getAll('state').join(' '), ticket.state);
    const isLong = shown.query.length > callbackCharsMax;
    if (web === undefined || !isOfThisBrowser || isLong || this.#spent.get(ticket.state))
      return failure('credentials-invalid', 'no log-in of this browser');
    this.#spent.set(ticket.state, true);
    const trouble = (what: Trouble) => this.#returned(ticket, { error: what });
    if (query.has('error')) {
      const isOwnWill = query.get('error') === 'access_denied';
      return trouble(isOwnWill ? 'cancelled' : 'refused');
    }
    const named = await this.#named(web, ticket, shown);
    if (named === 'away') return trouble('away');
    const address = named === 'refused' ? '' : named.address;
    const account = await this.#accountOf(web, address);
    if (named === 'refused' || account === undefined) {
      this.#refused(name, address, shown.peer);
      return trouble('refused');
    }
    const { isWithSecondFactor, authenticatedMs } = named;
    const vouched = { of: account, issuer: name, isWithSecondFactor, authenticatedMs };
    const code = this.#parts.codes.make(vouched, ticket.challenge);
    return this.#returned(ticket, { code });
  }

  /** Where a browser logs out of its issuer; undefined: nowhere. */
  async logOutUrl(name: string): Promise<string | undefined> {
    const web = this.#byName.get(name);
    if (web === undefined) return undefined;
    const { origin } = this.#parts;
    return await whereOf(async () => web.client.logOutUrl(await web.configuration(), `${origin}/`));
  }

  /** What a code stands for, which is spent by it; see `LogInCodes.take`. */
  take(code: string, verifier: string): HeldCode | undefined {
    return this.#parts.codes.take(code, verifier);
  }

  giveBack(code: string, held: HeldCode): void {
    this.#parts.codes.giveBack(code, held);
  }

  /** The issuer that vouched for it may open it still. */
  async isOpenTo(name: string, account: Account): Promise<boolean> {
    const web = this.#byName.get(name);
    if (web === undefined) return false;
    return (await this.#accountOf(web, account.address))?.id === account.id;
  }

  async #accountOf({ issuer }: WebIssuer, address: string): Promise<Account | undefined> {
    return address === '' ? undefined : await this.#parts.accountOf(issuer, address);
  }

  async #named(
    web: WebIssuer,
    { state, nonce, codeVerifier }: Ticket,
    { query, peer }: CallbackShown,
  ): Promise<NamedByIdToken | 'refused' | 'away'> {
    const { client, clientId, issuer, calls } = web;
    const url = `${this.callbackUrl(web.name)}?${query}`;
    try {
      const at = await web.configuration();
      const asked = { url, state, nonce, codeVerifier };
      const tokens = await calls.run(peer, () => client.exchange(at, asked));
      if (typeof tokens === 'string') return tokens;
      const named = await issuer.readIdToken(tokens.idToken, { clientId, nonce });
      if (typeof named === 'string') return named === 'away' ? 'away' : 'refused';
      if (!named.isWithoutAddress || at.userinfo_endpoint === undefined) return named;
      const { accessToken } = tokens;
      const user = await calls.run(peer, () => client.userInfo(at, accessToken, named.sub));
      return typeof user === 'string' ? user : { ...named, address: issuer.addressOf(user) };
    } catch (error) {
      if (error instanceof IssuerAway) return 'away';
      throw error;
    }
  }

  #refused(issuer: string, address: string, peer: string): void {
    const { witness, log } = this.#parts;
    log.info({ peer, issuer, user: address }, 'a log-in by an issuer opens no account');
    witness?.logIn({
      ...{ user: address, peer, listener: tokenListener, method: 'issuer' },
      refusal: 'credentials-invalid',
    });
  }

  /** In the fragment: no server's log, and no page that is gone to from there, has it. */
  #returned(
    { returnPath }: Ticket,
    told: Readonly<Record<string, string>>,
  ): Result<{ readonly location: string }> {
    return { ok: true, location: `${returnPath}#${new URLSearchParams(told)}` };
  }

  /** RFC 9700 §4.11; an answer of the API would be no page. */
  #isOwnPath(path: string): boolean {
    if (path.length > returnPathCharsMax || !/^\/(?![/\\])[\x21-\x7e]*$/.test(path)) return false;
    if (/[\\#]/.test(path)) return false;
    const url = URL.parse(path, this.#parts.origin);
    return url?.origin === this.#parts.origin && !url.pathname.startsWith('/api/');
  }
}

function isSame(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.byteLength === b.byteLength && timingSafeEqual(a, b);
}

/** Undefined, too, while the issuer is away. */
async function whereOf(find: () => Promise<string | undefined>): Promise<string | undefined> {
  try {
    return await find();
  } catch (error) {
    if (error instanceof IssuerAway) return undefined;
    throw error;
  }
}
