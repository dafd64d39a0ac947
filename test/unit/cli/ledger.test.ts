/** Aim: what would not be heard, or could never be passed, is refused with a sentence. Method: child processes. */

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

test('what is missing, unknown or not for this action is told, with 2', async () => {
  const cases: readonly (readonly [line: string, sentence: RegExp])[] = [
    ['', /"" is no action; there are check, collect imap, collect eml, listen/],
    ['import x', /"import" is no action/],
    ['collect x', /"collect x" is no action/],
    ['check', /check: which folder\?/],
    ['check a b', /"b" is one word too many/],
    ['collect imap', /collect imap: which folder\?/],
    ['check /nowhere/at/all', /no such folder/],
    ['check x --user a', /--user is not for "check"/],
    ['check x --threshold lost<', /write as "p99 < 50ms"/],
    ['check x --p99-end-to-end soon', /--p99-end-to-end must be milliseconds, as 500/],
    ['collect imap x --user a', /--target HOST:PORT is missing/],
    ['collect imap x --target h:1 --user a', /give the password with --password-stdin/],
    ['collect eml x --eml y', /needs --eml and --to/],
    ['listen x', /--http HOST:PORT is missing/],
    ['listen x --http 127.0.0.1:0 --format gone', /neither a file nor one of kumomta, postal/],
  ];
  const results = cases.map(async ([line, sentence]) => {
    const args = ['ledger', ...line.split(' ').filter((word) => word !== '')];
    const child = new Child({ command: launcher, args });
    assert.equal((await child.ended).code, 2, line);
    assert.match(child.stderr, sentence, line);
  });
  await Promise.all(results);
});
