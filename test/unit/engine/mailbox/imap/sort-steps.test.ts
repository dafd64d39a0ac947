/**
 * Aim: a list of any length is sorted as `Array.sort` does it, and no step of it is long.
 * Method: random lists with many equal items; comparisons are counted between two steps. A failure prints the seed.
 */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { sortSteps } from '../../../../../src/engine/mailbox/imap/sort-steps.ts';
import { SeededRandom } from '../../../../support/seeded-clock.ts';

it('sorts as Array.sort does, equal items in their order, with few comparisons a step', () => {
  const random = new SeededRandom(1);
  for (const length of [0, 1, 2, 1_023, 1_024, 1_025, 2_049, 30_000]) {
    const items = Array.from({ length }, (_, at) => ({ key: random.below(500), at }));
    const list = items.slice();
    let comparisons = 0;
    let most = 0;
    const steps = sortSteps(list, (a, b) => {
      comparisons++;
      return a.key - b.key;
    });
    for (;;) {
      comparisons = 0;
      const { done } = steps.next();
      most = Math.max(most, comparisons);
      if (done === true) break;
    }
    assert.deepEqual(
      list,
      items.toSorted((a, b) => a.key - b.key),
      `length ${length}`,
    );
    assert.ok(most <= 16_384, `${most} comparisons in one step of ${length}`);
  }
});
