/**
 * Judges a server's certificates by the TLSA records of its name.
 *
 * Runs in:   anywhere; pure (the instant is an argument).
 * Specs:     RFC 6698 §2.1, RFC 7671 §5 (usages, trust anchors), RFC 7672 §3.1 (what SMTP can use), §3.2.3 (names).
 * Limits:    `recordsMax` records and `chainMax` certificates are looked at.
 * Invariant: DANE-EE(3) fits the key or certificate alone, whatever its names and dates (RFC 7672 §3.1.1); DANE-TA(2)
 *            asks for signatures up to the anchor, for dates, and for one of the names.
 */

import { createHash, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import type { TlsaRecord } from '../../ports/dns.ts';

export const daneTa = 2;
const daneEe = 3;
const wholeCertificate = 0;
const publicKeyOnly = 1;

const recordsMax = 64;
const chainMax = 10;
const digestBytes = [0, 32, 64] as const;

/** Those an SMTP client can check. RFC 7672 §3.1.3: PKIX-TA(0) and PKIX-EE(1) are unusable. */
export function usableRecords(records: readonly TlsaRecord[]): readonly TlsaRecord[] {
  return records.slice(0, recordsMax).filter(isUsable);
}

function isUsable({ usage, selector, matching, data }: TlsaRecord): boolean {
  if (usage !== daneTa && usage !== daneEe) return false;
  if (selector !== wholeCertificate && selector !== publicKeyOnly) return false;
  if (matching > 2) return false;
  // RFC 7671 §4.2: what cannot be read as what it says is unusable.
  if (matching > 0) return data.length === digestBytes[matching];
  return selector === wholeCertificate
    ? certificateOf(data) !== undefined
    : publicKeyOf(data) !== undefined;
}

/**
 * Undefined where one of the records fits, else why none does. `records` are usable ones; `chain` is in DER, the
 * server's own certificate first; `names` are those its certificate may be for under a trust anchor.
 */
export function daneFault(
  records: readonly TlsaRecord[],
  chain: readonly Uint8Array[],
  names: readonly string[],
  nowMs: number,
): string | undefined {
  const certificates: X509Certificate[] = [];
  for (const der of chain.slice(0, chainMax)) {
    const certificate = certificateOf(der);
    if (certificate !== undefined) certificates.push(certificate);
  }
  const [leaf, ...above] = certificates;
  if (leaf === undefined) return 'no certificate was shown';
  if (records.some((record) => record.usage === daneEe && fits(record, leaf))) return undefined;
  const anchors = records.filter(({ usage }) => usage === daneTa);
  if (anchors.length === 0) return 'no TLSA record fits the certificate';
  if (!isAnchored(leaf, above, anchors, nowMs)) return 'no TLSA record fits the certificate chain';
  return names.some((name) => leaf.checkHost(name) !== undefined)
    ? undefined
    : `the certificate is not for ${names.join(' or ')}`;
}

function fits({ selector, matching, data }: TlsaRecord, certificate: X509Certificate): boolean {
  const selected =
    selector === wholeCertificate
      ? certificate.raw
      : certificate.publicKey.export({ type: 'spki', format: 'der' });
  const found =
    matching === 0
      ? selected
      : createHash(matching === 1 ? 'sha256' : 'sha512')
          .update(selected)
          .digest();
  return found.equals(data);
}

/** Whether signatures lead from the leaf to an anchor, every certificate on the way being valid now. */
function isAnchored(
  leaf: X509Certificate,
  above: readonly X509Certificate[],
  anchors: readonly TlsaRecord[],
  nowMs: number,
): boolean {
  const issuers = [...above, ...wholeAnchors(anchors)];
  const keys = bareKeys(anchors);
  let at = leaf;
  for (let depth = 0; depth < chainMax; depth++) {
    if (!isValidAt(at, nowMs)) return false;
    const below = at;
    if (keys.some((key) => below.verify(key))) return true;
    const found = issuers.filter((each) => each !== below && isIssuerOf(each, below));
    const anchored = found.filter((each) => anchors.some((anchor) => fits(anchor, each)));
    if (anchored.length > 0) return anchored.some((each) => isValidAt(each, nowMs));
    const issuer = found[0];
    if (issuer === undefined) return false;
    // A root that no record names ends the way.
    if (isIssuerOf(issuer, issuer)) return false;
    at = issuer;
  }
  return false;
}

function isIssuerOf(issuer: X509Certificate, certificate: X509Certificate): boolean {
  return issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

function isValidAt({ validFromDate, validToDate }: X509Certificate, nowMs: number): boolean {
  return validFromDate.getTime() <= nowMs && nowMs <= validToDate.getTime();
}

/** Anchors that stand in their records: the server need not send them. */
function wholeAnchors(anchors: readonly TlsaRecord[]): readonly X509Certificate[] {
  const found: X509Certificate[] = [];
  for (const { selector, matching, data } of anchors) {
    const certificate =
      selector === wholeCertificate && matching === 0 ? certificateOf(data) : undefined;
    if (certificate !== undefined) found.push(certificate);
  }
  return found;
}

function bareKeys(anchors: readonly TlsaRecord[]): readonly KeyObject[] {
  const found: KeyObject[] = [];
  for (const { selector, matching, data } of anchors) {
    const key = selector === publicKeyOnly && matching === 0 ? publicKeyOf(data) : undefined;
    if (key !== undefined) found.push(key);
  }
  return found;
}

function certificateOf(der: Uint8Array): X509Certificate | undefined {
  try {
    return new X509Certificate(der);
  } catch {
    return undefined;
  }
}

function publicKeyOf(der: Uint8Array): KeyObject | undefined {
  try {
    return createPublicKey({ key: Buffer.from(der), format: 'der', type: 'spki' });
  } catch {
    return undefined;
  }
}
