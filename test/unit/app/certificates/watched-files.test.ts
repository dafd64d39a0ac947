/**
 * Aim: what is made of files follows them, and stays as it was while they are broken. Method: files in a folder, looked
 * at by hand.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { WatchedFiles } from '../../../../src/app/certificates/watched-files.ts';

function filesOf(context: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'chaski-watched-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const [one, two] = [join(folder, 'one'), join(folder, 'two')];
  const put = (first: string, second: string) => {
    writeFileSync(one, first);
    writeFileSync(two, second);
  };
  const watched = new WatchedFiles({
    name: 'pair',
    paths: [one, two],
    make(texts) {
      if (texts[0] !== texts[1]) throw new Error('they differ');
      return texts[0]!;
    },
  });
  return { put, watched, one, two };
}

test('what is whole is taken, once', async (context) => {
  const { put, watched } = filesOf(context);
  put('a', 'a');
  assert.equal(await watched.open(), 'a');
  assert.equal(await watched.look(), 'same');
  put('b', 'b');
  assert.equal(await watched.look(), 'changed');
  assert.equal(watched.value, 'b');
});

test('who writes one file and then the other is not taken for one who errs', async (context) => {
  const { put, watched } = filesOf(context);
  put('a', 'a');
  await watched.open();
  put('b', 'a');
  assert.equal(await watched.look(), 'unsettled');
  assert.equal(watched.error, undefined);
  put('b', 'b');
  assert.equal(await watched.look(), 'changed');
  assert.equal(watched.value, 'b');
});

test('broken files are told of once, and keep what was; mended or put back, all is well', async (context) => {
  const { put, watched, one } = filesOf(context);
  put('a', 'a');
  await watched.open();
  put('b', 'a');
  assert.equal(await watched.look(), 'unsettled');
  assert.equal(await watched.look(), 'broken');
  assert.match(watched.error!, /one, .*two: they differ$/);
  assert.equal(await watched.look(), 'same');
  assert.equal(watched.value, 'a');
  put('a', 'a');
  assert.equal(await watched.look(), 'same');
  assert.equal(watched.error, undefined);
  rmSync(one);
  assert.deepEqual([await watched.look(), await watched.look()], ['unsettled', 'broken']);
  assert.match(watched.error!, /ENOENT/);
  put('c', 'c');
  assert.equal(await watched.look(), 'changed');
  assert.equal(watched.error, undefined);
});

test('files that are broken from the beginning are refused in words', async (context) => {
  const { put, watched, one } = filesOf(context);
  put('a', 'b');
  await assert.rejects(watched.open(), /two: they differ/);
  truncateSync(one, 1_048_577);
  await assert.rejects(watched.open(), /more than 1048576 bytes/);
});
