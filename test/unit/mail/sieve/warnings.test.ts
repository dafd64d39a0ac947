/**
 * Aim: warnings tell what a script may not have been meant to say, and nothing of scripts that are as they should be.
 * Method: scripts and what is said of them; for what is "not used", each script of the suite is run without it.
 */

import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { compileScript, scriptFaults } from '../../../../src/mail/sieve/compile/compile.ts';
import type { Include } from '../../../../src/mail/sieve/compile/program.ts';
import { scriptWarnings } from '../../../../src/mail/sieve/compile/warnings.ts';
import { placeOf } from '../../../../src/mail/sieve/fault.ts';
import { runLimits, scriptLimits } from '../../../../src/mail/sieve/limits.ts';
import { runScript } from '../../../../src/mail/sieve/run/run.ts';
import { readCases, type SieveCase } from './case-file.ts';
import { caseHost, caseScript } from './case-host.ts';

/** `LINE:COLUMN WORDS` of each. */
function told(source: string, address = ''): readonly string[] {
  assert.deepEqual(scriptFaults(source), []);
  return scriptWarnings(source, address).map(({ at, message }) => {
    const { line, column } = placeOf(source, at);
    return `${line}:${column} ${message}`;
  });
}

const never = (by: string) => `this is never reached: ${by} stands before it`;

describe('what is never reached', () => {
  it('is told once for a block, at its first command', () => {
    assert.deepEqual(told('keep;\nstop;\ndiscard;\nkeep;'), [`3:1 ${never('stop')}`]);
    assert.deepEqual(told('if true {\n stop;\n keep;\n}\nkeep;'), [`3:2 ${never('stop')}`]);
    assert.deepEqual(told('stop;'), []);
    assert.deepEqual(told('keep; stop;'), []);
  });

  it('may stand behind branches that all end, and not where one goes on', () => {
    const all = 'if true { stop; }\nelsif false { keep; stop; }\nelse { stop; }\nkeep;';
    assert.deepEqual(told(all), [`4:1 ${never('the end of each branch')}`]);
    assert.deepEqual(told('if true { stop; } else { keep; } keep;'), []);
    assert.deepEqual(told('if true { stop; } elsif false { stop; } keep;'), []);
    const within = 'if true { if false { stop; } else { stop; } } else { stop; }\nkeep;';
    assert.deepEqual(told(within), [`2:1 ${never('the end of each branch')}`]);
  });

  it('stands behind return, error and break as well', () => {
    assert.deepEqual(told('require "include";\nreturn;\nkeep;'), [`3:1 ${never('return')}`]);
    const error = 'require "ihave";\nerror "no";\nkeep;';
    assert.deepEqual(told(error), [`3:1 ${never('error')}`]);
    const loop = 'require "foreverypart";\nforeverypart {\n break;\n keep;\n}\nkeep;';
    assert.deepEqual(told(loop), [`4:2 ${never('break')}`]);
    // A message without parts goes on.
    assert.deepEqual(told('require "foreverypart"; foreverypart { stop; } keep;'), []);
  });
});

