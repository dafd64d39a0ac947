/**
 * What an API key looks like, and whether one that is shown is ours.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 6750 §2.1 (Bearer).
 * Invariant: a secret has 256 random bits, so SHA-256 of it can be kept: there is nothing to guess. Hashes are compared
 *            in constant time, and a key that is not there takes as long as one that is wrong.
 */

import { createHash, timingSafeEqual } from 'node:crypto';
import { type ApiKeyId, apiKeyId } from '../../base/ids.ts';
import type { AccountDirectory, ApiKey } from '../../ports/account-directory.ts';

export const secretBytes = 32;

/** `chaski_` so that a key found in a repository says whose it is. */
const keyText = /^chaski_([1-9]\d{0,9})_([A-Za-z0-9_-]{43})$/;
const bearer = /^bearer +([^ ]+) *$/i;
const idMax = 0xffff_ffff;
const nobody = Buffer.alloc(32);

export function writeApiKey(id: ApiKeyId, secret: Uint8Array): string {
  return `chaski_${id}_${Buffer.from(secret).toString('base64url')}`;
}

export function hashOfSecret(secret: Uint8Array): Buffer {
  return createHash('sha256').update(secret).digest();
}

/** The key an `Authorization` header shows; undefined for none that is ours. */
export async function apiKeyShown(
  directory: AccountDirectory,
  authorization: string | undefined,
): Promise<ApiKey | undefined> {
  const shown = keyText.exec(bearer.exec(authorization ?? '')?.[1] ?? '');
  if (shown === null || Number(shown[1]) > idMax) return undefined;
  const key = await directory.apiKey(apiKeyId(Number(shown[1])));
  const hash = key === undefined ? nobody : Buffer.from(key.hash, 'hex');
  const isRight = timingSafeEqual(hash, hashOfSecret(Buffer.from(shown[2]!, 'base64url')));
  return isRight ? key : undefined;
}
