/** Aim: a reload applies live settings only. Method: two sets of settings that differ in both kinds. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadOrThrow } from '../../../src/settings/load.ts';
import { reloaded } from '../../../src/settings/reload.ts';

const settingsWith = (...assignments: string[]) => loadOrThrow({ environment: {}, assignments });

test('live settings change, others keep the value of the start and are named', () => {
  const running = settingsWith('shards=4', 'smtp.recipientsMax=500', 'relay.networks=10.0.0.0/8');
  const wanted = settingsWith('shards=8', 'smtp.recipientsMax=600', 'relay.networks=10.0.0.0/9');
  const answer = reloaded(running, wanted);
  assert.equal(answer.settings.shards, 4);
  assert.equal(answer.settings.smtp.recipientsMax, 600);
  assert.deepEqual(answer.settings.relay.networks, wanted.relay.networks);
  assert.deepEqual(answer.applied, ['smtp.recipientsMax', 'relay.networks']);
  assert.deepEqual(answer.needRestart, ['shards']);
});

test('equal settings change nothing', () => {
  const running = settingsWith();
  const answer = reloaded(running, settingsWith());
  assert.deepEqual(answer, { settings: running, applied: [], needRestart: [] });
});
