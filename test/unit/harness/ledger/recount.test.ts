/**
 * Aim: a ledger is counted when nothing is missing and nothing comes any more, or the wait is over.
 * Method: a folder written to while a clock is turned by hand.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { LedgerWriter } from '../../../../src/harness/ledger/ledger-writer.ts';
import { Recount } from '../../../../src/harness/ledger/recount.ts';
import { SeededClock } from '../../../support/seeded-clock.ts';

function start(context: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'chaski-recount-'));
  const writer = new LedgerWriter(folder);
  context.after(() => {
    writer.close();
    rmSync(folder, { recursive: true });
  });
  const to = ['a@x'];
  writer.append('injected', { id: 'one', sha256: 'h', bytes: 1, to, intendedMs: 0 });
  writer.append('acknowledged', { id: 'one', to, sentMs: 1, atMs: 2 });
  writer.flush();
  const arrive = () => {
    writer.append('arrived', { id: 'one', sha256: 'h', to, via: 'sink', atMs: 3 });
    writer.flush();
  };
  const clock = new SeededClock();
  return { folder, clock, arrive, recount: new Recount(folder, clock) };
}

test('it waits for what is on its way, and then for quiet', async (context) => {
  const { clock, arrive, recount } = start(context);
  const counting = recount.run(60_000);
  clock.advance(10_000);
  arrive();
  clock.advance(1_000);
  // What comes twice is often late.
  arrive();
  clock.advance(10_000);
  const { account, waitedSeconds } = await counting;
  assert.deepEqual([account.lost, account.duplicated, account.arrived], [0, 1, 2]);
  assert.equal(waitedSeconds, 13.25);
  assert.equal(clock.timerCount, 0);
});

test('what never came is lost when the wait is over, or it is told to stop', async (context) => {
  const { clock, folder, recount } = start(context);
  const counting = recount.run(5_000);
  clock.advance(5_000);
  const { account, waitedSeconds } = await counting;
  assert.deepEqual([account.lost, waitedSeconds], [1, 5]);
  const stopped = new Recount(folder, clock);
  const early = stopped.run(60_000);
  clock.advance(3_000);
  stopped.stop();
  assert.deepEqual([(await early).account.lost, (await early).waitedSeconds], [1, 3]);
});

test('a ledger that cannot be read is told, with what was read', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'chaski-recount-'));
  const file = join(folder, 'file');
  writeFileSync(file, '');
  const { problem, account } = await new Recount(file, new SeededClock()).run(0);
  rmSync(folder, { recursive: true });
  assert.match(problem!, /ENOTDIR/);
  assert.equal(account.messages, 0);
});
