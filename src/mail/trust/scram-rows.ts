/**
 * SCRAM verifiers as rows keep them: text in, octets out.
 *
 * Runs in: anywhere; pure.
 */

import type { ScramVerifier as ScramRow } from '../../ports/credentials.ts';
import {
  makeVerifier,
  type ScramHash,
  type ScramVerifier,
  scramHashes,
  scramSaltBytes,
} from './scram.ts';

const mechanismOf = {
  sha1: 'SCRAM-SHA-1',
  sha256: 'SCRAM-SHA-256',
} as const satisfies Record<ScramHash, ScramRow['mechanism']>;

/** One for each hash function; none where no client could say the password. */
export function makeScramRows(
  password: string,
  salt: (bytes: number) => Uint8Array,
): readonly ScramRow[] {
  return scramHashes.flatMap((hash) => {
    const verifier = makeVerifier(hash, password, salt(scramSaltBytes));
    return verifier === undefined ? [] : [rowOf(hash, verifier)];
  });
}

export function verifierIn(rows: readonly ScramRow[], hash: ScramHash): ScramVerifier | undefined {
  const row = rows.find(({ mechanism }) => mechanism === mechanismOf[hash]);
  if (row === undefined) return undefined;
  const octets = (text: string) => Buffer.from(text, 'base64');
  return {
    salt: octets(row.salt),
    iterations: row.iterations,
    storedKey: octets(row.storedKey),
    serverKey: octets(row.serverKey),
  };
}

function rowOf(
  hash: ScramHash,
  { salt, iterations, storedKey, serverKey }: ScramVerifier,
): ScramRow {
  const text = (octets: Uint8Array) => Buffer.from(octets).toString('base64');
  return {
    mechanism: mechanismOf[hash],
    salt: text(salt),
    iterations,
    storedKey: text(storedKey),
    serverKey: text(serverKey),
  };
}
