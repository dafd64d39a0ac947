/** Verbs, EHLO names, BDAT sizes, xtext and replies. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeLines, encodeReply, isReplyLine } from '../../../../../src/mail/wire/smtp/reply.ts';
import {
  argumentOf,
  parseBdat,
  parseGreetingName,
  verbEnd,
  verbKey,
  verbKeyOf,
} from '../../../../../src/mail/wire/smtp/session-commands.ts';
import {
  decodeXtext,
  encodeXtext,
  isUtf8Xtext,
  isXtext,
} from '../../../../../src/mail/wire/smtp/xtext.ts';

test('a verb has one key whatever the case of its letters', () => {
  for (const text of ['EHLO x', 'ehlo x', 'EhLo x']) {
    const octets = Buffer.from(text);
    assert.equal(verbKey(octets, 0, octets.length), verbKeyOf('EHLO'));
    assert.equal(verbEnd(octets, 0, octets.length), 4);
  }
  assert.equal(verbKey(Buffer.from('QUI'), 0, 3), -1);
});

test('an argument loses the spaces around it', () => {
  const octets = Buffer.from('VRFY   a b  ');
  assert.equal(argumentOf(octets, 4, octets.length), 'a b');
  assert.equal(argumentOf(octets, 4, 4), '');
});

test('greeting names are one printable word of 255 octets at most', () => {
  const name = (text: string) => {
    const octets = Buffer.from(text);
    return parseGreetingName(octets, 0, octets.length);
  };
  assert.equal(name(' mx.test'), 'mx.test');
  assert.equal(name(' [192.0.2.1]'), '[192.0.2.1]');
  assert.equal(name(` ${'x'.repeat(255)}`)?.length, 255);
  for (const bad of [' ', '', ' a b', ' a\tb', ' [x]', ` ${'x'.repeat(256)}`, ' a\u0000']) {
    assert.equal(name(bad), undefined, bad);
  }
  const octets = Buffer.from(' \xff', 'latin1');
  assert.equal(parseGreetingName(octets, 0, octets.length), undefined);
});

test('BDAT has a size and LAST or nothing', () => {
  const bdat = (text: string) => parseBdat(Buffer.from(text), 0, Buffer.byteLength(text));
  assert.deepEqual(bdat(' 10'), { chunkBytes: 10, isLast: false });
  assert.deepEqual(bdat(' 0 last'), { chunkBytes: 0, isLast: true });
  for (const bad of ['', ' ', ' x', ' -1', ' 1 2', ' LAST', ' 1LAST', ' 99999999999999999999']) {
    assert.equal(bdat(bad), undefined, bad);
  }
});

test('xtext comes back as it was', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme-ascii' }), (text) => {
      const encoded = encodeXtext(text);
      assert.ok(isXtext(encoded));
      assert.equal(decodeXtext(encoded), text);
    }),
  );
  assert.equal(decodeXtext('a+2b'), undefined);
  assert.equal(decodeXtext('a b'), undefined);
  assert.ok(isUtf8Xtext('ü\\x{5C}'));
  assert.ok(!isUtf8Xtext('a\\b'));
});

test('a reply never breaks its line and never grows past the limit', () => {
  const reply = encodeReply(`250 a\r\nb\u0000${'x'.repeat(600)}`).toString();
  assert.ok(reply.length <= 512);
  assert.equal(reply.indexOf('\r\n'), reply.length - 2);
  assert.ok(isReplyLine(reply.slice(0, -2)));
});

test('several lines share a code, the last one with a space', () => {
  assert.equal(encodeLines(250, ['a', 'b', 'c']).toString(), '250-a\r\n250-b\r\n250 c\r\n');
});
