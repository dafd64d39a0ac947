/**
 * SPF records as terms: read once per record text.
 *
 * Runs in:   engine threads; a cache per thread.
 * Specs:     RFC 7208 §4.5, §4.6, §5 and §12 (grammar).
 * Limits:    `recordsMax` records are kept; those over `recordCharsMax` are not read here.
 * Invariant: every term of a record that is read is valid: RFC 7208 §4.6 wants the whole record checked first.
 */

import { isIPv6 } from 'node:net';
import { RecentMap } from '../../../base/recent-map.ts';
import { type AddressWords, addressWords } from './networks.ts';
import { inLowerCase, readName, type SpfName } from './spf-macro.ts';

export type Qualifier = '+' | '-' | '~' | '?';

export type SpfTerm = { readonly qualifier: Qualifier } & (
  | { readonly kind: 'all' }
  | { readonly kind: 'ip'; readonly network: AddressWords; readonly bits: number }
  | { readonly kind: 'include' | 'exists'; readonly name: SpfName }
  | {
      readonly kind: 'a' | 'mx';
      /** Absent: the domain the record is of. */
      readonly name: SpfName | undefined;
      readonly bits4: number;
      readonly bits6: number;
    }
  /** `name` absent: the domain the record is of. */
  | { readonly kind: 'ptr'; readonly name: SpfName | undefined }
);

export interface SpfRecord {
  readonly terms: readonly SpfTerm[];
  /** For where no term matches: an `all` always does. */
  readonly redirect: SpfName | undefined;
}

const recordsMax = 2_000;
const recordCharsMax = 2_048;
const version = /^v=spf1(?: |$)/i;
const printable = /^[\x20-\x7e]*$/;
const modifier = /^([a-z][a-z0-9\-_.]*)=(.*)$/i;
const plainMacroString = /^[\x21-\x24\x26-\x7e]*$/;
const mechanism = /^([+\-?~]?)(all|include|a|mx|ip4|ip6|exists|ptr)((?:[:/].*)?)$/i;
const dualPrefix = /^(?::(.+?))?(?:\/([0-9]+))?(?:\/\/([0-9]+))?$/;
const quad = '(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9][0-9]|[0-9])';
const network4 = new RegExp(`^:(${quad}(?:\\.${quad}){3})(?:/([0-9]+))?$`);
const network6 = /^:([0-9a-f:.]+)(?:\/([0-9]+))?$/i;
const prefix = /^(?:0|[1-9][0-9]{0,2})$/;

/** `null`: a record that is not judged here. */
const records = new RecentMap<string, SpfRecord | null>(recordsMax);

/** RFC 7208 §4.5. */
export function isSpfRecord(text: string): boolean {
  return version.test(text);
}

/** Undefined: not valid, or with a macro that is not judged here. */
export function readSpfRecord(text: string): SpfRecord | undefined {
  if (text.length > recordCharsMax) return undefined;
  let record = records.get(text);
  if (record === undefined) {
    record = parse(text) ?? null;
    records.set(text, record);
  }
  return record ?? undefined;
}

function parse(text: string): SpfRecord | undefined {
  if (!printable.test(text)) return undefined;
  const terms: SpfTerm[] = [];
  const modifiers = new Map<string, SpfName>();
  for (const part of text.split(' ').slice(1)) {
    if (part === '') continue;
    const found = modifier.exec(part);
    if (found !== null) {
      if (!takeModifier(found[1]!.toLowerCase(), found[2]!, modifiers)) return undefined;
      continue;
    }
    const term = readTerm(part);
    if (term === undefined) return undefined;
    terms.push(term);
  }
  return { terms, redirect: modifiers.get('redirect') };
}

/** RFC 7208 §6: `exp` changes no verdict, yet must be valid, as must what nobody knows. */
function takeModifier(name: string, value: string, modifiers: Map<string, SpfName>): boolean {
  if (name !== 'redirect' && name !== 'exp') return plainMacroString.test(value);
  const target = readName(value);
  if (target === undefined || modifiers.has(name)) return false;
  modifiers.set(name, target);
  return true;
}

function readTerm(text: string): SpfTerm | undefined {
  const match = mechanism.exec(text);
  if (match === null) return undefined;
  const qualifier = (match[1] === '' ? '+' : match[1]) as Qualifier;
  const kind = match[2]!.toLowerCase();
  const rest = match[3]!;
  switch (kind) {
    case 'all':
      return rest === '' ? { qualifier, kind } : undefined;
    case 'include':
    case 'exists': {
      const name = rest.startsWith(':') ? readName(rest.slice(1)) : undefined;
      return name && { qualifier, kind, name };
    }
    case 'ptr': {
      if (rest === '') return { qualifier, kind, name: undefined };
      const name = rest.startsWith(':') ? readName(rest.slice(1)) : undefined;
      return name && { qualifier, kind, name };
    }
    case 'ip4':
      return readNetwork(qualifier, network4.exec(rest), 32);
    case 'ip6': {
      const parts = network6.exec(rest);
      return parts !== null && isIPv6(parts[1]!) ? readNetwork(qualifier, parts, 128) : undefined;
    }
    default:
      return readHosts(qualifier, kind as 'a' | 'mx', rest);
  }
}

function readNetwork(
  qualifier: Qualifier,
  parts: RegExpExecArray | null,
  bitsMax: number,
): SpfTerm | undefined {
  const network = parts === null ? undefined : addressWords(parts[1]!);
  const bits = bitsOf(parts?.[2], bitsMax);
  return network && bits !== undefined ? { qualifier, kind: 'ip', network, bits } : undefined;
}

function readHosts(qualifier: Qualifier, kind: 'a' | 'mx', rest: string): SpfTerm | undefined {
  const parts = dualPrefix.exec(rest);
  if (parts === null) return undefined;
  const bits4 = bitsOf(parts[2], 32);
  const bits6 = bitsOf(parts[3], 128);
  if (bits4 === undefined || bits6 === undefined) return undefined;
  if (parts[1] === undefined) return { qualifier, kind, name: undefined, bits4, bits6 };
  const name = readName(parts[1]);
  return name && { qualifier, kind, name: inLowerCase(name), bits4, bits6 };
}

function bitsOf(text: string | undefined, max: number): number | undefined {
  if (text === undefined) return max;
  return prefix.test(text) && Number(text) <= max ? Number(text) : undefined;
}
