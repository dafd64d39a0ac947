/**
 * Keys of the differential test's domains, and the many ways their records may be written.
 *
 * Runs in: tests.
 */

import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';

export interface TestKey {
  readonly algorithm: 'rsa-sha256' | 'ed25519-sha256';
  readonly privateKey: KeyObject;
}

interface Published {
  readonly key: TestKey;
  /** A record's text; undefined: none; `TIMEOUT`: nobody answers. */
  readonly record: string | undefined;
}

const rsa = testKey(1_024);
const longRsa = testKey(2_048);
const shortRsa = testKey(512);
const ed25519: TestKey = {
  algorithm: 'ed25519-sha256',
  privateKey: generateKeyPairSync('ed25519').privateKey,
};
const p = base64(rsa, 'spki');
const bare = base64(rsa, 'pkcs1');
const edP = Buffer.from(base64(ed25519, 'spki'), 'base64').subarray(-32).toString('base64');

/** By selector. */
export const published: Readonly<Record<string, Published>> = {
  plain: { key: rsa, record: `v=DKIM1; k=rsa; p=${p}` },
  long: { key: longRsa, record: `v=DKIM1; k=rsa; p=${base64(longRsa, 'spki')}` },
  ed: { key: ed25519, record: `v=DKIM1; k=ed25519; p=${edP}` },
  onlyp: { key: rsa, record: `p=${p}` },
  bare: { key: rsa, record: `v=DKIM1;p=${bare};` },
  spaced: {
    key: rsa,
    record: `v=DKIM1 ; k = rsa; n=a note; t=y; p=${p.replace(/.{60}/g, '$& \t')}`,
  },
  strict: { key: rsa, record: `v=DKIM1; t=y:s; s=email; h=sha1:sha256; p=${p}` },
  sha1: { key: rsa, record: `v=DKIM1; h=sha1; p=${p}` },
  other: { key: rsa, record: `v=DKIM1; s=tlsrpt; p=${p}` },
  revoked: { key: rsa, record: 'v=DKIM1; p=' },
  version: { key: rsa, record: `v=DKIM2; p=${p}` },
  late: { key: rsa, record: `k=rsa; v=DKIM1; p=${p}` },
  double: { key: rsa, record: `v=DKIM1; p=${p}; p=${p}` },
  upper: { key: rsa, record: `v=DKIM1; k=RSA; p=${p}` },
  unpadded: { key: longRsa, record: `p=${base64(longRsa, 'spki').replace(/=+$/, '')}` },
  broken: { key: rsa, record: `v=DKIM1; p=${p.slice(0, 60)}*` },
  cut: { key: rsa, record: `v=DKIM1; p=${p.slice(0, 64)}` },
  text: { key: rsa, record: 'hello' },
  short: { key: shortRsa, record: `v=DKIM1; p=${base64(shortRsa, 'spki')}` },
  edinrsa: { key: ed25519, record: `v=DKIM1; k=rsa; p=${p}` },
  edbare: { key: ed25519, record: `v=DKIM1; p=${edP}` },
  edder: { key: ed25519, record: `v=DKIM1; k=ed25519; p=${base64(ed25519, 'spki')}` },
  wrong: { key: rsa, record: `v=DKIM1; p=${base64(longRsa, 'spki')}` },
  none: { key: rsa, record: undefined },
  away: { key: rsa, record: 'TIMEOUT' },
};

/** Those that usual mail has. */
export const usualSelectors: readonly string[] = ['plain', 'long', 'ed', 'onlyp', 'bare', 'spaced'];

function testKey(modulusLength: number): TestKey {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength });
  return { algorithm: 'rsa-sha256', privateKey };
}

function base64({ privateKey }: TestKey, type: 'spki' | 'pkcs1'): string {
  const key = createPublicKey(privateKey);
  const bytes =
    type === 'pkcs1'
      ? key.export({ type, format: 'der' })
      : key.export({ type: 'spki', format: 'der' });
  return bytes.toString('base64');
}
