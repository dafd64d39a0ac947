/** Aim: a source leaves from its own addresses, and only towards their families. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  defaultSource,
  localAddressFor,
  reaches,
} from '../../../../../src/engine/delivery/sources/source.ts';

test('a source without addresses reaches everything, from where the system says', () => {
  assert.equal(reaches(defaultSource, '192.0.2.1'), true);
  assert.equal(reaches(defaultSource, '2001:db8::1'), true);
  assert.equal(localAddressFor(defaultSource, '192.0.2.1'), undefined);
});

test('a source reaches targets of its own families, each from its address', () => {
  const four = { name: 'four', ipv4: '192.0.2.9' };
  const both = { ...four, name: 'both', ipv6: '2001:db8::9' };
  assert.equal(reaches(four, '198.51.100.1'), true);
  assert.equal(reaches(four, '2001:db8::1'), false);
  assert.equal(localAddressFor(both, '198.51.100.1'), '192.0.2.9');
  assert.equal(localAddressFor(both, '2001:db8::1'), '2001:db8::9');
});
