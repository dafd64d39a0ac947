/** Aim: ids that came in any order and more than once are told once, ascending, but for those left out. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { IdList } from '../../../../../src/engine/mailbox/rows/id-list.ts';
import { rangesOf } from '../../../../../src/engine/mailbox/rows/uid-ranges.ts';
import { SeededRandom } from '../../../../support/seeded-clock.ts';

describe('A list of ids', () => {
  it('tells each once, in order, but for those of the sets', () => {
    const seed = Date.now() % 1_000_000;
    const random = new SeededRandom(seed);
    const few = () => Array.from({ length: random.below(9) }, () => random.below(30));
    for (let round = 0; round < 500; round++) {
      const ids = few();
      if (round % 3 === 0) ids.sort((a, b) => a - b);
      const [these, those] =
        round % 2 === 0 ? [new Set<number>(), new Set(few())] : [new Set(few()), new Set(few())];
      const list = new IdList();
      for (const id of ids) list.add(id);
      const left = [...new Set(ids)].filter((id) => !these.has(id) && !those.has(id));
      const wanted = rangesOf(left.sort((a, b) => a - b));
      assert.deepEqual(list.rangesWithout(these, those), wanted, `seed ${seed} round ${round}`);
    }
  });
});
