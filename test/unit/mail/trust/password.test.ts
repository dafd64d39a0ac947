/** Aim: passwords are checked as RFC 9106 and RFC 8265 say, whatever a stored hash or a client holds. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  hashPassword,
  passwordBytesMax,
  verifyPassword,
} from '../../../../src/mail/trust/password.ts';

const salt = Buffer.alloc(16, 7);

describe('password', () => {
  it('is right for the hash made of it, and no other is', () => {
    const stored = hashPassword('correct horse', salt);
    assert.match(
      stored,
      /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/,
    );
    assert.equal(verifyPassword(stored, 'correct horse'), true);
    for (const wrong of ['correct horsf', 'correct horse ', 'Correct horse', '']) {
      assert.equal(verifyPassword(stored, wrong), false, wrong);
    }
  });

  it('fits the reference implementation of Argon2', () => {
    // From the test vectors of the reference implementation (test.c, argon2id, version 0x13).
    const stored =
      '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';
    assert.equal(verifyPassword(stored, 'password'), true);
  });

  it('is the same however its accents and spaces are typed', () => {
    const stored = hashPassword('caf\u00e9 \u00fc', salt);
    assert.equal(verifyPassword(stored, 'cafe\u0301\u00a0u\u0308'), true);
  });

  it('is never right for an unknown user or a broken hash, and costs as much', () => {
    const stored = hashPassword('x', salt);
    const broken = [
      '',
      'plain',
      stored.slice(0, -1),
      stored.replace('argon2id', 'argon2i'),
      stored.replace('m=19456', 'm=999999999'),
      stored.replace('m=19456', 'm=7'),
      stored.replace('t=2', 't=5000'),
      stored.replace('t=2', 't=0'),
      stored.replace('p=1', 'p=99'),
    ];
    for (const hash of broken) {
      const start = process.threadCpuUsage();
      assert.equal(verifyPassword(hash, 'x'), false, hash);
      const used = process.threadCpuUsage(start);
      assert.ok(used.user + used.system > 2_000, `no work for ${hash}`);
    }
  });

  it('longer than the limit is wrong, and refused for a new hash', () => {
    const long = 'x'.repeat(passwordBytesMax + 1);
    assert.equal(verifyPassword(hashPassword('x', salt), long), false);
    assert.throws(() => hashPassword(long, salt));
    assert.throws(() => hashPassword('', salt));
  });
});
