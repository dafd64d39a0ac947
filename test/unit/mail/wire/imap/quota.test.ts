/** GETQUOTA and SETQUOTA are read, and QUOTA and QUOTAROOT written, as RFC 9208 §7 says. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Cursor } from '../../../../../src/mail/wire/imap/cursor.ts';
import { parseGetQuota, parseSetQuota } from '../../../../../src/mail/wire/imap/parse-quota.ts';
import { ResponseWriter } from '../../../../../src/mail/wire/imap/response.ts';
import { writeQuota, writeQuotaRoot } from '../../../../../src/mail/wire/imap/response-quota.ts';

function open(text: string): Cursor {
  const bytes = Buffer.from(text);
  return new Cursor().open(bytes, 0, bytes.length);
}

test('a root is any string, and limits are by resource in any case', () => {
  assert.equal(parseGetQuota(open(' ""')), '');
  assert.equal(parseGetQuota(open(' ann@example.org')), 'ann@example.org');
  const set = parseSetQuota(open(' "" (storage 512 MESSAGE 0)'))!;
  assert.equal(set.root, '');
  assert.deepEqual(
    [...set.limits],
    [
      ['STORAGE', 512],
      ['MESSAGE', 0],
    ],
  );
  assert.equal(parseSetQuota(open(' x ()'))!.limits.size, 0);
});

test('a resource named twice, a limit that is none and a list without end are refused', () => {
  const wrong = ['', ' x', ' x (STORAGE)', ' x (STORAGE -1)', ' x (A 1 a 2)', ' x (A 1', ' x () y'];
  for (const text of wrong) {
    const cursor = open(text);
    assert.equal(parseSetQuota(cursor), undefined, text);
    assert.notEqual(cursor.fault, '');
  }
});

test('responses name the root as a string, and resources in order', () => {
  const writer = new ResponseWriter();
  writeQuotaRoot(writer, 'Aa b', '');
  writeQuota(writer, 'a"b', [
    { name: 'STORAGE', used: 1, limit: 2 },
    { name: 'MESSAGE', used: 3, limit: 4 },
  ]);
  const text = Buffer.concat(writer.take()).toString();
  const wanted = '* QUOTAROOT "Aa b" ""\r\n* QUOTA "a\\"b" (STORAGE 1 2 MESSAGE 3 4)\r\n';
  assert.equal(text, wanted);
});
