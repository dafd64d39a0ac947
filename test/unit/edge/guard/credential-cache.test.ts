/** Aim: a right log-in is known again for a short while, and for nothing else. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  CredentialCache,
  entriesMax,
  keptMsDefault,
} from '../../../../src/edge/guard/credential-cache.ts';

function cacheAt() {
  const time = { nowMs: 0 };
  const clock = {
    nowMs: () => time.nowMs,
    monotonicMs: () => time.nowMs,
    setTimer: () => ({ cancel() {} }),
  };
  const random = { bytes: (length: number) => new Uint8Array(length).fill(3), fraction: () => 0 };
  return { time, cache: new CredentialCache(clock, random) };
}

const right = { user: 'u@a.test', password: 'secret', storedHash: '$h$1' };

describe('credential cache', () => {
  it('knows what it was told, and nothing that differs', () => {
    const { cache } = cacheAt();
    assert.equal(cache.knows(right), false);
    cache.remember(right);
    assert.equal(cache.knows(right), true);
    assert.equal(cache.knows({ ...right, password: 'Secret' }), false);
    assert.equal(cache.knows({ ...right, user: 'v@a.test' }), false);
    assert.equal(cache.knows({ ...right, storedHash: '$h$2' }), false);
    assert.equal(cache.knows({ user: 'u@a.tes', password: 'ecret', storedHash: 't$h$1s' }), false);
  });

  it('forgets after its time, however often it was asked', () => {
    const { cache, time } = cacheAt();
    cache.remember(right);
    time.nowMs = keptMsDefault - 1;
    assert.equal(cache.knows(right), true);
    time.nowMs = keptMsDefault;
    assert.equal(cache.knows(right), false);
    assert.equal(cache.count, 0);
  });

  it('never holds more than its bound, and lets the oldest go', () => {
    const { cache, time } = cacheAt();
    for (let i = 0; i <= entriesMax; i++) {
      time.nowMs = i / 1_000;
      cache.remember({ ...right, user: `u${i}@a.test` });
    }
    assert.equal(cache.count, entriesMax);
    assert.equal(cache.knows({ ...right, user: 'u0@a.test' }), false);
    assert.equal(cache.knows({ ...right, user: `u${entriesMax}@a.test` }), true);
  });
});
