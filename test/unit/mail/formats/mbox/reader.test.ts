/**
 * Aim: an mbox is cut where its messages begin, in whatever pieces it comes.
 * Method: texts cut at every byte.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type MboxItem, MboxReader } from '../../../../../src/mail/formats/mbox/reader.ts';

function readAll(text: string, pieceBytes = text.length, bytesMax = 1_000): MboxItem[] {
  const reader = new MboxReader(bytesMax);
  const bytes = Buffer.from(text);
  const items: MboxItem[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    items.push(...reader.push(Buffer.from(bytes.subarray(at, at + pieceBytes))));
  }
  items.push(...reader.end());
  return items;
}

const texts = (items: readonly MboxItem[]) =>
  items.map((item) => (item.kind === 'message' ? item.raw.toString() : `! ${item.reason}`));

const from = 'From ann@example.org Thu Jan  1 00:00:07 2026';
const first = 'Subject: 1\n\nFrom here on, text.\nFrom ann@example.org no date\n';
const second = 'Subject: 2\n\nText\n\n';

describe('MboxReader', () => {
  it('cuts at From_ lines with a date behind an empty line, wherever the pieces end', () => {
    const mbox = `${from}\n${first}\n${from}\n${second}\n`;
    for (let pieceBytes = 1; pieceBytes <= mbox.length; pieceBytes++) {
      const items = readAll(mbox, pieceBytes);
      assert.deepEqual(texts(items), [first, second], `pieces of ${pieceBytes}`);
      assert.deepEqual(
        items.map((item) => item.offset),
        [0, from.length + first.length + 2],
      );
    }
  });

  it('reads CRLF line ends and a last message without an empty line', () => {
    const mbox = `${from}\r\nSubject: 1\r\n\r\nA\r\n\r\n${from}\r\nSubject: 2\r\n\r\nB`;
    assert.deepEqual(texts(readAll(mbox)), ['Subject: 1\r\n\r\nA\r\n', 'Subject: 2\r\n\r\nB']);
  });

  it('knows the dates of Unix, Thunderbird and Gmail', () => {
    const dates = [
      'From ann@example.org Thu Jan  1 00:00:07 2026',
      'From - Thu Jan 01 00:00:07 2026',
      'From 178@xxx Thu Jan 01 01:00:07 +0100 2026',
      'From "a b"@example.org Thu Jan  1 00:00:07 UTC 2026 remote from x',
    ];
    const items = dates.flatMap((line) => readAll(`${line}\nA: b\n\n`));
    const seen = items.map((item) => (item.kind === 'message' ? item.internalMs : item.reason));
    assert.deepEqual(new Set(seen), new Set([Date.UTC(2026, 0, 1, 0, 0, 7)]));
    assert.equal(seen.length, 4);
  });

  it('tells of text before the first message, and goes on', () => {
    const items = readAll(`Not an mbox\n\n${from}\n${second}\n`);
    assert.deepEqual(texts(items), ['! no line "From ADDRESS DATE" before the text', second]);
  });

  it('copies a message of many pieces about twice, and not once a piece', (t) => {
    const allocate = t.mock.method(Buffer, 'allocUnsafeSlow');
    const mbox = `${from}\nA: b\n\n${'a line of text\n'.repeat(20_000)}\n${from}\n${second}\n`;
    const [long] = readAll(mbox, 500, mbox.length);
    assert.equal(
      long?.kind === 'message' && long.raw.length,
      mbox.indexOf(`\n\n${from}`) - from.length,
    );
    const bytes = allocate.mock.calls.reduce((sum, call) => sum + call.arguments[0], 0);
    assert.ok(bytes > mbox.length && bytes < 5 * mbox.length, `${bytes} for ${mbox.length}`);
  });

  it('passes over a message above the limit without keeping it, and takes one at it', () => {
    const fits = `A: b\n\n${'x'.repeat(1_000 - 8 - from.length)}\n`;
    const mbox = `${from}\nA: b\n\n${'y'.repeat(9_000)}\n\n${from}\n${fits}\n${from}\n${second}\n`;
    for (const pieceBytes of [1, 7, 100, 4_096, mbox.length]) {
      const items = readAll(mbox, pieceBytes);
      const large = pieceBytes === mbox.length ? items[0]!.kind : texts(items)[0];
      const wanted = pieceBytes === mbox.length ? 'message' : '! a message over 1000 bytes';
      assert.equal(large, wanted);
      assert.deepEqual(texts(items).slice(1), [fits, second], `pieces of ${pieceBytes}`);
    }
  });
});
