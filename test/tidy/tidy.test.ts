/**
 * Aim: the house rules of `rules.ts` hold, and each rule can fail.
 * Method: every rule runs over the project's files, and over a sample that breaks it.
 */

import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { exportFaults, methodsForTests, uncalledMethods, valuesForTests } from './exports.ts';
import {
  deadFiles,
  fileRules,
  type Rule,
  readRfcTable,
  rfcFaults,
  type SourceFile,
} from './rules.ts';

const files: SourceFile[] = ['src', 'workers', 'bench', 'test']
  .flatMap((folder) => globSync(`${folder}/**/*.ts`))
  .filter((path) => !path.includes('node_modules'))
  .map((path) => ({ path, text: readFileSync(path, 'utf8') }));

const samples: Record<keyof typeof fileRules, SourceFile> = {
  importsGoDown: { path: 'src/edge/a.ts', text: "import { b } from '../engine/b.ts';" },
  hasHead: { path: 'src/base/a.ts', text: 'export const a = 1;\n' },
  isShort: { path: 'src/base/a.ts', text: '\n'.repeat(600) },
  hasShortFunctions: {
    path: 'test/support/a.ts',
    text: `class A {\n  run() {\n${'    step();\n'.repeat(80)}  }\n}`,
  },
  hasShortLines: { path: 'src/base/a.ts', text: `const a = ${'1 + '.repeat(40)}1;` },
  callsPorts: { path: 'src/engine/a.ts', text: 'const now = Date.now();' },
  readsEnvironmentInSettings: { path: 'src/app/a.ts', text: 'process.env.HOME' },
  isWellNamed: { path: 'src/base/utils.ts', text: '' },
  hasNoLooseEnds: { path: 'src/base/a.ts', text: '// TODO later' },
  keepsWorkersSmall: { path: 'workers/a.ts', text: 'run();\n'.repeat(100) },
};

describe('tidy', () => {
  it('reads the project at all', () => {
    assert.ok(files.length > 100, `only ${files.length} files`);
  });

  for (const [name, rule] of Object.entries(fileRules) as [keyof typeof fileRules, Rule][]) {
    it(`${name} holds`, () => {
      const faults = files.flatMap((file) => rule(file));
      assert.deepEqual(faults, []);
    });

    it(`${name} can fail`, () => {
      assert.notDeepEqual(rule(samples[name]), []);
    });
  }

  it('no file of the server is dead', () => {
    const entries = ['src/main.ts', 'src/cli/main.ts', 'src/settings/generate.ts'];
    assert.deepEqual(deadFiles(files, entries), []);
  });

  it('a dead file is found', () => {
    const dead = { path: 'src/base/forgotten.ts', text: '' };
    assert.equal(deadFiles([dead], []).length, 1);
  });

  it('every export is imported somewhere, and only listed ones by tests alone', () => {
    const { unused, forTests } = exportFaults(files);
    assert.deepEqual(unused, []);
    assert.deepEqual([...forTests].sort(), Object.values(valuesForTests).flat().sort());
  });

  it('an export nobody imports is found, and one that only tests do', () => {
    const names = 'export const a = 1;\nexport const b = 2;\nexport const c = 3;\n';
    const types = 'export interface Dead {}\nexport interface Used {}\nexport const d: Used = {};';
    const sample = [
      { path: 'src/base/a.ts', text: `${names}${types}` },
      { path: 'src/app/a.ts', text: "import { type a, d } from '../base/a.ts';" },
      {
        path: 'test/unit/base/a.test.ts',
        text: "const { b } = await import('../../../src/base/a.ts');",
      },
    ];
    assert.deepEqual(exportFaults(sample), {
      unused: ['src/base/a.ts c', 'src/base/a.ts Dead'],
      forTests: ['src/base/a.ts b'],
    });
  });

  it('every method is called somewhere, and only listed ones by tests alone', () => {
    const listed = Object.values(methodsForTests).flat();
    assert.deepEqual(uncalledMethods(files).sort(), listed.sort());
  });

  it('a method nobody calls is found', () => {
    const text = 'class A {\n  get idle(): number {\n    return this.run();\n  }\n  run() {}\n}\n';
    assert.deepEqual(uncalledMethods([{ path: 'src/base/a.ts', text }]), ['src/base/a.ts idle']);
  });

  it('each row of docs/rfc.tsv names the test that fails without it', () => {
    const rows = readRfcTable(readFileSync('docs/rfc.tsv', 'utf8'));
    assert.ok(rows.length > 10);
    const faults = rfcFaults(rows, (path) =>
      path !== '' && existsSync(path) ? readFileSync(path, 'utf8') : undefined,
    );
    assert.deepEqual(faults, []);
  });

  it('a row without its test is found', () => {
    const rows = readRfcTable('head\n5321\t§4.5.4\tyes\ttest/missing.test.ts\t\n');
    assert.equal(rfcFaults(rows, () => undefined).length, 1);
    assert.equal(rfcFaults(rows, () => 'some other RFC').length, 1);
  });
});
