/**
 * The certificate of all listeners: the operator's files, or a self-signed one made on first start.
 *
 * Runs in:   main thread.
 * Specs:     RFC 5280 (certificate), RFC 8996 (TLS versions are the listeners' matter).
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
import { dayMs } from '../base/units.ts';
import type { Clock } from '../ports/clock.ts';
import type { Settings } from '../settings/schema.ts';

export interface Certificate {
  readonly cert: string;
  readonly key: string;
  readonly isSelfSigned: boolean;
  readonly versionMin: 'TLSv1.2' | 'TLSv1.3';
}

const selfSignedDays = 3_650;

export async function loadCertificate(
  settings: Settings,
  hostname: string,
  clock: Clock,
): Promise<Certificate> {
  const { cert, key, versionMin } = settings.tls;
  if (cert !== '' && key !== '') {
    return {
      cert: await readFile(cert, 'utf8'),
      key: await readFile(key, 'utf8'),
      isSelfSigned: false,
      versionMin,
    };
  }
  const folder = join(settings.data.dir, 'tls');
  const files = { cert: join(folder, 'self-signed.pem'), key: join(folder, 'self-signed.key') };
  try {
    const [pem, keyPem] = await Promise.all([
      readFile(files.cert, 'utf8'),
      readFile(files.key, 'utf8'),
    ]);
    return { cert: pem, key: keyPem, isSelfSigned: true, versionMin };
  } catch {
    const made = await makeSelfSigned(hostname, clock.nowMs());
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(files.key, made.key, { mode: 0o600 });
    await writeFile(files.cert, made.cert, { mode: 0o600 });
    return { ...made, isSelfSigned: true, versionMin };
  }
}

export async function makeSelfSigned(
  hostname: string,
  nowMs: number,
): Promise<{ cert: string; key: string }> {
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
