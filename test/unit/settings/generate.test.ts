/** Aim: what stands in config/ and docs/ is what the schema says. Method: make it again and compare; load it. */

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fieldsOf } from '../../../src/settings/field.ts';
import { generatedFiles } from '../../../src/settings/generate.ts';
import { load } from '../../../src/settings/load.ts';
import { schema } from '../../../src/settings/schema.ts';
import { environmentName } from '../../../src/settings/sources.ts';

const root = join(import.meta.dirname, '../../..');

for (const [path, content] of generatedFiles()) {
  test(`${path} is fresh (npm run generate)`, () => {
    assert.equal(readFileSync(join(root, path), 'utf8'), content);
  });
}

test('the example file with every "#" taken off its settings says exactly the defaults', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'chaski-example-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'chaski.toml');
  const example = readFileSync(join(root, 'config/chaski.example.toml'), 'utf8');
  writeFileSync(file, example.replaceAll(/^#(?=\w)/gm, ''));
  const [said, standard] = [load({ file, environment: {} }), load({ environment: {} })];
  assert.ok(said.ok && standard.ok);
  assert.deepEqual(said.settings, standard.settings);
  assert.equal(said.origins.size, [...fieldsOf(schema)].length);
});

for (const name of readdirSync(join(root, 'config/profiles'))) {
  test(`the profile ${name} is right`, () => {
    const loaded = load({ file: join(root, 'config/profiles', name), environment: {} });
    assert.deepEqual(loaded.ok ? [] : loaded.faults, []);
  });
}

test('no two settings share an environment name, and none has the short name of the data folder', () => {
  const names = [...fieldsOf(schema)].map(({ path }) => environmentName(path));
  assert.equal(new Set(names).size, names.length);
  assert.equal(names.includes('CHASKI_DATA'), false);
});
