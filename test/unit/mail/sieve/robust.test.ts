/** Sieve scripts from anybody: whatever they are, an answer comes, and soon. */

import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { comparators } from '../../../../src/mail/sieve/compare/comparator.ts';
import { Glob } from '../../../../src/mail/sieve/compare/glob.ts';
import { hasSubstring } from '../../../../src/mail/sieve/compare/substring.ts';
import { capabilities } from '../../../../src/mail/sieve/compile/catalog.ts';
import { compileScript, scriptFaults } from '../../../../src/mail/sieve/compile/compile.ts';
import { placeOf } from '../../../../src/mail/sieve/fault.ts';
import { runLimits, scriptLimits } from '../../../../src/mail/sieve/limits.ts';
import { plainHost } from '../../../../src/mail/sieve/run/host.ts';
import { type Outcome, runScript } from '../../../../src/mail/sieve/run/run.ts';

const octet = comparators['i;octet']!;
const message = Buffer.from('From: a@b.c\r\nTo: d@e.f\r\nSubject: hi\r\n\r\nbody\r\n');
const host = plainHost({ from: 'a@b.c', to: 'd@e.f' }, 0);

function run(script: string, bytes: Uint8Array = message): Outcome {
  return runScript(compileScript(script), bytes, host);
}

/** Words of the language, so that texts made of them are nearly scripts. */
const words = [
  ...['if', 'elsif', 'else', 'stop', 'keep', 'discard', 'redirect', 'fileinto', 'set', 'vacation'],
  ...[
    'header',
    'address',
    'anyof',
    'allof',
    'not',
    'true',
    'size',
    'exists',
    'string',
    'foreverypart',
  ],
  ...['{', '}', '(', ')', '[', ']', ',', ';', ':is', ':over', ':matches', ':regex', ':count'],
  ...['"a"', '"*"', `"\${a}"`, `"\${hex:41}"`, '"gt"', '10K', '3', '"subject"', '"a@b.c"', '"("'],
  ...['text:\n', '\n.\n', '"', '#', '/*', '*/', '\\', '\u0000', '\ud800', 'é', ':', '$'],
];
const nearly = fc.array(fc.constantFrom(...words), { maxLength: 60 }).map((list) => list.join(' '));
const requireAll = `require [${[...capabilities].map((name) => JSON.stringify(name)).join(', ')}];\n`;

function hasPlaces(script: string): void {
  const lines = script.split('\n');
  for (const fault of scriptFaults(script)) {
    const { line, column } = placeOf(script, fault.at);
    assert.ok(line >= 1 && line <= lines.length, `line ${line} of ${lines.length}`);
    assert.ok(column >= 1 && column <= lines[line - 1]!.length + 1);
    assert.notEqual(fault.message, '');
  }
}

describe('any script', () => {
  it('of any characters has faults with a line and a column, or compiles', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), hasPlaces));
  });

  it('of any octets too', () => {
    const octets = fc.uint8Array({ maxLength: 300 });
    fc.assert(fc.property(octets, (bytes) => hasPlaces(Buffer.from(bytes).toString('utf8'))));
  });

  it('that is nearly one has an outcome', () => {
    fc.assert(
      fc.property(nearly, (text) => {
        const script = requireAll + text;
        hasPlaces(script);
        if (scriptFaults(script).length > 0) return;
        const { actions } = run(script);
        assert.ok(Array.isArray(actions));
      }),
      { numRuns: 2_000 },
    );
  });

  it('that was cut somewhere has faults with a place, or compiles', () => {
    const whole = `${requireAll}if anyof (header :matches "a" ["b*", "c"], size :over 1K) { fileinto "x"; }
      else { vacation :days 3 text:\nI am away.\n..\n.\n; stop; }`;
    for (let end = requireAll.length; end < whole.length; end++) hasPlaces(whole.slice(0, end));
  });
});

describe('any message', () => {
  it('has an outcome', () => {
    const script = `${requireAll}
      if header :contains "subject" "x" { addflag "s"; }
      if body :text :contains "x" { addflag "a"; }
      if address :domain :matches ["from", "to"] "*" { set "a" "\${1}"; }
      if date :value "gt" "date" "year" "2000" { addflag "b"; }
      foreverypart { if header :mime :anychild :param "name" "content-type" "x" { break; } extracttext "t"; }
      addheader "X" "\${t}"; deleteheader "subject"; vacation "x";`;
    const program = compileScript(script);
    const pieces = [
      'Subject: x\r\n',
      'Content-Type: multipart/mixed; boundary=b\r\n',
      '\r\n',
      '--b\r\n',
    ];
    const texts = fc.array(fc.oneof(fc.constantFrom(...pieces), fc.string()), { maxLength: 30 });
    fc.assert(
      fc.property(texts, (list) => {
        const bytes = Buffer.from(list.join(''), 'utf8');
        const { actions } = runScript(program, bytes, host);
        assert.ok(actions.some(({ action }) => action === 'keep'));
      }),
    );
  });
});

