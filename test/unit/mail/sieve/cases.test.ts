/** Sieve scripts against messages, from the files in `cases`: what each does, and what is said of wrong ones. */

import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { compileScript, scriptFaults } from '../../../../src/mail/sieve/compile/compile.ts';
import type { Include } from '../../../../src/mail/sieve/compile/program.ts';
import { placeOf } from '../../../../src/mail/sieve/fault.ts';
import { type Outcome, runScript } from '../../../../src/mail/sieve/run/run.ts';
import { actionText } from './action-text.ts';
import { readCases, type SieveCase } from './case-file.ts';
import { caseHost, caseScript } from './case-host.ts';

const folder = join(import.meta.dirname, 'cases');
const files = readdirSync(folder).filter((name) => name.endsWith('.cases'));
const all = files.map((name) => ({ name, cases: readCases(join(folder, name)) }));

function run(each: SieveCase): Outcome {
  const find = (include: Include) => {
    const source = caseScript(each, include);
    return source === undefined ? undefined : compileScript(source);
  };
  const message = Buffer.from(each.message, 'utf8');
  return runScript(compileScript(each.script), message, caseHost(each), find);
}

function check(each: SieveCase): void {
  const faults = scriptFaults(each.script);
  const shown = faults.map((fault) => {
    const { line, column } = placeOf(each.script, fault.at);
    return `${line}:${column} ${fault.message}`;
  });
  if (each.fault?.kind === 'compile') {
    const [first = 'it compiled'] = shown;
    assert.ok(first.startsWith(each.fault.words), first);
    return;
  }
  assert.deepEqual(shown, []);
  const outcome = run(each);
  if (each.fault === undefined) {
    assert.equal(outcome.fault?.message, undefined);
    assert.deepEqual(outcome.actions.map(actionText), each.actions);
    return;
  }
  assert.ok(
    outcome.fault?.message.includes(each.fault.words),
    outcome.fault?.message ?? 'no fault',
  );
  assert.deepEqual(outcome.actions.map(actionText), ['implicit keep']);
}

for (const { name, cases } of all) {
  describe(name, () => {
    for (const each of cases) it(`${each.line}: ${each.title}`, () => check(each));
  });
}

describe('the suite', () => {
  it('has at least 400 cases', () => {
    const count = all.reduce((sum, { cases }) => sum + cases.length, 0);
    assert.ok(count >= 400, `${count} cases`);
  });
});
