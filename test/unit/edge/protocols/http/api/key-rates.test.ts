/** Aim: a key gets its rate and no more. Method: instants given by hand. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ApiKeyId, defaultTenant } from '../../../../../../src/base/ids.ts';
import { KeyRates } from '../../../../../../src/edge/protocols/http/api/key-rates.ts';
import type { ApiKey } from '../../../../../../src/ports/account-directory.ts';

const startMs = 1_000_000;

function keyOf(messagesPerMinuteMax: number, id = 1): ApiKey {
  return {
    ...{ id: id as ApiKeyId, tenant: defaultTenant, name: '', scopes: ['send'], hash: '' },
    ...{ messagesPerMinuteMax, createdMs: 0 },
  };
}

test('a minute’s worth is taken at once, then one at a time', () => {
  const rates = new KeyRates();
  const key = keyOf(60);
  for (let i = 0; i < 60; i++) assert.equal(rates.take(key, 1, startMs), 0, `${i}`);
  assert.equal(rates.take(key, 1, startMs), 1);
  assert.equal(rates.take(key, 1, startMs + 1_000), 0);
  assert.equal(rates.take(key, 1, startMs + 1_000), 1);
  assert.equal(rates.take(keyOf(60, 2), 1, startMs + 1_000), 0);
});

test('whoever waits as told is taken', () => {
  const rates = new KeyRates();
  const key = keyOf(7);
  let nowMs = startMs;
  let takenCount = 0;
  for (let i = 0; i < 50; i++) {
    const waitSeconds = rates.take(key, 3, nowMs);
    if (waitSeconds === 0) takenCount += 3;
    else {
      nowMs += waitSeconds * 1_000;
      assert.equal(rates.take(key, 3, nowMs), 0);
      takenCount += 3;
    }
  }
  const minutes = (nowMs - startMs) / 60_000;
  assert.ok(takenCount <= 7 * (minutes + 1) + 3, `${takenCount} in ${minutes} minutes`);
});

test('a batch of more than a minute’s worth is taken alone, and paid for', () => {
  const rates = new KeyRates();
  const key = keyOf(10);
  assert.equal(rates.take(key, 30, startMs), 0);
  assert.equal(rates.take(key, 1, startMs), 126);
  assert.equal(rates.take(key, 1, startMs + 126_000), 0);
});

test('a key without a rate is never held', () => {
  const rates = new KeyRates();
  for (let i = 0; i < 1_000; i++) assert.equal(rates.take(keyOf(0), 1_000, startMs), 0);
});
