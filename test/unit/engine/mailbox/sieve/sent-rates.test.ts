/** Aim: scripts send so much and no more; what may not go on is kept, and the log hears of it once. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hourMs, minuteMs } from '../../../../../src/base/units.ts';
import { SentRates } from '../../../../../src/engine/mailbox/sieve/sent-rates.ts';
import { messageBytes } from '../mailbox-world.ts';
import { SieveWorld } from './sieve-world.ts';

test('an account sends to so many addresses at once, and to more as time goes', () => {
  let nowMs = 0;
  const told: number[] = [];
  const onOver = (account: number) => void told.push(account);
  const rates = new SentRates({ clock: { monotonicMs: () => nowMs }, perHourMax: 60, onOver });
  for (let i = 0; i < 59; i++) assert.equal(rates.take(1, 1), true);
  assert.equal(rates.take(1, 2), false);
  assert.equal(rates.take(1, 1), true);
  assert.equal(rates.take(1, 1), false);
  assert.equal(rates.take(1, 1), false);
  assert.equal(rates.take(2, 60), true);
  assert.deepEqual(told, [1, 1]);
  nowMs += 10 * minuteMs;
  assert.equal(rates.take(1, 11), false);
  assert.equal(rates.take(1, 10), true);
  nowMs += 100 * hourMs;
  assert.equal(rates.take(1, 61), false);
  assert.equal(rates.take(1, 60), true);
  const open = new SentRates({ clock: { monotonicMs: () => 0 }, perHourMax: 0, onOver });
  assert.equal(open.take(1, 1_000_000), true);
});

test('what may not go on is kept, and no answer is sent', async () => {
  const world = await new SieveWorld({ sentPerHourMax: 2 }).script(
    'require "vacation"; if header :is "Subject" "on" { redirect "b@y.test"; } else { vacation "away"; }',
  );
  for (const id of ['1', '2', '3']) {
    await world.deliver(messageBytes({ id: `${id}@x.test`, subject: 'on' }));
  }
  assert.deepEqual([world.counts(), world.sent().length], [{ INBOX: 1 }, 2]);
  await world.deliver(messageBytes({ id: '4@x.test' }));
  assert.deepEqual([world.counts(), world.sent().length], [{ INBOX: 2 }, 2]);
  world.nowMs += hourMs;
  await world.deliver(messageBytes({ id: '5@x.test', subject: 'on' }));
  assert.deepEqual([world.counts(), world.sent().length], [{ INBOX: 2 }, 3]);
});
