/**
 * Aim: a disk is filled to the byte count that was asked for, within its bound, and is as free as before afterwards,
 *      also when the process is killed.
 * Method: files of some megabytes on the disk of the tests; a child that fills and is killed.
 */

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync, statfsSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Child } from '../../../../src/harness/child.ts';
import { checkFill, DiskFill } from '../../../../src/harness/trouble/disk-fill.ts';

const mebi = 1024 * 1024;
/** What other programs write meanwhile. */
const noiseBytes = 6 * mebi;
const fillBytes = 24 * mebi;
/** Where few others write, if there is such a place. */
const quietDisk = '/dev/shm';

function place(context: TestContext): string {
  const isQuiet = existsSync(quietDisk) && freeBytes(quietDisk) > 2 * fillBytes;
  const folder = mkdtempSync(join(isQuiet ? quietDisk : tmpdir(), 'chaski-fill-'));
  context.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

test('it writes until so much is left, and gives it back', async (context) => {
  const folder = place(context);
  const leaveBytes = freeBytes(folder) - fillBytes;
  const fill = new DiskFill({ folder, leaveBytes, sizeBytesMax: fillBytes + noiseBytes });
  const { isDone, detail, undo } = await fill.fill();
  assert.equal(isDone, true, detail);
  assert.ok(Math.abs(freeBytes(folder) - leaveBytes) < noiseBytes);
  assert.deepEqual(readdirSync(folder), [], 'the file has no name');
  await undo!();
  assert.ok(freeBytes(folder) - leaveBytes > fillBytes - noiseBytes);
});

test('it writes no more than it may, and nothing after its end', async (context) => {
  const folder = place(context);
  const free = freeBytes(folder);
  const stopped = new DiskFill({ folder, leaveBytes: free - fillBytes, sizeBytesMax: free });
  stopped.end();
  const { detail, undo } = await stopped.fill();
  assert.equal(detail, '0 bytes written');
  await undo!();
  const full = new DiskFill({ folder, leaveBytes: free + fillBytes, sizeBytesMax: 1 });
  assert.equal((await full.fill()).detail, '0 bytes written');
});

test('a disk that must not be filled is refused with what to say', (context) => {
  const folder = place(context);
  const plan = { folder: '/', leaveBytes: mebi };
  assert.throws(() => checkFill(plan), /it is on the disk of \/, .*say "size"/);
  const isOnRoot = statSync(folder).dev === statSync('/').dev;
  if (isOnRoot) assert.throws(() => checkFill({ ...plan, folder }), /say "size"/);
  assert.throws(() => checkFill({ ...plan, folder: '/nowhere' }), /there is no such folder/);
  assert.throws(() => checkFill({ ...plan, sizeBytesMax: mebi }), /takes \d+, and "size" is/);
});

test('a process that is killed leaves the disk as it was', async (context) => {
  const folder = place(context);
  const before = freeBytes(folder);
  const module = new URL('../../../../src/harness/trouble/disk-fill.ts', import.meta.url).href;
  const plan = { folder, leaveBytes: before - fillBytes, sizeBytesMax: fillBytes + noiseBytes };
  const script = `
    const { DiskFill } = await import(${JSON.stringify(module)});
    const { detail } = await new DiskFill(${JSON.stringify(plan)}).fill();
    console.log('filled', detail);
    setInterval(() => {}, 1000);`;
  const child = new Child({
    command: process.execPath,
    args: ['--input-type=module', '-e', script],
  });
  await child.until(/filled \d{8,} bytes/, 20_000);
  assert.ok(freeBytes(folder) < before - fillBytes + noiseBytes);
  await child.stop('SIGKILL');
  assert.deepEqual(readdirSync(folder), []);
  assert.ok(freeBytes(folder) > before - noiseBytes);
});
