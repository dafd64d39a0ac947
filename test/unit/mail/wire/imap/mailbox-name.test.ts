/** Names of mailboxes: RFC 3501 §5.1.3 (modified UTF-7), RFC 9051 §5.1, RFC 5198. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  canonicalName,
  decodeMutf7,
  encodeMutf7,
  nameFault,
} from '../../../../../src/mail/wire/imap/mailbox-name.ts';

const pairs = [
  ['INBOX', 'INBOX'],
  ['~peter/mail/&U,BTFw-/&ZeVnLIqe-', '~peter/mail/台北/日本語'],
  ['Entw&APw-rfe', 'Entwürfe'],
  ['a &- b', 'a & b'],
  ['&AOkA6Q-&-', 'éé&'],
  ['&2D3eAA-', '😀'],
  ['&AAE-', '\u0001'],
] as const;

for (const [encoded, name] of pairs) {
  test(`${encoded} is ${JSON.stringify(name)}, both ways`, () => {
    assert.equal(decodeMutf7(encoded), name);
    assert.equal(encodeMutf7(name), encoded);
  });
}

const unreadable = {
  '&': 'a shift without end',
  '&AOk': 'a shift without end',
  '&AO-': 'half a unit',
  '&AOl-': 'bits left over that are not zero',
  '&AGE-': 'ASCII in base64',
  '&AOk-&AOk-': 'two runs in a row',
  '&2D0-': 'half a surrogate pair',
  '&A/k-': 'a slash as a digit',
  '&AOk=-': 'padding',
  Entwürfe: 'octets above 127',
  'a\u0001': 'a control',
} as const;

for (const [text, why] of Object.entries(unreadable)) {
  test(`${why} is no modified UTF-7: ${text}`, () => {
    assert.equal(decodeMutf7(text), undefined);
  });
}

test('INBOX has one spelling, as a name and as the first level', () => {
  assert.equal(canonicalName('inbox'), 'INBOX');
  assert.equal(canonicalName('Inbox/Sub'), 'INBOX/Sub');
  assert.equal(canonicalName('inboxes'), 'inboxes');
  assert.equal(canonicalName('a/inbox'), 'a/inbox');
});

test('names are composed: NFC', () => {
  assert.equal(canonicalName('Entwu\u0308rfe'), 'Entwürfe');
});

test('what nothing can be called', () => {
  for (const name of [
    '',
    '/a',
    'a/',
    'a//b',
    'a\u0000',
    'a\u0085',
    'a\u2028',
    'a\n',
    '\ufffe',
    'x'.repeat(256),
    Array(40).fill('a').join('/'),
    Array(20).fill('x'.repeat(100)).join('/'),
  ]) {
    assert.ok(nameFault(name) !== undefined, JSON.stringify(name.slice(0, 40)));
  }
  for (const name of ['a', 'a b', 'a/b', '😀', '~', '#', '.']) {
    assert.equal(nameFault(name), undefined);
  }
});
