/**
 * DKIM's public keys: read once per record text.
 *
 * Runs in:   engine threads; a cache per thread.
 * Specs:     RFC 6376 §3.6.1, RFC 8301 §3.2 (1024 bits at least), RFC 8463 §4.
 * Limits:    `keysMax` keys are kept; records over `recordCharsMax` are not read here.
 * Invariant: a key is looked up by all of its record: another record is another key at once.
 */

import { Buffer } from 'node:buffer';
import { createPublicKey, type KeyObject } from 'node:crypto';
import { RecentMap } from '../../../base/recent-map.ts';
import type { KeyType } from './signature.ts';
import { readTags } from './tags.ts';

export interface RecordKey {
  readonly type: KeyType;
  readonly key: KeyObject;
  /** RFC 6376 §3.6.1 `t=s`: the AUID's domain is the signer's own. */
  readonly isStrict: boolean;
}

const keysMax = 2_000;
const recordCharsMax = 2_048;
const rsaBitsMin = 1_024;
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const ed25519Prefix = Buffer.from('302a300506032b6570032100', 'hex');
const sequence = 0x30;
const integer = 0x02;

/** `null`: a record that is not judged here. */
const keys = new RecentMap<string, RecordKey | null>(keysMax);

/** Undefined: revoked, broken, of another service, short or odd. */
export function keyOf(record: string): RecordKey | undefined {
  if (record.length > recordCharsMax) return undefined;
  let key = keys.get(record);
  if (key === undefined) {
    key = readKey(record.replace(/\s+/g, '')) ?? null;
    keys.set(record, key);
  }
  return key ?? undefined;
}

function readKey(record: string): RecordKey | undefined {
  const tags = readTags(record);
  const text = tags?.get('p') ?? '';
  if (tags === undefined || text === '' || !base64.test(text)) return undefined;
  const [first] = tags.keys();
  if (tags.has('v') && (first !== 'v' || tags.get('v') !== 'DKIM1')) return undefined;
  if (!lists(tags.get('s') ?? '*', ['*', 'email'])) return undefined;
  if (!lists(tags.get('h') ?? 'sha256', ['sha256'])) return undefined;
  const type = tags.get('k') ?? 'rsa';
  if (type !== 'rsa' && type !== 'ed25519') return undefined;
  const key = publicKey(type, Buffer.from(text, 'base64'));
  if (key?.asymmetricKeyType !== type) return undefined;
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (type === 'rsa' && bits < rsaBitsMin) return undefined;
  return { type, key, isStrict: lists(tags.get('t') ?? '', ['s']) };
}

function publicKey(type: KeyType, bytes: Buffer): KeyObject | undefined {
  if (bytes.length < 3 || (type === 'ed25519') !== (bytes.length === 32)) return undefined;
  try {
    if (type === 'ed25519') {
      const key = Buffer.concat([ed25519Prefix, bytes]);
      return createPublicKey({ key, format: 'der', type: 'spki' });
    }
    // Bare keys are RFC 6376's; SubjectPublicKeyInfo is what is published.
    const form = isBareKey(bytes) ? 'pkcs1' : 'spki';
    return createPublicKey({ key: bytes, format: 'der', type: form });
  } catch {
    return undefined;
  }
}

/** RFC 8017 §A.1.1: a sequence that starts with an integer. */
function isBareKey(bytes: Uint8Array): boolean {
  const length = bytes[1]!;
  return bytes[0] === sequence && bytes[length < 0x80 ? 2 : 2 + (length & 0x7f)] === integer;
}

function lists(value: string, wanted: readonly string[]): boolean {
  return value.split(':').some((entry) => wanted.includes(entry.toLowerCase()));
}
