/** Access lists are read and written, and rights are letters, as RFC 4314 §2 and §7 say. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Cursor } from '../../../../../src/mail/wire/imap/cursor.ts';
import {
  parseIdentifierCommand,
  parseSetAcl,
} from '../../../../../src/mail/wire/imap/parse-acl.ts';
import { parseListCommand } from '../../../../../src/mail/wire/imap/parse-list.ts';
import { ResponseWriter } from '../../../../../src/mail/wire/imap/response.ts';
import { writeAcl, writeListRights } from '../../../../../src/mail/wire/imap/response-acl.ts';
import { allRights, rightsOf, rightsText } from '../../../../../src/mail/wire/imap/rights.ts';

function open(text: string): Cursor {
  const bytes = Buffer.from(text);
  return new Cursor().open(bytes, 0, bytes.length);
}

test('each set of rights is read again from its letters; c and d stand for those of RFC 2086', () => {
  const own = [...'lrswipkxtea'].map((letter) => rightsOf(letter)!);
  assert.equal(
    own.reduce((all, one) => all | one),
    allRights,
  );
  for (const letter of 'lrswipa') assert.equal(rightsText(rightsOf(letter)!), letter);
  assert.equal(rightsOf(rightsText(allRights)), allRights);
  assert.equal(rightsText(rightsOf('d')!), 'xted');
  assert.equal(rightsText(rightsOf('c')!), 'kc');
  assert.equal(rightsOf('z'), undefined);
  assert.equal(rightsOf('L'), undefined);
});

test('rights replace, are added or taken; identifiers with a minus are negative', () => {
  const replaced = parseSetAcl(open(' INBOX ann@example.org lr'))!;
  assert.deepEqual(replaced, {
    mailbox: 'INBOX',
    ...{ name: 'ann@example.org', isNegative: false, op: 'replace', rights: rightsOf('lr')! },
  });
  const added = parseSetAcl(open(' INBOX "-anyone" +w'))!;
  assert.deepEqual([added.name, added.isNegative, added.op], ['anyone', true, 'add']);
  assert.equal(parseSetAcl(open(' INBOX anyone -w'))!.op, 'remove');
  assert.equal(parseSetAcl(open(' INBOX anyone ""'))!.rights, 0);
  assert.equal(parseIdentifierCommand(open(' INBOX -x'))!.name, 'x');
});

test('letters that name no right, and identifiers that are none, are refused', () => {
  const wrong = [' INBOX x lrz', ' INBOX "" lr', ' INBOX - lr', ' INBOX x', ' INBOX x lr y', ' x'];
  for (const text of [...wrong, ` INBOX ${'x'.repeat(400)} lr`]) {
    const cursor = open(text);
    assert.equal(parseSetAcl(cursor), undefined, text);
    assert.notEqual(cursor.fault, '');
  }
});

test('RFC 8440: LIST takes MYRIGHTS among its return options', () => {
  assert.equal(parseListCommand(open(' "" % RETURN (MYRIGHTS)'))!.returns.myRights, true);
});

test('an identifier that is no atom is quoted, and required rights are not told once more', () => {
  const writer = new ResponseWriter();
  writeAcl(writer, 'Aa b', [
    { identifier: 'x y', rights: 3 },
    { identifier: '-z', rights: 0 },
  ]);
  writeListRights(writer, 'INBOX', 'x', allRights);
  const text = Buffer.concat(writer.take()).toString();
  const wanted = '* ACL "Aa b" "x y" lr -z ""\r\n* LISTRIGHTS INBOX x lrswipkxteacd\r\n';
  assert.equal(text, wanted);
});
