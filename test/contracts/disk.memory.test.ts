import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryDisk } from '../../src/adapters/memory/memory-disk.ts';
import { DiskError } from '../../src/ports/disk.ts';
import { diskContract } from './disk.ts';

diskContract('memory', async () => {
  const disk = new MemoryDisk();
  await disk.makeFolder('/root');
  return { disk, root: '/root', [Symbol.asyncDispose]: async () => {} };
});

test('memory: a write past the capacity takes nothing and fails with no-space', async () => {
  const disk = new MemoryDisk(10);
  await disk.makeFolder('/root');
  const file = await disk.open('/root/a', 'create');
  await file.write(0, [Buffer.from('12345678')]);
  await assert.rejects(
    file.write(8, [Buffer.from('9ab')]),
    (error: unknown) => error instanceof DiskError && error.fault === 'no-space',
  );
  assert.equal(await file.size(), 8);
  assert.equal(await disk.freeBytes('/root'), 2);
});
