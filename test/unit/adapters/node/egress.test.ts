/** Aim: the PROXY header is byte for byte what its specification says, for either family. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { proxyV2Header } from '../../../../src/adapters/node/egress.ts';

const start = '0d0a0d0a000d0a515549540a';

test('over IPv4: 12 bytes of addresses and ports', () => {
  const header = proxyV2Header('192.0.2.9', { address: '198.51.100.1', port: 25, timeoutMs: 1 });
  assert.equal(header.toString('hex'), `${start}2111000cc0000209c633640100000019`);
});

test('over IPv6: 36 bytes', () => {
  const header = proxyV2Header('2001:db8::9', { address: '2001:db8::1', port: 587, timeoutMs: 1 });
  const addresses = '20010db8000000000000000000000009'.concat('20010db8000000000000000000000001');
  assert.equal(header.toString('hex'), `${start}21210024${addresses}0000024b`);
});
