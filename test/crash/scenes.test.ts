/**
 * Aim: the loads that servers are killed under send what their scenes count on.
 * Method: scenarios read as `chaski load run` reads them.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadScenario } from '../../src/harness/scenario/read.ts';
import {
  accounts,
  aimedLmtpScene,
  aimedMixedScene,
  mixedScene,
  relayScene,
  remotes,
  type Scene,
} from './scenes.ts';

async function mailOf({ scenario }: Scene) {
  const { groups } = await loadScenario(scenario);
  const [group, ...others] = groups;
  assert.deepEqual(others, []);
  assert.ok(group?.protocol === 'smtp' || group?.protocol === 'lmtp');
  return { ...group, to: group.options.destinations.flatMap(({ addresses }) => addresses) };
}

test('each message of the mixed scenes goes to every account and to both sites', async () => {
  for (const scene of [mixedScene, aimedMixedScene]) {
    const { to, options } = await mailOf(scene);
    assert.deepEqual(to, [...accounts, ...remotes]);
    assert.equal(options.recipients, to.length);
  }
  const { to, options, protocol } = await mailOf(aimedLmtpScene);
  assert.deepEqual([protocol, options.recipients], ['lmtp', accounts.length]);
  assert.deepEqual(to, accounts);
});

test('a load under kills does not end by itself, and an aimed one is one message', async () => {
  for (const scene of [relayScene, mixedScene]) {
    const { countMax, durationMs, sessionsMax, options, patienceMs } = await mailOf(scene);
    assert.deepEqual([countMax, durationMs], [Infinity, Infinity]);
    assert.deepEqual([sessionsMax, options.pipeline, patienceMs], [10, true, 60_000]);
  }
  for (const scene of [aimedMixedScene, aimedLmtpScene]) {
    const { countMax, sessionsMax } = await mailOf(scene);
    assert.deepEqual([countMax, sessionsMax], [1, 1]);
  }
});
