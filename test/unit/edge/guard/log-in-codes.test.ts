/**
 * Aim:    a code opens once, in its time, in the hands of who began; many of them take no more room than is said.
 * Method: codes, and a clock turned by hand.
 * Specs:  RFC 6749 §4.1.2, RFC 7636 §4.6.
 */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { nodeRandom } from '../../../../src/adapters/node/random.ts';
import { accountId, tenantId } from '../../../../src/base/ids.ts';
import {
  codeMs,
  codesMax,
  codesPerAccountMax,
  LogInCodes,
} from '../../../../src/edge/guard/log-in-codes.ts';
import { SeededClock } from '../../../support/seeded-clock.ts';

const verifier = 'what the page keeps to itself, all of it';
const challenge = createHash('sha256').update(verifier).digest('base64url');
const vouchedOf = (id: number) => ({
  of: { tenant: tenantId(1), id: accountId(id) },
  ...{ issuer: 'company', isWithSecondFactor: false, authenticatedMs: 0 },
});

function world() {
  const clock = new SeededClock();
  const codes = new LogInCodes(clock, nodeRandom);
  const make = (id = 1) => codes.make(vouchedOf(id), challenge);
  return { clock, codes, make };
}

test('a code is taken once', () => {
  const { codes, make } = world();
  const code = make();
  assert.equal(codes.take('another', verifier), undefined);
  assert.deepEqual(codes.take(code, verifier)?.vouched, vouchedOf(1));
  assert.equal(codes.take(code, verifier), undefined);
});

test('a wrong text, or one of another length, ends it', () => {
  for (const wrong of ['', 'x', `${verifier}.`, challenge]) {
    const { codes, make } = world();
    const code = make();
    assert.equal(codes.take(code, wrong), undefined);
    assert.equal(codes.take(code, verifier), undefined);
  }
  const { codes } = world();
  assert.equal(codes.take(codes.make(vouchedOf(1), ''), ''), undefined);
});

test('one that is given back is good until its own end', () => {
  const { codes, make, clock } = world();
  const code = make();
  clock.advance(codeMs - 1);
  const held = codes.take(code, verifier)!;
  codes.giveBack(code, held);
  assert.ok(codes.take(code, verifier));
  codes.giveBack(code, held);
  clock.advance(1);
  assert.equal(codes.take(code, verifier), undefined);
});

test('an account holds so many, and its newest', () => {
  const { codes, make } = world();
  const other = make(2);
  const all = Array.from({ length: codesPerAccountMax + 1 }, () => make());
  assert.equal(codes.count, codesPerAccountMax + 1);
  assert.equal(codes.take(all[0]!, verifier), undefined);
  for (const code of [other, ...all.slice(1)]) assert.ok(codes.take(code, verifier));
});

test('all together are bounded; those that are over make room first', () => {
  const { codes, make, clock } = world();
  const first = make(1);
  for (let id = 2; id <= codesMax; id++) make(id);
  assert.equal(codes.count, codesMax);
  make(codesMax + 1);
  assert.equal(codes.count, codesMax);
  assert.equal(codes.take(first, verifier), undefined);
  clock.advance(codeMs);
  make(1);
  assert.equal(codes.count, 1);
});
