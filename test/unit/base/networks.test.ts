/** Aim: a set of networks answers for any text. Method: addresses in and beside each, and no addresses. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isLoopback, noNetworks, plainAddress } from '../../../src/base/networks.ts';
import { networksOf } from '../../support/networks.ts';

test('a set knows addresses, prefixes, and IPv4 inside IPv6', () => {
  const set = networksOf('192.0.2.1', '10.0.0.0/8', '2001:db8::/32');
  assert.equal(set.isEmpty, false);
  for (const inside of ['192.0.2.1', '10.1.2.3', '2001:db8:1::7', '::ffff:10.9.9.9']) {
    assert.equal(set.has(inside), true, inside);
  }
  for (const outside of ['192.0.2.2', '11.0.0.1', '2001:db9::1', '::1', '::ffff:11.0.0.1']) {
    assert.equal(set.has(outside), false, outside);
  }
});

test('what is no address is in no set, not even in that of all addresses', () => {
  const all = networksOf('0.0.0.0/0', '::/0');
  assert.equal(all.has('198.51.100.1') && all.has('2001:db8::1'), true);
  for (const text of ['', 'x', 'localhost', '10.0.0.0/8', '1.2.3', '::ffff:']) {
    assert.equal(all.has(text), false, text);
  }
});

test('an empty set has nobody, loopback neither', () => {
  assert.equal(networksOf(), noNetworks);
  assert.equal(noNetworks.isEmpty, true);
  assert.equal(noNetworks.has('127.0.0.1'), false);
});

test('an IPv4 peer of an IPv6 socket is the IPv4 peer', () => {
  assert.equal(plainAddress('::ffff:192.0.2.1'), '192.0.2.1');
  assert.equal(plainAddress('::FFFF:192.0.2.1'), '192.0.2.1');
  assert.equal(plainAddress('::ffff:1'), '::ffff:1');
  assert.equal(plainAddress('::ffff:192.0.2.256'), '::ffff:192.0.2.256');
  assert.equal(plainAddress('2001:db8::1'), '2001:db8::1');
});

test('loopback is 127.0.0.0/8 and ::1, and no more', () => {
  for (const address of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1']) {
    assert.equal(isLoopback(address), true, address);
  }
  for (const address of ['0.0.0.0', '::', '128.0.0.1', '::2', '127.', 'localhost', '']) {
    assert.equal(isLoopback(address), false, address);
  }
});
