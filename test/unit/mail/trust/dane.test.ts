/**
 * Aim:    TLSA records fit what RFC 6698 and RFC 7672 say they fit, and nothing else.
 * Method: chains of leaf, intermediate and root, made for the test; records made of them in every form.
 */

import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { before, describe, it } from 'node:test';
import { Certificates } from '../../../../src/harness/sink/certificates.ts';
import { daneFault, usableRecords } from '../../../../src/mail/trust/dane.ts';
import type { TlsaRecord } from '../../../../src/ports/dns.ts';

const nowMs = Date.now();
const name = 'mx.example.org';
let leaf: X509Certificate;
let intermediate: X509Certificate;
let root: X509Certificate;
let stranger: X509Certificate;
let expired: X509Certificate;

function certificatesIn(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

before(async () => {
  const made = new Certificates(nowMs);
  [leaf, intermediate] = certificatesIn((await made.of('valid', name)).cert) as [
    X509Certificate,
    X509Certificate,
  ];
  [root] = certificatesIn(await made.root()) as [X509Certificate];
  [stranger] = certificatesIn((await made.of('self-signed', name)).cert) as [X509Certificate];
  [expired] = certificatesIn((await made.of('expired', name)).cert) as [X509Certificate];
});

function record(
  usage: number,
  selector: number,
  matching: number,
  certificate: X509Certificate,
): TlsaRecord {
  const whole =
    selector === 0
      ? certificate.raw
      : certificate.publicKey.export({ type: 'spki', format: 'der' });
  const digest = (algorithm: string) => createHash(algorithm).update(whole).digest();
  const data = matching === 0 ? whole : digest(matching === 1 ? 'sha256' : 'sha512');
  return { usage, selector, matching, data };
}

function fault(
  records: readonly TlsaRecord[],
  chain: readonly X509Certificate[] = [leaf, intermediate],
  names: readonly string[] = [name],
  atMs = nowMs,
): string {
  const ders = chain.map((certificate) => certificate.raw);
  return daneFault(usableRecords(records), ders, names, atMs) ?? 'fits';
}

describe('DANE-EE(3)', () => {
  it('fits by certificate or key, whole or by either digest', () => {
    for (const selector of [0, 1]) {
      for (const matching of [0, 1, 2]) {
        assert.equal(fault([record(3, selector, matching, leaf)]), 'fits');
        assert.match(fault([record(3, selector, matching, stranger)]), /no TLSA record fits/);
      }
    }
  });

  // RFC 7672 §3.1.1: neither names nor dates count.
  it('asks for no name, no date and no chain', () => {
    assert.equal(fault([record(3, 1, 1, expired)], [expired], ['other.test']), 'fits');
  });

  it('fits the server’s own certificate only', () => {
    assert.match(fault([record(3, 1, 1, intermediate)]), /no TLSA record fits/);
  });

  it('is enough where one of several records fits', () => {
    assert.equal(fault([record(3, 1, 1, stranger), record(3, 1, 1, leaf)]), 'fits');
  });
});

describe('DANE-TA(2)', () => {
  it('fits by an issuer that was shown', () => {
    for (const selector of [0, 1]) {
      for (const matching of [0, 1, 2]) {
        assert.equal(fault([record(2, selector, matching, intermediate)]), 'fits');
        assert.equal(
          fault([record(2, selector, matching, root)], [leaf, intermediate, root]),
          'fits',
        );
      }
    }
  });

  it('fits by an issuer that stands in the record whole', () => {
    assert.equal(fault([record(2, 0, 0, root)]), 'fits');
    assert.equal(fault([record(2, 1, 0, root)]), 'fits');
    assert.equal(fault([record(2, 1, 0, intermediate)], [leaf]), 'fits');
    assert.match(fault([record(2, 1, 1, root)]), /certificate chain/);
  });

  it('takes certificates in any order', () => {
    assert.equal(fault([record(2, 1, 1, root)], [leaf, root, intermediate]), 'fits');
  });

  // RFC 7672 §3.2.3.
  it('asks for one of the names', () => {
    const records = [record(2, 1, 1, intermediate)];
    assert.equal(fault(records, undefined, ['other.test', name]), 'fits');
    assert.match(fault(records, undefined, ['other.test']), /not for other\.test/);
  });

  it('asks for dates and for signatures up to the anchor', () => {
    assert.match(fault([record(2, 1, 1, intermediate)], [expired, intermediate]), /chain/);
    const laterMs = nowMs + 400 * 86_400_000;
    assert.match(fault([record(2, 1, 1, intermediate)], undefined, undefined, laterMs), /chain/);
    assert.match(fault([record(2, 1, 1, intermediate)], [stranger, intermediate]), /chain/);
    assert.match(fault([record(2, 1, 1, leaf)]), /chain/);
  });
});

it('records an SMTP client cannot check are unusable', () => {
  const good = record(3, 1, 1, leaf);
  const unusable: TlsaRecord[] = [
    // RFC 7672 §3.1.3.
    { ...good, usage: 0 },
    { ...good, usage: 1 },
    { ...good, usage: 255 },
    { ...good, selector: 2 },
    { ...good, matching: 3 },
    { ...good, data: good.data.subarray(1) },
    { ...good, matching: 2 },
    { ...good, selector: 0, matching: 0 },
    { ...good, selector: 1, matching: 0 },
  ];
  assert.deepEqual(usableRecords(unusable), []);
  assert.deepEqual(usableRecords([...unusable, good]), [good]);
});

it('reads no more records than its limit, and survives a chain of garbage', () => {
  assert.equal(usableRecords(new Array(1_000).fill(record(3, 1, 1, leaf))).length, 64);
  assert.match(daneFault([record(3, 1, 1, leaf)], [Buffer.from('x')], [name], nowMs)!, /no certif/);
});
