/** Aim: a script is checked with places, and tried against a message, by files alone. */

import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { runCli } from '../run-cli.ts';

let folder = '';
const path = (name: string) => join(folder, name);
const message = [
  'Return-Path: <ann@example.org>',
  'From: Ann <other@example.org>',
  'To: bob@example.com',
  'Subject: hello',
  '',
  'text',
  '',
].join('\n');

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chaski-sieve-'));
  await writeFile(path('m.eml'), message);
  await mkdir(path('global'));
});
after(() => rm(folder, { recursive: true, force: true }));

async function json(line: readonly string[]) {
  const { code, out, error } = await runCli([...line, '--json']);
  return { code, answer: out === '' ? undefined : JSON.parse(out), error };
}

async function tried(script: string, ...options: string[]) {
  await writeFile(path('s.sieve'), script);
  return json(['sieve', 'test', path('s.sieve'), path('m.eml'), ...options]);
}

test('a valid script is said to be one, with what it requires', async () => {
  await writeFile(path('a.sieve'), 'require ["fileinto", "include"]; include "x"; fileinto "A";');
  const { code, answer } = await json(['sieve', 'check', path('a.sieve')]);
  assert.equal(code, 0);
  assert.equal(answer.valid, true);
  assert.deepEqual(answer.extensions, ['fileinto', 'include']);
  assert.equal(answer.includes[0].name, 'x');
});

test('all faults are told by line and column, and the code is 1', async () => {
  await writeFile(path('b.sieve'), 'foo;\nkeep;\nif header "a" { }\n');
  const { code, answer } = await json(['sieve', 'check', path('b.sieve')]);
  assert.equal(code, 1);
  const places = answer.errors.map((each: { line: number; column: number }) => [
    each.line,
    each.column,
  ]);
  assert.deepEqual(places, [
    [1, 1],
    [3, 4],
  ]);
  const { out } = await runCli(['sieve', 'check', path('b.sieve')]);
  assert.match(out, /b\.sieve:3:4: header lacks/);
});

test('what may not have been meant is a warning, and the script is right', async () => {
  await writeFile(path('c.sieve'), 'require "copy";\nstop;\nkeep;\n');
  const { code, answer } = await json(['sieve', 'check', path('c.sieve')]);
  assert.equal(code, 0);
  assert.deepEqual([answer.valid, answer.errors], [true, []]);
  assert.deepEqual(
    answer.warnings.map((each: { line: number; column: number }) => [each.line, each.column]),
    [
      [1, 9],
      [3, 1],
    ],
  );
  const { out } = await runCli(['sieve', 'check', path('c.sieve')]);
  assert.match(out, /c\.sieve:3:1: warning: this is never reached/);
  assert.match(out, /is a valid script/);
});

test('what is no UTF-8 is a fault where it stands', async () => {
  await writeFile(path('d.sieve'), Buffer.from('keep;\n# \xe9\n', 'latin1'));
  const { code, answer } = await json(['sieve', 'check', path('d.sieve')]);
  assert.equal(code, 1);
  assert.deepEqual(answer.errors, [
    { line: 2, column: 3, message: 'octet E9 is no UTF-8: save the script as UTF-8' },
  ]);
  const run = await json(['sieve', 'test', path('d.sieve'), path('m.eml')]);
  assert.equal(run.code, 1);
});

test('a run prints its actions in order', async () => {
  const { code, answer } = await tried(
    'require ["fileinto", "imap4flags"]; fileinto :flags "\\\\Seen" "A"; redirect "c@example.net";',
  );
  assert.equal(code, 0);
  assert.deepEqual(answer.actions, [
    { action: 'fileinto', mailbox: 'A', flags: ['\\Seen'] },
    { action: 'redirect', address: 'c@example.net' },
  ]);
});

test('the envelope is the message’s own, or as given', async () => {
  const script = 'require "envelope"; if envelope "from" "ann@example.org" { discard; }';
  assert.deepEqual((await tried(script)).answer.actions, [{ action: 'discard' }]);
  const other = await tried(script, '--envelope-from', 'x@example.org');
  assert.equal(other.answer.actions[0].action, 'keep');
  const to = 'require "envelope"; if envelope "to" "x@y.z" { discard; }';
  const given = await tried(to, '--envelope-to', 'x@y.z');
  assert.deepEqual(given.answer.actions, [{ action: 'discard' }]);
});

test('mailboxes, the time with its zone, and the spam verdict are as given', async () => {
  const boxes = 'require "mailbox"; if mailboxexists "Junk" { discard; }';
  assert.equal((await tried(boxes)).answer.actions[0].action, 'keep');
  const { answer } = await tried(boxes, '--mailboxes', 'INBOX, Junk');
  assert.equal(answer.actions[0].action, 'discard');
  const time = 'require "date"; if currentdate "iso8601" "2026-12-24T18:00:00+01:00" { discard; }';
  const at = await tried(time, '--now', '2026-12-24T18:00:00+01:00');
  assert.equal(at.answer.actions[0].action, 'discard');
  const spam = 'require "spamtest"; if spamtest "10" { discard; }';
  assert.equal((await tried(spam, '--spam-percent', '99')).answer.actions[0].action, 'discard');
});

test('a script that fails keeps the message, tells the line, and the code is 1', async () => {
  const { code, answer } = await tried('require "ihave";\nerror "no";');
  assert.equal(code, 1);
  assert.deepEqual(answer.actions, [{ action: 'keep', isImplicit: true }]);
  assert.deepEqual(answer.fault, { message: 'no', line: 2, column: 1 });
});

test('a script that does not compile is not run', async () => {
  const { code, answer, error } = await tried('foo;');
  assert.equal(code, 1);
  assert.equal(answer, undefined);
  assert.match(error, /s\.sieve:1:1: there is no command foo/);
});

test('included scripts come from the folder that is named, and from no other', async () => {
  await writeFile(path('part.sieve'), 'discard;');
  await writeFile(path('global/part.sieve'), 'keep;');
  const script = (how: string) => `require "include"; include ${how};`;
  assert.match((await tried(script('"part"'))).error, /--scripts DIR/);
  const own = await tried(script('"part"'), '--scripts', folder);
  assert.equal(own.answer.actions[0].action, 'discard');
  const site = await tried(script(':global "part"'), '--scripts', folder);
  assert.equal(site.answer.actions[0].action, 'keep');
  const outside = await tried(script('"../part"'), '--scripts', path('global'));
  assert.match(outside.answer.fault.message, /no script is named/);
});

test('lists of addresses come from that folder too', async () => {
  await writeFile(path('default.list'), 'a@x.test\n@y.test\n');
  await writeFile(path('global/staff.list'), 'S@x.test');
  const script = (list: string) =>
    `require ["extlists", "envelope"]; if envelope :list "from" "${list}" { discard; }`;
  const world = ['--scripts', folder, '--envelope-from', 's@x.test'];
  assert.match((await tried(script(':addrbook:default'))).error, /--scripts DIR/);
  const own = await tried(script(':addrbook:default'), ...world);
  assert.equal(own.answer.actions[0].action, 'keep');
  const shared = await tried(script('tag:a.test,2026:staff'), ...world);
  assert.equal(shared.answer.actions[0].action, 'discard');
  const none = await tried(script('tag:a.test,2026:none'), ...world);
  assert.match(none.answer.fault.message, /no such list: tag:a\.test,2026:none/);
});

test('a time that is none is a fault of the command line', async () => {
  const { code, error } = await tried('keep;', '--now', 'tomorrow');
  assert.equal(code, 2);
  assert.match(error, /--now wants a time/);
});
