/** Aim: a notice is a message as RFC 5322 has it, and nothing given breaks out of its line. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { writeNotice } from '../../../../../src/mail/formats/notice/write.ts';

test('a notice has its fields and lines, each on a line of its own', () => {
  const text = writeNotice({
    from: 'postmaster@a.test',
    to: 'ann@a.test\r\nBcc: eve@b.test',
    subject: 'A\nword',
    lines: ['one\r\n.\r\ntwo', 'é'],
    nowMs: 0,
    id: 'abc',
    domain: 'a.test',
  });
  assert.deepEqual(text.split('\r\n'), [
    'Date: Thu, 1 Jan 1970 00:00:00 +0000',
    'From: <postmaster@a.test>',
    'To: <ann@a.test  Bcc: eve@b.test>',
    'Subject: A word',
    'Message-ID: <abc@a.test>',
    'Auto-Submitted: auto-generated',
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: 8bit',
    '',
    'one  .  two',
    'é',
    '',
  ]);
});
