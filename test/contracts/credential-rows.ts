/** Rows of credentials as the contracts write them. */

import type { ScramVerifier, Session } from '../../src/ports/credentials.ts';
import { hashOf } from './identity-world.ts';

export const verifier: ScramVerifier = {
  mechanism: 'SCRAM-SHA-256',
  salt: 'c2FsdA==',
  iterations: 4_096,
  storedKey: 'c3RvcmVk',
  serverKey: 'c2VydmVy',
};

export function passwordRow(hash: string, setMs: number, historyMax = 2) {
  return { hash, verifiers: [verifier], setMs, historyMax };
}

export function sessionRow(createdMs: number, letter = 'a'): Omit<Session, 'id' | 'lastUse'> {
  return {
    device: 'Firefox',
    address: '192.0.2.7',
    createdMs,
    refreshHash: hashOf(letter),
    expiresMs: createdMs + 1_000,
    secondFactorMs: 0,
  };
}

export const renewal = (from: string, to: string, nowMs = 10) => ({
  ...{ fromHash: hashOf(from), toHash: hashOf(to), nowMs, expiresMs: nowMs + 1_000 },
});
