/** A digest names what was kept apart, and nothing a stranger wrote looks like a link in it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digestLines } from '../../../../../src/mail/formats/notice/quarantine-digest.ts';

const one = {
  heldMs: Date.UTC(2026, 10, 23, 8),
  from: 'bob@x.test',
  subject: 'Win https://evil.test/ or www.evil.test or mailto:eve@evil.test',
  why: 'spam (own, score 240%)',
  link: 'https://mail.a.test/release/T',
};

test('messages are named, and those that are too many counted', () => {
  const lines = digestLines({ address: 'ann@a.test', messages: [one], moreCount: 3, keepDays: 30 });
  assert.deepEqual(lines, [
    '4 messages for ann@a.test were kept apart.',
    'After 30 days they are gone.',
    '',
    'Mon, 23 Nov 2026 08:00:00 +0000',
    'From: bob@x.test',
    'Subject: Win https: //evil.test/ or www .evil.test or mailto :eve@evil.test',
    'Why: spam (own, score 240%)',
    'Release it: https://mail.a.test/release/T',
    '',
    'and 3 more.',
  ]);
});

test('long and missing texts are shown as such', () => {
  const message = { ...one, from: '', subject: 'x'.repeat(300), link: '' };
  const digest = { address: 'ann@a.test', messages: [message], moreCount: 0, keepDays: 7 };
  const lines = digestLines(digest);
  assert.equal(lines[0], '1 message for ann@a.test was kept apart.');
  assert.equal(lines[4], 'From: (none)');
  assert.equal(lines[5], `Subject: ${'x'.repeat(100)}…`);
  assert.equal(lines.at(-1), 'Only your administrator can release it.');
});
