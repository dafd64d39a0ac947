/** Aim: the launcher becomes the pinned Node. Method: a checkout with a script that tells how it was started. */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

const project = join(import.meta.dirname, '../../..');

function checkout(t: { after(run: () => void): void }, withNode = true): string {
  const root = mkdtempSync(join(tmpdir(), 'chaski launcher-'));
  t.after(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, 'src/cli'), { recursive: true });
  copyFileSync(join(project, 'src/cli/chaski'), join(root, 'src/cli/chaski'));
  chmodSync(join(root, 'src/cli/chaski'), 0o755);
  writeFileSync(join(root, 'package.json'), '{"type":"module"}');
  writeFileSync(
    join(root, 'src/cli/start.ts'),
    // Its handler first: who reads the line may send the signal at once.
    `process.on('SIGTERM', () => process.exit(5));
    console.log(JSON.stringify({
      id: process.pid as number, node: process.execPath, threads: process.env.UV_THREADPOOL_SIZE,
      line: process.argv.slice(2), script: process.argv[1],
    }));
    if (process.argv[2] === 'wait') setInterval(() => {}, 1000);`,
  );
  if (withNode) symlinkSync(join(project, 'node_modules'), join(root, 'node_modules'));
  return root;
}

/** Without what this test runs under: the launcher must find its own. */
const environment = { PATH: '/usr/bin:/bin' };

function launch(path: string, line: string[] = [], more: Record<string, string> = {}) {
  const run = spawnSync(path, line, { env: { ...environment, ...more }, encoding: 'utf8' });
  return {
    code: run.status,
    error: run.stderr,
    said: run.stdout === '' ? undefined : JSON.parse(run.stdout),
  };
}

test('arguments pass as they are, spaces and empty ones too', (t) => {
  const root = checkout(t);
  const { said } = launch(join(root, 'src/cli/chaski'), ['a b', '', "it's", '*']);
  assert.deepEqual(said.line, ['a b', '', "it's", '*']);
  assert.match(said.node, /node_modules\/node-linux-(x64|arm64)\/bin\/node$/);
});

test('it finds its checkout through links, absolute and relative, one behind the other', (t) => {
  const root = checkout(t);
  mkdirSync(join(root, 'bin'));
  symlinkSync('../src/cli/chaski', join(root, 'bin/first'));
  symlinkSync(join(root, 'bin/first'), join(root, 'bin/chaski'));
  const { said } = launch('chaski', [], { PATH: `${join(root, 'bin')}:/usr/bin:/bin` });
  assert.equal(said.script, join(root, 'src/cli/start.ts'));
});

test('process id and signals are the server’s own', async (t) => {
  const root = checkout(t);
  const child = spawn(join(root, 'src/cli/chaski'), ['wait'], {
    env: environment,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [bytes] = await once(child.stdout, 'data');
  assert.equal(JSON.parse(String(bytes)).id, child.pid);
  child.kill('SIGTERM');
  assert.deepEqual(await once(child, 'exit'), [5, null]);
});

test('libuv gets a thread per shard and some more, unless told otherwise', (t) => {
  const path = join(checkout(t), 'src/cli/chaski');
  const threads = (more: Record<string, string>) => launch(path, [], more).said.threads;
  assert.equal(threads({ CHASKI_SHARDS: '32' }), '40');
  assert.equal(threads({ CHASKI_SHARDS: '32', UV_THREADPOOL_SIZE: '5' }), '5');
  const automatic = threads({});
  assert.ok(Number(automatic) >= 12 && Number(automatic) <= 72, automatic);
  for (const odd of ['0', '', 'x', '1;id', '99999999'])
    assert.equal(threads({ CHASKI_SHARDS: odd }), automatic);
});

test('without the pinned Node it says what to run', (t) => {
  const { code, error } = launch(join(checkout(t, false), 'src/cli/chaski'));
  assert.equal(code, 69);
  assert.match(error, /npm ci/);
});

test('the real one runs, and its exit code is the command’s', () => {
  const path = join(project, 'src/cli/chaski');
  const version = spawnSync(path, ['version'], { env: environment, encoding: 'utf8' });
  assert.match(version.stdout, /^chaski \d+\.\d+\.\d+ \(node 24\./);
  const wrong = spawnSync(path, ['serve', '--set', 'shards=x', '--set', 'nonsense=1'], {
    env: environment,
    encoding: 'utf8',
  });
  assert.equal(wrong.status, 78);
  assert.match(wrong.stderr, /2 settings are wrong/);
  assert.equal(wrong.stdout, '');
});
