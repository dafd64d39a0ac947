/** Aim: addresses that mean the same are spelled the same, and what is no address is told. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  joined,
  normalDomain,
  normalLocalPart,
  splitAddress,
  subaddressUser,
} from '../../../../src/adapters/table/addresses.ts';

describe('addresses', () => {
  it('domains become lower-case A-labels without a final dot', () => {
    assert.equal(normalDomain('Example.ORG.'), 'example.org');
    assert.equal(normalDomain('faß.Example'), 'xn--fa-hia.example');
    assert.equal(normalDomain('XN--BCHER-KVA.example'), 'xn--bcher-kva.example');
    assert.equal(normalDomain('日本。example'), 'xn--wgv71a.example');
  });

  it('what is no domain becomes nothing', () => {
    for (const wrong of [
      '',
      '[192.0.2.1]',
      'a b',
      'a/b',
      'a:25',
      'a@b',
      'xn--\u0080',
      'x'.repeat(256),
    ]) {
      assert.equal(normalDomain(wrong), '', wrong);
    }
  });

  it('local parts lose case and quotes they do not need', () => {
    assert.equal(normalLocalPart('John.Doe'), 'john.doe');
    assert.equal(normalLocalPart('"John Doe"'), 'john doe');
    assert.equal(normalLocalPart('"a\\"b"'), 'a"b');
    assert.equal(normalLocalPart('U\u0308ber'), 'über');
  });

  it('split at the last at sign, and bound their local part', () => {
    assert.deepEqual(splitAddress('"a@b"@C.test'), { localPart: 'a@b', domain: 'c.test' });
    for (const wrong of ['', 'a', '@a.test', 'a@', '""@a.test', `${'ü'.repeat(33)}@a.test`]) {
      assert.equal(splitAddress(wrong), undefined, wrong);
    }
  });

  it('a tag needs a user before it', () => {
    assert.equal(subaddressUser('user+tag+more'), 'user');
    assert.equal(subaddressUser('user+'), 'user');
    assert.equal(subaddressUser('+tag'), undefined);
    assert.equal(subaddressUser('user'), undefined);
  });

  it('are the same when folded twice, and never throw', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const once = splitAddress(text);
        if (once === undefined) return;
        assert.deepEqual(normalDomain(once.domain), once.domain);
        // A quoted local part may hold what looks like quotes: joined, it is quoted no more.
        if (!once.localPart.startsWith('"')) assert.deepEqual(splitAddress(joined(once)), once);
      }),
    );
  });
});
