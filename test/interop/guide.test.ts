/**
 * Aim:    every command of the relay's guide does what the guide says, in its order.
 * Method: its `sh` blocks are one script, run in an empty folder with ports of its own; `chaski` is in PATH.
 */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../bench/servers/free-port.ts';
import { needs } from './imap-place.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const blocksMin = 10;

it('the relay guide runs as it stands', needs('curl', 'bash'), async () => {
  const guide = readFileSync(join(root, 'docs/guide-relay.md'), 'utf8');
  const blocks = [...guide.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block]) => block!);
  assert.ok(blocks.length >= blocksMin, `${blocks.length} blocks`);
  const folder = mkdtempSync(join(tmpdir(), 'chaski-guide-'));
  try {
    mkdirSync(join(folder, 'bin'));
    symlinkSync(join(root, 'src/cli/chaski'), join(folder, 'bin/chaski'));
    // What it started ends with it, whatever happens: a group of its own is ended as one.
    const parts = [`trap "trap '' TERM; kill 0" EXIT`, 'set -eux', ...blocks];
    writeFileSync(join(folder, 'guide.sh'), await withFreePorts(parts.join('\n')));
    const { code, output } = await runScript(folder);
    const log = join(folder, 'relay.log');
    assert.equal(code, 0, `${output.slice(-4_000)}\n${readFileSync(log, 'utf8').slice(-2_000)}`);
  } finally {
    rmSync(folder, { recursive: true, maxRetries: 5 });
  }
});

async function runScript(folder: string): Promise<{ code: number | null; output: string }> {
  const child = spawn('bash', ['guide.sh'], {
    cwd: folder,
    detached: true,
    env: { ...process.env, PATH: `${join(folder, 'bin')}:${process.env.PATH}` },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const [output, code] = await Promise.all([text(child.stderr), exited]);
  return { code, output };
}

/** Each port of the guide is another one here: what listens there by chance does not matter. */
async function withFreePorts(script: string): Promise<string> {
  const named = script.matchAll(/127\.0\.0\.1:(\d{4,5})\b|^mxPort = (\d+)/gm);
  const ports = new Map<string, number>();
  for (const [, one, other] of named) {
    const port = one ?? other!;
    if (!ports.has(port)) ports.set(port, await freePort());
  }
  return script.replaceAll(/(?<=127\.0\.0\.1:|^mxPort = )\d+/gm, (port) => String(ports.get(port)));
}
