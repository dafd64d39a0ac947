/** URLs of messages and their parts: RFC 5092, as RFC 4469 has clients name them. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wholeMessage } from '../../../../../src/mail/wire/imap/parse-section.ts';
import { parseImapUrl } from '../../../../../src/mail/wire/imap/parse-url.ts';

const whole = {
  ...{ host: undefined, user: undefined, mailbox: undefined, uidValidity: 0 },
  ...{ section: wholeMessage, offset: 0, length: -1 },
};

test('an absolute path names mailbox, validity, message and section', () => {
  assert.deepEqual(parseImapUrl('/Drafts;UIDVALIDITY=385759045/;UID=20/;section=HEADER'), {
    ...{ ...whole, mailbox: 'Drafts', uidValidity: 385_759_045, uid: 20 },
    section: { part: '', text: 'HEADER', fields: [] },
  });
  assert.deepEqual(parseImapUrl('/a/b%20c/%3B/;uid=4294967295'), {
    ...{ ...whole, mailbox: 'a/b c/;', uid: 4_294_967_295 },
  });
});

test('a relative one is of the selected mailbox, or of one that it names', () => {
  assert.deepEqual(parseImapUrl(';UID=7/;SECTION=1.2/;PARTIAL=10.20'), {
    ...{ ...whole, uid: 7, offset: 10, length: 20 },
    section: { part: '1.2', text: '', fields: [] },
  });
  assert.equal(parseImapUrl('inbox/;UID=7')?.mailbox, 'INBOX');
});

test('an absolute one says whose it is', () => {
  const url = parseImapUrl('imap://a%40b;AUTH=PLAIN@Mx.test/INBOX/;UID=7/;PARTIAL=3');
  assert.deepEqual(url, {
    ...whole,
    host: 'mx.test',
    user: 'a@b',
    mailbox: 'INBOX',
    uid: 7,
    offset: 3,
  });
  assert.equal(parseImapUrl('//mx.test:143/INBOX/;UID=7')?.host, 'mx.test:143');
});

test('what names no message is none', () => {
  for (const text of [
    '',
    '/',
    '/INBOX',
    '/INBOX;UIDVALIDITY=0/;UID=1',
    '/INBOX/;UID=0',
    '/INBOX/;UID=4294967296',
    '/INBOX/;UID=1;section=1',
    '/INBOX/;UID=1/;SECTION=',
    '/INBOX/;UID=1/;SECTION=1.',
    '/INBOX/;UID=1/;SECTION=HEADER]x',
    '/INBOX/;UID=1/;PARTIAL=',
    '/INBOX/;UID=1/;PARTIAL=1.0',
    '/INBOX/;UID=1;EXPIRE=x;URLAUTH=anonymous',
    '/IN%ZZ/;UID=1',
    '/a//b/;UID=1',
    '/;UID=1',
    'imap://mx.test',
    'imap://%ZZ@mx.test/INBOX/;UID=1',
    'http://mx.test/INBOX/;UID=1',
    `/${'x'.repeat(5_000)}/;UID=1`,
  ]) {
    assert.equal(parseImapUrl(text), undefined, text);
  }
});
