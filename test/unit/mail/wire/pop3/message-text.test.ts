/**
 * Aim: a message as sent by RETR or TOP is the message, line by line, and ends where it should (RFC 1939 §3), however
 *      it is cut.
 * Method: a plain model on whole texts, against slices cut at random places; random tests print their seed.
 */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { concat } from '../../../../../src/base/bytes.ts';
import { MessageText, textStart } from '../../../../../src/mail/wire/pop3/message-text.ts';

/** Writes slices, each by a writer made of what the one before left. */
function written(slices: readonly Buffer[], bodyLines: number): string {
  let place = textStart(bodyLines);
  const pieces: Uint8Array[] = [];
  let text = new MessageText(place);
  for (const slice of slices) {
    text = new MessageText(place);
    text.write(slice);
    pieces.push(...text.take());
    place = text.place;
    if (text.isComplete) break;
  }
  text.end();
  return concat([...pieces, ...text.take()]).toString('latin1');
}

/** The same by lines of strings. */
function model(message: string, bodyLines: number): string {
  const lines = message.split(/\r\n|\n/);
  if (lines.at(-1) === '') lines.pop();
  const empty = lines.indexOf('');
  const wanted =
    bodyLines < 0 || empty < 0
      ? lines
      : lines.slice(0, Math.min(lines.length, empty + 1 + bodyLines));
  return `${wanted.map((line) => `${line.startsWith('.') ? '.' : ''}${line}\r\n`).join('')}.\r\n`;
}

it('writes what the model writes, wherever the slices are cut', () => {
  const line = fc.string({ unit: fc.constantFrom('.', 'a', '\r', ' '), maxLength: 4 });
  const message = fc
    .array(fc.tuple(line, fc.constantFrom('\r\n', '\r\n', '\n')), { maxLength: 8 })
    // A CR before its LF would make the line end in it: the model splits there as well.
    .map((lines) => lines.map(([text, end]) => text + end).join(''));
  const tail = fc.constantFrom('', '.', 'x', '..');
  const property = fc.property(
    message,
    tail,
    fc.integer({ min: -1, max: 4 }),
    fc.array(fc.nat(40), { maxLength: 4 }),
    (head, end, bodyLines, cuts) => {
      const octets = Buffer.from(head + end, 'latin1');
      const places = [0, ...cuts.map((cut) => cut % (octets.length + 1)), octets.length].sort(
        (a, b) => a - b,
      );
      const slices = places.slice(1).map((to, i) => octets.subarray(places[i]!, to));
      assert.equal(written(slices, bodyLines), model(head + end, bodyLines));
    },
  );
  fc.assert(property, { numRuns: Number(process.env.CHASKI_FUZZ_RUNS ?? 2_000) });
});

it('a message that ends without a line end, or in a CR, gets one before the dot', () => {
  assert.equal(written([Buffer.from('A: b')], -1), 'A: b\r\n.\r\n');
  assert.equal(written([Buffer.from('A: b\r')], -1), 'A: b\r\r\n.\r\n');
  assert.equal(written([Buffer.from('')], -1), '.\r\n');
});

it('TOP stops at its last line, though more of the message is at hand', () => {
  const text = new MessageText(textStart(1));
  text.write(Buffer.from('A: b\r\n\r\none\r\ntwo\r\n'));
  assert.ok(text.isComplete);
  assert.equal(concat(text.take()).toString(), 'A: b\r\n\r\none\r\n');
});

it('views of what was given are handed out, and nothing is copied', () => {
  const octets = Buffer.from('A: b\r\n\r\nline\r\n');
  const text = new MessageText(textStart(-1));
  text.write(octets);
  const [piece] = text.take();
  assert.equal(piece!.buffer, octets.buffer);
  assert.equal(piece!.byteLength, octets.byteLength);
});
