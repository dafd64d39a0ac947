/**
 * `npm test`: every suite that needs nothing but npm, in one run of Node's test runner.
 *
 * Usage: node test/run.ts [FOLDER ...]   (default: all; `test/interop` needs Debian's programs and runs by itself)
 */

import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';

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

// Each test file is a process of its own: most of what they would compile is the same.
const NODE_COMPILE_CACHE = fileURLToPath(
  new URL('../node_modules/.cache/compiled', import.meta.url),
);
const { status } = spawnSync(
  process.execPath,
  ['--test', `--test-concurrency=${availableParallelism()}`, '--test-timeout=120000', ...files],
  { stdio: 'inherit', env: { NODE_COMPILE_CACHE, ...process.env } },
);
process.exit(status ?? 1);
