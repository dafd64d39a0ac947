/** Aim: one process at a time has a data folder. Method: take the lock in this process and in another that dies. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type DataLockAnswer, takeDataLock } from '../../../../src/adapters/node/data-lock.ts';

async function temporary(t: { after(run: () => Promise<void>): void }): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'chaski-lock-'));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

function sure(answer: DataLockAnswer) {
  assert.ok(answer.ok, answer.ok ? '' : answer.detail);
  return answer.lock;
}

test('the folder is made for its owner only', async (t) => {
  const folder = join(await temporary(t), 'a/b');
  const lock = sure(await takeDataLock(folder));
  assert.equal((await stat(folder)).mode & 0o777, 0o700);
  await lock.release();
});

test('a second taker hears who holds it, by any name of the folder, until it is released', async (t) => {
  const folder = await temporary(t);
  const other = `${folder}-link`;
  await symlink(folder, other);
  t.after(() => rm(other));
  const lock = sure(await takeDataLock(folder));
  for (const name of [folder, other]) {
    const answer = await takeDataLock(name);
    assert.ok(!answer.ok);
    assert.equal(answer.processId, process.pid);
    assert.match(answer.detail, new RegExp(`process ${process.pid} uses ${name}`));
  }
  await lock.release();
  await sure(await takeDataLock(folder)).release();
});

test('a holder that is killed frees the lock at once', async (t) => {
  const folder = await temporary(t);
  const script = `
    const { takeDataLock } = await import(${JSON.stringify(import.meta.resolve('../../../../src/adapters/node/data-lock.ts'))});
    const answer = await takeDataLock(${JSON.stringify(folder)});
    console.log(answer.ok);
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said] = await once(child.stdout, 'data');
  assert.equal(String(said).trim(), 'true');
  const refused = await takeDataLock(folder);
  assert.ok(!refused.ok);
  assert.equal(refused.processId, child.pid);
  child.kill('SIGKILL');
  await once(child, 'exit');
  await sure(await takeDataLock(folder)).release();
});