describe('limits of scripts', () => {
  const cases: readonly (readonly [string, string, RegExp])[] = [
    ['octets', `#${'x'.repeat(scriptLimits.scriptBytesMax)}`, /longer than/],
    ['blocks within blocks', 'if true {'.repeat(scriptLimits.nestingMax + 1), /levels/],
    ['tests within tests', `if ${'not '.repeat(scriptLimits.nestingMax + 1)} true {}`, /levels/],
    ['commands', 'keep;'.repeat(scriptLimits.commandsMax + 1), /commands/],
    ['strings', `if header "a" [${'"a",'.repeat(scriptLimits.stringsMax)}"a"] {}`, /strings/],
    [
      'characters of a pattern',
      `require "regex"; if header :regex "a" "${'a'.repeat(scriptLimits.regexLengthMax + 1)}" {}`,
      /longer than/,
    ],
  ];
  for (const [what, script, words] of cases) {
    it(`are told: ${what}`, () => {
      assert.match(scriptFaults(script)[0]?.message ?? 'compiled', words);
    });
  }

  it('just kept are no faults', () => {
    const { nestingMax, commandsMax } = scriptLimits;
    assert.deepEqual(scriptFaults('if true {'.repeat(nestingMax) + '}'.repeat(nestingMax)), []);
    assert.deepEqual(scriptFaults('keep;'.repeat(commandsMax)), []);
  });
});

describe('limits of a run', () => {
  it('end it with the message kept: actions', () => {
    const script = Array.from({ length: runLimits.actionsMax + 1 }, (_, i) => `fileinto "m${i}";`);
    const { actions, fault } = run(`require "fileinto"; ${script.join(' ')}`);
    assert.match(fault?.message ?? '', /more than 32 actions/);
    assert.deepEqual(actions, [{ action: 'keep', isImplicit: true }]);
  });

  it('end it with the message kept: variables', () => {
    const count = runLimits.variablesMax + 1;
    const script = Array.from({ length: count }, (_, i) => `set "v${i}" "x";`).join(' ');
    assert.match(run(`require "variables"; ${script}`).fault?.message ?? '', /256 variables/);
  });

  it('end it with the message kept: steps', () => {
    const parts = Array.from({ length: 999 }, () => '--b\r\n\r\nx\r\n').join('');
    const many = Buffer.from(`Content-Type: multipart/mixed; boundary=b\r\n\r\n${parts}--b--\r\n`);
    const inner = 'foreverypart { if true {} }';
    const script = `require "foreverypart"; foreverypart { ${'if true {} '.repeat(200)} ${inner} }`;
    assert.match(run(script, many).fault?.message ?? '', /more steps/);
  });

  it('end it with the message kept: work', () => {
    const long = 'x'.repeat(8_000);
    const key = Array.from({ length: 100 }, (_, i) => `"${long}${i}"`).join(',');
    const tests = `if header :contains "subject" [${key}] {}`.repeat(300);
    const { fault } = run(tests.slice(0, scriptLimits.scriptBytesMax / 2).replace(/if[^}]*$/, ''));
    assert.equal(fault, undefined);
    const big = Buffer.from(`Subject: x\r\n\r\n${'y'.repeat(1_000_000)}`);
    const bodies = Array.from({ length: 300 }, (_, i) => `if body :raw :contains "z${i}" {}`);
    const over = run(`require "body"; ${bodies.join(' ')}`, big);
    assert.match(over.fault?.message ?? '', /compares more/);
  });
});

describe('what costs much and compares nothing', () => {
  const patienceMs = 20_000;
  const filler = Array.from({ length: 1_900 }, (_, i) => `X-${i}: ${'v'.repeat(60)}`).join('\r\n');
  const wide = Buffer.from(`${filler}\r\nSubject: x\r\n\r\nbody\r\n`);

  it('is work: fields that are not there, many times', { timeout: patienceMs }, () => {
    const names = Array.from({ length: 900 }, (_, i) => `"y-${i}"`).join(',');
    const tests = Array.from({ length: 20 }, () => `if header [${names}] "k" {}`).join(' ');
    assert.equal(run(tests, wide).fault, undefined);
  });

  it('is work: bodies that are decoded again and again', { timeout: patienceMs }, () => {
    const part = `--b\r\nContent-Transfer-Encoding: base64\r\n\r\n${'QUJD'.repeat(250_000)}\r\n`;
    const head = 'Content-Type: multipart/mixed; boundary=b\r\n\r\n';
    const big = Buffer.from(`${head}${part.repeat(8)}--b--\r\n`);
    const loop = 'foreverypart { extracttext "t"; }';
    const script = `require ["foreverypart", "extracttext", "variables"]; ${loop.repeat(100)}`;
    assert.match(run(script, big).fault?.message ?? '', /compares more/);
  });
});

