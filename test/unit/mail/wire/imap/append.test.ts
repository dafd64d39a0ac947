/** APPEND and REPLACE around their literals: RFC 9051 §6.3.12, RFC 3502, RFC 8508, RFC 6855 §4. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Cursor } from '../../../../../src/mail/wire/imap/cursor.ts';
import {
  nameIsLiteral,
  parseAppendEnd,
  parseAppendNext,
  parseAppendStart,
  parseReplaceStart,
} from '../../../../../src/mail/wire/imap/parse-append.ts';

const plain = { flags: { system: 0, keywords: [] }, internalMs: undefined, isUtf8: false };

function open(text: string): Cursor {
  const bytes = Buffer.from(text);
  return new Cursor().open(bytes, 0, bytes.length);
}

test('mailbox, flags and date are known before the message comes', () => {
  assert.deepEqual(
    parseAppendStart(open(' inbox (\\Seen x) "17-Jul-1996 02:44:25 -0700" {310}\r\n')),
    {
      mailbox: 'INBOX',
      replaced: undefined,
      item: {
        flags: { system: 1, keywords: ['x'] },
        internalMs: Date.parse('1996-07-17T02:44:25-07:00'),
        isUtf8: false,
      },
    },
  );
  for (const text of [' x {0}\r\n', ' x () {5+}\r\n', ' {1}\r\nx ~{5}\r\n', ' "x" {5}\n']) {
    const start = parseAppendStart(open(text));
    assert.ok(typeof start === 'object', text);
    assert.deepEqual(start.item, plain);
    assert.equal(start.mailbox, 'x');
  }
});

test('a name that is announced as a literal is told apart from the message', () => {
  assert.equal(parseAppendStart(open(' {5}\r\n')), nameIsLiteral);
  assert.equal(parseReplaceStart(open(' 4 {5}\r\n')), nameIsLiteral);
});

test('what is no APPEND', () => {
  for (const text of [
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
  ]) {
    const cursor = open(text);
    assert.equal(parseAppendStart(cursor), undefined, text);
    assert.ok(cursor.fault !== '');
  }
});

test('RFC 3502: further messages follow, and then the end', () => {
  assert.deepEqual(parseAppendNext(open(' (\\Draft) {5}\r\n'), plain)?.flags.system, 16);
  assert.equal(parseAppendNext(open('{5}\r\n'), plain), undefined);
  assert.ok(parseAppendEnd(open(''), plain));
  assert.ok(!parseAppendEnd(open(' x'), plain));
});

test('RFC 6855: UTF8 has a parenthesis that closes behind its literal', () => {
  const start = parseAppendStart(open(' x UTF8 (~{5}\r\n'));
  assert.ok(typeof start === 'object' && start.item.isUtf8);
  assert.ok(parseAppendEnd(open(')'), start.item));
  assert.ok(!parseAppendEnd(open(''), start.item));
  assert.ok(parseAppendNext(open(') {5}\r\n'), start.item) !== undefined);
});

test('RFC 8508: REPLACE names one message', () => {
  const start = parseReplaceStart(open(' * x {5}\r\n'));
  assert.ok(typeof start === 'object');
  assert.deepEqual(start.replaced?.ranges, [0, 0]);
  for (const text of [' 1:2 x {5}\r\n', ' 1,2 x {5}\r\n', ' $ x {5}\r\n', ' x {5}\r\n']) {
    assert.equal(parseReplaceStart(open(text)), undefined, text);
  }
});
