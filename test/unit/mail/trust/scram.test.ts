/** Aim: proofs and signatures are those of the RFCs' examples, and nobody can tell a verifier of nobody. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  checkProof,
  fakeVerifier,
  makeVerifier,
  saslPrepared,
  scramHashes,
  scramIterations,
  scramSaltBytes,
} from '../../../../src/mail/trust/scram.ts';

/** RFC 5802 §5 and RFC 7677 §3: the password is `pencil`. */
const examples = [
  {
    hash: 'sha1',
    salt: 'QSXCR+Q6sek8bf92',
    signed:
      'n=user,r=fyko+d2lbbFgONRv9qkxdawL,' +
      'r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096,' +
      'c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j',
    proof: 'v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=',
    signature: 'rmF9pqV8S7suAoZWja4dJRkFsKQ=',
  },
  {
    hash: 'sha256',
    salt: 'W22ZaJ0SNY7soEsUEjb6gQ==',
    signed:
      'n=user,r=rOprNGfwEbeRWgbNEkqO,' +
      'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,' +
      'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0',
    proof: 'dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
    signature: '6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
  },
] as const;

for (const { hash, salt, signed, proof, signature } of examples) {
  test(`the example of ${hash} passes, and nothing near it does`, () => {
    const verifier = makeVerifier(hash, 'pencil', Buffer.from(salt, 'base64'), 4_096)!;
    const shown = Buffer.from(proof, 'base64');
    const answer = checkProof(hash, verifier, signed, shown);
    assert.equal(Buffer.from(answer!).toString('base64'), signature);
    for (let i = 0; i < shown.length; i++) {
      const wrong = Buffer.from(shown);
      wrong[i]! ^= 1;
      assert.equal(checkProof(hash, verifier, signed, wrong), undefined);
    }
    assert.equal(checkProof(hash, verifier, `${signed}x`, shown), undefined);
    assert.equal(checkProof(hash, verifier, signed, shown.subarray(1)), undefined);
    assert.equal(checkProof(hash, verifier, signed, Buffer.concat([shown, shown])), undefined);
    assert.equal(checkProof(hash, verifier, signed, Buffer.alloc(0)), undefined);
    const other = makeVerifier(hash, 'pencils', Buffer.from(salt, 'base64'), 4_096)!;
    assert.equal(checkProof(hash, other, signed, shown), undefined);
  });
}

test('passwords are prepared as RFC 4013 says', () => {
  assert.equal(saslPrepared('I\u00adX'), 'IX');
  assert.equal(saslPrepared('user'), 'user');
  assert.equal(saslPrepared('USER'), 'USER');
  assert.equal(saslPrepared('\u00aa'), 'a');
  assert.equal(saslPrepared('\u2168'), 'IX');
  assert.equal(saslPrepared('\u0007'), undefined);
  assert.equal(saslPrepared('\u0627\u0031'), undefined);
  assert.equal(saslPrepared(''), undefined);
});

test('a password that no client can say has no verifier', () => {
  assert.equal(makeVerifier('sha256', 'a\u0007b', Buffer.alloc(scramSaltBytes)), undefined);
});

test('the verifier of nobody is the same each time, and looks like any other', () => {
  const key = Buffer.alloc(32, 7);
  for (const hash of scramHashes) {
    const real = makeVerifier(hash, 'x', Buffer.alloc(scramSaltBytes, 1))!;
    const fake = fakeVerifier(hash, 'nobody@local.test', key);
    assert.deepEqual(fakeVerifier(hash, 'nobody@local.test', key), fake);
    assert.equal(fake.iterations, scramIterations);
    assert.equal(real.iterations, scramIterations);
    assert.equal(fake.salt.length, real.salt.length);
    assert.equal(fake.storedKey.length, real.storedKey.length);
    assert.equal(fake.serverKey.length, real.serverKey.length);
    assert.notDeepEqual(fakeVerifier(hash, 'other@local.test', key).salt, fake.salt);
    assert.notDeepEqual(fakeVerifier(hash, 'nobody@local.test', Buffer.alloc(32)).salt, fake.salt);
  }
  assert.notDeepEqual(fakeVerifier('sha1', 'a', key).salt, fakeVerifier('sha256', 'a', key).salt);
  // RFC 7677 §4.
  assert.ok(scramIterations >= 4_096);
});
