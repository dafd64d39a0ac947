/** Aim: nobody leads us to ourselves or to what is near us, in whatever form an address is written. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { isDialable } from '../../../src/base/dialable.ts';

const near = [
  ...['127.0.0.1', '0.0.0.0', '10.0.0.1', '172.16.0.1', '192.168.0.1', '169.254.169.254'],
  ...['100.64.0.1', '198.18.0.1', '192.0.2.1', '192.0.0.8', '192.88.99.1', '240.0.0.1'],
  ...['255.255.255.255', '224.0.0.1', '010.0.0.1', '127.1', '2130706433', '0x7f.1', ''],
  ...['::', '::1', '::7f00:1', '::127.0.0.1', '::ffff:127.0.0.1', '::ffff:7f00:1'],
  ...['::ffff:0:7f00:1', '64:ff9b::7f00:1', '64:ff9b:1::7f00:1', '2002:7f00:1::', '2001:0:1::'],
  ...['fe80::1', 'fe80::1%eth0', 'fec0::1', 'fd00::1', 'fc00::1', 'ff02::1', '2001:db8::1'],
  ...['100::1', '3fff::1', '5f00::1', 'localhost', '[::1]'],
];

it('addresses near us are not dialled, however they are written', () => {
  for (const address of near) assert.equal(isDialable(address), false, address);
});

it('addresses of the Internet are', () => {
  for (const address of ['8.8.8.8', '2606:4700::1111', '::ffff:8.8.8.8']) {
    assert.equal(isDialable(address), true, address);
  }
});
