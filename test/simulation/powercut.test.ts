/**
 * The short form of `npm run powercut`: the property, and the builds that must break it.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { indexFirstOnly, indexFirstTrusted, withoutFolderSync, withoutSync } from './builds.ts';
import { itemPlay, trueBuild } from './life.ts';
import { mailPlay } from './mail-life.ts';
import { cutOften } from './power-cuts.ts';

const seed = Number(process.env.POWERCUT_SEED ?? 7);

test(`no cut loses an accepted record, and replaying twice changes nothing (seed ${seed})`, async () => {
  const report = await cutOften({ play: itemPlay, build: trueBuild, cuts: 250, seed });
  assert.deepEqual(report.faults, []);
  assert.ok(report.comparisons > 0 && report.replayedCount > 1_000);
  assert.equal(report.rebuilt['its applied position is past the journal'], undefined);
});

test(`no cut loses or doubles answered mail, whatever sessions did to it (seed ${seed})`, async () => {
  const report = await cutOften({ play: mailPlay, build: trueBuild, cuts: 60, seed });
  assert.deepEqual(report.faults, []);
  assert.ok(report.comparisons > 0 && report.acceptedCount > 500);
  assert.equal(report.rebuilt['its applied position is past the journal'], undefined);
});

/** Within few lives; another seed takes up to 500. */
const catching = seed + 5;

for (const build of [withoutSync, withoutFolderSync, indexFirstTrusted]) {
  test(`a build ${build.name} is caught by what it does to mail (seed ${catching})`, async () => {
    const options = { build, cuts: 500, seed: catching, faultsMax: 1 };
    const report = await cutOften({ play: mailPlay, ...options });
    assert.notDeepEqual(report.faults, []);
  });
}

for (const build of [withoutSync, withoutFolderSync, indexFirstTrusted]) {
  test(`a build ${build.name} is caught (seed ${seed})`, async () => {
    const report = await cutOften({ play: itemPlay, build, cuts: 1_000, seed, faultsMax: 1 });
    assert.notDeepEqual(report.faults, []);
  });
}

test(`a build index first that trusts nothing makes its index again (seed ${seed})`, async () => {
  let rebuilt = 0;
  for (let i = 0; i < 10 && rebuilt === 0; i++) {
    const report = await cutOften({
      play: itemPlay,
      build: indexFirstOnly,
      cuts: 100,
      seed: seed + i,
    });
    assert.deepEqual(report.faults, []);
    rebuilt += report.rebuilt['its applied position is past the journal'] ?? 0;
  }
  assert.ok(rebuilt > 0, 'no index was ever ahead of its journal');
});
