/** SEARCH: RFC 9051 §6.4.4, RFC 3501 §6.4.4, RFC 4731, RFC 5032, RFC 7162 §3.1.5, RFC 8474, RFC 8514. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Cursor } from '../../../../../src/mail/wire/imap/cursor.ts';
import { parseSearch } from '../../../../../src/mail/wire/imap/parse-search.ts';
import type { Criteria } from '../../../../../src/mail/wire/imap/search-keys.ts';

function search(text: string) {
  const bytes = Buffer.from(` ${text}`, 'utf8');
  const cursor = new Cursor().open(bytes, 0, bytes.length);
  return { command: parseSearch(cursor), cursor };
}

const day = (text: string) => Date.parse(`${text}T00:00:00Z`) / 86_400_000;

const cases: readonly (readonly [string, Criteria])[] = [
  ['ALL', { op: 'all' }],
  ['unseen', { op: 'flag', bit: 0, isSet: false }],
  ['DRAFT', { op: 'flag', bit: 4, isSet: true }],
  ['KEYWORD $Junk', { op: 'keyword', keyword: '$Junk', isSet: true }],
  ['UNKEYWORD x', { op: 'keyword', keyword: 'x', isSet: false }],
  ['OLD', { op: 'recent', isSet: false }],
  [
    'NEW',
    {
      op: 'and',
      keys: [
        { op: 'recent', isSet: true },
        { op: 'flag', bit: 0, isSet: false },
      ],
    },
  ],
  ['1:*', { op: 'set', isUid: false, isSaved: false, ranges: [1, 0] }],
  ['UID 3,5', { op: 'set', isUid: true, isSaved: false, ranges: [3, 3, 5, 5] }],
  ['uidafter 7', { op: 'set', isUid: true, isSaved: false, ranges: [8, 0xffff_ffff] }],
  ['UIDAFTER 4294967295', { op: 'set', isUid: true, isSaved: false, ranges: [] }],
  ['UIDBEFORE 7', { op: 'set', isUid: true, isSaved: false, ranges: [1, 6] }],
  ['UIDBEFORE 1', { op: 'set', isUid: true, isSaved: false, ranges: [] }],
  ['$', { op: 'set', isUid: true, isSaved: true, ranges: [] }],
  ['FROM "a b"', { op: 'text', place: 'from', text: 'a b' }],
  ['TEXT {3}\r\na"b', { op: 'text', place: 'text', text: 'a"b' }],
  ['CHARSET utf-8 BODY "ü"', { op: 'text', place: 'body', text: 'ü' }],
  ['HEADER list-id ""', { op: 'header', field: 'LIST-ID', text: '' }],
  ['ON 1-Feb-1994', { op: 'date', of: 'internal', test: 'on', day: day('1994-02-01') }],
  ['SENTBEFORE "31-dec-1969"', { op: 'date', of: 'sent', test: 'before', day: -1 }],
  ['SAVEDSINCE 29-Feb-2024', { op: 'date', of: 'saved', test: 'since', day: day('2024-02-29') }],
  ['SAVEDATESUPPORTED', { op: 'saves-dates' }],
  ['LARGER 4294967296', { op: 'size', test: 'larger', bytes: 4_294_967_296 }],
  ['YOUNGER 60', { op: 'age', test: 'younger', seconds: 60 }],
  ['EMAILID M1', { op: 'email-id', id: 'M1' }],
  ['THREADID T1', { op: 'thread-id', id: 'T1' }],
  ['NOT NOT ALL', { op: 'not', key: { op: 'not', key: { op: 'all' } } }],
  [
    'OR SEEN (TO x 5)',
    {
      op: 'or',
      left: { op: 'flag', bit: 0, isSet: true },
      right: {
        op: 'and',
        keys: [
          { op: 'text', place: 'to', text: 'x' },
          { op: 'set', isUid: false, isSaved: false, ranges: [5, 5] },
        ],
      },
    },
  ],
];

for (const [text, criteria] of cases) {
  test(`${JSON.stringify(text)} is read`, () => {
    const { command, cursor } = search(text);
    assert.ok(command !== undefined, cursor.fault);
    assert.deepEqual(command.criteria, criteria);
    assert.equal(command.returns, undefined);
    assert.deepEqual(structuredClone(command.criteria), criteria, 'criteria are plain data');
  });
}

test('MODSEQ is told, wherever it stands and with or without its entry', () => {
  for (const text of [
    'MODSEQ 5',
    'OR SEEN (NOT MODSEQ "/flags/\\\\Seen" all 5)',
    'modseq "/flags/x" PRIV 5',
  ]) {
    const { command, cursor } = search(text);
    assert.ok(command?.hasModseq, `${text}: ${cursor.fault}`);
  }
  assert.equal(search('ALL').command?.hasModseq, false);
});

test('RETURN options are told; none is ALL', () => {
  const none = {
    min: false,
    max: false,
    all: false,
    count: false,
    save: false,
    update: false,
    partial: undefined,
  };
  assert.deepEqual(search('RETURN () ALL').command?.returns, { ...none, all: true });
  assert.deepEqual(search('return (min MAX count SAVE) ALL').command?.returns, {
    ...none,
    min: true,
    max: true,
    count: true,
    save: true,
  });
  assert.deepEqual(search('RETURN (PARTIAL 500:400) ALL').command?.returns?.partial, {
    first: 400,
    last: 500,
    isFromEnd: false,
  });
});

for (const text of [
  '',
  'FOO',
  'FROM',
  'FROM ',
  'NOT',
  'OR SEEN',
  '(SEEN',
  '()',
  'SEEN)',
  'SEEN  SEEN',
  'UID x',
  'ON 30-Feb-2024',
  'ON 1-Foo-2024',
  'ON 1-Feb-24',
  'ON "1-Feb-2024',
  'LARGER -1',
  'YOUNGER 0',
  'HEADER x',
  'KEYWORD (x)',
  'MODSEQ "x" foo 1',
  'MODSEQ x',
  'CHARSET UTF-8',
  'RETURN (FOO) ALL',
  'RETURN (ALL PARTIAL 1:2) ALL',
  'RETURN (PARTIAL 1:2 PARTIAL 1:2) ALL',
  'RETURN (MIN ALL',
  'RETURN ALL',
  `${'NOT '.repeat(40)}ALL`,
  `${'('.repeat(40)}ALL${')'.repeat(40)}`,
]) {
  test(`${JSON.stringify(text.slice(0, 40))} is refused`, () => {
    const { command, cursor } = search(text);
    assert.equal(command, undefined);
    assert.ok(cursor.fault !== '' && cursor.faultKind === 'syntax');
  });
}

test('a charset that is not known is told apart', () => {
  assert.equal(search('CHARSET KOI8-R ALL').cursor.faultKind, 'charset');
});

test('too many keys are refused', () => {
  assert.equal(search(`${'SEEN '.repeat(1_001)}ALL`).cursor.faultKind, 'limit');
});