describe('patterns that would take for ever elsewhere', () => {
  const big = Buffer.from(`Subject: x\r\n\r\n${'a'.repeat(1_000_000)}b`);
  /** Far above what they take, far below what a search that tries all ways would. */
  const patienceMs = 20_000;

  for (const pattern of ['(a+)+$', '(a|a)*c', '(.*)(.*)(.*)x$']) {
    it(`:regex ${pattern} on 1 MB`, { timeout: patienceMs }, () => {
      const { fault } = run(`require ["body", "regex"]; if body :raw :regex "${pattern}" {}`, big);
      assert.equal(fault, undefined);
    });
  }

  it(':regex with many states is charged for them', { timeout: patienceMs }, () => {
    const script = 'require ["body", "regex"]; if body :raw :regex "^(a?){50}a{50}$" {}';
    assert.match(run(script, big).fault?.message ?? '', /compares more/);
    assert.equal(run(script, big.subarray(0, 100_000)).fault, undefined);
  });

  it(':regex says where it matches, for a longer charge', { timeout: patienceMs }, () => {
    const long = Buffer.from(`Subject: ${'a'.repeat(60_000)}\r\n\r\n`);
    const test = 'if header :regex "subject" "(a+)+" {}';
    assert.equal(run(`require ["regex", "variables"]; ${test}`, long).fault, undefined);
    const often = `require ["regex", "variables"]; ${test.repeat(5)}`;
    assert.match(run(often, long).fault?.message ?? '', /compares more/);
    assert.equal(run(often.replace(', "variables"', ''), long).fault, undefined);
  });

  for (const pattern of [
    '*a*a*a*a*a*a*a*a*c',
    `*${'a?'.repeat(300)}c*`,
    `*${'a'.repeat(3_000)}c*`,
  ]) {
    it(`:matches ${pattern.slice(0, 20)} on 1 MB`, { timeout: patienceMs }, () => {
      const { fault } = run(`require "body"; if body :raw :matches "${pattern}" {}`, big);
      assert.equal(fault, undefined);
    });
  }

  it(':contains with a key of 100,000 on 1 MB', { timeout: patienceMs }, () => {
    const key = `c${'a'.repeat(100_000)}`;
    const { fault } = run(`require "body"; if body :raw :contains "${key}" {}`, big);
    assert.equal(fault, undefined);
  });
});

describe('comparing', () => {
  const few = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?', '\\'), maxLength: 12 });
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '?'), maxLength: 30 });

  it('by a pattern is what trying all ways finds', () => {
    fc.assert(
      fc.property(few, text, (pattern, value) => {
        const found = new Glob(pattern, octet).match(value) !== undefined;
        assert.equal(found, matchesSlowly([...pattern], [...value]));
      }),
      { numRuns: 3_000 },
    );
  });

  it('by a long pattern is the same as by a short one', () => {
    const long = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 40, maxLength: 90 });
    fc.assert(
      fc.property(long, fc.nat(30), fc.nat(2_000), (wanted, at, before) => {
        const pattern = `*${wanted.slice(0, at)}?${wanted.slice(at + 1)}*`;
        const value = `${'ab'.repeat(before)}${wanted}b`;
        const match = new Glob(pattern, octet).match(value);
        assert.equal(match?.[0], value);
        assert.equal(match.slice(1).length, 3);
        assert.ok(value.startsWith(match[1]! + wanted.slice(0, at)));
      }),
    );
  });

  it('finds a text in another as V8 does', () => {
    const part = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 3_000 });
    fc.assert(
      fc.property(part, part, fc.integer({ min: 1, max: 800 }), (wanted, piece, times) => {
        const value = piece.repeat(times);
        assert.equal(hasSubstring(value, wanted), value.includes(wanted));
      }),
      { numRuns: 200 },
    );
  });
});

/** All ways, one after another. */
function matchesSlowly(pattern: readonly string[], value: readonly string[]): boolean {
  const [first, ...rest] = pattern;
  if (first === undefined) return value.length === 0;
  if (first === '*') {
    return value.some((_, i) => matchesSlowly(rest, value.slice(i))) || matchesSlowly(rest, []);
  }
  if (first === '?') return value.length > 0 && matchesSlowly(rest, value.slice(1));
  const escaped = first === '\\' && rest.length > 0;
  const wanted = escaped ? rest[0] : first;
  return value[0] === wanted && matchesSlowly(escaped ? rest.slice(1) : rest, value.slice(1));
}
