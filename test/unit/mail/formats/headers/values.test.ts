/** Aim: field values read as their authors meant them. Method: examples of the RFCs, and what broken mailers write. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { decodeCharset } from '../../../../../src/mail/formats/headers/charset.ts';
import { messageIds } from '../../../../../src/mail/formats/headers/message-ids.ts';
import {
  parameter,
  parseParameterised,
} from '../../../../../src/mail/formats/headers/parameters.ts';
import { headerText, unfold } from '../../../../../src/mail/formats/headers/unfold.ts';
import { decodeWords } from '../../../../../src/mail/formats/headers/words.ts';

describe('encoded words', () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ['plain text stays', 'hello = ? world', 'hello = ? world'],
    // RFC 2047 §8.
    ['one word', '=?ISO-8859-1?Q?a?=', 'a'],
    ['a word and text', '=?ISO-8859-1?Q?a?= b', 'a b'],
    ['space between words is not shown', '=?ISO-8859-1?Q?a?=   =?ISO-8859-1?Q?b?=', 'ab'],
    ['a space as underscore', '=?ISO-8859-1?Q?a_b?=', 'a b'],
    ['a space at the end of a word', '=?ISO-8859-1?Q?a_?= =?ISO-8859-2?Q?b?=', 'a b'],
    ['base64', '=?UTF-8?B?w6TDtsO8?=', 'äöü'],
    ['a language after the charset', '=?UTF-8*de?Q?=C3=A4?=', 'ä'],
    ['a character cut in two', '=?utf-8?B?w6TD?= =?utf-8?B?tsO8?=', 'äöü'],
    [
      'words of a stateful charset',
      '=?ISO-2022-JP?B?GyRCJUYbKEI=?= =?ISO-2022-JP?B?GyRCJUYbKEI=?=',
      'テテ',
    ],
    ['a question mark inside', '=?utf-8?Q?what??=', 'what?'],
    ['spaces inside', '=?utf-8?Q?a b=C3=A4?=', 'a bä'],
    ['an unknown charset', '=?x-none?Q?=E4?=', 'ä'],
    ['wrong hexadecimal digits', '=?utf-8?Q?=ZZ=C3=A4?=', '=ZZä'],
    ['no end', '=?utf-8?Q?abc', '=?utf-8?Q?abc'],
    ['line breaks in a word become spaces', '=?utf-8?Q?a=0D=0ABcc:_x?=', 'a Bcc: x'],
    ['UTF-7', '=?utf-7?Q?Fr+APY-sche_+-?=', 'Frösche +'],
    ['bare UTF-8 inside', '=?utf-8?Q?ä?=', 'ä'],
  ];
  for (const [name, value, expected] of cases) {
    test(name, () => assert.equal(decodeWords(value), expected));
  }

  test('any text survives a round trip as base64', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), (given) => {
        const text = given.toWellFormed().replace(/[\r\n\0]/g, ' ');
        const word = `=?utf-8?B?${Buffer.from(text).toString('base64')}?=`;
        assert.equal(decodeWords(word), text.replace(/[\r\n\0]+/g, ' '));
      }),
    );
  });
});

describe('parameters', () => {
  const value = (text: string, name: string) =>
    parameter(parseParameterised(text).parameters, name);

  test('type, quoted values, comments and white space', () => {
    const parsed = parseParameterised(
      ' text/plain (a; b) ; charset = "us\\-ascii" (c) ; X=y z ;; =q; flag',
    );
    assert.equal(parsed.value, 'text/plain');
    assert.deepEqual(parsed.parameters, [
      { name: 'charset', value: 'us-ascii' },
      { name: 'x', value: 'y z' },
    ]);
  });

  test('continuations, charsets and both (RFC 2231 §3 and §4)', () => {
    assert.equal(value('x; url*0="ftp://"; url*1="cs.utk.edu"', 'url'), 'ftp://cs.utk.edu');
    assert.equal(value('x; url*1=b; url*0=a', 'url'), 'ab');
    assert.equal(
      value("x; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A", 'title'),
      'This is ***fun***',
    );
    assert.equal(
      value(
        "x; t*0*=us-ascii'en'This%20is%20even%20more%20; t*1*=%2A%2A%2Afun%2A%2A%2A%20; t*2=\"isn't it!\"",
        't',
      ),
      "This is even more ***fun*** isn't it!",
    );
    assert.equal(value("x; n*0*=utf-8''%C3; n*1*=%A4", 'n'), 'ä');
    assert.equal(value('x; a*0=1; a*2=3', 'a'), '1');
  });

  test('encoded words in a file name are decoded though they should not be there', () => {
    assert.equal(value('x; filename="=?utf-8?Q?=C3=A4.txt?="', 'filename'), 'ä.txt');
  });

  test('a quote without an end reaches to the end', () => {
    assert.equal(value('x; name="abc; other=1', 'name'), 'abc; other=1');
  });

  test('an absent parameter is undefined, an empty one is empty', () => {
    assert.equal(value('x; a=', 'a'), '');
    assert.equal(value('x; a=', 'b'), undefined);
  });
});

describe('text', () => {
  test('unfolding keeps the white space of a fold', () => {
    assert.equal(unfold(' a\r\n b\r\n\tc\n d '), 'a b\tc d');
    assert.equal(unfold('a\r\nb\rc'), 'a b c');
  });

  test('header bytes are UTF-8 where they are, else Windows-1252', () => {
    const read = (bytes: Buffer) => headerText(bytes, 0, bytes.length);
    assert.equal(read(Buffer.from('abc')), 'abc');
    assert.equal(read(Buffer.from('ä€')), 'ä€');
    assert.equal(read(Buffer.from([0xe4, 0x80])), 'ä€');
  });

  test('charsets by any of their names', () => {
    const bytes = Buffer.from([0xa4]);
    assert.equal(decodeCharset(bytes, 'ISO-8859-15'), '€');
    assert.equal(decodeCharset(bytes, ' latin1 '), '¤');
    assert.equal(decodeCharset(Buffer.from('ä'), 'us-ascii'), 'ä');
    assert.equal(decodeCharset(Buffer.from('ä'), 'no-such'), 'ä');
  });
});

test('message identifiers are found between phrases and broken ones passed over', () => {
  assert.deepEqual(messageIds('<a@b> "old phrase" <c@d>\t<a@b> <e f@g> <h'), ['a@b', 'c@d']);
  assert.deepEqual(messageIds('no identifier'), []);
  assert.equal(messageIds('<a@b>'.repeat(3)).length, 1);
  assert.equal(
    messageIds(Array.from({ length: 5_000 }, (_, i) => `<${i}@x>`).join(' ')).length,
    1_000,
  );
});
