/**
 * Aim: `npm test` ends, and says what did not, whatever a test leaves behind.
 * Method: the runner on a folder of bad tests, with short times.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const runner = fileURLToPath(new URL('../run.ts', import.meta.url));
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bad-tests-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function ran(source: string, more: readonly string[] = []) {
  writeFileSync(join(folder, 'bad.test.ts'), source);
  // The runner would take itself for a file of this one.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const given = ['--timeout-ms', '2000', '--silent-ms', '60000', ...more, folder];
  const { status, stdout, error } = spawnSync(process.execPath, [runner, ...given], {
    ...{ env, encoding: 'utf8', timeout: 100_000, killSignal: 'SIGKILL' },
  });
  assert.equal(error, undefined, 'it ended by itself');
  return { status, stdout };
}

const good = `import { test } from 'node:test'; test('is good', () => {});`;
const sleeper = `
  import { spawn } from 'node:child_process';
  import { writeFileSync } from 'node:fs';
  import { join } from 'node:path';
  import { test } from 'node:test';
  test('hangs', async () => {
    const { pid } = spawn('sleep', ['1000'], { stdio: 'inherit' });
    writeFileSync(join(import.meta.dirname, 'pid'), String(pid));
    await new Promise(() => setInterval(() => {}, 1_000));
  });`;

function isAlive(pid: number): boolean {
  try {
    // One that nobody has waited for yet is dead, too.
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

test('a file that a cut-off test keeps is killed with its children, and the others are run', () => {
  writeFileSync(join(folder, 'good.test.ts'), good);
  const { status, stdout } = ran(sleeper, ['--silent-ms', '6000']);
  assert.equal(status, 1);
  assert.match(stdout, /it does not end, and was killed: .*bad\.test\.ts/);
  assert.match(stdout, /timed out after 2000ms/);
  assert.match(stdout, /✔ is good/);
  assert.ok(!isAlive(Number(readFileSync(join(folder, 'pid'), 'utf8'))));
});

test('a file that never gives its turn up is ended, and named', () => {
  const stuck = `import { test } from 'node:test'; test('loops', () => { for (;;); });`;
  const { status, stdout } = ran(stuck, ['--timeout-ms', '50000', '--silent-ms', '5000']);
  assert.equal(status, 1);
  assert.match(stdout, /it does not end, and was killed: .*bad\.test\.ts/);
});

test('what fails once is run by itself, and named where it passes then', () => {
  const once = `
    import { existsSync, writeFileSync } from 'node:fs';
    import { join } from 'node:path';
    import { test } from 'node:test';
    test('fails once', () => {
      const mark = join(import.meta.dirname, 'mark');
      if (existsSync(mark)) return;
      writeFileSync(mark, '');
      throw new Error('the first time');
    });`;
  const { status, stdout } = ran(once);
  assert.equal(status, 0, stdout);
  assert.match(stdout, /^ℹ failed once, and passed by itself: .*bad\.test\.ts:5 fails once$/m);
  assert.deepEqual([/^ℹ fail 0\n/m.test(stdout), /the first time/.test(stdout)], [true, true]);
});

test('what fails twice has failed, and so have four tests that fail', () => {
  const bad = `import { test } from 'node:test'; test('fails', () => { throw new Error('no'); });`;
  const one = ran(bad);
  assert.deepEqual(
    [one.status, one.stdout.match(/once more, with nothing beside it/g)?.length],
    [1, 1],
  );
  for (const name of ['b', 'c', 'd']) writeFileSync(join(folder, `${name}.test.ts`), bad);
  const four = ran(bad);
  assert.deepEqual([four.status, four.stdout.includes('once more')], [1, false]);
});

test('what passes, passes', () => {
  const { status, stdout } = ran(good);
  assert.deepEqual([status, /^ℹ pass 1$/m.test(stdout)], [0, true], stdout);
});
