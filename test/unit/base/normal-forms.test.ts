/**
 * Aim:    no text takes longer to normalise than its length is worth, and usual text stays as it is.
 * Method: letters with marks without end, at every place of a long text.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spelled } from '../../../src/adapters/table/addresses.ts';
import { streamSafe } from '../../../src/base/normal-forms.ts';
import { casemap } from '../../../src/mail/formats/text/casemap.ts';
import { placesOf } from '../../../src/mail/trust/spam/personal.ts';
import { readForSpam } from '../../../src/mail/trust/spam/reading.ts';
import { canonicalName, nameFault } from '../../../src/mail/wire/imap/mailbox-name.ts';

/** In the wrong order; letters that become marks among them. */
const marks = ['\u0300\u0316', '\uff9e\u0316', '\u0344\u0316', '\u{1d165}\u{1d16d}'];

test('marks without end are sorted in time', { timeout: 10_000 }, () => {
  for (const pair of marks) assert.ok(casemap(`a${pair.repeat(200_000)}`).length > 0);
});

test('so is text that is looked at for spam', { timeout: 10_000 }, () => {
  const head = 'From: a@b.test\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n';
  for (const pair of marks) {
    for (let again = 0; again < 5; again++) {
      assert.ok(placesOf(readForSpam(Buffer.from(`${head}a${pair.repeat(30_000)}`))).length > 0);
    }
  }
});

test('so are names of mailboxes and of those who log in', { timeout: 10_000 }, () => {
  for (const pair of marks) {
    const name = `a${pair.repeat(80_000)}`;
    assert.ok(nameFault(canonicalName(name)) !== undefined);
    assert.ok(spelled(`${name}@a.test`).length > 0);
  }
});

test('UAX #15 §13: a joiner stands behind each 30 marks, wherever they are', () => {
  for (let before = 0; before < 70; before++) {
    for (const mark of ['\u0316', '\u{1d165}']) {
      const letters = 'b'.repeat(before);
      const run = mark.repeat(30);
      assert.equal(streamSafe(`${letters}${run}b`), `${letters}${run}b`);
      const long = `${letters}${run}${run}${mark}b`;
      assert.equal(streamSafe(long), `${letters}${run}\u034f${run}\u034f${mark}b`);
    }
  }
});

test('usual text stays as it is', () => {
  for (const text of ['', 'plain', 'Việt Nam '.repeat(100).normalize('NFD'), '😀'.repeat(100)]) {
    assert.equal(streamSafe(text), text);
  }
});
