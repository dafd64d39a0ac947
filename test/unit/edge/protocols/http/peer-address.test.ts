/** Aim: a request is of the client behind a near proxy, and nobody far away says whose it is. */

import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { peerAddress } from '../../../../../src/edge/protocols/http/peer-address.ts';

function requestOf(remoteAddress: string | undefined, forwarded?: string): IncomingMessage {
  const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded };
  return { socket: { remoteAddress }, headers } as unknown as IncomingMessage;
}

test('behind a proxy on this machine it is the last address the proxy named', () => {
  assert.equal(peerAddress(requestOf('127.0.0.1', '192.0.2.7, 203.0.113.9')), '203.0.113.9');
  assert.equal(peerAddress(requestOf('::ffff:10.0.0.1', '2001:db8::5')), '2001:db8::5');
  assert.equal(peerAddress(requestOf('127.0.0.1')), '127.0.0.1');
  assert.equal(peerAddress(requestOf('127.0.0.1', 'nonsense')), '127.0.0.1');
});

test('what a peer from the Internet says of itself counts for nothing', () => {
  assert.equal(peerAddress(requestOf('8.8.8.8', '203.0.113.9')), '8.8.8.8');
  assert.equal(peerAddress(requestOf(undefined)), '');
});
