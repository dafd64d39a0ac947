/**
 * `npm test`: every suite that needs nothing but npm, by Node's test runner.
 *
 * Usage: node test/run.ts [--timeout-ms N] [--silent-ms N] [FOLDER ...]
 *        (default: all; `test/interop` needs Debian's programs and runs by itself)
 *
 * A process for each file costs as much as most files' tests: those of `shared` folders, which leave nothing behind,
 * run many to a process, the others by themselves; one process more at once than there are processors. A hook
 * outside of a suite is one of all files in its process: a file that has one is run by itself, too.
 *
 * A run is a process group. A test that was cut off keeps its file's process by what it left open, and what that has
 * started holds the runner's pipes: where a run says nothing any more, a file that has lasted so long is killed and has
 * failed, and whoever is left of its children with it; where there is none, the run.
 *
 * Where a few tests failed, their processes are run once more with nothing beside them: a busy machine may take longer
 * than a test waits. What passes then is named at the end, for it is to be mended all the same: a fault in the product
 * that shows by chance would be among them.
 */

import { spawn } from 'node:child_process';
import {
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
} from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { bundled } from './bundle.ts';

/** Folders whose files share processes, and how many do; servers are heavier than values. */
const shared: readonly (readonly [RegExp, number])[] = [
  [/^test\/(flows|fuzz)\//, 8],
  [/^test\/(unit|contracts|sessions)\//, 40],
];
/** They compare times of answers, and what is free on a disk: nothing runs beside them. */
const quiet = /^test\/(?:attacks\/enumeration|unit\/harness\/trouble\/disk-fill)/;
const outerHook = /^(?:before|after|beforeEach|afterEach)\(/m;
/** More failed tests than so many are no accident. */
const againMax = 3;
const memoryDisk = '/dev/shm';
/** Memory that is free for what tests write, so that they do; a container has 64 MB of it. */
const scratchBytesMin = 8 * 2 ** 30;
const failuresHead = 'failing tests:';
/** How often it is looked for orphans. */
const lookMs = 2_000;
const tallied = ['tests', 'pass', 'fail', 'cancelled', 'skipped', 'todo'] as const;

const { values, positionals: folders } = parseArgs({
  allowPositionals: true,
  options: {
    'timeout-ms': { type: 'string', default: '120000' },
    // Files are told of in their order, each within its time-out; a slow machine starts them slowly.
    'silent-ms': { type: 'string', default: '300000' },
  },
});
const timeoutMs = Number(values['timeout-ms']);
const silentMsMax = Number(values['silent-ms']);
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
  /** Options and files. */
  readonly job: readonly string[];
  readonly status: number;
  readonly output: string;
}

const preloaded = await bundled();
const scratch = process.env.TMPDIR === undefined ? makeScratch() : undefined;
const environment = {
  // Most of what the processes would compile is the same.
  NODE_COMPILE_CACHE: fileURLToPath(new URL('../node_modules/.cache/compiled', import.meta.url)),
  // As of a server's launcher: threads that come and go with servers keep less.
  MALLOC_ARENA_MAX: '2',
  ...(scratch === undefined ? {} : { TMPDIR: scratch }),
  ...process.env,
  ...(preloaded === undefined
    ? {}
    : { NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --import=${preloaded}`.trim() }),
};
// A terminal's signals do not reach groups of their own.
const groups = new Set<number>();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    for (const group of groups) kill(-group);
    process.exit(1);
  });
}

const startMs = performance.now();
const alone = new Set(files.filter((file) => !quiet.test(file)));
const batches: string[][] = [];
for (const [folder, batchFiles] of shared) {
  const together = files.filter(
    (file) => alone.has(file) && folder.test(file) && !hasOuterHook(file),
  );
  for (const file of together) alone.delete(file);
  for (let at = 0; at < together.length; at += batchFiles) {
    batches.push(together.slice(at, at + batchFiles));
  }
}
const runs: Ran[] = [];
for (const file of files.filter((file) => quiet.test(file))) runs.push(await run([file]));
// Short ones come last: nobody waits for a long one in the end.
const jobs = [
  ...Array.from(alone, (file) => [file]),
  ...batches.map((batch) => ['--test-isolation=none', ...batch]),
];
runs.push(...(await inTurns(jobs, run)));

const passedAgain = await passedByThemselves(runs.filter(({ status }) => status !== 0));
// The end of each output names what failed: once more at the very end, where it is looked for.
for (const { status, output } of runs) if (status !== 0) console.log(failuresOf(output));
for (const word of tallied) console.log(`ℹ ${word} ${tally(word)}`);
for (const name of passedAgain) console.log(`ℹ failed once, and passed by itself: ${name}`);
console.log(`ℹ duration_ms ${Math.round(performance.now() - startMs)}`);
const isFailed = runs.some(({ status }) => status !== 0) && passedAgain.length === 0;
// A run that says of no test is one whose end was lost.
const isEmpty = runs.some(({ output }) => countOf('tests', output) === 0);
// What a failed one has kept to be looked at stays until the next run.
if (!isFailed && scratch !== undefined) rmSync(scratch, { recursive: true, force: true });
process.exit(isFailed || isEmpty ? 1 : 0);

/** One more at once than there are processors, as some waits for a time or a disk; outputs are shown as they come. */
async function inTurns<Job>(jobs: Job[], work: (job: Job) => Promise<Ran>): Promise<Ran[]> {
  const ran: Ran[] = [];
  const left = [...jobs];
  const worker = async () => {
    for (let job = left.shift(); job !== undefined; job = left.shift()) ran.push(await work(job));
  };
  await Promise.all(Array.from({ length: availableParallelism() + 1 }, worker));
  return ran;
}

/** Tests that failed, where all their runs pass once more, one after the other; else none. */
async function passedByThemselves(failed: readonly Ran[]): Promise<readonly string[]> {
  const tests = failed.map(({ output }) => failedTests(output));
  // A run whose end names nothing failed as a whole.
  if (tests.some((of) => of.length === 0) || tests.flat().length > againMax) return [];
  for (const { job } of failed) {
    console.log(`▶ once more, with nothing beside it: ${job.join(' ')}`);
    const { status, output } = await run(job);
    if (status !== 0 || countOf('tests', output) === 0) return [];
  }
  return tests.flat();
}

/** Where they stand, and their names. */
function failedTests(output: string): readonly string[] {
  if (!output.includes(failuresHead)) return [];
  const named = failuresOf(output).matchAll(/^test at (.+?):\d+\n✖ (.*?)(?: \([\d.]+ms\))?$/gm);
  const found = Array.from(named, ([, place, name]) => ({ place: place!, name: name! }));
  // A file that has failed is told of, too, as its first line.
  const tests = found.filter(({ place }) => !place.endsWith(':1'));
  return (tests.length === 0 ? found : tests).map(({ place, name }) => `${place} ${name}`);
}

/** What passed by itself has passed. */
function tally(word: (typeof tallied)[number]): number {
  const count = (of: string) => runs.reduce((sum, { output }) => sum + countOf(of, output), 0);
  if (passedAgain.length === 0 || !['pass', 'fail', 'cancelled'].includes(word)) return count(word);
  return word === 'pass' ? count('pass') + count('fail') + count('cancelled') : 0;
}

/**
 * In memory, where there is much: no test sees on this disk what syncs are for, power cuts are played on one of their
 * own. Those of runs that were killed are removed.
 */
function makeScratch(): string | undefined {
  try {
    const { bavail, bsize } = statfsSync(memoryDisk);
    if (bavail * bsize < scratchBytesMin) return undefined;
    for (const name of readdirSync(memoryDisk)) {
      const [, id] = /^chaski-tests-(\d+)$/.exec(name) ?? [];
      if (id !== undefined && !existsSync(`/proc/${id}`)) {
        rmSync(join(memoryDisk, name), { recursive: true, force: true });
      }
    }
    const folder = join(memoryDisk, `chaski-tests-${process.pid}`);
    mkdirSync(folder);
    return folder;
  } catch {
    return undefined;
  }
}

function hasOuterHook(file: string): boolean {
  return outerHook.test(readFileSync(file, 'utf8'));
}

function run(of: readonly string[]): Promise<Ran> {
  const child = spawn(
    process.execPath,
    ['--test', '--test-reporter=spec', `--test-timeout=${timeoutMs}`, ...of],
    { stdio: ['ignore', 'pipe', 'inherit'], env: environment, detached: true },
  );
  const { promise, resolve } = Promise.withResolvers<Ran>();
  const group = child.pid;
  if (group === undefined) throw new Error('no process for a run');
  groups.add(group);
  let output = '';
  let saidMs = performance.now();
  let why = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    saidMs = performance.now();
  });
  const seenMs = new Map<number, number>();
  const look = setInterval(() => {
    const nowMs = performance.now();
    const parents = parentsIn(group);
    for (const [id, parent] of parents) if (id !== group && !parents.has(parent)) kill(id);
    const ofFiles = [...parents].filter(([, parent]) => parent === group).map(([id]) => id);
    for (const id of seenMs.keys()) if (!ofFiles.includes(id)) seenMs.delete(id);
    for (const id of ofFiles) if (!seenMs.has(id)) seenMs.set(id, nowMs);
    if (nowMs - saidMs < silentMsMax || why !== '') return;
    const stuck = ofFiles.filter((id) => nowMs - seenMs.get(id)! >= silentMsMax - 2 * lookMs);
    for (const id of stuck) {
      console.log(`✖ it does not end, and was killed: ${commandOf(id)}`);
      kill(id);
      // What it has started goes next, and then the run has its turn.
      saidMs = nowMs;
    }
    if (ofFiles.length > 0) return;
    why = `it said nothing for ${Math.round(silentMsMax / 1_000)} s, and was ended`;
    kill(-group);
  }, lookMs);
  child.on('exit', () => {
    clearInterval(look);
    kill(-group);
    groups.delete(group);
  });
  child.on('close', (code, signal) => {
    if (signal !== null && why === '') why = `ended by ${signal}`;
    const end = why === '' ? '' : `\nℹ tests 1\nℹ fail 1 (${why}: ${of.join(' ')})\n`;
    process.stdout.write(output + end);
    resolve({ job: of, status: code ?? 1, output: output + end });
  });
  return promise;
}

/** Processes of a group, each with its parent; none where there is no /proc. */
function parentsIn(group: number): ReadonlyMap<number, number> {
  const parents = new Map<number, number>();
  for (const name of readdirIfThere('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    // proc(5): the name in parentheses may hold anything.
    const stat = textIfThere(`/proc/${name}/stat`);
    const [state, parent, of] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (Number(of) === group && state !== 'Z') parents.set(Number(name), Number(parent));
  }
  return parents;
}

function commandOf(id: number): string {
  return textIfThere(`/proc/${id}/cmdline`).split('\0').filter(Boolean).at(-1) ?? `${id}`;
}

/** "" where it has ended meanwhile. */
function textIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function readdirIfThere(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

/** One, or a group by its number below 0; those that are gone are no fault. */
function kill(id: number): void {
  try {
    process.kill(id, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function countOf(word: string, output: string): number {
  return Number(new RegExp(`^ℹ ${word} (\\d+)`, 'm').exec(output)?.[1] ?? 0);
}

function failuresOf(output: string): string {
  const at = output.lastIndexOf(failuresHead);
  return at < 0 ? output.slice(-4_000) : output.slice(at);
}
