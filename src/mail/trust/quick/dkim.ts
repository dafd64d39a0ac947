/**
 * Checks DKIM signatures of the usual shapes.
 *
 * Runs in:   engine threads; waits for the DNS, blocks for some 30 µs a signature.
 * Specs:     RFC 6376 §6.1, RFC 8301, RFC 8463 §3, RFC 8601 §2.7.1 (words of verdicts).
 * Invariant: passes only what the reference passes; `undefined` is no verdict.
 */

import { Buffer } from 'node:buffer';
import { createHash, verify } from 'node:crypto';
import type { Dns } from '../../../ports/dns.ts';
import type { PlainHeader } from './header.ts';
import { keyOf, type RecordKey } from './keys.ts';
import { readSignature, type Signature, type Signer } from './signature.ts';
import { readTags } from './tags.ts';

export interface SignatureVerdict {
  readonly signature: Signature;
  readonly result: 'pass' | 'fail' | 'neutral';
  readonly comment: string;
  /** Bytes of the body's canonical form that `l=` leaves unsigned. */
  readonly unsigned: number;
}

/** A key, none published, or undefined where it is not judged here. */
export async function keyFor(
  { domain, selector, keyType }: Signer,
  dns: Dns,
): Promise<RecordKey | 'missing' | undefined> {
  const answer = await dns.txt(`${selector}._domainkey.${domain}`);
  if (!answer.ok) return answer.reason === 'failed' ? undefined : 'missing';
  const [record] = answer.records;
  const key = record === undefined ? undefined : keyOf(record);
  return key?.type === keyType ? key : undefined;
}

export function isSigned(text: string, { value }: Signer, { type, key }: RecordKey): boolean {
  const bytes = Buffer.from(text, 'latin1');
  const signature = Buffer.from(value, 'base64');
  if (type === 'rsa') return verify('sha256', bytes, key, signature);
  // RFC 8463 §3: the hash is what is signed.
  return verify(null, createHash('sha256').update(bytes).digest(), key, signature);
}

export interface CheckParts {
  readonly header: PlainHeader;
  readonly dns: Dns;
  readonly nowMs: number;
}

export async function checkSignature(
  found: FoundSignature,
  parts: CheckParts,
): Promise<SignatureVerdict | undefined> {
  const { signature } = found;
  const { hash, uncovered } = parts.header.bodyHash(signature.bodyForm, signature.bodyLimit);
  const word =
    signature.bodyHash === hash
      ? await checkHeader(found, parts)
      : fail('body hash did not verify');
  return word && { ...word, signature, unsigned: uncovered };
}

type Word = Pick<SignatureVerdict, 'result' | 'comment'>;

const fail = (comment: string): Word => ({ result: 'fail', comment });
const neutral = (comment: string): Word => ({ result: 'neutral', comment });

async function checkHeader(
  { field, signature }: FoundSignature,
  { header, dns, nowMs }: CheckParts,
): Promise<Word | undefined> {
  const { headerForm, signedNames, expiresMs } = signature;
  const key = await keyFor(signature, dns);
  if (key === 'missing') return neutral('no key');
  if (key === undefined || (key.isStrict && signature.isBelow)) return undefined;
  const text = header.signedText(signedNames, headerForm) + header.unsignedText(field, headerForm);
  if (!isSigned(text, signature, key)) return fail('bad signature');
  if (expiresMs !== undefined && expiresMs < nowMs) return neutral('expired');
  return { result: 'pass', comment: '' };
}

/** A signature, and the field it is in. */
export interface FoundSignature {
  readonly field: number;
  readonly signature: Signature;
}

/** In the order of their fields; undefined where one is odd. */
export function findSignatures(header: PlainHeader): readonly FoundSignature[] | undefined {
  const found: FoundSignature[] = [];
  for (const field of header.fields('dkim-signature')) {
    const tags = readTags(header.value(field));
    const signature = tags && readSignature(tags, false);
    if (signature === undefined) return undefined;
    found.push({ field, signature });
  }
  return found;
}

export async function checkDkim(
  found: readonly FoundSignature[],
  parts: CheckParts,
): Promise<readonly SignatureVerdict[] | undefined> {
  const verdicts: SignatureVerdict[] = [];
  for (const each of found) {
    const verdict = await checkSignature(each, parts);
    if (verdict === undefined) return undefined;
    verdicts.push(verdict);
  }
  return verdicts;
}
