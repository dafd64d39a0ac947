/**
 * What clients say that log in with a token.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 7628 §3.1 (client's message), §3.2.2 (what is wrong, as JSON), §3.2.3 (its answer); RFC 6750 §2.1
 *            (the Bearer scheme); Google's "XOAUTH2 Mechanism" (XOAUTH2: no RFC, and asked for daily).
 * Limits:    tokens up to `tokenCharsMax`, `pairsMax` keys.
 */

import type { Buffer } from 'node:buffer';

const tokenCharsMax = 8_192;
const pairsMax = 16;
const separator = '\x01';

export interface BearerMessage {
  /** Who logs in, as the client says; "": whoever the token is for. */
  readonly user: string;
  readonly token: string;
}

// RFC 6750 §2.1.
const authorization = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i;

/** RFC 7628 §3.1: `n,a=user@example.org,^Ahost=…^Aport=…^Aauth=Bearer …^A^A`. */
export function parseOauthBearer(octets: Buffer): BearerMessage | undefined {
  const text = octets.toString('utf8');
  const start = text.indexOf(separator);
  if (start < 0 || !text.endsWith(separator + separator)) return undefined;
  const header = /^[ny],(?:a=([^,\0]*))?,$/.exec(text.slice(0, start));
  // Binding is not used here: `p=` would ask for what this mechanism cannot do (RFC 7628 §3.1: no -PLUS is offered).
  if (header === null) return undefined;
  const name = header[1] ?? '';
  if (/=(?!2C|3D)/.test(name)) return undefined;
  const user = name.replaceAll('=2C', ',').replaceAll('=3D', '=');
  const body = text.slice(start + 1, -2);
  return withToken(user, pairsOf(body));
}

/** `user=someone@example.org^Aauth=Bearer …^A^A`. */
export function parseXoauth2(octets: Buffer): BearerMessage | undefined {
  const text = octets.toString('utf8');
  if (!text.endsWith(separator + separator)) return undefined;
  const pairs = pairsOf(text.slice(0, -2));
  const user = pairs?.get('user') ?? '';
  return user === '' ? undefined : withToken(user, pairs);
}

/** RFC 7628 §3.2.2; `configuration`: where to learn how to get a token. XOAUTH2 takes the same. */
export function bearerRefusal(configuration?: string): string {
  const where = configuration === undefined ? {} : { 'openid-configuration': configuration };
  return JSON.stringify({ status: 'invalid_token', schemes: 'bearer', ...where });
}

function withToken(
  user: string,
  pairs: ReadonlyMap<string, string> | undefined,
): BearerMessage | undefined {
  const token = authorization.exec(pairs?.get('auth') ?? '')?.[1];
  return token === undefined || token.length > tokenCharsMax ? undefined : { user, token };
}

function pairsOf(text: string): ReadonlyMap<string, string> | undefined {
  const pairs = new Map<string, string>();
  const all = text.split(separator);
  if (all.length > pairsMax) return undefined;
  for (const pair of all) {
    const match = /^([A-Za-z]+)=([^\0]*)$/.exec(pair);
    // A key that stands twice would be read in two ways.
    if (match === null || pairs.has(match[1]!.toLowerCase())) return undefined;
    pairs.set(match[1]!.toLowerCase(), match[2]!);
  }
  return pairs;
}
