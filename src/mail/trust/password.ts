/**
 * Hashes passwords with Argon2id, and checks them; hashes of other systems too (`old-hashes.ts`).
 *
 * Runs in:   threads marked for jobs (40 ms of one core each, 19 MiB); pure.
 * Specs:     RFC 9106 (Argon2), the PHC string format, RFC 8265 §4.2 (OpaqueString: how a password is written).
 * Limits:    passwords up to `passwordBytesMax`; hashes that would cost more than `memoryKibMax` or `passesMax` are
 *            taken for broken: a row must not be able to stop a thread.
 * Invariant: an unknown user costs what a known one costs; comparing takes the same time whatever differs.
 */

import { Buffer } from 'node:buffer';
import { argon2Sync, timingSafeEqual } from 'node:crypto';
import { assert } from '../../base/assert.ts';
import { isOldHash, verifyOldHash } from './old-hashes.ts';

export const passwordBytesMax = 1_024;
export const saltBytes = 16;
const tagBytes = 32;
/** OWASP's second choice: 19 MiB and two passes. */
const cost = { memoryKib: 19_456, passes: 2, parallelism: 1 } as const;
const memoryKibMax = 262_144;
const passesMax = 10;
const parallelismMax = 4;

interface StoredHash {
  readonly memoryKib: number;
  readonly passes: number;
  readonly parallelism: number;
  readonly salt: Buffer;
  readonly tag: Buffer;
}

const pattern =
  /^\$argon2id\$v=19\$m=(\d{1,9}),t=(\d{1,4}),p=(\d{1,3})\$([A-Za-z0-9+/]{11,88})\$([A-Za-z0-9+/]{22,88})$/;

/** `salt` is random and used once. @returns a PHC string */
export function hashPassword(password: string, salt: Uint8Array): string {
  assert(salt.byteLength === saltBytes, 'a salt of 16 bytes');
  assert(isPasswordAcceptable(password), 'a password within its limits');
  const { memoryKib, passes, parallelism } = cost;
  const tag = computeTag(password, {
    ...cost,
    salt: Buffer.from(salt),
    tag: Buffer.alloc(tagBytes),
  });
  return `$argon2id$v=19$m=${memoryKib},t=${passes},p=${parallelism}$${base64(salt)}$${base64(tag)}`;
}

/** `stored` "" is an unknown user: the answer is false, after as much work. */
export function verifyPassword(stored: string, password: string): boolean {
  const parsed = parseHash(stored);
  const hash = parsed ?? unknownUser;
  // Too long a password cannot be right; it costs a hash of a short one all the same.
  const isPossible = isPasswordAcceptable(password);
  if (parsed === undefined && isPossible) {
    const isRight = verifyOldHash(stored, password);
    if (isRight === true) return true;
  }
  const tag = computeTag(isPossible ? password : '', hash);
  return timingSafeEqual(tag, hash.tag) && parsed !== undefined && isPossible;
}

/** Whether the hash is not what we would write now: a log-in that is right is the time to replace it. */
export function isOutdated(stored: string): boolean {
  const parsed = parseHash(stored);
  if (parsed === undefined) return isOldHash(stored);
  const { memoryKib, passes, parallelism } = parsed;
  return memoryKib < cost.memoryKib || passes < cost.passes || parallelism !== cost.parallelism;
}

/** Whether a hash brought from elsewhere can be checked here. */
export function isKnownHash(stored: string): boolean {
  return parseHash(stored) !== undefined || isOldHash(stored);
}

export function isPasswordAcceptable(password: string): boolean {
  const bytes = Buffer.byteLength(password, 'utf8');
  return bytes > 0 && bytes <= passwordBytesMax;
}

const unknownUser: StoredHash = {
  ...cost,
  salt: Buffer.alloc(saltBytes, 0x5a),
  tag: Buffer.alloc(tagBytes),
};

function computeTag(password: string, hash: StoredHash): Buffer {
  return argon2Sync('argon2id', {
    message: prepared(password),
    nonce: hash.salt,
    memory: hash.memoryKib,
    passes: hash.passes,
    parallelism: hash.parallelism,
    tagLength: hash.tag.length,
  });
}

/** RFC 8265 §4.2.2: other spaces become U+0020, then NFC; case and width stay. */
function prepared(password: string): Buffer {
  return Buffer.from(password.replace(/\p{Zs}/gu, ' ').normalize('NFC'), 'utf8');
}

function parseHash(stored: string): StoredHash | undefined {
  const match = pattern.exec(stored);
  if (match === null) return undefined;
  const memoryKib = Number(match[1]);
  const passes = Number(match[2]);
  const parallelism = Number(match[3]);
  if (memoryKib > memoryKibMax || memoryKib < 8 * parallelism) return undefined;
  if (passes < 1 || passes > passesMax) return undefined;
  if (parallelism < 1 || parallelism > parallelismMax) return undefined;
  const salt = Buffer.from(match[4]!, 'base64');
  const tag = Buffer.from(match[5]!, 'base64');
  return { memoryKib, passes, parallelism, salt, tag };
}

/** The PHC format leaves the padding out. */
function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replace(/=+$/, '');
}
