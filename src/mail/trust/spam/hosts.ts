/**
 * Addresses of the web in a text, and the names to ask lists of bad hosts (URIBL) for.
 *
 * Runs in:   engine threads and jobs; pure. Look-ups are the caller's, through `ports/dns.ts`.
 * Limits:    `urlsMax` addresses of one text, `urlCharactersMax` characters of each; linear time.
 */

import { domainToASCII } from 'node:url';

export const urlsMax = 200;
const urlCharactersMax = 1_024;
/** A message with more different hosts is asked about for some of them only. */
const askedHostsMax = 20;
const hostCharactersMax = 300;

export interface Url {
  /** Lower case; "" where none can be read. An address literal with its brackets. */
  readonly host: string;
  /** From the host's end on. */
  readonly path: string;
  readonly isSecure: boolean;
  /** `https://bank.example@evil.example/`: what stands before the host reads like one. */
  readonly hasUser: boolean;
  readonly port: string;
}

/** Browsers take one slash, or several, either way round. */
const schemes = /https?:[/\\]{1,8}|\bwww\./gi;

export function urlsIn(text: string, most = urlsMax): readonly Url[] {
  const urls: Url[] = [];
  schemes.lastIndex = 0;
  while (urls.length < most) {
    const match = schemes.exec(text);
    if (match === null) break;
    const isBare = match[0].endsWith('.');
    const start = isBare ? match.index : schemes.lastIndex;
    const end = urlEnd(text, start);
    urls.push(readUrl(text.slice(start, end), /^https/i.test(match[0])));
    schemes.lastIndex = Math.max(end, schemes.lastIndex);
  }
  return urls;
}

function urlEnd(text: string, start: number): number {
  const stop = Math.min(text.length, start + urlCharactersMax);
  let at = start;
  while (at < stop) {
    const code = text.charCodeAt(at);
    // Blanks, quotes and angle brackets end it.
    if (code <= 32 || code === 34 || code === 39 || code === 60 || code === 62) break;
    at++;
  }
  return at;
}

/** `text` is what follows the scheme. */
function readUrl(written: string, isSecure: boolean): Url {
  const text = written.includes('&') ? withoutReferences(written) : written;
  let end = 0;
  while (end < text.length && !'/?#\\'.includes(text[end]!)) end++;
  const authority = text.slice(0, end);
  const mark = authority.lastIndexOf('@');
  const place = authority.slice(mark + 1);
  const colon = place.startsWith('[') ? place.indexOf(':', place.indexOf(']')) : place.indexOf(':');
  const host = (colon < 0 ? place : place.slice(0, colon)).toLowerCase();
  return {
    host: trimDots(unescaped(host)),
    path: text.slice(end),
    isSecure,
    hasUser: mark >= 0,
    port: colon < 0 ? '' : place.slice(colon + 1),
  };
}

/** Characters of HTML written as numbers, as far as they are of an address. */
function withoutReferences(text: string): string {
  return text.replace(/&#(?:x([0-9a-f]{1,6})|(\d{1,7}));?/gi, (all, hex, decimal) => {
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
    return code > 32 && code < 127 ? String.fromCharCode(code) : all;
  });
}

function unescaped(host: string): string {
  if (!host.includes('%')) return host;
  try {
    return decodeURIComponent(host).toLowerCase();
  } catch {
    return host;
  }
}

function trimDots(host: string): string {
  let end = host.length;
  while (end > 0 && '.,;)!'.includes(host[end - 1]!)) end--;
  return host.slice(0, end);
}

const literal = /^(?:\d{1,10}|0x[0-9a-f]{1,8}|\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[.*\])$/;

export function isAddressLiteral(host: string): boolean {
  return literal.test(host);
}

const hostName = /^(?=.{4,253}$)(?:[a-z0-9_-]{1,63}\.){1,20}[a-z0-9-]{2,63}$/;

/** Second levels under which names are given out, as far as lists treat them so. */
const sharedSecondLevels: ReadonlySet<string> = new Set([
  'ac',
  'co',
  'com',
  'edu',
  'gov',
  'net',
  'ne',
  'or',
  'org',
]);

/** What was registered, as near as the name itself tells: `mail.shop.co.uk` → `shop.co.uk`. */
export function registeredName(host: string): string {
  const labels = host.split('.');
  const second = labels.at(-2) ?? '';
  const isShared =
    labels.length > 2 && labels.at(-1)!.length === 2 && sharedSecondLevels.has(second);
  return labels.slice(isShared ? -3 : -2).join('.');
}

/** As browsers read it: in ASCII, addresses in whatever form as four numbers. "": it is no host. */
function canonical(host: string): string {
  const isPlain = hostName.test(host) && !/\.(?:\d|0x)[^.]*$/.test(host);
  return isPlain ? host : domainToASCII(host.slice(0, hostCharactersMax));
}

/**
 * The names to ask a list for, each once, in order; addresses are turned around as lists want them. Of too many the
 * first and the last.
 */
export function hostsToAsk(urls: readonly Url[]): readonly string[] {
  const found = new Set<string>();
  for (const url of urls) {
    const host = canonical(url.host);
    if (/^\d{1,3}(?:\.\d{1,3}){3}$/.test(host)) found.add(host.split('.').reverse().join('.'));
    else if (hostName.test(host)) found.add(registeredName(host));
  }
  const all = [...found];
  const half = askedHostsMax / 2;
  return all.length <= askedHostsMax ? all : [...all.slice(0, half), ...all.slice(-half)];
}
