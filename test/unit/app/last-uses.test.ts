/** Aim: last uses are written each minute, also after a write that failed, and no more once it ended. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { settleUsesInTime } from '../../../src/app/last-uses.ts';
import { silentLog } from '../../../src/base/log.ts';
import { minuteMs } from '../../../src/base/units.ts';
import { SeededClock } from '../../support/seeded-clock.ts';

it('last uses are written each minute until the end, whatever failed', async () => {
  const clock = new SeededClock();
  let count = 0;
  const settling = settleUsesInTime(
    {
      settleUses: async () => {
        count++;
        if (count === 1) throw new Error('disk');
      },
    },
    clock,
    silentLog,
  );
  const turn = async () => {
    clock.advance(minuteMs);
    for (let waits = 0; waits < 10; waits++) await Promise.resolve();
  };
  await turn();
  await turn();
  assert.equal(count, 2);
  settling.end();
  await turn();
  assert.equal(count, 2);
});
