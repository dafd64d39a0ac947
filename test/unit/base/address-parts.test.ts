/** The domain of an address is what follows its last `@`. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { domainOf } from '../../../src/base/address-parts.ts';

test('an @ in quotes belongs to the local part', () => {
  assert.equal(domainOf('"a@b"@Example.org'), 'Example.org');
  assert.equal(domainOf('user@example.org'), 'example.org');
});

test('what has no @ is all domain', () => {
  assert.equal(domainOf('example.org'), 'example.org');
  assert.equal(domainOf(''), '');
});
