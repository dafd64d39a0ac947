/**
 * The certificate of one who has none: made on first start, and kept.
 *
 * Runs in:   main thread.
 * Specs:     RFC 5280.
 * Invariant: a private key on disk is 0600 in a folder that is 0700.
 */

// @peculiar/x509 asks for it at import.
import 'reflect-metadata';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { dayMs } from '../../base/units.ts';
import type { KeyPair } from '../../edge/listeners/tls.ts';

const selfSignedDays = 3_650;

/** `folder`: where our own files of TLS are. */
export async function keptSelfSigned(
  folder: string,
  hostname: string,
  nowMs: number,
): Promise<KeyPair> {
  const files = { cert: join(folder, 'self-signed.pem'), key: join(folder, 'self-signed.key') };
  try {
    const [cert, key] = await Promise.all([
      readFile(files.cert, 'utf8'),
      readFile(files.key, 'utf8'),
    ]);
    return { cert, key };
  } catch {
    const made = await makeSelfSigned(hostname, nowMs);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(files.key, made.key, { mode: 0o600 });
    await writeFile(files.cert, made.cert, { mode: 0o600 });
    return made;
  }
}

export async function makeSelfSigned(hostname: string, nowMs: number): Promise<KeyPair> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: `CN=${hostname}`,
    notBefore: new Date(nowMs - dayMs),
    notAfter: new Date(nowMs + selfSignedDays * dayMs),
    keys,
    signingAlgorithm: algorithm,
    extensions: [new SubjectAlternativeNameExtension([{ type: 'dns', value: hostname }])],
  });
  const key = await crypto.subtle.exportKey('pkcs8', keys.privateKey);
  return {
    cert: certificate.toString('pem'),
    key: PemConverter.encode(key, 'PRIVATE KEY'),
  };
}
