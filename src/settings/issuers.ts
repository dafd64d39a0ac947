/**
 * How settings name issuers of tokens that are not ours, and what this server is to them.
 *
 * Runs in:   anywhere; pure.
 * Specs:     OpenID Connect Discovery 1.0 §4 (issuer's URL).
 * Limits:    `itemsMax` in a list, `accountsMax` of an issuer.
 */

import { isLoopback } from '../base/networks.ts';
import {
  type Field,
  type FieldWords,
  quote,
  type Raw,
  type Reading,
  read,
  tomlText,
  tomlTexts,
  unreadable,
} from './field.ts';
import { textsOf } from './fields.ts';
import { isDomainName } from './networks.ts';
import { type Columns, inlineTable, type Named, namedRows, readColumns } from './tables.ts';

const itemsMax = 100;
const accountsMax = 10_000;
const textCharsMax = 1_000;
const scopesUsual: readonly string[] = ['openid', 'email'];

interface SubjectAccount {
  readonly sub: string;
  readonly address: string;
}

interface Issuer {
  /** As its tokens say it. */
  readonly url: string;
  /** One of them must be the token's. */
  readonly audiences: readonly string[];
  /** Whose accounts it may open, in lower-case A-labels. */
  readonly domains: readonly string[];
  /** Which claim names the account. */
  readonly claim: 'email' | 'sub';
  /** Account by `sub`; without any, `sub` is the address. */
  readonly accounts: readonly SubjectAccount[];
  /** Values of `amr` or `acr` that say a second factor was shown; `*`: each token says so. */
  readonly secondFactor: readonly string[];
  /** What it calls this server; "": nothing. */
  readonly clientId: string;
  /** "": a public client. */
  readonly clientSecretFile: string;
  /** It opens the web and the API, by a browser. */
  readonly web: boolean;
  readonly scopes: readonly string[];
  /** Its access tokens may be opaque: it is asked about them. */
  readonly introspection: boolean;
}

export type IssuerSetting = Named<Issuer>;

export function issuerTable(options: FieldWords): Field<readonly IssuerSetting[]> {
  return namedRows<Issuer>({
    ...options,
    type: 'table of issuers',
    bounds:
      'each with `url`, `audiences`, `domains`; and `claim`, `accounts`, `secondFactor`, `clientId`, `clientSecretFile`, `web`, `scopes`, `introspection`',
    example:
      '{ company = { url = "https://login.example.org/realms/staff", audiences = ["chaski"], domains = ["example.org"] } }',
    readRow(raw) {
      const reading = readColumns(raw, columns);
      const fault = reading.ok ? faultOf(reading.value) : undefined;
      return fault === undefined ? reading : unreadable(fault);
    },
    writeRow: ({ url, audiences, domains, claim, accounts, secondFactor, ...client }) =>
      inlineTable({
        ...{ url: tomlText(url), audiences: tomlTexts(audiences), domains: tomlTexts(domains) },
        claim: claim === 'email' ? undefined : tomlText(claim),
        accounts: accounts.length === 0 ? undefined : writeAccounts(accounts),
        secondFactor: secondFactor.length === 0 ? undefined : tomlTexts(secondFactor),
        ...writeClient(client),
      }),
  });
}

function faultOf({ claim, accounts, ...client }: Issuer): string | undefined {
  const { clientId, clientSecretFile, web, introspection, scopes } = client;
  if (claim !== 'sub' && accounts.length > 0)
    return 'accounts: are named by `sub`: set claim = "sub"';
  if ((web || introspection || clientSecretFile !== '') && clientId === '')
    return 'clientId: is what the issuer calls this server; `web`, `introspection` and a secret need it';
  if (introspection && clientSecretFile === '')
    return 'introspection: needs clientSecretFile: issuers tell it to clients with a secret alone';
  return scopes.includes('openid') ? undefined : 'scopes: must have "openid"';
}

