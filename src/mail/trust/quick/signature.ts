/**
 * Reads DKIM-Signature and ARC-Message-Signature, as far as their shape is a usual one.
 *
 * Runs in:   engine threads; pure.
 * Specs:     RFC 6376 §3.5 and §6.1.1, RFC 8301 (rsa-sha1 is none of ours), RFC 8463, RFC 8617 §4.1.2.
 * Invariant: what is read here is valid; all that is not, or is seldom (quoted identities), is `undefined`.
 */

import type { CanonicalForm } from '../dkim/canonical.ts';
import { isDotAtom, isPlainDomain, isPlainSelector } from './shapes.ts';
import { type Tags, withoutSpaces } from './tags.ts';

export type KeyType = 'rsa' | 'ed25519';

/** What a signature or a seal says about its maker. */
export interface Signer {
  readonly algorithm: string;
  readonly keyType: KeyType;
  /** As written. */
  readonly domain: string;
  readonly selector: string;
  /** Base64. */
  readonly value: string;
}

export interface Signature extends Signer {
  readonly headerForm: CanonicalForm;
  readonly bodyForm: CanonicalForm;
  /** Names in lower case, in order. */
  readonly signedNames: readonly string[];
  readonly bodyHash: string;
  /** `l=`: bytes of the body's canonical form that are signed; `Infinity` without. */
  readonly bodyLimit: number;
  /** The AUID: `@domain` where none is given. */
  readonly identity: string;
  /** Whether the AUID's domain is below the signer's. */
  readonly isBelow: boolean;
  readonly expiresMs: number | undefined;
}

const keyTypes: Readonly<Record<string, KeyType>> = {
  'rsa-sha256': 'rsa',
  'ed25519-sha256': 'ed25519',
};
const forms = /^(?:(?:relaxed|simple)(?:\/(?:relaxed|simple))?)?$/;
const base64 = /^[A-Za-z0-9+/]+={0,2}$/;
const seconds = /^[0-9]{1,12}$/;
/** RFC 6376 has up to 76; so many are exact as numbers. */
const byteCount = /^[0-9]{1,15}$/;

export function readSigner(tags: Tags): Signer | undefined {
  const algorithm = tags.get('a') ?? '';
  const keyType = Object.hasOwn(keyTypes, algorithm) ? keyTypes[algorithm] : undefined;
  const domain = tags.get('d') ?? '';
  const selector = tags.get('s') ?? '';
  const value = withoutSpaces(tags.get('b') ?? '');
  if (keyType === undefined || !base64.test(value)) return undefined;
  if (!isPlainDomain(domain) || !isPlainSelector(selector)) return undefined;
  const time = tags.get('t');
  if (time !== undefined && !seconds.test(time)) return undefined;
  return { algorithm, keyType, domain, selector, value };
}

/** `isArc`: its `i=` is a number and its maker's business. */
export function readSignature(tags: Tags, isArc: boolean): Signature | undefined {
  const signer = readSigner(tags);
  const limit = tags.get('l');
  if (signer === undefined || (limit !== undefined && !byteCount.test(limit))) return undefined;
  if (!isArc && tags.get('v') !== '1') return undefined;
  const query = tags.get('q');
  if (query !== undefined && query !== 'dns/txt') return undefined;
  const canonicalization = tags.get('c') ?? '';
  if (!forms.test(canonicalization)) return undefined;
  const [header = '', body = ''] = canonicalization.split('/');
  const signedNames = withoutSpaces(tags.get('h') ?? '')
    .toLowerCase()
    .split(':')
    .filter((name) => name !== '');
  const bodyHash = withoutSpaces(tags.get('bh') ?? '');
  if (!signedNames.includes('from') || bodyHash === '') return undefined;
  const identity = isArc ? `@${signer.domain}` : (tags.get('i') ?? `@${signer.domain}`);
  const identityDomain = domainOfIdentity(identity, signer.domain);
  if (identityDomain === undefined) return undefined;
  const expiry = tags.get('x');
  if (expiry !== undefined && !isAfter(expiry, tags.get('t'))) return undefined;
  return {
    ...signer,
    headerForm: header === 'relaxed' ? 'relaxed' : 'simple',
    bodyForm: body === 'relaxed' ? 'relaxed' : 'simple',
    signedNames,
    bodyHash,
    bodyLimit: limit === undefined ? Number.POSITIVE_INFINITY : Number(limit),
    identity,
    isBelow: identityDomain.toLowerCase() !== signer.domain.toLowerCase(),
    expiresMs: expiry === undefined ? undefined : Number(expiry) * 1_000,
  };
}

function isAfter(expiry: string, time: string | undefined): boolean {
  return seconds.test(expiry) && (time === undefined || Number(expiry) > Number(time));
}

/** RFC 6376 §3.5 `i=`: the signer's domain or one below it. An "=" may be an escape: not read here. */
function domainOfIdentity(identity: string, signer: string): string | undefined {
  const at = identity.lastIndexOf('@');
  const local = identity.slice(0, Math.max(0, at));
  const domain = identity.slice(at + 1);
  if (at < 0 || identity.includes('=') || !isPlainDomain(domain)) return undefined;
  if (local !== '' && !isDotAtom(local)) return undefined;
  const isWithin = `.${domain.toLowerCase()}`.endsWith(`.${signer.toLowerCase()}`);
  return isWithin ? domain : undefined;
}
