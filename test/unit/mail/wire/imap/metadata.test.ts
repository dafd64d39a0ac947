/** GETMETADATA and SETMETADATA are read, and METADATA written, as RFC 5464 §5 says. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Cursor } from '../../../../../src/mail/wire/imap/cursor.ts';
import { metadataEntriesMax } from '../../../../../src/mail/wire/imap/limits.ts';
import { parseListCommand } from '../../../../../src/mail/wire/imap/parse-list.ts';
import {
  parseGetMetadata,
  parseSetMetadata,
} from '../../../../../src/mail/wire/imap/parse-metadata.ts';
import { ResponseWriter } from '../../../../../src/mail/wire/imap/response.ts';
import {
  writeMetadata,
  writeMetadataChanged,
} from '../../../../../src/mail/wire/imap/response-metadata.ts';

function open(text: string): Cursor {
  const bytes = Buffer.from(text, 'latin1');
  return new Cursor().open(bytes, 0, bytes.length);
}

test('options stand before the mailbox or behind it, entries alone or in a list', () => {
  const wanted = { mailbox: 'INBOX', entries: ['/private/a'], bytesMax: 7, depth: 1 };
  const texts = [
    ' (MAXSIZE 7 DEPTH 1) INBOX /private/a',
    ' inbox (depth 1 maxsize 7) (/PRIVATE/A)',
    ' INBOX (DEPTH 1 MAXSIZE 7) ("/private/a" /private/a)',
  ];
  for (const text of texts) assert.deepEqual(parseGetMetadata(open(text)), wanted, text);
  const server = parseGetMetadata(open(' "" (/shared /private)'));
  assert.deepEqual(server, {
    mailbox: '',
    entries: ['/shared', '/private'],
    bytesMax: -1,
    depth: 0,
  });
});

test('names that begin elsewhere, have empty levels, wildcards or octets beyond ASCII are refused', () => {
  const names = ['/a', 'private/a', '/private/', '/private//a', '"/private/a%"', '"/shared/*"'];
  for (const name of [
    ...names,
    '"/shared/\xe9"',
    `/private/${'a'.repeat(250)}`,
    '"/shared/a\x01"',
  ]) {
    const cursor = open(` INBOX ${name}`);
    assert.equal(parseGetMetadata(cursor), undefined, name);
    assert.notEqual(cursor.fault, '', name);
  }
});

test('values are strings, literals of any octets, or NIL; an entry is named once', () => {
  const text = ' INBOX (/private/a "x" /private/b ~{2}\r\n\0y /private/c NIL /shared/d {1}\r\nz)';
  const set = parseSetMetadata(open(text))!;
  assert.deepEqual(
    [...set.values].map(([entry, value]) => [entry, value && String(value)]),
    [
      ['/private/a', 'x'],
      ['/private/b', '\0y'],
      ['/private/c', null],
      ['/shared/d', 'z'],
    ],
  );
  const wrong = [
    ' INBOX ()',
    ' INBOX (/private/a)',
    ' INBOX (/private/a 5)',
    ' INBOX /private/a "x"',
  ];
  for (const text of [...wrong, ' INBOX (/private/a "x" /private/a NIL)', ' INBOX (/shared "x")']) {
    const cursor = open(text);
    assert.equal(parseSetMetadata(cursor), undefined, text);
    assert.notEqual(cursor.fault, '');
  }
});

test('a value is a copy: the octets it was read from may go', () => {
  const cursor = open(' INBOX (/private/a "x")');
  const set = parseSetMetadata(cursor)!;
  cursor.bytes.fill(0);
  assert.equal(String(set.values.get('/private/a')), 'x');
});

test('more entries than one command may name are refused as a limit', () => {
  const names = Array.from({ length: metadataEntriesMax + 1 }, (_, i) => `/private/a${i}`);
  const within = parseGetMetadata(open(` INBOX (${names.slice(1).join(' ')})`))!;
  assert.equal(within.entries.length, metadataEntriesMax);
  const cursor = open(` INBOX (${names.join(' ')})`);
  assert.equal(parseGetMetadata(cursor), undefined);
  assert.equal(cursor.faultKind, 'limit');
  const set = open(` INBOX (${names.map((name) => `${name} "x"`).join(' ')})`);
  assert.equal(parseSetMetadata(set), undefined);
  assert.equal(set.faultKind, 'limit');
});

test('RFC 9590: LIST takes entries among its return options', () => {
  const { returns } = parseListCommand(open(' "" % RETURN (METADATA (/shared/a) CHILDREN)'))!;
  assert.deepEqual(returns.metadata, ['/shared/a']);
  assert.equal(returns.children, true);
});

test('responses quote values, tell NIL, and say nothing of no entries', () => {
  const writer = new ResponseWriter();
  writeMetadata(writer, '', []);
  writeMetadataChanged(writer, 'INBOX', []);
  writeMetadata(writer, '', [
    ['/private/a', Buffer.from('x"')],
    ['/private/b', null],
    ['/private/c', Buffer.from('\0')],
    ['/private/d', Buffer.alloc(0)],
  ]);
  writeMetadataChanged(writer, 'Aa b', ['/shared/a', '/private/b']);
  const text = Buffer.concat(writer.take()).toString('latin1');
  const first =
    '* METADATA "" (/private/a "x\\"" /private/b NIL /private/c ~{1}\r\n\0 /private/d "")';
  assert.equal(text, `${first}\r\n* METADATA "Aa b" /shared/a /private/b\r\n`);
});
