/**
 * The command reader beside its fuzz (test/fuzz/imap-wire.test.ts): lines, literals, limits, what is skipped.
 *
 * RFC 9051 §2.2.1, RFC 7888.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CommandReader, type Reading } from '../../../../../src/mail/wire/imap/command-reader.ts';

const lineBytesMax = 1_000;

function reading(text: string): CommandReader {
  const reader = new CommandReader(lineBytesMax);
  reader.give(Buffer.from(text, 'latin1'));
  return reader;
}

const shown = (reader: CommandReader) => reader.bytes.toString('latin1', reader.start, reader.end);

function expect(reader: CommandReader, kind: Reading, text?: string): void {
  assert.equal(reader.next(), kind);
  if (text !== undefined) assert.equal(shown(reader), text);
}

test('commands of one chunk are shown in it, one after another', () => {
  const chunk = Buffer.from('a1 NOOP\r\na2 LOGOUT\r\n');
  const reader = new CommandReader(lineBytesMax);
  reader.give(chunk);
  expect(reader, 'command', 'a1 NOOP');
  assert.equal(reader.bytes, chunk);
  expect(reader, 'command', 'a2 LOGOUT');
  expect(reader, 'more');
});

test('a command that comes octet by octet is the same command', () => {
  const reader = new CommandReader(lineBytesMax);
  for (const octet of Buffer.from('a1 NOOP\r')) {
    reader.give(Buffer.from([octet]));
    expect(reader, 'more');
  }
  reader.give(Buffer.from('\n'));
  expect(reader, 'command', 'a1 NOOP');
  expect(reader, 'more');
});

test('a line may end in LF alone, and an empty line is an empty command', () => {
  const reader = reading('a1 NOOP\n\r\n');
  expect(reader, 'command', 'a1 NOOP');
  expect(reader, 'command', '');
});

test('a synchronising literal asks for a continuation and becomes part of the command', () => {
  const reader = reading('a1 LOGIN {5}\r\n');
  expect(reader, 'literal', 'a1 LOGIN {5}\r\n');
  assert.equal(reader.literalBytes, 5);
  assert.ok(reader.needsContinuation);
  reader.gather();
  expect(reader, 'more');
  reader.give(Buffer.from('al\r\n'));
  expect(reader, 'more');
  reader.give(Buffer.from('e pw\r\n'));
  expect(reader, 'command', 'a1 LOGIN {5}\r\nal\r\ne pw');
});

test('a literal is asked about until somebody answers', () => {
  const reader = reading('a1 LOGIN {5}\r\n');
  expect(reader, 'literal');
  expect(reader, 'literal');
});

test('a refused synchronising literal ends its command', () => {
  const reader = reading('a1 LOGIN {5}\r\na2 NOOP\r\n');
  expect(reader, 'literal');
  reader.refuse();
  expect(reader, 'command', 'a2 NOOP');
});

test('a refused literal that comes all the same is passed over, octet for octet, with the rest of its command', () => {
  const reader = reading('a1 LOGIN {10+}\r\nx\r\ny {3}\r\n {4+}\r\na b\r z\r\na2 NOOP\r\n');
  expect(reader, 'literal');
  assert.ok(!reader.needsContinuation);
  reader.refuse();
  expect(reader, 'command', 'a2 NOOP');
});

test('a refused command that goes on with a synchronising literal is over: it got its answer instead', () => {
  const reader = reading('a1 X {1+}\r\nx {3}\r\na2 NOOP\r\n');
  expect(reader, 'literal');
  reader.refuse();
  expect(reader, 'command', 'a2 NOOP');
});

test('a streamed literal is shown in views, and the command goes on behind it', () => {
  const reader = reading('a1 APPEND x {8}\r\n');
  expect(reader, 'literal');
  reader.stream();
  expect(reader, 'more');
  const chunk = Buffer.from('abc');
  reader.give(chunk);
  expect(reader, 'octets', 'abc');
  assert.equal(reader.bytes, chunk);
  assert.equal(reader.literalBytesLeft, 5);
  expect(reader, 'more');
  reader.give(Buffer.from('defgh {3+}\r\nxyz\r\na2 NOOP\r\n'));
  expect(reader, 'octets', 'defgh');
  assert.equal(reader.literalBytesLeft, 0);
  expect(reader, 'literal', ' {3+}\r\n');
  reader.stream();
  expect(reader, 'octets', 'xyz');
  expect(reader, 'command', '');
  expect(reader, 'command', 'a2 NOOP');
});

test('a streamed literal of no octets is shown once, empty', () => {
  const reader = reading('a1 APPEND x {0+}\r\n\r\n');
  expect(reader, 'literal');
  reader.stream();
  expect(reader, 'octets', '');
  assert.equal(reader.literalBytesLeft, 0);
  expect(reader, 'command', '');
});

test('a brace inside a literal does not announce another one', () => {
  const reader = reading('a1 X {4+}\r\nab{5}\r\na2 NOOP\r\n');
  expect(reader, 'literal');
  reader.gather();
  expect(reader, 'command', 'a1 X {4+}\r\nab{5}');
  expect(reader, 'command', 'a2 NOOP');
});

test('octets of literals gathered are counted for each command anew', () => {
  const reader = reading('a1 X {4+}\r\nabcd {2+}\r\nef\r\na2 X {1+}\r\na\r\n');
  expect(reader, 'literal');
  assert.equal(reader.gatheredBytes, 0);
  reader.gather();
  expect(reader, 'literal');
  assert.equal(reader.gatheredBytes, 4);
  reader.gather();
  expect(reader, 'command');
  expect(reader, 'literal');
  assert.equal(reader.gatheredBytes, 0);
});

test('RFC 3516: a binary literal is told apart', () => {
  const reader = reading('a1 APPEND x ~{3}\r\n');
  expect(reader, 'literal');
  assert.ok(reader.isBinary);
});

for (const end of ['{}', '{a}', '5}', '{5', '{5}x', '{5++}', '{-5}', '{ 5}']) {
  test(`${end} at a line's end announces nothing`, () => {
    expect(reading(`a1 X ${end}\r\n`), 'command', `a1 X ${end}`);
  });
}

test('a literal beyond counting loses the session', () => {
  const reader = reading('a1 X {9007199254740993}\r\na2 NOOP\r\n');
  expect(reader, 'lost');
  expect(reader, 'lost');
  assert.equal(reading('a1 X {0000000000000000000000000000000000007}\r\n').next(), 'literal');
});

test('a line at its limit is read, one octet more is not, and the next command is', () => {
  const line = `a1 ${'x'.repeat(lineBytesMax - 3)}`;
  const reader = reading(`${line}\r\n${line}x\r\na2 NOOP\r\n`);
  expect(reader, 'command', line);
  expect(reader, 'too-long', line.slice(0, 128));
  expect(reader, 'command', 'a2 NOOP');
});

test('a line that never ends costs nothing but its time', () => {
  const reader = reading('a1 ');
  expect(reader, 'more');
  let told = 0;
  for (let i = 0; i < 1_000; i++) {
    reader.give(Buffer.alloc(1_000, 'x'));
    for (let kind = reader.next(); kind !== 'more'; kind = reader.next()) {
      assert.equal(kind, 'too-long');
      assert.equal(shown(reader).slice(0, 5), 'a1 xx');
      told++;
    }
  }
  assert.equal(told, 1);
  reader.give(Buffer.from('\r\na2 NOOP\r\n'));
  expect(reader, 'command', 'a2 NOOP');
});

test('literals of a line that is too long are passed over', () => {
  const reader = reading(`a1 ${'x'.repeat(2_000)} {9+}\r\na3 NOOP\r\n\r\na2 NOOP\r\n`);
  expect(reader, 'too-long');
  expect(reader, 'command', 'a2 NOOP');
});

test('lines between gathered literals count together', () => {
  const part = `${'x'.repeat(400)} {1+}\r\n`;
  const reader = reading(`a1 ${part}1${part}2${part}3\r\na2 NOOP\r\n`);
  expect(reader, 'literal');
  reader.gather();
  expect(reader, 'literal');
  reader.gather();
  expect(reader, 'too-long');
  expect(reader, 'command', 'a2 NOOP');
});

test('a line that is asked for is no command, whatever its end', () => {
  const reader = reading('a1 AUTHENTICATE PLAIN\r\nabc {5}\r\na2 NOOP\r\n');
  expect(reader, 'command');
  reader.expectLine();
  expect(reader, 'line', 'abc {5}');
  expect(reader, 'command', 'a2 NOOP');
});

test('a line that is asked for may be too long, and braces at its end mean nothing', () => {
  const reader = reading(`${'x'.repeat(2_000)} {9+}\r\na2 NOOP\r\n`);
  reader.expectLine();
  expect(reader, 'too-long');
  expect(reader, 'command', 'a2 NOOP');
});

test('what was given and not read is counted, for STARTTLS', () => {
  const reader = reading('a1 STARTTLS\r\na2 NOOP\r\n');
  expect(reader, 'command');
  assert.equal(reader.unreadBytes, 9);
});

test('a chunk given too early is read behind the rest', () => {
  const reader = reading('a1 NOOP\r\na2 NO');
  expect(reader, 'command', 'a1 NOOP');
  reader.give(Buffer.from('OP\r\n'));
  expect(reader, 'command', 'a2 NOOP');
  expect(reader, 'more');
});

test('a literal that is announced and does not come holds no room', () => {
  const before = process.memoryUsage().arrayBuffers;
  const readers = Array.from({ length: 100 }, () => reading('a1 X {50000000}\r\n'));
  for (const reader of readers) {
    reader.next();
    reader.gather();
    reader.next();
    reader.give(Buffer.from('few'));
    reader.next();
  }
  assert.ok(process.memoryUsage().arrayBuffers - before < 5_000_000);
});
