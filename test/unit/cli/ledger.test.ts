/** Aim: a bound that could never be passed is refused. Method: the command in a process of its own. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Child } from '../../../src/harness/child.ts';

const launcher = new URL('../../../src/cli/chaski', import.meta.url).pathname;

test('ledger check refuses bounds that are no whole numbers', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'chaski-ledger-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const [bound, wanted] of [
    ['x', 2],
    ['-1', 2],
    ['3', 1],
  ] as const) {
    const args = ['ledger', 'check', folder, `--max-lost=${bound}`];
    const { code } = await new Child({ command: launcher, args }).ended;
    assert.equal(code, wanted, bound);
  }
});
