/** Aim: nothing a scanner says can end a line, a field or a reply, or say something else than its action. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { smtpReplyOf } from '../../../../src/adapters/scanning/smtp-reply.ts';
import {
  addressOf,
  fieldNameOf,
  fieldValueOf,
  oneLine,
  plainNames,
  plainText,
} from '../../../../src/adapters/scanning/words.ts';
import { findingCharsMax, findingsMax } from '../../../../src/ports/content-scanner.ts';

it('keeps names and texts to lines of printable ASCII, within their limits', () => {
  assert.equal(plainText('a\r\nb\0c\u{1f600}d'), 'a b c d');
  assert.equal(plainText('a'.repeat(5_000)).length, findingCharsMax);
  assert.deepEqual(plainNames(['', '\n', 'A']), ['A']);
  assert.equal(plainNames(Array(findingsMax + 9).fill('A')).length, findingsMax);
  assert.equal(oneLine('a\r\n\0b'), 'a b');
});

it('lets no value end its field or the header', () => {
  assert.equal(fieldValueOf('a\nb\r\nc\rd'), 'a\r\n\tb\r\n\tc\r\n\td');
  assert.equal(fieldValueOf('a\r\n\r\nSubject: no'), 'a\r\n\tSubject: no');
  assert.equal(fieldValueOf('a;\r\n b=c'), 'a;\r\n b=c');
  assert.equal(fieldValueOf('\r\n\r\n'), '');
  assert.throws(() => fieldValueOf('a'.repeat(8_193)), /without end/);
});

it('takes only names that are field names, and addresses without blanks', () => {
  assert.equal(fieldNameOf('X-Spam'), 'X-Spam');
  for (const name of ['', 'a b', 'a:', 'a\r\nb', 'é', 'a'.repeat(77)])
    assert.throws(() => fieldNameOf(name));
  assert.equal(addressOf('<a@b.example>'), 'a@b.example');
  for (const path of ['a@b c', '<a@b>\r\nX', 'a'.repeat(321)]) assert.throws(() => addressOf(path));
});

it('gives a reply the code that its action needs', () => {
  assert.equal(smtpReplyOf('', 'reject'), '');
  assert.equal(smtpReplyOf('No thanks', 'reject'), '550 5.7.1 No thanks');
  assert.equal(smtpReplyOf('Later', 'defer'), '451 4.7.1 Later');
  assert.equal(smtpReplyOf('554 5.6.0 Bad', 'reject'), '554 5.6.0 Bad');
  assert.equal(smtpReplyOf('554-Bad', 'reject'), '554 5.7.1 Bad');
  assert.equal(smtpReplyOf('550', 'reject'), '550 5.7.1 Refused');
  for (const wrong of ['250 OK', '450 Later', '590 x', '550 4.7.1 x'])
    assert.throws(() => smtpReplyOf(wrong, 'reject'), wrong);
  assert.throws(() => smtpReplyOf('550 x', 'defer'));
});
