/** Aim: what a kill or power cut leaves of the self-signed pair, the next start has one that fits and keeps it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keptSelfSigned } from '../../../../src/app/certificates/self-signed.ts';
import { seededChance } from '../../../simulation/seeded-chance.ts';
import { SimulatedDisk } from '../../../simulation/simulated-disk.ts';

const nowMs = Date.parse('2026-01-01T00:00:00Z');
const start = (disk: SimulatedDisk) => keptSelfSigned(disk, '/tls', 'mx.test', nowMs);

for (const end of ['cutPower', 'killProcess'] as const) {
  test(`a first start that ends anywhere (${end}) keeps no later one from starting`, async () => {
    let isWhole = false;
    let cuts = 0;
    for (let calls = 1; !isWhole; calls++) {
      for (const seed of [1, 2]) {
        const disk = new SimulatedDisk(seededChance(10 * calls + seed));
        let left = calls;
        disk.plan = { onCall: () => --left === 0 };
        const shown = await start(disk).catch(() => undefined);
        isWhole = !disk.isOff;
        if (!isWhole) cuts++;
        const next = disk[end]();
        const pair = await start(next);
        assert.deepEqual(pair.names, ['mx.test']);
        if (shown !== undefined) assert.equal(pair.fingerprint, shown.fingerprint);
        assert.equal((await start(next)).fingerprint, pair.fingerprint);
      }
    }
    assert.ok(cuts > 10, String(cuts));
  });
}

test('a pair that does not fit, or is half of one, is made anew', async () => {
  for (const name of ['self-signed.pem', 'self-signed.key']) {
    for (const kept of [0, 100]) {
      const disk = new SimulatedDisk(seededChance(7));
      const before = await start(disk);
      const file = await disk.open(`/tls/${name}`, 'write');
      await file.truncate(kept);
      const after = await start(disk);
      assert.notEqual(after.fingerprint, before.fingerprint);
      assert.equal((await start(disk)).fingerprint, after.fingerprint);
    }
  }
});
