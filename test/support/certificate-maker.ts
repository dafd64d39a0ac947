/**
 * Certificates for tests (RFC 5280, ECDSA P-256), as many as wanted: of a CA, of names, of mail addresses, of any time;
 * and lists of revoked ones.
 */

import 'reflect-metadata';
import { randomBytes, type webcrypto } from 'node:crypto';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  type Extension,
  type JsonGeneralNames,
  PemConverter,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
  X509CrlGenerator,
} from '@peculiar/x509';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const dayMs = 86_400_000;
const clientPurpose = '1.3.6.1.5.5.7.3.2';
const serverPurpose = '1.3.6.1.5.5.7.3.1';

export interface MadeCertificate {
  readonly cert: string;
  readonly key: string;
}

export interface WantedCertificate {
  readonly dns?: readonly string[];
  readonly email?: readonly string[];
  /** As `CN=ann, O=Example`. */
  readonly subject?: string;
  readonly isClient?: boolean;
  readonly notBeforeMs?: number;
  readonly notAfterMs?: number;
  /** Its key, where a request brought one. */
  readonly publicKey?: webcrypto.CryptoKey;
}

export class TestAuthority {
  readonly #keys: webcrypto.CryptoKeyPair;
  readonly #own: X509Certificate;

  private constructor(keys: webcrypto.CryptoKeyPair, own: X509Certificate) {
    this.#keys = keys;
    this.#own = own;
  }

  static async make(name = 'Test CA'): Promise<TestAuthority> {
    const keys = await newKeys();
    const own = await X509CertificateGenerator.createSelfSigned({
      name: `CN=${name}`,
      keys,
      notBefore: new Date(Date.now() - 3_650 * dayMs),
      notAfter: new Date(Date.now() + 3_650 * dayMs),
      signingAlgorithm: algorithm,
      extensions: [new BasicConstraintsExtension(true, undefined, true)],
    });
    return new TestAuthority(keys, own);
  }

  get pem(): string {
    return `${this.#own.toString('pem')}\n`;
  }

  async issue(wanted: WantedCertificate): Promise<MadeCertificate> {
    const { dns = [], email = [], isClient = false } = wanted;
    const keys = wanted.publicKey === undefined ? await newKeys() : undefined;
    const names: JsonGeneralNames = [
      ...dns.map((value) => ({ type: 'dns' as const, value })),
      ...email.map((value) => ({ type: 'email' as const, value })),
    ];
    const extensions: Extension[] = [
      new ExtendedKeyUsageExtension([isClient ? clientPurpose : serverPurpose]),
      ...(names.length === 0 ? [] : [new SubjectAlternativeNameExtension(names)]),
    ];
    const made = await X509CertificateGenerator.create({
      serialNumber: `01${randomBytes(8).toString('hex')}`,
      subject: wanted.subject ?? `CN=${dns[0] ?? email[0] ?? 'nobody'}`,
      issuer: this.#own.subject,
      publicKey: wanted.publicKey ?? keys!.publicKey,
      signingKey: this.#keys.privateKey,
      signingAlgorithm: algorithm,
      notBefore: new Date(wanted.notBeforeMs ?? Date.now() - dayMs),
      notAfter: new Date(wanted.notAfterMs ?? Date.now() + 90 * dayMs),
      extensions,
    });
    const key =
      keys === undefined
        ? ''
        : PemConverter.encode(
            await crypto.subtle.exportKey('pkcs8', keys.privateKey),
            'PRIVATE KEY',
          );
    return { cert: `${made.toString('pem')}\n`, key };
  }

  /** PEM of those it revoked, by their serial numbers in hex. */
  async revoked(serials: readonly string[]): Promise<string> {
    const list = await X509CrlGenerator.create({
      issuer: this.#own.subject,
      thisUpdate: new Date(Date.now() - dayMs),
      nextUpdate: new Date(Date.now() + dayMs),
      signingKey: this.#keys.privateKey,
      signingAlgorithm: algorithm,
      entries: serials.map((serialNumber) => ({ serialNumber, revocationDate: new Date() })),
    });
    // OpenSSL knows it by this label alone.
    return PemConverter.encode(list.rawData, 'X509 CRL');
  }
}

async function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return (await crypto.subtle.generateKey(algorithm, true, [
    'sign',
    'verify',
  ])) as webcrypto.CryptoKeyPair;
}
