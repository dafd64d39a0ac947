/** Aim: secrets of return paths change in time, and no path that is out there loses its way back. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryDirectory } from '../../../src/adapters/memory/memory-directory.ts';
import { SrsSecrets } from '../../../src/app/srs-secrets.ts';
import { silentLog } from '../../../src/base/log.ts';
import { dayMs } from '../../../src/base/units.ts';
import { rewriteSender, validDaysMax } from '../../../src/mail/trust/srs.ts';
import { SeededClock, SeededRandom, turns } from '../../support/seeded-clock.ts';

const secretMs = 30 * dayMs;

test('a path leads back over changes of the secret and restarts, and old secrets are forgotten', async () => {
  const directory = createMemoryDirectory();
  const clock = new SeededClock();
  const parts = { directory, clock, random: new SeededRandom(1), log: silentLog, secretMs };
  const first = await SrsSecrets.open(parts);
  let changes = 0;
  first.start(async () => {
    changes++;
  });
  const pathOf = async () => {
    const secrets = (await directory.srsSecrets()).map(({ secret }) => secret);
    const path = rewriteSender('ann@far.test', 'here.test', { secrets }, clock.nowMs())!;
    return path.slice(0, path.indexOf('@'));
  };
  clock.advance(29 * dayMs);
  await turns(50);
  const path = await pathOf();
  const days = async (count: number) => {
    for (let hour = 0; hour < count * 24; hour++) {
      clock.advance(dayMs / 24);
      await turns(5);
    }
  };
  await days(validDaysMax - 1);
  assert.equal(changes, 1);
  assert.equal(first.reverse(path).kind, 'sender');
  first.close();
  const again = await SrsSecrets.open(parts);
  assert.equal(again.reverse(path).kind, 'sender');
  again.start(async () => {});
  await days(120);
  assert.equal((await directory.srsSecrets()).length, 2);
  assert.equal(again.reverse(path).kind, 'invalid');
  again.close();
  assert.equal(clock.timerCount, 0);
});
