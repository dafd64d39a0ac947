/**
 * Reads the path of MAIL FROM and RCPT TO out of a command's bytes.
 *
 * Runs in:   anywhere; pure; hot: one native string read per path.
 * Specs:     RFC 5321 §4.1.2 (Path, Mailbox), §4.1.3 (address literals), RFC 6531 §3.3 (UTF-8).
 * Limits:    local part and domain 255 octets each, a label 63. RFC 5321 §4.5.3.1.1 speaks of 64 for the local
 *            part; rewritten return paths (VERP, SRS) are longer in practice, so we do not refuse those.
 */

import { type Buffer, isUtf8 } from 'node:buffer';
import { isIPv4, isIPv6 } from 'node:net';
import {
  at,
  backslash,
  bracketClose,
  bracketOpen,
  colon,
  comma,
  dot,
  greaterThan,
  isAtext,
  isDomainOctet,
  isUpper,
  lessThan,
  quote,
  space,
} from './octets.ts';

const localBytesMax = 255;
const domainBytesMax = 255;
const labelBytesMax = 63;

export interface Path {
  /** local-part@domain as given, with the domain in lower case; "" for the null path. */
  readonly address: string;
  /** Without quotes and escapes: what a directory looks up. */
  readonly localPart: string;
  /** Lower case; "" when the path has none (`<postmaster>`). */
  readonly domain: string;
  /** Octets outside ASCII, which need SMTPUTF8. */
  readonly isUtf8: boolean;
  /** Offset after the closing bracket. */
  readonly end: number;
}

/** `from` is the offset of `<`; undefined when what stands there is no path. */
export function parsePath(line: Buffer, from: number, to: number): Path | undefined {
  if (from >= to || line[from] !== lessThan) return undefined;
  let i = from + 1;
  if (line[i] === greaterThan && i < to) {
    return { address: '', localPart: '', domain: '', isUtf8: false, end: i + 1 };
  }
  if (line[i] === at) {
    // RFC 5321 §4.1.1.3, appendix C: a source route is accepted and ignored.
    i = skipSourceRoute(line, i, to);
    if (i < 0) return undefined;
  }
  const localFrom = i;
  const isQuoted = line[i] === quote;
  i = isQuoted ? skipQuoted(line, i, to) : skipDotString(line, i, to);
  const localTo = i;
  if (i < 0 || i >= to || localTo === localFrom || localTo - localFrom > localBytesMax) {
    return undefined;
  }
  if (line[i] === at) {
    i = skipDomain(line, i + 1, to);
    if (i < 0 || i >= to) return undefined;
  }
  if (line[i] !== greaterThan) return undefined;
  return makePath(line, localFrom, localTo, i, isQuoted);
}

function makePath(
  line: Buffer,
  localFrom: number,
  localTo: number,
  addressTo: number,
  isQuoted: boolean,
): Path | undefined {
  let ors = 0;
  let hasUpper = false;
  for (let i = localFrom; i < localTo; i++) ors |= line[i]!;
  for (let i = localTo; i < addressTo; i++) {
    const octet = line[i]!;
    ors |= octet;
    if (isUpper(octet)) hasUpper = true;
  }
  const hasUtf8 = ors >= 0x80;
  if (hasUtf8 && !isUtf8(line.subarray(localFrom, addressTo))) return undefined;
  let address = hasUtf8
    ? line.toString('utf8', localFrom, addressTo)
    : line.toString('latin1', localFrom, addressTo);
  const localLength = hasUtf8
    ? line.toString('utf8', localFrom, localTo).length
    : localTo - localFrom;
  const rawLocal = address.slice(0, localLength);
  let domain = localTo === addressTo ? '' : address.slice(localLength + 1);
  if (hasUpper || hasUtf8) {
    domain = domain.toLowerCase();
    if (domain !== '') address = `${rawLocal}@${domain}`;
  }
  const localPart = isQuoted ? rawLocal.slice(1, -1).replace(/\\(.)/gsu, '$1') : rawLocal;
  return { address, localPart, domain, isUtf8: hasUtf8, end: addressTo + 1 };
}

/** Offset of the mailbox behind `@one,@two:`, or -1. */
function skipSourceRoute(line: Buffer, from: number, to: number): number {
  let i = from;
  while (i < to && line[i] === at) {
    i = skipDomain(line, i + 1, to);
    if (i < 0 || i >= to) return -1;
    if (line[i] === colon) return i + 1;
    if (line[i] !== comma) return -1;
    i++;
  }
  return -1;
}

/** Dots may stand anywhere: addresses with two in a row or one at an end have been handed out by providers. */
function skipDotString(line: Buffer, from: number, to: number): number {
  let i = from;
  while (i < to && (isAtext(line[i]!) || line[i] === dot)) i++;
  return i;
}

function skipQuoted(line: Buffer, from: number, to: number): number {
  for (let i = from + 1; i < to; i++) {
    const octet = line[i]!;
    if (octet === quote) return i + 1;
    if (octet === backslash) {
      i++;
      if (i >= to || line[i]! < space || line[i]! > 0x7e) return -1;
    } else if (octet < space || octet === 0x7f) {
      return -1;
    }
  }
  return -1;
}

/** Offset after a domain or address literal, or -1. */
function skipDomain(line: Buffer, from: number, to: number): number {
  if (line[from] === bracketOpen && from < to) return skipLiteral(line, from, to);
  let i = from;
  let label = from;
  while (i < to) {
    const octet = line[i]!;
    if (octet === dot) {
      if (i === label || i - label > labelBytesMax || line[i - 1] === hyphen) return -1;
      label = i + 1;
    } else if (!isDomainOctet(octet) || (octet === hyphen && i === label)) {
      break;
    }
    i++;
  }
  if (i === label || i - label > labelBytesMax || line[i - 1] === hyphen) return -1;
  return i - from > domainBytesMax ? -1 : i;
}

const hyphen = 0x2d;
const literalBytesMax = 64;

function skipLiteral(line: Buffer, from: number, to: number): number {
  let i = from + 1;
  while (i < to && line[i] !== bracketClose && i - from < literalBytesMax) i++;
  if (i >= to || line[i] !== bracketClose) return -1;
  return isAddressLiteral(line.toString('latin1', from, i + 1)) ? i + 1 : -1;
}

/** RFC 5321 §4.1.3: `[192.0.2.1]` or `[IPv6:2001:db8::1]`; no other tag is registered. */
export function isAddressLiteral(text: string): boolean {
  if (!text.startsWith('[') || !text.endsWith(']')) return false;
  const inner = text.slice(1, -1);
  if (/^ipv6:/i.test(inner)) return isIPv6(inner.slice(5)) && !inner.includes('%');
  return isIPv4(inner);
}
