/**
 * What this server asks an OpenID Connect issuer as its client: log-ins by the web, and what opaque tokens are worth.
 *
 * Contract:
 * - Each call names the issuer's configuration, which the caller read and believes; URLs in it are those that are asked.
 * - No call rejects, and each answers within the adapter's time limit. `away`: nobody could say, another time may be
 *   better. `refused`: the issuer, or a rule of the protocol, said no; asking again brings the same.
 * - An answer was checked as its specification says, but for the signature of an ID token: that is the caller's, who
 *   has the keys.
 * - Nothing is kept: neither tokens nor secrets, nor what an issuer answered.
 */

export type Claims = Readonly<Record<string, unknown>>;

/** OpenID Connect Discovery 1.0 §3, as the issuer's document has it. */
export type IssuerConfiguration = Claims & { readonly issuer: string };

export interface WebLogInAsked {
  readonly redirectUrl: string;
  readonly scopes: readonly string[];
  readonly state: string;
  readonly nonce: string;
  /** RFC 7636 §4.1; only its SHA-256 leaves. */
  readonly codeVerifier: string;
  /** The user shows anew who they are, whatever session the issuer has. */
  readonly isFresh: boolean;
}

export interface WebLogInShown {
  /** `redirectUrl`, with what the browser brought along. */
  readonly url: string;
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
}

export interface IssuerTokens {
  /** A JWT; its signature is not checked yet. */
  readonly idToken: string;
  readonly accessToken: string;
}

export type Asked<T> = Promise<T | 'refused' | 'away'>;

export interface IssuerClient {
  /** Where a browser goes to log in. Undefined: the issuer has no such place. */
  logInUrl(at: IssuerConfiguration, asked: WebLogInAsked): Promise<string | undefined>;
  /** Where it goes to log out there, and comes back from. Undefined: the issuer has no such place. */
  logOutUrl(at: IssuerConfiguration, returnUrl: string): Promise<string | undefined>;
  /** OpenID Connect Core 1.0 §3.1.3, RFC 9207 §2.4: the code in `url` for tokens. */
  exchange(at: IssuerConfiguration, shown: WebLogInShown): Asked<IssuerTokens>;
  /** RFC 7662 §2; `refused`: the token is not active. */
  introspect(at: IssuerConfiguration, token: string): Asked<Claims>;
  /** OpenID Connect Core 1.0 §5.3, of `sub` and nobody else. */
  userInfo(at: IssuerConfiguration, accessToken: string, sub: string): Asked<Claims>;
}
