/**
 * Aim: any octets, in any pieces, are read as the same commands and faults, or end the session; nothing is kept beyond
 *      the limits.
 * Method: properties over octets made of a grammar's pieces and of noise.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { CommandReader, type Finding } from '../../../../../src/mail/wire/managesieve/reader.ts';
import { responseLine, stringsLine } from '../../../../../src/mail/wire/managesieve/response.ts';

const limits = { lineBytesMax: 64, literalBytesMax: 32, skipBytesMax: 256 };

function readAll(chunks: readonly Buffer[]): Finding[] {
  const reader = new CommandReader(limits);
  const found: Finding[] = [];
  for (const chunk of chunks) {
    reader.push(chunk);
    for (;;) {
      const finding = reader.next();
      if (finding === undefined) break;
      found.push(finding);
      // A session ends there.
      if (finding.kind === 'fatal') return found;
    }
    assert.ok(reader.heldBytes <= chunk.length + limits.lineBytesMax + limits.literalBytesMax);
  }
  return found;
}

const pieces = fc.constantFrom(
  ...['PUTSCRIPT ', 'NOOP', ' ', '"a"', '"a\\"b"', '"open', '{3+}\r\nabc', '{0+}\r\n', '{3}\r\n'],
  ...[
    '{33+}\r\n',
    '{300+}\r\n',
    'x'.repeat(33),
    '7',
    '99999999999',
    '\r\n',
    '\n',
    '\r',
    '\0',
    '\\',
  ],
);
const octets = fc
  .array(fc.oneof(pieces, fc.string({ maxLength: 5, unit: 'binary' })), { maxLength: 30 })
  .map((parts) => Buffer.from(parts.join(''), 'utf8'));

describe('the reader of ManageSieve commands', () => {
  it('finds the same in whatever pieces the octets come', () => {
    fc.assert(
      fc.property(octets, fc.array(fc.nat(40), { maxLength: 40 }), (all, cuts) => {
        const chunks: Buffer[] = [];
        let at = 0;
        for (const cut of cuts) {
          chunks.push(all.subarray(at, at + cut));
          at += cut;
        }
        chunks.push(all.subarray(at));
        // How soon a line is known to be too long depends on how it comes: all before it does not.
        const whole = readAll([all]);
        const split = readAll(chunks);
        const last = Math.min(whole.length, split.length);
        assert.deepEqual(split.slice(0, last), whole.slice(0, last));
        assert.equal(whole.at(-1)?.kind === 'fatal', split.at(-1)?.kind === 'fatal');
      }),
      { numRuns: 2_000 },
    );
  });

  it('reads back what is written, whatever a string holds', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 20 }), (text) => {
        const line = stringsLine(text).toString('utf8');
        const asClient = line.replace(/^\{(\d+)\}/, '{$1+}');
        const reader = new CommandReader({
          ...limits,
          literalBytesMax: 1_000,
          lineBytesMax: 2_000,
        });
        reader.push(Buffer.from(asClient, 'utf8'));
        const found = reader.next();
        assert.equal(found?.kind, 'string');
        assert.equal(found.kind === 'string' && found.octets.toString('utf8'), text.toWellFormed());
      }),
    );
  });

  it('is told how long a literal may be, and reads on behind one that is longer', () => {
    const found = readAll([Buffer.from(`CHECKSCRIPT {33+}\r\n${'x'.repeat(33)}\r\nNOOP\r\n`)]);
    assert.deepEqual(found, [
      { kind: 'too-large', verb: 'CHECKSCRIPT' },
      { kind: 'command', verb: 'NOOP', args: [] },
    ]);
  });

  it('never takes what may be a literal for commands', () => {
    const script = 'DELETESCRIPT "main"\r\n';
    for (const head of [
      'PUTSCRIPT "\xff" {22+}\r\n',
      'PUTSCRIPT "a" {22+}\n',
      'PUTSCRIPT "a" {00000000022+}\r\n',
      'PUTSCRIPT "a" {22+} \r\n',
      'PUTSCRIPT "a" {{22+}}\r\n',
      'PUTSCRIPT "a" {22+}x\r\n',
      'PUTSCRIPT "a" "keep;\r\n',
    ]) {
      const found = readAll([Buffer.from(head + script, 'latin1')]);
      assert.deepEqual(
        found.map(({ kind }) => kind),
        ['fatal'],
        head,
      );
    }
  });

  it('gathers a literal that comes an octet at a time, and no command has many', () => {
    const text = `CHECKSCRIPT {30+}\r\n${'x'.repeat(30)}\r\nNOOP\r\n`;
    const found = readAll([...text].map((char) => Buffer.from(char)));
    assert.deepEqual(
      found.map((one) => one.kind === 'command' && one.verb),
      ['CHECKSCRIPT', 'NOOP'],
    );
    const many = readAll([Buffer.from(`NOOP ${'{1+}\r\nx '.repeat(4)}\r\n`)]);
    assert.deepEqual(many, [{ kind: 'fatal', words: 'Too many literals' }]);
  });

  it('writes one line for each response', () => {
    const line = responseLine({ status: 'NO', code: 'QUOTA', words: 'a "b"\r\nc' });
    assert.equal(String(line), 'NO (QUOTA) {8}\r\na "b"\r\nc\r\n');
  });
});
