/**
 * Aim: the server loses nothing that it acknowledged, whenever it is killed.
 * Method: a short form of `npm run crash`: the real server, killed three times under load.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeCrash, runCrash } from './crash-run.ts';
import { providersScene } from './providers-scene.ts';
import { relayScene } from './scenes.ts';
import { runStrace, straceIsInstalled } from './strace-run.ts';

// A busy machine starts a server in half a minute, and here it is started many times.
const timeout = 600_000;

test('three kills under load lose no acknowledged message and change none', {
  timeout,
}, async () => {
  const seed = Date.now() % 1_000_000;
  const options = {
    scene: relayScene,
    rounds: 3,
    seed,
    roundMsMax: 800,
  };
  const report = await runCrash({ ...options, say: () => {} });
  assert.equal(report.verdict.ok, true, describeCrash(report));
});

test('three kills among difficult receivers lose nothing of any tenant, and failures are told', {
  timeout,
}, async () => {
  const seed = Date.now() % 1_000_000;
  const scene = await providersScene();
  // Long enough that some mail is refused and told of, on a busy machine too: without that it would prove nothing.
  const report = await runCrash({ scene, rounds: 3, seed, roundMsMax: 3_000, say: () => {} });
  assert.equal(report.verdict.ok, true, describeCrash(report));
});

test('no 250 leaves before the sync of its record returned', {
  skip: straceIsInstalled() ? false : 'strace is not installed',
}, async () => {
  const { replies, early } = await runStrace(60);
  assert.equal(replies, 60);
  assert.deepEqual(early, []);
});
