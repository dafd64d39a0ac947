/**
 * Certificates right and wrong, made when first asked for: a root, an intermediate, and leaves for any name.
 *
 * Runs in:   sink.
 * Specs:     RFC 5280 (certificates, CRL), RFC 6125 (names), RFC 7671 §5.1 (the digest of DANE-EE).
 * Limits:    `leavesMax` leaves are kept; others are made again.
 */

// @peculiar/x509 asks for it at import.
import 'reflect-metadata';
import { Buffer } from 'node:buffer';
import { createHash, type webcrypto } from 'node:crypto';
import {
  BasicConstraintsExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
  type X509CrlEntryParams,
  X509CrlGenerator,
  X509CrlReason,
} from '@peculiar/x509';
import { RecentMap } from '../../base/recent-map.ts';
import { dayMs } from '../../base/units.ts';
import type { CertificateKind } from './model.ts';

export interface ServerCertificate {
  /** PEM: what the server sends, in the order it sends it. */
  readonly cert: string;
  readonly key: string;
  /** SHA-256 of the leaf's SubjectPublicKeyInfo, as a TLSA record "3 1 1" carries it. */
  readonly keyDigest: Buffer;
}

interface Issuer {
  readonly certificate: X509Certificate;
  readonly keys: webcrypto.CryptoKeyPair;
}

interface Authorities {
  readonly root: Issuer;
  readonly intermediate: Issuer;
  /** Nobody trusts it. */
  readonly stranger: Issuer;
}

const leavesMax = 1_000;
const validDays = 365;
const revokedSerial = '0dead0';
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

export class Certificates {
  readonly #nowMs: number;
  #authorities: Promise<Authorities> | undefined;
  #serial = 1_000;
  readonly #leaves = new RecentMap<string, Promise<ServerCertificate>>(leavesMax);

  constructor(nowMs: number) {
    this.#nowMs = nowMs;
  }

  /** PEM of the root: who trusts it takes every `valid` leaf. */
  async root(): Promise<string> {
    return (await this.#made()).root.certificate.toString('pem');
  }

  /** PEM of both revocation lists; the intermediate's names every `revoked` leaf. */
  async revocations(): Promise<string> {
    const { root, intermediate } = await this.#made();
    const revoked = {
      serialNumber: revokedSerial,
      revocationDate: this.#day(-1),
      reason: X509CrlReason.keyCompromise,
    };
    const lists = [await this.#list(root, []), await this.#list(intermediate, [revoked])];
    return lists.join('\n');
  }

  async #list(issuer: Issuer, entries: X509CrlEntryParams[]): Promise<string> {
    const list = await X509CrlGenerator.create({
      issuer: issuer.certificate.subject,
      thisUpdate: this.#day(-1),
      nextUpdate: this.#day(validDays),
      signingAlgorithm: algorithm,
      signingKey: issuer.keys.privateKey,
      entries,
    });
    // The library's own label is not the one of RFC 7468 §9.
    return PemConverter.encode(list.rawData, 'X509 CRL');
  }

  /** A leaf for the name. */
  of(kind: CertificateKind, name: string): Promise<ServerCertificate> {
    const key = `${kind} ${name}`;
    const known = this.#leaves.get(key);
    if (known !== undefined) return known;
    const leaf = this.#make(kind, name);
    this.#leaves.set(key, leaf);
    return leaf;
  }

  async #make(kind: CertificateKind, name: string): Promise<ServerCertificate> {
    const { root, intermediate, stranger } = await this.#made();
    const keys = await newKeys();
    const [from, to] =
      kind === 'expired' ? [-30, -1] : kind === 'not-yet-valid' ? [2, validDays] : [-1, validDays];
    const issuer = kind === 'unknown-ca' ? stranger : intermediate;
    const named = kind === 'wrong-name' ? `not-${name}` : name;
    const leaf = await this.#sign({
      ...{ name: named, keys, from, to },
      issuer: kind === 'self-signed' ? undefined : issuer,
      serial: kind === 'revoked' ? revokedSerial : (this.#serial++).toString(16),
      extensions: [new SubjectAlternativeNameExtension([{ type: 'dns', value: named }])],
    });
    const above = chainAbove(kind, root.certificate, intermediate.certificate);
    return {
      cert: [leaf, ...above].map((each) => each.toString('pem')).join('\n'),
      key: PemConverter.encode(
        await crypto.subtle.exportKey('pkcs8', keys.privateKey),
        'PRIVATE KEY',
      ),
      keyDigest: createHash('sha256').update(Buffer.from(leaf.publicKey.rawData)).digest(),
    };
  }

  #made(): Promise<Authorities> {
    this.#authorities ??= this.#makeAuthorities();
    return this.#authorities;
  }

  async #makeAuthorities(): Promise<Authorities> {
    const root = await this.#makeAuthority('Chaski Sink Root', undefined);
    return {
      root,
      intermediate: await this.#makeAuthority('Chaski Sink Intermediate', root),
      stranger: await this.#makeAuthority('Nobody Knows This Root', undefined),
    };
  }

  async #makeAuthority(name: string, issuer: Issuer | undefined): Promise<Issuer> {
    const keys = await newKeys();
    const certificate = await this.#sign({
      ...{ name, keys, issuer, from: -2, to: 10 * validDays },
      serial: (this.#serial++).toString(16),
      extensions: [
        new BasicConstraintsExtension(true, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      ],
    });
    return { certificate, keys };
  }

  #sign(leaf: {
    readonly name: string;
    readonly keys: webcrypto.CryptoKeyPair;
    readonly issuer: Issuer | undefined;
    readonly serial: string;
    /** In days from now. */
    readonly from: number;
    readonly to: number;
    readonly extensions: Extension[];
  }): Promise<X509Certificate> {
    const { name, keys, issuer, extensions } = leaf;
    const subject = `CN=${name}`;
    return X509CertificateGenerator.create({
      serialNumber: leaf.serial,
      subject,
      issuer: issuer?.certificate.subject ?? subject,
      notBefore: this.#day(leaf.from),
      notAfter: this.#day(leaf.to),
      publicKey: keys.publicKey,
      signingKey: issuer?.keys.privateKey ?? keys.privateKey,
      signingAlgorithm: algorithm,
      extensions,
    });
  }

  #day(days: number): Date {
    return new Date(this.#nowMs + days * dayMs);
  }
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
}

/** What a server sends after its leaf. */
function chainAbove(
  kind: CertificateKind,
  root: X509Certificate,
  intermediate: X509Certificate,
): readonly X509Certificate[] {
  switch (kind) {
    case 'self-signed':
    case 'unknown-ca':
    case 'no-intermediate':
      return [];
    case 'wrong-order':
      // RFC 8446 §4.4.2: each should certify the one before it; many servers send them so nevertheless.
      return [root, intermediate];
    default:
      return [intermediate];
  }
}
