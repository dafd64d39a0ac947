/** The data folder keeps its number of shards for life, and is never mistaken for a new one. */

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { nodeDisk } from '../../../src/adapters/files/disk.ts';
import { openDataFolder } from '../../../src/app/data-folder.ts';
import { SeededRandom } from '../../support/seeded-clock.ts';

let path: string;

beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'chaski-folder-'));
});
afterEach(() => rmSync(path, { recursive: true }));

async function open(shards = 0): Promise<{ shards: number; isNew: boolean }> {
  await using folder = await openDataFolder({
    path,
    shards,
    disk: nodeDisk,
    random: new SeededRandom(1),
  });
  return { shards: folder.shards, isNew: folder.isNew };
}

describe('a data folder', () => {
  it('keeps the number of shards it was made with', async () => {
    assert.deepEqual(await open(3), { shards: 3, isNew: true });
    assert.deepEqual(await open(), { shards: 3, isNew: false });
    await assert.rejects(open(4), /keeps them for life/);
  });

  for (const text of ['', '{"format":', '{"format":1}', 'null', '{"format":1,"shards":0}']) {
    it(`is named when its identity is ${text === '' ? 'empty' : text}`, async () => {
      writeFileSync(join(path, 'store.json'), text);
      await assert.rejects(open(), /store\.json is damaged/);
    });
  }

  it('with mail but without its identity is not taken for a new one', async () => {
    mkdirSync(join(path, 'shards'));
    await assert.rejects(open(), /has shards but no store\.json/);
  });
});
