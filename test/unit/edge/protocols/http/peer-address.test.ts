/** Aim: a request is of the client behind listed proxies, and nobody else says whose it is. */

import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { networkSet } from '../../../../../src/base/networks.ts';
import {
  isForwardedByStranger,
  peerOfRequest,
  type TrustedProxies,
} from '../../../../../src/edge/protocols/http/peer-address.ts';

const networks = networkSet([
  { family: 4, address: '127.0.0.0', prefixBits: 8 },
  { family: 4, address: '10.0.0.0', prefixBits: 24 },
  { family: 6, address: '2001:db8:99::', prefixBits: 48 },
]);
type Headers = Readonly<Record<string, string>>;

function requestOf(remoteAddress: string | undefined, headers: Headers, encrypted?: boolean) {
  const socket = { remoteAddress, remotePort: 4711, encrypted };
  return { socket, headers } as unknown as IncomingMessage;
}

const peerOf = (from: string | undefined, headers: Headers, header?: TrustedProxies['header']) =>
  peerOfRequest(requestOf(from, headers), { networks, header: header ?? 'x-forwarded-for' });

test('behind a listed proxy it is the last address that is no listed proxy', () => {
  for (const [from, said, whose] of [
    ['127.0.0.1', '203.0.113.9', '203.0.113.9'],
    ['127.0.0.1', '192.0.2.7, 203.0.113.9', '203.0.113.9'],
    ['127.0.0.1', '192.0.2.7, 203.0.113.9, 10.0.0.8,10.0.0.9', '203.0.113.9'],
    ['::ffff:10.0.0.1', '2001:db8::5', '2001:db8::5'],
    ['2001:db8:99::1', '::ffff:203.0.113.9', '203.0.113.9'],
    ['127.0.0.1', '[2001:db8::5]:8080', '2001:db8::5'],
    ['127.0.0.1', '203.0.113.9:8080', '203.0.113.9'],
    // All are ours: the farthest of them asks.
    ['127.0.0.1', '10.0.0.7, 10.0.0.8', '10.0.0.7'],
    // A proxy that does not know answers for it.
    ['127.0.0.1', 'nonsense', '127.0.0.1'],
    ['127.0.0.1', '203.0.113.9, unknown', '127.0.0.1'],
    ['127.0.0.1', '203.0.113.9, unknown, 10.0.0.8', '10.0.0.8'],
    ['127.0.0.1', '203.0.113.9,', '127.0.0.1'],
    ['127.0.0.1', 'fe80::1%eth0', '127.0.0.1'],
  ] as const) {
    assert.equal(peerOf(from, { 'x-forwarded-for': said }).address, whose, said);
  }
  assert.equal(peerOf('127.0.0.1', {}).address, '127.0.0.1');
});

test('whoever is not listed counts as who they are, near or far', () => {
  const headers = { 'x-forwarded-for': '203.0.113.9', 'x-forwarded-proto': 'https' };
  for (const from of ['8.8.8.8', '192.168.1.1', '10.0.1.1', '::1']) {
    assert.deepEqual(peerOf(from, headers), { address: from, port: 4711, isTls: false });
    assert.ok(
      isForwardedByStranger(requestOf(from, headers), { networks, header: 'x-forwarded-for' }),
    );
  }
  assert.equal(peerOf(undefined, headers).address, '');
});

test('Forwarded is read where it is the header, and no other one then', () => {
  const both = { 'x-forwarded-for': '192.0.2.66', forwarded: 'for=192.0.2.7;proto=https' };
  assert.equal(peerOf('127.0.0.1', both).address, '192.0.2.66');
  assert.deepEqual(peerOf('127.0.0.1', both, 'forwarded'), {
    ...{ address: '192.0.2.7', port: 4711, isTls: true },
  });
  for (const [said, whose] of [
    ['for=192.0.2.7', '192.0.2.7'],
    ['For="[2001:db8::5]:4711";by=_x', '2001:db8::5'],
    ['for=192.0.2.7, for=203.0.113.9; proto=http, for=10.0.0.8', '203.0.113.9'],
    // What a client left open does not reach past the proxy.
    ['for="x, for=203.0.113.9', '203.0.113.9'],
    ['for=192.0.2.1;host=", for=203.0.113.9;host="a"', '203.0.113.9'],
    ['for=_hidden', '127.0.0.1'],
    ['for=unknown', '127.0.0.1'],
    ['proto=https', '127.0.0.1'],
    ['for=192.0.2.7;', '127.0.0.1'],
  ] as const) {
    assert.equal(peerOf('127.0.0.1', { forwarded: said }, 'forwarded').address, whose, said);
  }
});

test('TLS is what the listed proxy says, or else the line itself', () => {
  const proto = (said: string, header?: TrustedProxies['header']) =>
    peerOf('127.0.0.1', { 'x-forwarded-for': '192.0.2.7', 'x-forwarded-proto': said }, header)
      .isTls;
  assert.deepEqual(
    ['https', 'http', 'http, HTTPS', 'https, http'].map((said) => proto(said)),
    [...[true, false, true, false]],
  );
  assert.equal(proto('https', 'forwarded'), false);
  const header = 'x-forwarded-for';
  assert.equal(peerOfRequest(requestOf('8.8.8.8', {}, true), { networks, header }).isTls, true);
});
