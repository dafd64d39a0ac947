/**
 * `npm test`: every suite that needs nothing but npm, in one run of Node's test runner.
 *
 * Usage: node test/run.ts [FOLDER ...]   (default: all; `test/interop` needs Debian's programs and runs by itself)
 */

import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';

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

const { status } = spawnSync(
  process.execPath,
  ['--test', `--test-concurrency=${availableParallelism()}`, '--test-timeout=120000', ...files],
  { stdio: 'inherit' },
);
process.exit(status ?? 1);
