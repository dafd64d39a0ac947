/** RFC 8460 §3: who asks for reports, and where they go. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  destinationsMax,
  tlsReportDestinations,
} from '../../../../src/mail/trust/tls-report-record.ts';

const of = (...texts: string[]) =>
  tlsReportDestinations(texts).map(({ way, to }) => `${way} ${to}`);

test('RFC 8460 §3: a record names addresses and URLs', () => {
  assert.deepEqual(of('v=TLSRPTv1; rua=mailto:a@x.test'), ['mail a@x.test']);
  assert.deepEqual(of('v=TLSRPTv1;rua=mailto:a@x.test , https://y.test/in?d=1;'), [
    'mail a@x.test',
    'https https://y.test/in?d=1',
  ]);
  assert.deepEqual(of('v=TLSRPTv1; ext=1; rua=mailto:a%2bb@x.test?subject=q'), ['mail a+b@x.test']);
  assert.deepEqual(of('other text', 'v=TLSRPTv1; rua=mailto:a@x.test'), ['mail a@x.test']);
});

test('RFC 8460 §3: two records are none, and so is one that is not of this version', () => {
  assert.deepEqual(of('v=TLSRPTv1; rua=mailto:a@x.test', 'v=TLSRPTv1; rua=mailto:b@x.test'), []);
  for (const text of ['', 'v=TLSRPTv2; rua=mailto:a@x.test', 'rua=mailto:a@x.test; v=TLSRPTv1']) {
    assert.deepEqual(of(text), []);
  }
});

test('what is no address and no https URL is left out, and so is what is past the limit', () => {
  const odd = ['http://x.test/', 'mailto:a', 'mailto:a@x.test%0d%0aBcc:b@y.test', 'mailto:%', 'x'];
  assert.deepEqual(of(`v=TLSRPTv1; rua=${odd.join(',')}`), []);
  assert.deepEqual(of(`v=TLSRPTv1; rua=https://x.test/${'a'.repeat(1_000)}`), []);
  const many = Array.from({ length: destinationsMax + 1 }, (_, i) => `mailto:a${i}@x.test`);
  assert.equal(of(`v=TLSRPTv1; rua=${many.join(',')}`).length, destinationsMax);
});
