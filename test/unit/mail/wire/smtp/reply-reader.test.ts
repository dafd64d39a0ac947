/** Aim: replies are read the same in whatever pieces they come, and nothing a server sends passes its bound. */

import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, it } from 'node:test';
import type { Reply } from '../../../../../src/mail/wire/smtp/reply-reader.ts';
import {
  lineBytesMax,
  linesMax,
  ReplyReader,
} from '../../../../../src/mail/wire/smtp/reply-reader.ts';

function read(text: string, step = text.length): { replies: Reply[]; reader: ReplyReader } {
  const reader = new ReplyReader();
  const replies: Reply[] = [];
  const bytes = Buffer.from(text);
  // One buffer for all pieces, as a socket would give it: the reader must keep nothing of it.
  const shared = Buffer.alloc(Math.max(step, 1));
  for (let at = 0; at < bytes.length; at += step) {
    const length = bytes.copy(shared, 0, at, at + step);
    reader.feed(shared.subarray(0, length));
    for (let reply = reader.next(); reply !== undefined; reply = reader.next()) replies.push(reply);
    shared.fill(0x58);
  }
  return { replies, reader };
}

const sample =
  '220 hop.test ESMTP\r\n250-hop.test\r\n250-SIZE 10\r\n250 DSN\r\n250 2.1.0 Ok\r\n' +
  '550-5.1.1 no such\r\n550 5.1.1 user\r\n354\r\n250-\r\n250 \r\n451 4.7.1\r\n';

const expected: readonly Reply[] = [
  { code: 220, enhanced: '', text: 'hop.test ESMTP' },
  { code: 250, enhanced: '', text: 'hop.test\nSIZE 10\nDSN' },
  { code: 250, enhanced: '2.1.0', text: 'Ok' },
  { code: 550, enhanced: '5.1.1', text: 'no such\nuser' },
  { code: 354, enhanced: '', text: '' },
  { code: 250, enhanced: '', text: '\n' },
  { code: 451, enhanced: '4.7.1', text: '' },
];

describe('the reply reader', () => {
  it('reads one-line and many-line replies, with and without enhanced codes', () => {
    assert.deepEqual(read(sample).replies, expected);
  });

  it('reads the same however the bytes are cut', () => {
    for (let step = 1; step < sample.length; step++) {
      assert.deepEqual(read(sample, step).replies, expected, `pieces of ${step}`);
    }
  });

  it('takes lines that end with LF alone', () => {
    assert.deepEqual(
      read('250 a\n250 b\n').replies.map((reply) => reply.text),
      ['a', 'b'],
    );
  });

  it('drops an enhanced code that contradicts the reply', () => {
    assert.deepEqual(read('250 5.1.1 odd\r\n').replies, [{ code: 250, enhanced: '', text: 'odd' }]);
  });

  it('takes what only looks like an enhanced code for words', () => {
    for (const words of [
      '5.1',
      '5.1.1.1 x',
      '5.1234.1 x',
      '3.1.1 x',
      '5..1 x',
      '5.1.x y',
      '5.1.1x',
    ]) {
      assert.deepEqual(read(`550 ${words}\r\n`).replies, [
        { code: 550, enhanced: '', text: words },
      ]);
    }
  });

  it('replaces control characters, so that words can stand in logs and notices', () => {
    assert.equal(read('250 a\0b\rc\x1b[1m\r\n').replies[0]?.text, 'a?b?c?[1m');
  });

  it('tells whether bytes are left behind a reply', () => {
    assert.equal(read('220 go\r\n').reader.hasRest, false);
    const reader = new ReplyReader();
    reader.feed(Buffer.from('220 go\r\n250 injected\r\n'));
    reader.next();
    assert.equal(reader.hasRest, true);
  });

  const faults: readonly [string, string][] = [
    ['code-invalid', 'hello\r\n'],
    ['code-invalid', '\r\n'],
    ['code-invalid', '25\r\n'],
    ['code-invalid', '199 x\r\n'],
    ['code-invalid', '600 x\r\n'],
    ['code-invalid', '250x\r\n'],
    ['codes-differ', '250-a\r\n251 b\r\n'],
    ['line-too-long', `250 ${'x'.repeat(lineBytesMax)}\r\n`],
    ['line-too-long', 'x'.repeat(lineBytesMax + 1)],
    ['lines-too-many', '250-x\r\n'.repeat(linesMax + 1)],
    ['reply-too-long', `250-${'x'.repeat(2_000)}\r\n`.repeat(20)],
  ];
  for (const [fault, text] of faults) {
    it(`stops for good at ${fault}: ${JSON.stringify(text.slice(0, 20))}`, () => {
      for (const step of [text.length, 1, 7]) {
        const { reader, replies } = read(`250 first\r\n${text}`, step);
        assert.equal(reader.fault, fault);
        assert.equal(replies.length, 1);
        reader.feed(Buffer.from('250 more\r\n'));
        assert.equal(reader.next(), undefined);
      }
    });
  }
});
