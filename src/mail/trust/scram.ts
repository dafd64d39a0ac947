/**
 * The keys of SCRAM: a verifier made of a password, the check of a client's proof, and verifiers of nobody.
 *
 * Runs in:   making a verifier takes some 10 ms of one core (threads marked for jobs); the check takes microseconds;
 *            pure.
 * Specs:     RFC 5802 §3 (keys, proof), §2.2 (Normalize is SASLprep), §9 (what a verifier is worth to a thief);
 *            RFC 7677 §4 (at least 4096 iterations); RFC 4013 (SASLprep).
 * Invariant: all verifiers we make have the same count of iterations and as long a salt, and those of unknown users
 *            look and cost the same: an exchange does not tell who is there.
 */

import { createHash, createHmac, pbkdf2Sync, timingSafeEqual } from 'node:crypto';
import { saslprep } from '@mongodb-js/saslprep';

export const scramHashes = ['sha256', 'sha1'] as const;
export type ScramHash = (typeof scramHashes)[number];

/** A constant, not a setting: verifiers of different counts would tell apart who is there from who is not. */
export const scramIterations = 10_000;
export const scramSaltBytes = 16;

const tagBytes = { sha256: 32, sha1: 20 } as const satisfies Record<ScramHash, number>;

/** What the server keeps for one hash function; no log-in elsewhere can be made of it without a guess. */
export interface ScramVerifier {
  readonly salt: Uint8Array;
  readonly iterations: number;
  readonly storedKey: Uint8Array;
  readonly serverKey: Uint8Array;
}

/** `undefined`: SASLprep does not allow the text. */
export function saslPrepared(text: string): string | undefined {
  try {
    const prepared = saslprep(text);
    return prepared === '' ? undefined : prepared;
  } catch {
    return undefined;
  }
}

/** `salt` is random and used once. Undefined: no client could say this password. */
export function makeVerifier(
  hash: ScramHash,
  password: string,
  salt: Uint8Array,
  iterations: number = scramIterations,
): ScramVerifier | undefined {
  const prepared = saslPrepared(password);
  if (prepared === undefined) return undefined;
  const salted = pbkdf2Sync(prepared, salt, iterations, tagBytes[hash], hash);
  const clientKey = createHmac(hash, salted).update('Client Key').digest();
  return {
    salt,
    iterations,
    storedKey: createHash(hash).update(clientKey).digest(),
    serverKey: createHmac(hash, salted).update('Server Key').digest(),
  };
}

/**
 * The verifier an unknown user seems to have: the same each time, under a key that outlives the process (RFC 5802 §9
 * leaves it open; a new salt each time would say that nobody is there).
 */
export function fakeVerifier(hash: ScramHash, user: string, key: Uint8Array): ScramVerifier {
  const derived = (purpose: string) =>
    createHmac('sha256', key).update(`${purpose}\0${hash}\0${user}`).digest();
  return {
    salt: derived('salt').subarray(0, scramSaltBytes),
    iterations: scramIterations,
    storedKey: derived('stored').subarray(0, tagBytes[hash]),
    serverKey: derived('server').subarray(0, tagBytes[hash]),
  };
}

/** The server's signature where the proof is right; undefined where it is not. */
export function checkProof(
  hash: ScramHash,
  verifier: ScramVerifier,
  signedText: string,
  proof: Uint8Array,
): Uint8Array | undefined {
  const bytes = tagBytes[hash];
  const clientSignature = createHmac(hash, verifier.storedKey).update(signedText).digest();
  const clientKey = new Uint8Array(bytes);
  for (let i = 0; i < bytes; i++) clientKey[i] = clientSignature[i]! ^ (proof[i] ?? 0);
  const storedKey = createHash(hash).update(clientKey).digest();
  const isRight = timingSafeEqual(storedKey, verifier.storedKey) && proof.length === bytes;
  const serverSignature = createHmac(hash, verifier.serverKey).update(signedText).digest();
  return isRight ? serverSignature : undefined;
}
