/**
 * The certificate of one who has none: made on first start, and kept.
 *
 * Runs in:   main thread.
 * Specs:     RFC 5280.
 * Invariant: a private key on disk is 0600 in a folder that is 0700. Each file is written whole, the certificate last:
 *            a kill leaves a pair that fits, or what is made anew at the next start and was shown to nobody.
 */

// @peculiar/x509 asks for it at import.
import 'reflect-metadata';
import { join } from 'node:path';
import {
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { readSmall, writeSmall } from '../../adapters/files/small-file.ts';
import { utf8, view } from '../../base/bytes.ts';
import { dayMs } from '../../base/units.ts';
import type { KeyPair } from '../../edge/listeners/tls.ts';
import type { Disk } from '../../ports/disk.ts';
import { type HeldPair, readPair } from './held-pair.ts';

const selfSignedDays = 3_650;

const bytesMax = 65_536;

/** `folder`: where our own files of TLS are. @throws DiskError where they can be neither read nor written */
export async function keptSelfSigned(
  disk: Disk,
  folder: string,
  hostname: string,
  nowMs: number,
): Promise<HeldPair> {
  const files = { cert: join(folder, 'self-signed.pem'), key: join(folder, 'self-signed.key') };
  const [cert, key] = await Promise.all([textOf(disk, files.cert), textOf(disk, files.key)]);
  try {
    return readPair({ cert, key });
  } catch {
    // There is none, or none that is whole.
    const made = await makeSelfSigned(hostname, nowMs);
    await disk.makeFolder(folder);
    await writeSmall(disk, files.key, utf8(made.key));
    await writeSmall(disk, files.cert, utf8(made.cert));
    return readPair(made);
  }
}

async function textOf(disk: Disk, path: string): Promise<string> {
  const bytes = await readSmall(disk, path, bytesMax);
  return bytes === undefined ? '' : view(bytes).toString('utf8');
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
