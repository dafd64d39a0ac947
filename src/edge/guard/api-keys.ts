/**
 * What an API key looks like, and what is kept of it.
 *
 * Runs in:   edge (main thread).
 * Invariant: a secret has 256 random bits, so SHA-256 of it can be kept: there is nothing to guess.
 */

import { createHash } from 'node:crypto';
import type { ApiKeyId } from '../../base/ids.ts';

export const secretBytes = 32;

/** `chaski_` so that a key found in a repository says whose it is. */
export function writeApiKey(id: ApiKeyId, secret: Uint8Array): string {
  return `chaski_${id}_${Buffer.from(secret).toString('base64url')}`;
}

export function hashOfSecret(secret: Uint8Array): Buffer {
  return createHash('sha256').update(secret).digest();
}