function writeClient({
  clientId,
  clientSecretFile,
  web,
  scopes,
  introspection,
}: Pick<Issuer, 'clientId' | 'clientSecretFile' | 'web' | 'scopes' | 'introspection'>) {
  const isUsual = scopes.join(' ') === scopesUsual.join(' ');
  return {
    clientId: clientId === '' ? undefined : tomlText(clientId),
    clientSecretFile: clientSecretFile === '' ? undefined : tomlText(clientSecretFile),
    web: web ? 'true' : undefined,
    scopes: isUsual ? undefined : tomlTexts(scopes),
    introspection: introspection ? 'true' : undefined,
  };
}

const columns: Columns<Issuer> = {
  url: readUrl,
  audiences: (raw) => readTexts(raw, 1),
  domains(raw) {
    const reading = readTexts(raw, 1);
    if (!reading.ok) return reading;
    const wrong = reading.value.find((name) => !isDomainName(name));
    if (wrong !== undefined) return unreadable(`${quote(wrong)} is no domain name`);
    return read(reading.value.map((name) => name.toLowerCase()));
  },
  claim(raw = 'email') {
    return raw === 'email' || raw === 'sub'
      ? read(raw)
      : unreadable(`must be "email" or "sub", not ${quote(raw)}`);
  },
  accounts: readAccounts,
  secondFactor: (raw = []) => readTexts(raw, 0),
  clientId: readText,
  clientSecretFile: readText,
  web: readFlag,
  scopes(raw = scopesUsual) {
    const reading = readTexts(raw, 1);
    // RFC 6749 §3.3: `scope-token`.
    const wrong = reading.ok
      ? reading.value.find((scope) => !/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope))
      : undefined;
    return wrong === undefined ? reading : unreadable(`${quote(wrong)} is no scope`);
  },
  introspection: readFlag,
};

function readText(raw: unknown = ''): Reading<string> {
  const isGood = typeof raw === 'string' && raw.length <= textCharsMax;
  return isGood ? read(raw) : unreadable(`must be a text, not ${quote(raw)}`);
}

function readFlag(raw: unknown = false): Reading<boolean> {
  return typeof raw === 'boolean'
    ? read(raw)
    : unreadable(`must be true or false, not ${quote(raw)}`);
}

/** In clear only to this machine: keys that come over a network in clear are anybody's. */
function readUrl(raw: unknown): Reading<string> {
  const url = typeof raw === 'string' ? URL.parse(raw) : null;
  const host = url?.hostname.replace(/^\[|\]$/g, '') ?? '';
  const isSecure =
    url?.protocol === 'https:' ||
    (url?.protocol === 'http:' && (host === 'localhost' || isLoopback(host)));
  const isPlain = url?.username === '' && url.search === '' && url.hash === '';
  return isSecure && isPlain
    ? read(raw as string)
    : unreadable(`must be an https:// URL without query, not ${quote(raw)}`);
}

function readTexts(raw: unknown, countMin: number): Reading<readonly string[]> {
  const texts = textsOf(raw as Raw);
  const isGood =
    texts !== undefined &&
    texts.length >= countMin &&
    texts.length <= itemsMax &&
    !texts.includes('');
  return isGood ? read(texts) : unreadable(`must be a list of ${countMin} to ${itemsMax} texts`);
}

function readAccounts(raw: unknown = {}): Reading<readonly SubjectAccount[]> {
  const wrong = 'must be a table of "sub" = "address"';
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) return unreadable(wrong);
  const pairs = Object.entries(raw);
  if (pairs.length > accountsMax) return unreadable(`are at most ${accountsMax}`);
  const isGood = pairs.every(([, address]) => typeof address === 'string' && address !== '');
  return isGood ? read(pairs.map(([sub, address]) => ({ sub, address }))) : unreadable(wrong);
}

function writeAccounts(accounts: readonly SubjectAccount[]): string {
  const pairs = accounts.map(({ sub, address }) => `${tomlText(sub)} = ${tomlText(address)}`);
  return `{ ${pairs.join(', ')} }`;
}
