/** The data reader beside its fuzz (test/fuzz/smtp-session.test.ts): views, tiny pieces, counting. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DataReader } from '../../../../../src/mail/wire/smtp/data-reader.ts';

test('text without dots is handed out as views of the chunks', () => {
  const reader = new DataReader();
  const chunks = [Buffer.from('one\r\ntw'), Buffer.from('o\r\n.\r\nQUIT')];
  assert.equal(reader.read(chunks[0]!, 0), -1);
  assert.equal(reader.read(chunks[1]!, 0), 6);
  assert.equal(reader.parts.length, 2);
  assert.equal(reader.parts[0]!.buffer, chunks[0]!.buffer);
  assert.equal(reader.parts[1]!.buffer, chunks[1]!.buffer);
  assert.equal(Buffer.concat(reader.parts).toString(), 'one\r\ntwo\r\n');
});

test('octets that come one by one are joined, so that parts stay few', () => {
  const reader = new DataReader();
  const text = Buffer.from('0123456789abcdef\r\n'.repeat(2_000));
  for (let i = 0; i < text.length; i++) reader.read(text.subarray(i, i + 1), 0);
  assert.ok(reader.parts.length < 200, `${reader.parts.length} parts`);
  assert.deepEqual(Buffer.concat(reader.parts), text);
  assert.equal(reader.bytes, text.length);
});

test('a stuffed dot on every line costs few parts as well', () => {
  const reader = new DataReader();
  const lines = 5_000;
  reader.read(Buffer.from('..x\r\n'.repeat(lines)), 0);
  assert.ok(reader.parts.length < 200, `${reader.parts.length} parts`);
  assert.equal(Buffer.concat(reader.parts).toString(), '.x\r\n'.repeat(lines));
});

test('after a bare newline nothing is kept, and the true end is still found', () => {
  const reader = new DataReader();
  assert.equal(reader.read(Buffer.from('a\nb\r\n.\r\n'), 0), 8);
  assert.ok(reader.hasBareNewline);
  assert.equal(reader.parts.length, 0);
});

test('the longest line is measured with its CRLF, over chunks', () => {
  const reader = new DataReader();
  reader.read(Buffer.from('ab'), 0);
  reader.read(Buffer.from('cd\r\nx\r\n.'), 0);
  reader.read(Buffer.from('\r\n'), 0);
  assert.equal(reader.lineBytesLongest, 6);
});

test('counted text keeps dots and gets its last line ended', () => {
  const reader = new DataReader();
  reader.reset('counted');
  reader.read(Buffer.from('.\r\n..'), 0);
  reader.endCounted();
  assert.equal(Buffer.concat(reader.parts).toString(), '.\r\n..\r\n');
});

test('counted text that ends in CR is a bare newline', () => {
  const reader = new DataReader();
  reader.reset('counted');
  reader.read(Buffer.from('x\r'), 0);
  reader.endCounted();
  assert.ok(reader.hasBareNewline);
});

test('binary text is kept whole', () => {
  const reader = new DataReader();
  reader.reset('binary');
  reader.read(Buffer.from('\r\r\n.\n'), 0);
  reader.endCounted();
  assert.ok(!reader.hasBareNewline);
  assert.equal(Buffer.concat(reader.parts).toString(), '\r\r\n.\n');
});

test('a reader is as new after reset', () => {
  const reader = new DataReader();
  reader.read(Buffer.from('a\nb'), 0);
  reader.reset('dots');
  assert.equal(reader.read(Buffer.from('.\r\n'), 0), 3);
  assert.equal(reader.bytes, 0);
  assert.ok(!reader.hasBareNewline);
});
