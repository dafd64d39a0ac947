/** MAIL and RCPT with their parameters. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  parseMail,
  parseNotify,
  parseRcpt,
} from '../../../../../src/mail/wire/smtp/envelope-commands.ts';

function mail(text: string) {
  const octets = Buffer.from(`xMAIL${text}`);
  return parseMail(octets, 5, octets.length);
}

function rcpt(text: string) {
  const octets = Buffer.from(`RCPT${text}\r\n`);
  return parseRcpt(octets, 4, octets.length - 2);
}

test('MAIL without parameters says nothing of size, body or DSN', () => {
  const command = mail(' FROM:<a@b.test>');
  assert.ok(typeof command !== 'string');
  assert.equal(command.path.address, 'a@b.test');
  assert.equal(command.sizeBytes, -1);
  assert.equal(command.body, '7bit');
  assert.equal(command.smtputf8, false);
});

test('MAIL takes all parameters at once, in any case', () => {
  const command = mail(
    ' from:<a@b.test>  size=12 Body=8BitMime smtputf8 RET=full ENVID=a+2Bb AUTH=<>',
  );
  assert.ok(typeof command !== 'string');
  assert.equal(command.sizeBytes, 12);
  assert.equal(command.body, '8bitmime');
  assert.equal(command.smtputf8, true);
  assert.equal(command.ret, 'full');
  assert.equal(command.envid, 'a+2Bb');
  assert.equal(command.auth, '<>');
});

test('spaces after the colon are forgiven', () => {
  assert.ok(typeof mail(' FROM: <a@b.test>') !== 'string');
});

test('MAIL names its faults', () => {
  assert.equal(mail(''), 'syntax');
  assert.equal(mail('FROM:<a@b>'), 'syntax');
  assert.equal(mail(' FROM <a@b>'), 'syntax');
  assert.equal(mail(' FRO'), 'syntax');
  assert.equal(mail(' FROM:'), 'path');
  assert.equal(mail(' FROM:a@b'), 'path');
  assert.equal(mail(' FROM:<a@b>x'), 'parameter');
  assert.equal(mail(' FROM:<a@b> SIZE'), 'parameter');
  assert.equal(mail(' FROM:<a@b> SIZE=1 size=1'), 'parameter');
  assert.equal(mail(' FROM:<a@b> =1'), 'parameter');
  assert.equal(mail(' FROM:<a@b> BODY=x'), 'parameter');
  assert.equal(mail(' FROM:<a@b> RET=x'), 'parameter');
  assert.equal(mail(' FROM:<a@b> ENVID=a+zz'), 'parameter');
  assert.equal(mail(` FROM:<a@b> ENVID=${'e'.repeat(101)}`), 'parameter');
  assert.equal(mail(' FROM:<a@b> AUTH=a=b'), 'parameter');
  assert.equal(mail(' FROM:<a@b> NOTIFY=NEVER'), 'unknown');
});

test('RCPT keeps ORCPT as given and reads NOTIFY', () => {
  const command = rcpt(' TO:<a@b.test> NOTIFY=Failure,DELAY ORCPT=rfc822;A+2Bb@c');
  assert.ok(typeof command !== 'string');
  assert.deepEqual(command.notify, { never: false, success: false, failure: true, delay: true });
  assert.equal(command.orcpt, 'rfc822;A+2Bb@c');
});

test('ORCPT may be a UTF-8 address in its own escape', () => {
  const command = rcpt(' TO:<a@b.test> ORCPT=utf-8;ü\\x{5C}@c');
  assert.ok(typeof command !== 'string');
  assert.equal(command.orcpt, 'utf-8;ü\\x{5C}@c');
});

test('RCPT names its faults', () => {
  assert.equal(rcpt(' TO:<>'), 'path');
  assert.equal(rcpt(' FROM:<a@b>'), 'syntax');
  assert.equal(rcpt(' TO:<a@b> SIZE=1'), 'unknown');
  assert.equal(rcpt(' TO:<a@b> NOTIFY'), 'parameter');
  assert.equal(rcpt(' TO:<a@b> ORCPT=a@b'), 'parameter');
  assert.equal(rcpt(' TO:<a@b> ORCPT=rfc822;'), 'parameter');
  assert.equal(rcpt(' TO:<a@b> ORCPT=rfc822;ü'), 'parameter');
  assert.equal(rcpt(` TO:<a@b> ORCPT=rfc822;${'x'.repeat(500)}`), 'parameter');
});

test('NOTIFY is NEVER alone or a list of the others', () => {
  assert.equal(parseNotify('NEVER')?.never, true);
  assert.equal(parseNotify('NEVER,DELAY'), undefined);
  assert.equal(parseNotify('SUCCESS,'), undefined);
  assert.equal(parseNotify(''), undefined);
});