describe('what is required and not used', () => {
  it('is told where it is required', () => {
    assert.deepEqual(told('require ["fileinto",\n "copy", "vacation"];\nfileinto "A";'), [
      '2:2 "copy" is required, and not used',
      '2:10 "vacation" is required, and not used',
    ]);
    assert.deepEqual(told('require ["variables", "encoded-character"]; keep;').length, 2);
    assert.deepEqual(told('require "comparator-i;octet"; keep;').length, 1);
  });

  it('is none where a tag, a test, a string or another extension wants it', () => {
    for (const source of [
      'require ["fileinto", "copy", "mailbox"]; fileinto :copy :create "A";',
      'require "relational"; if header :count "gt" "to" "1" { keep; }',
      'require "comparator-i;ascii-numeric"; if header :comparator "i;ascii-numeric" "x" "1" { keep; }',
      'require "envelope"; if not allof (true, envelope "from" "a@b.c") { keep; }',
      'require "subaddress"; if address :detail "to" "x" { keep; }',
      `require ["reject", "variables"]; reject "\${1}";`,
      `require ["reject", "encoded-character"]; reject "\${hex:41}";`,
      'require ["include", "variables"]; global "a";',
      'require ["include", "variables"]; set "global.a" "b";',
      'require ["extracttext", "variables", "foreverypart"]; foreverypart { extracttext "a"; }',
      'require ["imap4flags", "fileinto"]; fileinto :flags "a" "B";',
      // Who requires it may be run by IMAP.
      'require "imapsieve"; keep;',
      // Who requires it lets what is not there pass.
      'require "ihave"; wobble;',
    ]) {
      assert.deepEqual(told(source), [], source);
    }
  });

  const folder = join(import.meta.dirname, 'cases');
  const cases = readdirSync(folder)
    .filter((name) => name.endsWith('.cases'))
    .flatMap((name) => readCases(join(folder, name)))
    .filter(({ fault }) => fault?.kind !== 'compile');

  function outcome(each: SieveCase, source: string): unknown {
    const find = (include: Include) => {
      const found = caseScript(each, include);
      return found === undefined ? undefined : compileScript(found);
    };
    const message = Buffer.from(each.message, 'utf8');
    const { actions, fault } = runScript(compileScript(source), message, caseHost(each), find);
    return { actions, fault: fault?.message };
  }

  it('makes no difference: any script does the same without it', () => {
    let without = 0;
    for (const each of cases) {
      let source = each.script;
      for (const { at, message } of scriptWarnings(source, '').toReversed()) {
        if (!message.endsWith('not used')) continue;
        const name = /^"[^"]*"/.exec(message)![0];
        assert.equal(source.slice(at, at + name.length), name);
        // What may always be required: the rest stays where it is.
        const other = JSON.stringify('comparator-i;octet'.padEnd(name.length));
        source = `${source.slice(0, at)}${other.replace(/ +"$/, '"')}${source.slice(at + name.length)}`;
        without++;
      }
      assert.deepEqual(outcome(each, source), outcome(each, each.script), each.title);
    }
    assert.ok(without > 50, `${without} taken out`);
  });
});

describe('redirect', () => {
  const most = `a run sends on ${runLimits.redirectsMax} times at the most: where this one is reached behind them, the message is kept instead`;
  const rows = (count: number) => 'redirect "a@b.c";\n'.repeat(count);

  it('past what one run may send is told of, once', () => {
    assert.deepEqual(told(rows(4)), []);
    assert.deepEqual(told(rows(6)), [`5:1 ${most}`]);
  });

  it('counts along the way that a run takes', () => {
    assert.deepEqual(told(`if true {\n${rows(4)}} else {\n${rows(4)}}`), []);
    const behind = `if true {\n${rows(4)}} else {\n${rows(2)}}\nredirect "a@b.c";`;
    assert.deepEqual(told(behind), [`10:1 ${most}`]);
    const left = `if true {\n${rows(4)}stop;\n}\nredirect "a@b.c";`;
    assert.deepEqual(told(left), []);
  });

  it("to the account's own address is told of", () => {
    const back = 'ann@example.org is this account: what is sent on to it comes back, and is kept';
    assert.deepEqual(told('redirect "Ann@Example.org";', 'ann@example.org'), [`1:10 ${back}`]);
    const named = 'require "copy";\nredirect :copy "Ann <ann@example.org>";';
    assert.deepEqual(told(named, 'ann@example.org'), [`2:16 ${back}`]);
    assert.deepEqual(told('redirect "bob@example.org";', 'ann@example.org'), []);
    assert.deepEqual(told('redirect "ann@example.org";'), []);
    const list = 'require "extlists"; redirect :list "tag:example.org,2026:ann";';
    assert.deepEqual(told(list, 'ann@example.org'), []);
  });
});

describe('any script', () => {
  it('of any characters has warnings with places, or none', () => {
    const words = fc.constantFrom(
      ...['if true', 'else', 'elsif false', '{', '}', ';', 'stop', 'redirect "a@b.c"', 'keep'],
      ...['require "copy"', 'require', '"', ':copy', '[', ']', 'not', 'foreverypart', '\u0000'],
    );
    const nearly = fc.array(words, { maxLength: 40 }).map((list) => list.join(' '));
    fc.assert(
      fc.property(fc.oneof(nearly, fc.string({ unit: 'binary', maxLength: 100 })), (source) => {
        for (const { at, message } of scriptWarnings(source, 'a@b.c')) {
          assert.ok(at >= 0 && at < source.length && message !== '');
        }
      }),
    );
  });

  it('of as many commands as may be is told of in time', () => {
    const source = 'stop;'.repeat(scriptLimits.commandsMax);
    assert.equal(told(source).length, 1);
    const { warningsMax } = scriptLimits;
    for (const count of [warningsMax, warningsMax + 1, 10_000]) {
      const required = `require [${Array(count).fill('"copy"').join(',')}];`;
      assert.equal(told(required).length, warningsMax);
    }
  });
});
