/** Aim: what is in the folder for all scripts is looked at before the server starts, and told of by its place. */

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { scriptLimits } from '../../../src/mail/sieve/limits.ts';
import { load } from '../../../src/settings/load.ts';
import { globalBytesMax, globalFiles, globalFilesMax } from '../../../src/settings/sieve-folder.ts';

function folderOf(t: { after(end: () => void): void }, files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'chaski-sieve-'));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

function reasons(folder: string): readonly string[] {
  const loaded = load({ environment: {}, assignments: [`sieve.globalFolder=${folder}`] });
  return loaded.ok ? [] : loaded.faults.map(({ path, reason }) => `${path}: ${reason}`);
}

test('scripts and lists are found by their endings, in order', (t) => {
  const files = { 'b.sieve': 'keep;', 'a.list': 'x@y.test', '.c.sieve': '', 'd.txt': '' };
  const folder = folderOf(t, files);
  const found = globalFiles(folder).map(({ kind, name, bytes }) => [kind, name, bytes]);
  assert.deepEqual(found, [
    ['list', 'a', 8],
    ['script', 'b', 5],
  ]);
  assert.deepEqual(reasons(folder), []);
  assert.deepEqual(globalFiles(''), []);
});

test('a script with faults is told by its line', (t) => {
  const folder = folderOf(t, { 'good.sieve': 'keep;', 'bad.sieve': 'keep;\nfileinto "x";' });
  const [fault, ...others] = reasons(folder);
  assert.match(fault!, /^sieve\.globalFolder: .*bad\.sieve:2:1: /);
  assert.deepEqual(others, []);
});

test('a script that is too long to run, or no UTF-8, is a fault', (t) => {
  const { scriptBytesMax } = scriptLimits;
  const folder = folderOf(t, { 'long.sieve': '#'.repeat(scriptBytesMax) });
  assert.deepEqual(reasons(folder), []);
  writeFileSync(join(folder, 'long.sieve'), '#'.repeat(scriptBytesMax + 1));
  assert.match(reasons(folder)[0]!, /long\.sieve:1:1: the script is longer than 1048576 octets/);
  const other = folderOf(t, {});
  writeFileSync(join(other, 'old.sieve'), Buffer.from('keep;\n# \xe9\n', 'latin1'));
  assert.match(reasons(other)[0]!, /old\.sieve:2:3: octet E9 is no UTF-8/);
});

test('a folder that is none, and a list that is a folder, are faults', (t) => {
  const folder = folderOf(t, {});
  assert.match(reasons(join(folder, 'no'))[0]!, /no cannot be read: ENOENT$/);
  mkdirSync(join(folder, 'x.list'));
  assert.equal(reasons(folder).length, 1);
});

test('files and octets have a bound', (t) => {
  const names = Array.from({ length: globalFilesMax }, (_, i) => [`${i}.list`, ''] as const);
  const folder = folderOf(t, Object.fromEntries(names));
  assert.deepEqual(reasons(folder), []);
  writeFileSync(join(folder, 'more.list'), '');
  assert.match(reasons(folder)[0]!, /has 101 files of 0 octets: 100 of \d+ together may be there/);
  const large = folderOf(t, { 'x.list': 'x'.repeat(globalBytesMax) });
  assert.deepEqual(reasons(large), []);
  writeFileSync(join(large, 'y.list'), 'x');
  assert.match(reasons(large)[0]!, /has 2 files of \d+ octets/);
});
