/** APPEND and REPLACE around their literals: RFC 9051 §6.3.12, RFC 3502, RFC 4469, RFC 8508, RFC 6855 §4. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Cursor } from '../../../../../src/mail/wire/imap/cursor.ts';
import {
  type AppendState,
  type AppendStep,
  parseAppend,
  toBeGathered,
} from '../../../../../src/mail/wire/imap/parse-append.ts';

const none = { system: 0, keywords: [] };
const message = {
  ...{ kind: 'message', flags: none, internalMs: undefined },
  ...{ isUtf8: false, isCatenated: false },
};
const text = { kind: 'text' };

function open(octets: string): Cursor {
  const bytes = Buffer.from(octets);
  return new Cursor().open(bytes, 0, bytes.length);
}

function step(octets: string, state: AppendState = 'append', isAtLiteral = true): AppendStep {
  const cursor = open(octets);
  const found = parseAppend(cursor, state, isAtLiteral);
  assert.ok(typeof found === 'object', `${octets}: ${cursor.fault}`);
  return found;
}

function refused(octets: string, state: AppendState = 'append', isAtLiteral = true): void {
  const cursor = open(octets);
  assert.equal(parseAppend(cursor, state, isAtLiteral), undefined, octets);
  assert.ok(cursor.fault !== '', octets);
}

test('mailbox, flags and date are known before the message comes', () => {
  assert.deepEqual(step(' inbox (\\Seen x) "17-Jul-1996 02:44:25 -0700" {310}\r\n'), {
    mailbox: 'INBOX',
    replaced: undefined,
    events: [
      {
        ...message,
        flags: { system: 1, keywords: ['x'] },
        internalMs: Date.parse('1996-07-17T02:44:25-07:00'),
      },
      text,
    ],
    state: 'next',
  });
  for (const octets of [' x {0}\r\n', ' x () {5+}\r\n', ' {1}\r\nx ~{5}\r\n', ' "x" {5}\n']) {
    const { mailbox, events } = step(octets);
    assert.deepEqual({ mailbox, events }, { mailbox: 'x', events: [message, text] });
  }
});

test('a name that is announced as a literal is told apart from the message', () => {
  assert.equal(parseAppend(open(' {5}\r\n'), 'append', true), toBeGathered);
  assert.equal(parseAppend(open(' 4 {5}\r\n'), 'replace', true), toBeGathered);
});

test('a URL that is announced as a literal is gathered, and what stands before it is not parsed again', () => {
  const first = open(' x CATENATE (URL {5}\r\n');
  const begun = parseAppend(first, 'append', true);
  assert.ok(typeof begun === 'object' && 'isGathering' in begun);
  assert.deepEqual([begun.mailbox, begun.events.length, begun.state], ['x', 1, 'part']);
  assert.equal(first.at, ' x CATENATE ('.length);
  const later = open(' URL a URL {5+}\r\n');
  const gathering = parseAppend(later, 'parts', true);
  assert.ok(typeof gathering === 'object' && 'isGathering' in gathering);
  assert.deepEqual([gathering.events.length, gathering.state], [1, 'parts']);
  assert.equal(later.at, ' URL a'.length);
  assert.deepEqual(step('URL {3}\r\na)b)', 'part', false).events, [{ kind: 'url', url: 'a)b' }]);
  // As many as one list may have, however they are cut.
  const rest = open(' URL a)');
  assert.equal(parseAppend(rest, 'parts', false, 1_000), undefined);
  assert.equal(rest.faultKind, 'limit');
});

test('what is no APPEND', () => {
  for (const octets of [
    '',
    ' x',
    ' x ',
    ' x {5}',
    ' x (\\Recent) {5}\r\n',
    ' x "17-Jul-1996" {5}\r\n',
    ' x "17-Jul-1996 25:44:25 -0700" {5}\r\n',
    ' x "31-Jun-1996 02:44:25 -0700" {5}\r\n',
    ' x UTF8 {5}\r\n',
    ' x {3}\r\nabc {5}\r\n',
    ' x  {5}\r\n',
    ' x "{5}\r\n',
    ' x CATENATE {5}\r\n',
    ' x CATENATE ()',
    ' x CATENATE (TEXT x {5}\r\n',
    ' x CATENATE (PART {5}\r\n',
    ' x CATENATE (URL a  TEXT {5}\r\n',
  ]) {
    refused(octets);
    refused(octets, 'append', false);
  }
});

test('RFC 3502: further messages follow, and then the end', () => {
  assert.deepEqual(step(' (\\Draft) {5}\r\n', 'next').events, [
    { ...message, flags: { system: 16, keywords: [] } },
    text,
  ]);
  refused('{5}\r\n', 'next');
  assert.deepEqual(step('', 'next', false).events, []);
  assert.deepEqual(step(' ', 'next', false).events, []);
  refused(' x', 'next', false);
  refused('x', 'next', false);
});

test('RFC 6855: UTF8 has a parenthesis that closes behind its literal', () => {
  const { events, state } = step(' x UTF8 (~{5}\r\n');
  assert.deepEqual(events, [{ ...message, isUtf8: true }, text]);
  assert.equal(state, 'utf8');
  assert.equal(step(')', 'utf8', false).state, 'next');
  refused('', 'utf8', false);
  assert.deepEqual(step(') {5}\r\n', 'utf8').events, [message, text]);
});

test('RFC 4469: a message of texts and URLs', () => {
  const catenated = { ...message, isCatenated: true };
  const url = (of: string) => ({ kind: 'url', url: of });
  const first = step(' x CATENATE (URL "/a/;UID=1" TEXT {5}\r\n');
  assert.deepEqual(first.events, [catenated, url('/a/;UID=1'), text]);
  assert.equal(first.state, 'parts');
  assert.deepEqual(step(' TEXT {5}\r\n', 'parts').events, [text]);
  assert.deepEqual(step(' URL {3}\r\na)b URL c)', 'parts', false), {
    ...{ mailbox: '', replaced: undefined },
    ...{ events: [url('a)b'), url('c')], state: 'next' },
  });
  // All of it without a literal, and a further message behind it.
  const all = step(' x (\\Seen) CATENATE (URL a) CATENATE (URL b)', 'append', false);
  assert.deepEqual(
    all.events.map(({ kind }) => kind),
    ['message', 'url', 'message', 'url'],
  );
  assert.deepEqual(step(') {5}\r\n', 'parts').events, [message, text]);
  refused('', 'parts', false);
  refused(` x CATENATE (${'URL a '.repeat(1_001)}TEXT {5}\r\n`);
});

test('RFC 8508: REPLACE names one message', () => {
  const { replaced, mailbox } = step(' * x {5}\r\n', 'replace');
  assert.deepEqual(replaced?.ranges, [0, 0]);
  assert.equal(mailbox, 'x');
  for (const octets of [' 1:2 x {5}\r\n', ' 1,2 x {5}\r\n', ' $ x {5}\r\n', ' x {5}\r\n']) {
    refused(octets, 'replace');
  }
});
