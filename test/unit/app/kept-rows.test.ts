/** Rows that hold over a restart: all that fit come back, the most important ones where there are too many. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryDisk } from '../../../src/adapters/memory/memory-disk.ts';
import { bytesMaxDefault, KeptRows } from '../../../src/app/kept-rows.ts';
import { utf8 } from '../../../src/base/bytes.ts';
import { silentLog } from '../../../src/base/log.ts';

const isText = (value: unknown): value is string => typeof value === 'string';

async function world(bytesMax?: number) {
  const disk = new MemoryDisk();
  await disk.makeFolder('data');
  const open = () =>
    new KeptRows({
      ...{ disk, folder: 'data', name: 'rows.json', what: 'rows', isRow: isText, log: silentLog },
      ...(bytesMax === undefined ? {} : { bytesMax }),
    });
  const put = async (text: string) => {
    const file = await disk.open('data/rows.json', 'create');
    await file.write(0, [utf8(text)]);
    await file.close();
  };
  return { disk, open, put };
}

test('the newest rows come back, and nothing where there was nothing', async () => {
  const { open } = await world();
  assert.deepEqual(await open().read(), []);
  const rows = open();
  for (let i = 0; i < 10; i++) rows.keep([`${i}`, 'a\nb']);
  await rows.close();
  assert.deepEqual(await open().read(), ['9', 'a\nb']);
  rows.keep([]);
  await rows.close();
  assert.deepEqual(await open().read(), []);
});

test('as many as fit are kept, to the last byte, the first ones', async () => {
  const row = 'x'.repeat(20);
  const all = Array.from({ length: 10 }, (_, i) => `${i}${row.slice(1)}`);
  // Brackets, and 22 with quotes, a comma and a line's end each.
  for (const [bytesMax, count] of [
    [4 + 24 * 5, 5],
    [4 + 24 * 5 - 1, 4],
    [4 + 24 * 10, 10],
    [10, 0],
  ] as const) {
    const { disk, open } = await world(bytesMax);
    const rows = open();
    rows.keep(all);
    await rows.close();
    const file = await disk.open('data/rows.json', 'read');
    assert.ok((await file.size()) <= bytesMax);
    assert.deepEqual(await open().read(), all.slice(0, count));
  }
});

test('a file that is too large gives the rows that are whole', async () => {
  const { open, put } = await world(30);
  await put('[\n"aaaaaaaaaa",\n"bbbbbbbbbb",\n"cccccccccc"\n]');
  assert.deepEqual(await open().read(), ['aaaaaaaaaa', 'bbbbbbbbbb']);
});

test(`files have ${bytesMaxDefault} bytes at most where nothing else is said`, async () => {
  const { disk, open } = await world();
  const rows = open();
  rows.keep(Array.from({ length: 20 }, (_, i) => `${i}`.padEnd(1_048_576, 'x')));
  await rows.close();
  const file = await disk.open('data/rows.json', 'read');
  assert.ok((await file.size()) <= bytesMaxDefault);
  assert.equal((await open().read()).length, 15);
});

test('what is no row, or no JSON, is left out', async () => {
  for (const [text, found] of [
    ['["a",1,"b"]', ['a', 'b']],
    ['{}', []],
    ['["a"', []],
  ] as const) {
    const { open, put } = await world();
    await put(text);
    assert.deepEqual(await open().read(), found);
  }
});
