/**
 * `node test/mutations/prove.ts [--rfc NUMBER] [--rows N] [--seed N]`: takes features out of a copy of the project, one
 * after the other, and runs the test that docs/rfc.tsv names for each: it must pass with the feature and fail without.
 * `--rows 5` takes five at random. Exit code: 0 when all did.
 *
 * Runs in: a process of its own; each test in another.
 */

import { spawnSync } from 'node:child_process';
import {
  cpSync,
  globSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { SeededRandom } from '../../src/harness/seeded-random.ts';
import { type RfcRow, readRfcTable } from '../tidy/rules.ts';
import { mutations } from './features.ts';
import { isOf, type Mutation, mutated } from './mutation.ts';

const testMsMax = 120_000;
/** What says that the copy was broken rather than without a feature. */
const broken = /SyntaxError|ReferenceError|ERR_MODULE|is not a function/;

const { values } = parseArgs({
  options: {
    rfc: { type: 'string' },
    rows: { type: 'string' },
    seed: { type: 'string', default: `${Date.now() % 1_000_000}` },
  },
});

const folder = mkdtempSync(join(tmpdir(), 'chaski-mutations-'));
try {
  for (const part of ['src', 'workers', 'test', 'bench', 'docs', 'package.json', 'tsconfig.json']) {
    cpSync(part, join(folder, part), { recursive: true });
  }
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
  proveAll(chosen());
} finally {
  rmSync(folder, { recursive: true });
}

function chosen(): readonly Mutation[] {
  const wanted = mutations.filter(({ rfc }) => values.rfc === undefined || rfc === values.rfc);
  if (values.rows === undefined) return wanted;
  const random = new SeededRandom(Number(values.seed));
  const rest = [...wanted];
  const count = Math.min(Number(values.rows), rest.length);
  return Array.from({ length: count }, () => {
    return rest.splice(Math.floor(random.fraction() * rest.length), 1)[0]!;
  });
}

function proveAll(all: readonly Mutation[]): void {
  const rows = readRfcTable(readFileSync('docs/rfc.tsv', 'utf8'));
  const sound = new Map<string, boolean>();
  let faults = 0;
  for (const mutation of all) {
    const row = rows.find((one) => isOf(mutation, one))!;
    if (!sound.has(row.test)) sound.set(row.test, run(row.test).isPassed);
    const fault = sound.get(row.test) === true ? faultOf(mutation, row) : 'fails as it is';
    if (fault !== undefined) faults++;
    const verdict = fault === undefined ? 'fails without' : `NOT PROVEN: ${fault}`;
    console.log(`RFC ${row.rfc} ${row.section}\t${row.test}\t${verdict}`);
  }
  console.log(`${all.length} rows, ${faults} not proven, seed ${values.seed}`);
  if (faults > 0 || all.length === 0) process.exitCode = 1;
}

/** Undefined: the test fails without the feature. */
function faultOf(mutation: Mutation, { test }: RfcRow): string | undefined {
  const path = join(folder, mutation.file);
  const text = readFileSync(path, 'utf8');
  const changed = mutated(text, mutation);
  if (changed === undefined) return `${mutation.file} has changed`;
  writeFileSync(path, changed);
  try {
    const { isPassed, output } = run(test);
    if (isPassed) return 'passes without';
    return broken.exec(output)?.[0];
  } finally {
    writeFileSync(path, text);
  }
}

function run(test: string): { readonly isPassed: boolean; readonly output: string } {
  const { files, pattern } = filesOf(test);
  const only = pattern === undefined ? [] : [`--test-name-pattern=${pattern}`];
  const args = ['--test', `--test-timeout=${testMsMax}`, ...only, ...files];
  const { NODE_TEST_CONTEXT, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: folder,
    // Within a test the runner would take itself for called twice.
    env,
    encoding: 'utf8',
    maxBuffer: 64 * 1_024 * 1_024,
  });
  // A pattern that nothing matches passes as well.
  const ran = Number(/^# pass (\d+)|^ℹ pass (\d+)/m.exec(stdout)?.slice(1).find(Boolean) ?? 0);
  return { isPassed: status === 0 && ran > 0, output: stdout + stderr };
}

/** Of a transcript the suite that plays it, and its name; of a contract all its runs. */
function filesOf(test: string): { readonly files: readonly string[]; readonly pattern?: string } {
  if (test.endsWith('.session')) {
    const protocol = basename(dirname(test));
    const suite = ['imap', 'pop3'].includes(protocol) ? protocol : 'run';
    const pattern = `${protocol}/${basename(test)}`.replaceAll('.', '\\.');
    return { files: [`test/sessions/${suite}.test.ts`], pattern };
  }
  if (test.endsWith('.test.ts')) return { files: [test] };
  return { files: globSync(test.replace(/\.ts$/, '.*.test.ts')) };
}
