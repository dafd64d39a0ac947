/** Aim: writes that wait for a table that does not answer are bounded. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryIndex } from '../../../../src/adapters/memory/memory-index.ts';
import { WriteTurns, waitingMax } from '../../../../src/adapters/table/write-turns.ts';

test('past the limit a write is refused at once, undecided, and there is room again when the table answers', async () => {
  const table = new MemoryIndex();
  const gate = Promise.withResolvers<void>();
  table.commit = () => gate.promise;
  const turns = new WriteTurns(table, () => {});
  let decided = 0;
  const write = () =>
    turns.aside(() => {
      decided++;
      return { changes: [{ remove: Buffer.from('a') }], answer: undefined };
    });
  const waiting = Array.from({ length: waitingMax }, write);
  await assert.rejects(write(), { code: 'store-busy' });
  await assert.rejects(turns.mend(), { code: 'store-busy' });
  assert.equal(decided, 1, 'the others wait for their turn');
  gate.resolve();
  await Promise.all(waiting);
  await write();
  assert.equal(decided, waitingMax + 1);
});

test('a write that fails leaves its place', async () => {
  const table = new MemoryIndex();
  const turns = new WriteTurns(table, () => {});
  const fail = () =>
    turns.write(() => {
      throw new Error('no');
    });
  for (let each = 0; each <= waitingMax; each++) await assert.rejects(fail(), /no/);
});
