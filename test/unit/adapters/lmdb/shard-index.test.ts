/**
 * Aim: what the contract of the shard index says of deaths: at some committed state after a kill, and usable again
 *      after a commit that found no room.
 */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openLmdbShardIndex, openLmdbTable } from '../../../../src/adapters/lmdb/shard-index.ts';
import { mebibyte } from '../../../../src/base/units.ts';
import { IndexError } from '../../../../src/ports/shard-index.ts';

const committer = fileURLToPath(new URL('../../../support/index-committer.ts', import.meta.url));
const mapBytes = 64 * mebibyte;

async function folder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'index-'));
  return {
    path,
    async [Symbol.asyncDispose]() {
      await rm(path, { recursive: true });
    },
  };
}

/** The number of the last commit the process told of before it was killed. */
function killAfter(path: string, commits: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [committer, path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let told = '';
    child.stdout.on('data', (chunk) => {
      told += chunk;
      if (lastLine(told) >= commits) child.kill('SIGKILL');
    });
    child.on('error', reject);
    child.on('close', () => resolve(lastLine(told)));
  });
}

function lastLine(text: string): number {
  return Number(text.slice(0, text.lastIndexOf('\n')).split('\n').at(-1));
}

describe('lmdb shard index', () => {
  it('is at a committed state after a kill, the last one told of or a later one', async () => {
    await using place = await folder();
    for (const commits of [1, 37, 80]) {
      const told = await killAfter(place.path, commits);
      const index = openLmdbShardIndex({ path: place.path, mapBytes });
      const entries = index.range({ from: Buffer.from('key'), to: Buffer.from('kez') });
      const numbers = new Set(entries.map(({ value }) => Buffer.from(value).readUInt32BE()));
      assert.equal(entries.length, 40);
      assert.equal(numbers.size, 1, 'all of a commit or none');
      assert.ok([...numbers][0]! >= told);
      await index.close();
    }
  });

  it('starts empty where the file is damaged, and says why', async () => {
    await using place = await folder();
    const data = join(place.path, 'data.mdb');
    const damages: ((path: string) => Promise<void>)[] = [
      (path) => writeFile(path, Buffer.alloc(20_000, 0x7a)),
      (path) => truncate(path, 100),
      (path) => truncate(path, 4_096),
      (path) => truncate(path, 12_288),
    ];
    for (const damage of damages) {
      const sound = openLmdbShardIndex({ path: place.path, mapBytes });
      const value = Buffer.alloc(3_000);
      for (let i = 0; i < 9; i++) await sound.commit([{ put: Buffer.from(`key ${i}`), value }]);
      await sound.close();
      await damage(data);
      assert.throws(() => openLmdbTable({ path: place.path, mapBytes }), IndexError);
      const reasons: string[] = [];
      const onDiscard = (reason: string) => reasons.push(reason);
      const index = openLmdbShardIndex({ path: place.path, mapBytes, onDiscard });
      assert.equal(index.range({ from: Buffer.from('key'), to: Buffer.from('kez') }).length, 0);
      assert.equal(reasons.length, 1);
      await index.close();
    }
  });
});
