/**
 * Aim: the quick look at a message's octets denies only what the thorough one denies too (RFC 9051 §6.4.4).
 * Method: random messages of every encoding that hides a text, and pieces of their texts, both ways.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { SearchedText, type TextKey } from '../../../../../src/engine/mailbox/imap/search-text.ts';
import { Needle } from '../../../../../src/mail/formats/text/needle.ts';

const texts = ['Pear and apple', 'grüße', 'a=b <tag>', 'UTF-7 +AOk-', 'plain words here', 'MiXed'];
const text = fc.constantFrom(...texts);

/** A leaf: its header fields and its encoded text. */
const leaf = fc
  .record({
    body: text,
    encoding: fc.constantFrom('', '7bit', 'base64', 'Quoted-Printable', 'x-none'),
    charset: fc.constantFrom('', 'us-ascii', 'utf-8', '"UTF-7"', 'utf-16', 'UTF-16LE'),
    subtype: fc.constantFrom('plain', 'html', 'x-y'),
  })
  .map(({ body, encoding, charset, subtype }) => {
    const isWide = charset.includes('16');
    const octets = Buffer.from(body, isWide ? 'utf16le' : 'utf8');
    const shown =
      encoding === 'base64'
        ? octets.toString('base64')
        : encoding === 'Quoted-Printable'
          ? [...octets].map((byte) => `=${byte.toString(16).padStart(2, '0')}`).join('')
          : octets.toString('latin1');
    const parameters = charset === '' ? '' : `; charset=${charset}`;
    const fields = [`Content-Type: text/${subtype}${parameters}`];
    if (encoding !== '') fields.push(`Content-Transfer-Encoding: ${encoding}`);
    return { fields, body: shown };
  });

const head = fc
  .record({ subject: text, isWord: fc.boolean(), isFolded: fc.boolean(), extra: text })
  .map(({ subject, isWord, isFolded, extra }) => {
    const word = `=?utf-8?b?${Buffer.from(subject).toString('base64')}?=`;
    const shown = isWord ? word : Buffer.from(subject).toString('latin1');
    const folded = isFolded ? shown.replace(' ', '\r\n ') : shown;
    return [`Subject: ${folded}`, `X-Extra: ${Buffer.from(extra).toString('latin1')}`];
  });

const message = fc
  .record({
    head,
    parts: fc.array(leaf, { minLength: 1, maxLength: 3 }),
    isNested: fc.boolean(),
    lineEnd: fc.constantFrom('\r\n', '\n'),
  })
  .map(({ head, parts, isNested, lineEnd }) => {
    const [first] = parts;
    if (parts.length === 1) {
      const lines = [...head, ...first!.fields, '', first!.body, ''];
      const inner = isNested ? [...head, 'Content-Type: message/rfc822', '', ...lines] : lines;
      return Buffer.from(inner.join(lineEnd), 'latin1');
    }
    const lines = [...head, 'Content-Type: Multipart/mixed; boundary=b', ''];
    for (const { fields, body } of parts) lines.push('--b', ...fields, '', body);
    return Buffer.from([...lines, '--b--', ''].join(lineEnd), 'latin1');
  });

const needle = fc
  .record({
    of: text,
    from: fc.nat(12),
    length: fc.integer({ min: 0, max: 6 }),
    isUpper: fc.boolean(),
  })
  .map(({ of, from, length, isUpper }) => {
    const piece = of.slice(from, from + length);
    return isUpper ? piece.toUpperCase() : piece;
  });

const key = fc.constantFrom<TextKey>(
  { op: 'text', place: 'body', text: '' },
  { op: 'text', place: 'text', text: '' },
  { op: 'text', place: 'subject', text: '' },
  { op: 'header', field: 'X-EXTRA', text: '' },
);

describe('the quick look', () => {
  it('denies nothing that the message holds', () => {
    fc.assert(
      fc.property(message, key, needle, (bytes, asked, wanted) => {
        const searched = new SearchedText().open(bytes);
        const one = new Needle(wanted);
        const held = new SearchedText().open(bytes).thoroughlyHolds(asked, one);
        assert.equal(searched.holds(asked, one), held, bytes.toString('latin1'));
      }),
      { numRuns: 3_000 },
    );
  });

  it('finds encodings where they are told of: in the header, or in those of parts', () => {
    const encoded = `Content-Transfer-Encoding: base64\r\n\r\n${btoa('pear')}`;
    const body: TextKey = { op: 'text', place: 'body', text: '' };
    const holds = (bytes: string) =>
      new SearchedText().open(Buffer.from(bytes)).holds(body, new Needle('PEAR'));
    assert.ok(holds(encoded));
    assert.ok(holds(`Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n${encoded}\r\n--b--`));
    assert.ok(holds(`Content-Type: message/rfc822\r\n\r\n${encoded}`));
    assert.ok(!holds(`Subject: x\r\n\r\n${encoded}`), 'a body that only looks encoded');
  });
});
