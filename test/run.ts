/**
 * `npm test`: every suite that needs nothing but npm, by Node's test runner.
 *
 * Usage: node test/run.ts [FOLDER ...]   (default: all; `test/interop` needs Debian's programs and runs by itself)
 *
 * A process for each file costs as much as most files' tests: those of `shared` folders, which start no server and
 * leave nothing behind, run many to a process; the others one by one, as many at once as there are processors.
 */

import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';

const shared = /^test\/(unit\/(?!harness\/)|contracts\/|sessions\/)/;
const batchFiles = 40;
const timeoutMs = 120_000;
const tallied = ['tests', 'pass', 'fail', 'cancelled', 'skipped', 'todo'] as const;

const folders = process.argv.slice(2);
const wanted = folders.length > 0 ? folders : ['test'];
const files = wanted
  .flatMap((folder) => globSync(`${folder.replace(/\/$/, '')}/**/*.test.ts`))
  .filter((file) => folders.length > 0 || !file.startsWith('test/interop/'))
  .sort();

if (files.length === 0) {
  console.error(`no test files under ${wanted.join(', ')}`);
  process.exit(1);
}

interface Ran {
  readonly status: number;
  readonly output: string;
}

/** Most of what the processes would compile is the same. */
const environment = {
  NODE_COMPILE_CACHE: fileURLToPath(new URL('../node_modules/.cache/compiled', import.meta.url)),
  ...process.env,
};
const startMs = performance.now();
const together = files.filter((file) => shared.test(file));
const alone = files.filter((file) => !shared.test(file));
const batches: string[][] = [];
for (let at = 0; at < together.length; at += batchFiles) {
  batches.push(together.slice(at, at + batchFiles));
}

const runs = await inTurns(batches, (batch) => run(['--test-isolation=none', ...batch]));
const parallel = availableParallelism();
if (alone.length > 0) runs.push(await run([`--test-concurrency=${parallel}`, ...alone]));

// The end of each output names what failed: once more at the very end, where it is looked for.
for (const { status, output } of runs) if (status !== 0) console.log(failuresOf(output));
for (const word of tallied) {
  console.log(`ℹ ${word} ${runs.reduce((sum, { output }) => sum + countOf(word, output), 0)}`);
}
console.log(`ℹ duration_ms ${Math.round(performance.now() - startMs)}`);
const isFailed = runs.some(({ status }) => status !== 0);
// A run that says of no test is one whose end was lost.
const isEmpty = runs.some(({ output }) => countOf('tests', output) === 0);
process.exit(isFailed || isEmpty ? 1 : 0);

/** As many at once as there are processors; outputs are shown whole, as they come. */
async function inTurns<Job>(jobs: Job[], work: (job: Job) => Promise<Ran>): Promise<Ran[]> {
  const ran: Ran[] = [];
  const left = [...jobs];
  const worker = async () => {
    for (let job = left.shift(); job !== undefined; job = left.shift()) ran.push(await work(job));
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return ran;
}

function run(of: readonly string[]): Promise<Ran> {
  const child = spawn(
    process.execPath,
    ['--test', '--test-reporter=spec', `--test-timeout=${timeoutMs}`, ...of],
    { stdio: ['ignore', 'pipe', 'inherit'], env: environment },
  );
  const { promise, resolve } = Promise.withResolvers<Ran>();
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  child.on('close', (code, signal) => {
    const status = code ?? 1;
    const why = signal === null ? '' : `\nℹ fail 1 (ended by ${signal})\n`;
    process.stdout.write(output + why);
    resolve({ status, output: output + why });
  });
  return promise;
}

function countOf(word: string, output: string): number {
  return Number(new RegExp(`^ℹ ${word} (\\d+)`, 'm').exec(output)?.[1] ?? 0);
}

function failuresOf(output: string): string {
  const at = output.lastIndexOf('failing tests:');
  return at < 0 ? output.slice(-4_000) : output.slice(at);
}
