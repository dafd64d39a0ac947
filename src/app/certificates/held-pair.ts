/**
 * A certificate with its key, read: what names it is for and how long it lasts.
 *
 * Runs in:   main thread.
 * Specs:     RFC 5280 §4.1.2.5 (validity), §4.2.1.6 (names).
 */

// @peculiar/x509 asks for it at import.
import 'reflect-metadata';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { X509Certificate as Readable, SubjectAlternativeNameExtension } from '@peculiar/x509';
import { contextsOf, type KeyPair, type NamedKeyPair } from '../../edge/listeners/tls.ts';

export interface HeldPair extends NamedKeyPair {
  /** Common name of whoever signed it, or all of their name. */
  readonly issuer: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** SHA-256 of the certificate, lower-case hex. */
  readonly fingerprint: string;
}

/** @throws Error in words for an operator */
export function readPair({ cert, key }: KeyPair): HeldPair {
  const leaf = new X509Certificate(cert);
  if (!leaf.checkPrivateKey(createPrivateKey(key)))
    throw new Error('certificate and key do not belong together');
  // What handshakes would stumble over: a weak key, a broken chain.
  contextsOf({ cert, key });
  return {
    ...{ cert, key },
    names: namesOf(leaf.raw, 'dns').map((name) => name.toLowerCase()),
    issuer: /^CN=(.+)$/m.exec(leaf.issuer)?.[1] ?? leaf.issuer.replaceAll('\n', ', '),
    notBeforeMs: leaf.validFromDate.getTime(),
    notAfterMs: leaf.validToDate.getTime(),
    fingerprint: fingerprintOf(leaf),
  };
}

export function fingerprintOf({ fingerprint256 }: X509Certificate): string {
  return fingerprint256.replaceAll(':', '').toLowerCase();
}

/** Of its alternative names, those of one kind. */
export function namesOf(der: Uint8Array, kind: 'dns' | 'email'): readonly string[] {
  const bytes = new Uint8Array(der);
  const names = new Readable(bytes).getExtension(SubjectAlternativeNameExtension)?.names.items;
  return (names ?? []).filter(({ type }) => type === kind).map(({ value }) => value);
}
