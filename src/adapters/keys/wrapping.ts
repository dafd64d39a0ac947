/**
 * Wraps a secret by one of several versions of a key that is at hand as text.
 *
 * Runs in:   engine threads.
 * Specs:     NIST SP 800-38D (AES-256-GCM, random nonces).
 * Limits:    `keysMax` versions; each is 32 bytes, written in Base64 or in hexadecimal.
 */

import { Buffer } from 'node:buffer';
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { KeySourceError } from '../../ports/key-source.ts';

const keyBytes = 32;
const keysMax = 64;
const nameBytes = 8;
const nonceBytes = 12;
const tagBytes = 16;
const tagAt = nameBytes + nonceBytes;
const textAt = tagAt + tagBytes;

/** Versions of a key, oldest first: one a line; empty lines and lines that begin with # count for nothing. */
export function keysIn(text: string, whence: string): readonly Buffer[] {
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const keys = lines.filter((line) => line !== '' && !line.startsWith('#')).map(keyOf);
  const isGood = keys.every((key) => key !== undefined);
  if (isGood && keys.length > 0 && keys.length <= keysMax) return keys as Buffer[];
  throw new KeySourceError(`${whence}: a line holds one key: 32 bytes in Base64 or hexadecimal`);
}

export function wrapWith(keys: readonly Buffer[], context: string, secret: Uint8Array): Buffer {
  const key = keys.at(-1)!;
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes });
  cipher.setAAD(Buffer.from(context, 'utf8'));
  const text = Buffer.concat([cipher.update(secret), cipher.final()]);
  return Buffer.concat([nameOf(key), nonce, cipher.getAuthTag(), text]);
}

/** @throws KeySourceError */
export function unwrapWith(keys: readonly Buffer[], context: string, wrapped: Uint8Array): Buffer {
  const bytes = Buffer.from(wrapped.buffer, wrapped.byteOffset, wrapped.byteLength);
  const name = bytes.subarray(0, nameBytes);
  const key = keys.find((one) => nameOf(one).equals(name));
  if (key === undefined) throw new KeySourceError('the version of the key that wrapped it is gone');
  const nonce = bytes.subarray(nameBytes, tagAt);
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes });
    decipher.setAAD(Buffer.from(context, 'utf8'));
    decipher.setAuthTag(bytes.subarray(tagAt, textAt));
    return Buffer.concat([decipher.update(bytes.subarray(textAt)), decipher.final()]);
  } catch {
    throw new KeySourceError('a wrapped key is not what was wrapped, or was wrapped for another');
  }
}

/** Names a version without telling anything of it. */
function nameOf(key: Buffer): Buffer {
  const hash = createHash('sha256').update('chaski key name').update(key).digest();
  return hash.subarray(0, nameBytes);
}

function keyOf(line: string): Buffer | undefined {
  const bytes = /^[0-9a-f]{64}$/i.test(line)
    ? Buffer.from(line, 'hex')
    : Buffer.from(line, 'base64');
  const isWhole = bytes.length === keyBytes && /^[0-9A-Za-z+/=]+$/.test(line);
  return isWhole ? bytes : undefined;
}
