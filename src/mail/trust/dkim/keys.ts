/**
 * Makes the keys a domain signs with, and the DNS text that publishes them.
 *
 * Runs in:   the CLI and jobs (an RSA key takes some 100 ms), and tests.
 * Specs:     RFC 6376 §3.6.1 (key records), RFC 8301 §3.2 (RSA of at least 2,048 bits when signing), RFC 8463 §4.
 */

import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import type { DkimAlgorithm } from '../../../ports/account-directory.ts';

export interface DkimKey {
  readonly selector: string;
  readonly algorithm: DkimAlgorithm;
  /** PKCS#8: a secret. */
  readonly privatePem: string;
  /** The record to publish at `<selector>._domainkey.<domain>`, in one piece. */
  readonly recordText: string;
}

const modulusBits = 2_048;

export function generateDkimKey(algorithm: DkimAlgorithm, selector: string): DkimKey {
  const { privateKey } =
    algorithm === 'rsa-sha256'
      ? generateKeyPairSync('rsa', { modulusLength: modulusBits })
      : generateKeyPairSync('ed25519');
  const privatePem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return { selector, algorithm, privatePem, recordText: dkimRecordText(privatePem) };
}

/** The record text that belongs to a private key. */
export function dkimRecordText(privatePem: string): string {
  const key = createPublicKey(createPrivateKey(privatePem));
  const der = key.export({ type: 'spki', format: 'der' });
  if (key.asymmetricKeyType === 'ed25519') {
    // RFC 8463 §4: the bare 32 bytes, not the structure around them.
    return `v=DKIM1; k=ed25519; p=${der.subarray(-32).toString('base64')}`;
  }
  return `v=DKIM1; k=rsa; p=${der.toString('base64')}`;
}
