/** Aim: waits grow, are spread, never lead into the past and never past the expiry (RFC 5321 §4.5.4.1). */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { dayMs, hourMs, minuteMs } from '../../../../src/base/units.ts';
import { nextAttempt, retrySchedule } from '../../../../src/engine/spool/retry.ts';
import type { ResponseClass } from '../../../../src/mail/wire/smtp/response-class.ts';
import { defaultSettings } from '../../../support/default-settings.ts';

const schedule = retrySchedule(defaultSettings);
const even = { ...schedule, jitterPercent: 0 };

describe('the next attempt', () => {
  it('comes after 5 minutes first, then twice as late each time, up to 4 hours', () => {
    const waits = [1, 2, 3, 4, 5, 6, 7, 50].map(
      (attempts) =>
        (nextAttempt(even, { attempts, acceptedMs: 0, nowMs: 0 }, 0.5) as number) / minuteMs,
    );
    assert.deepEqual(waits, [5, 10, 20, 40, 80, 160, 240, 240]);
  });

  it('comes sooner or later by why the last one failed', () => {
    const waits = (why: ResponseClass) =>
      [1, 2, 9].map(
        (attempts) =>
          (nextAttempt(even, { attempts, acceptedMs: 0, nowMs: 0, why }, 0.5) as number) / minuteMs,
      );
    assert.deepEqual(waits('greylist'), [1, 2, 30]);
    assert.deepEqual(waits('rate'), [2, 4, 60]);
    assert.deepEqual(waits('over-quota'), [60, 120, 360]);
    assert.deepEqual(waits('block'), [30, 60, 360]);
    assert.deepEqual(waits('network'), [5, 10, 240]);
  });

  it('is spread to both sides by the jitter', () => {
    const at = (fraction: number) =>
      nextAttempt(schedule, { attempts: 1, acceptedMs: 0, nowMs: 0 }, fraction);
    assert.deepEqual([at(0), at(0.5)], [4 * minuteMs, 5 * minuteMs]);
    assert.ok((at(0.999_999) as number) > 5.99 * minuteMs);
  });

  it('comes a last time at the expiry, and not after it', () => {
    const nowMs = 5 * dayMs - hourMs;
    assert.equal(nextAttempt(even, { attempts: 30, acceptedMs: 0, nowMs }, 0.5), 5 * dayMs);
    assert.equal(
      nextAttempt(even, { attempts: 31, acceptedMs: 0, nowMs: 5 * dayMs }, 0.5),
      'expired',
    );
  });

  it('is always after now and never after the expiry', () => {
    const numbers = fc.integer({ min: 0, max: 2 ** 45 });
    fc.assert(
      fc.property(
        fc.record({ attempts: fc.nat(), acceptedMs: numbers, nowMs: numbers }),
        fc.record({
          firstMs: fc.integer({ min: 0, max: dayMs }),
          maxMs: fc.integer({ min: 0, max: 7 * dayMs }),
          jitterPercent: fc.integer({ min: 0, max: 100 }),
          expiryMs: fc.integer({ min: 0, max: 60 * dayMs }),
          byClass: fc.constant({}),
        }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (tried, schedule, fraction) => {
          const next = nextAttempt(schedule, tried, fraction);
          const expiresMs = tried.acceptedMs + schedule.expiryMs;
          if (next === 'expired') assert.ok(tried.nowMs >= expiresMs);
          else assert.ok(next > tried.nowMs && next <= expiresMs && Number.isInteger(next));
        },
      ),
    );
  });
});
