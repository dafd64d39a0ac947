/**
 * Aim:    a scanner that fails is left alone, for longer each time, and one trial at a time finds it again.
 * Method: a clock turned by hand.
 */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  CircuitBreaker,
  failuresMax,
  pauseMsFirst,
  pauseMsMax,
} from '../../../../src/adapters/scanning/circuit-breaker.ts';

function start() {
  let nowMs = 0;
  const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs, setTimer: () => ({ cancel() {} }) };
  const breaker = new CircuitBreaker(clock);
  const fail = (times: number) => {
    for (let n = 0; n < times; n++) breaker.begin()!(false);
  };
  return { breaker, fail, pass: (ms: number) => (nowMs += ms) };
}

it('opens at the last of so many failures in a row, and not before', () => {
  const { breaker, fail } = start();
  fail(failuresMax - 1);
  assert.equal(breaker.state, 'closed');
  breaker.begin()!(true);
  fail(failuresMax - 1);
  assert.equal(breaker.state, 'closed');
  fail(1);
  assert.equal(breaker.state, 'open');
  assert.equal(breaker.begin(), undefined);
});

it('lets one call try, half open, and closes when that goes well', () => {
  const { breaker, fail, pass } = start();
  fail(failuresMax);
  pass(pauseMsFirst - 1);
  assert.equal(breaker.begin(), undefined);
  pass(1);
  assert.equal(breaker.state, 'half-open');
  const trial = breaker.begin()!;
  assert.equal(breaker.state, 'half-open');
  assert.equal(breaker.begin(), undefined);
  trial(true);
  assert.equal(breaker.state, 'closed');
  fail(failuresMax - 1);
  assert.equal(breaker.state, 'closed');
});

it('waits twice as long after each trial that fails, up to a limit', () => {
  const { breaker, fail, pass } = start();
  fail(failuresMax);
  for (let pauseMs = pauseMsFirst; pauseMs <= 4 * pauseMsMax; pauseMs *= 2) {
    const dueMs = Math.min(pauseMs, pauseMsMax);
    pass(dueMs - 1);
    assert.equal(breaker.begin(), undefined, `before ${dueMs} ms`);
    pass(1);
    breaker.begin()!(false);
  }
});

it('neither ends a trial nor makes a pause longer by a call from before it opened', () => {
  const { breaker, fail, pass } = start();
  const old = [breaker.begin()!, breaker.begin()!];
  fail(failuresMax);
  old[0]!(false);
  pass(pauseMsFirst);
  const trial = breaker.begin();
  assert.notEqual(trial, undefined);
  old[1]!(false);
  assert.equal(breaker.begin(), undefined);
});
