/** Aim: certificates are renewed in time, tried again with patience, and warned of when that did not help. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renewalMs, waitMs, warnsFromMs } from '../../../../src/app/certificates/renewal.ts';
import { dayMs, hourMs } from '../../../../src/base/units.ts';

const ninetyDays = { notBeforeMs: 0, notAfterMs: 90 * dayMs };
const sixDays = { notBeforeMs: 0, notAfterMs: 6 * dayMs };

test('a certificate is renewed after two thirds of its life, or a little before', () => {
  assert.equal(renewalMs(ninetyDays, 0), 60 * dayMs);
  assert.ok(renewalMs(ninetyDays, 0.999) > 57 * dayMs);
  assert.equal(renewalMs(sixDays, 0), 4 * dayMs);
});

test('a warning comes as early as settings say, but of short lives only in the last sixth', () => {
  assert.equal(warnsFromMs(ninetyDays, 14 * dayMs), 76 * dayMs);
  assert.equal(warnsFromMs(sixDays, 14 * dayMs), 5 * dayMs);
  assert.equal(warnsFromMs(ninetyDays, 0), 90 * dayMs);
});

test('waits double from an hour up to a day, and what an authority asks for comes first', () => {
  const hours = [1, 2, 3, 4, 5, 6, 7, 50].map((count) => waitMs(count, 0, 0) / hourMs);
  assert.deepEqual(hours, [1, 2, 4, 8, 16, 24, 24, 24]);
  assert.ok(waitMs(1, 0, 0.999) < 1.2 * hourMs);
  assert.equal(waitMs(1, 3 * dayMs, 0), 3 * dayMs);
  assert.equal(waitMs(1, 365 * dayMs, 0), 30 * dayMs);
  assert.equal(waitMs(1, 1_000, 0), hourMs);
});
