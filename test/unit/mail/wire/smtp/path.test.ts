/** Paths of MAIL and RCPT: what is read, what is refused. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAddressLiteral, parsePath } from '../../../../../src/mail/wire/smtp/path.ts';

function parse(text: string) {
  const octets = Buffer.from(text);
  return parsePath(octets, 0, octets.length);
}

test('a plain path gives address, local part and domain, the domain in lower case', () => {
  assert.deepEqual(parse('<Some.One@EXAMPLE.Test> SIZE=1'), {
    address: 'Some.One@example.test',
    localPart: 'Some.One',
    domain: 'example.test',
    isUtf8: false,
    end: 23,
  });
});

test('the null path is empty', () => {
  assert.deepEqual(parse('<>'), { address: '', localPart: '', domain: '', isUtf8: false, end: 2 });
});

test('a quoted local part keeps its quotes in the address and loses them for look-ups', () => {
  const path = parse('<"a\\"b c\\d"@x.test>');
  assert.equal(path?.address, '"a\\"b c\\d"@x.test');
  assert.equal(path?.localPart, 'a"b cd');
});

test('a quoted local part may hold brackets, at signs and nothing', () => {
  assert.equal(parse('<"<@>"@x.test>')?.localPart, '<@>');
  assert.equal(parse('<""@x.test>')?.localPart, '');
});

test('a path without a domain has none', () => {
  assert.equal(parse('<postmaster>')?.domain, '');
});

test('source routes are skipped', () => {
  assert.equal(parse('<@a.test,@[192.0.2.1]:b@c.test>')?.address, 'b@c.test');
  assert.equal(parse('<@a.test b@c.test>'), undefined);
  assert.equal(parse('<@a.test,b@c.test>'), undefined);
  assert.equal(parse('<@a.test:>'), undefined);
});

test('letters outside ASCII are marked, and domains of them lowered', () => {
  const path = parse('<Ü@ÄÖ.test>');
  assert.equal(path?.address, 'Ü@äö.test');
  assert.equal(path?.localPart, 'Ü');
  assert.equal(path?.isUtf8, true);
});

test('octets that are no UTF-8 are refused', () => {
  const octets = Buffer.from('<\xff@x.test>', 'latin1');
  assert.equal(parsePath(octets, 0, octets.length), undefined);
});

test('broken paths are refused', () => {
  const broken = [
    '',
    '<',
    'a@b>',
    '<a@b',
    '<a@>',
    '<@>',
    '<a@b@c>',
    '<a b@c>',
    '<a@b c>',
    '<a@-b>',
    '<a@b->',
    '<a@b-.c>',
    '<a@.b>',
    '<a@b.>',
    '<a@b..c>',
    '<"a@b>',
    '<"a"b@c>',
    '<"a\\',
    '<"a\u0001"@c>',
    '<a\u0000@c>',
    '<a@[1.2.3.4>',
    '<a@[1.2.3]>',
    '<a@[]>',
    `<${'l'.repeat(256)}@x>`,
    `<a@${'d'.repeat(64)}>`,
    `<a@${'d.'.repeat(130)}d>`,
  ];
  for (const text of broken) assert.equal(parse(text), undefined, text);
});

test('long local parts of rewritten senders are taken', () => {
  assert.ok(parse(`<${'l'.repeat(255)}@x>`));
});

test('address literals are IPv4, or IPv6 with its tag', () => {
  for (const good of ['[192.0.2.1]', '[IPv6:::1]', '[ipv6:2001:db8::1]']) {
    assert.ok(isAddressLiteral(good), good);
  }
  for (const bad of ['[::1]', '[IPv6:192.0.2.1]', '[IPv6:fe80::1%eth0]', '192.0.2.1', '[x]', '[']) {
    assert.ok(!isAddressLiteral(bad), bad);
  }
});
