/**
 * Aim: a reader that does not read holds nobody up; what it costs is bounded, counted and told, and no more is lost.
 * Method: a process that logs into a pipe which the test reads late.
 */

import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';

const module = new URL('../../../src/base/log.ts', import.meta.url).href;

/** Logs `count` lines of some 200 bytes, says so, and ends as `end` does once it is told to. */
function logging(count: number, end = ''): ChildProcess {
  const script = `
    import { createLog } from '${module}';
    const log = createLog('info');
    for (let i = 0; i < ${count}; i++) log.info({ i, filler: '${'x'.repeat(120)}' }, 'line');
    process.send('logged');
    process.once('message', () => {
      log.info({ i: -1 }, 'line');
      process.disconnect();
      ${end}
    });`;
  return spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
}

async function linesOf(
  child: ChildProcess,
): Promise<{ msg: string; i?: number; count?: number }[]> {
  const all = text(child.stdout!);
  child.send('end');
  const lines = (await all).trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line));
}

/** The numbers of the lines that came whole: a write that was cut leaves one torn line. */
async function numbersOf(child: ChildProcess): Promise<{ seen: Set<number>; tornCount: number }> {
  const all = text(child.stdout!);
  child.send('end');
  const seen = new Set<number>();
  let tornCount = 0;
  for (const line of (await all).trimEnd().split('\n')) {
    try {
      seen.add(JSON.parse(line).i);
    } catch {
      tornCount++;
    }
  }
  return { seen, tornCount };
}

test('lines past the bound are dropped and counted while nobody reads, and the process goes on', async () => {
  const count = 100_000;
  const child = logging(count);
  await once(child, 'message');
  const lines = await linesOf(child);
  const written = lines.filter(({ msg }) => msg === 'line');
  const told = lines.filter(({ msg }) => msg.startsWith('log lines were dropped'));
  ok(written.length < count, 'some were dropped');
  ok(written.length * 190 > 7 * 1_048_576, 'no more than must be');
  const dropped = told.reduce((sum, line) => sum + line.count!, 0);
  strictEqual(written.length + dropped, count + 1);
});

const allLines = [...Array.from({ length: 5_000 }, (_, i) => i), -1];
/** What one write takes at most, in lines of 190 bytes or more. */
const linesOfOneWrite = Math.ceil((16 * 1_024) / 190) + 1;

test('nothing is lost at an end by itself', async () => {
  const child = logging(5_000);
  await once(child, 'message');
  const lines = await linesOf(child);
  deepStrictEqual(
    lines.map(({ i }) => i),
    allLines,
  );
});

for (const end of ['process.exit(0);', "throw new Error('fatal');"]) {
  test(`no more than the write under way is lost at an end by ${end}`, async () => {
    const child = logging(5_000, end);
    await once(child, 'message');
    const { seen, tornCount } = await numbersOf(child);
    const missing = allLines.filter((i) => !seen.has(i));
    ok(missing.length <= linesOfOneWrite, `${missing.length} lines`);
    ok(
      missing.every((i, n) => n === 0 || i === missing[n - 1]! + 1),
      'one run of lines',
    );
    ok(seen.has(-1), 'the last line is there');
    ok(tornCount <= 1, `${tornCount} lines are torn`);
  });
}
