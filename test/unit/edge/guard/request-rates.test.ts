/** Aim: a minute's worth at once, then at the rate; each asker alone. Method: instants by hand. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askersMax, RequestRates } from '../../../../src/edge/guard/request-rates.ts';

test('a minute’s worth passes at once, and then one at a time', () => {
  const rates = new RequestRates(60);
  for (let count = 0; count < 60; count++) assert.equal(rates.take('ann', 1_000), 0);
  assert.equal(rates.take('ann', 1_000), 1);
  assert.equal(rates.take('bob', 1_000), 0, 'another is another');
  assert.equal(rates.take('ann', 2_000), 0);
  assert.equal(rates.take('ann', 2_000), 1, 'what was refused cost nothing, what passed did');
  assert.equal(rates.take('ann', 62_000), 0);
});

test('so many askers are remembered, and one that is forgotten begins anew', () => {
  const rates = new RequestRates(1);
  assert.equal(rates.take('ann', 0), 0);
  assert.ok(rates.take('ann', 0) > 0);
  for (let asker = 0; asker < askersMax; asker++) rates.take(`asker ${asker}`, 0);
  assert.equal(rates.take('ann', 0), 0);
});
