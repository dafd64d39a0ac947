/**
 * Aim: the quick look at a message's octets denies only what the thorough one denies too (RFC 9051 §6.4.4).
 * Method: random messages of every encoding that hides a text, and pieces of their texts, both ways.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  hasPlainTexts,
  lacksOctets,
  octetsOf,
} from '../../../../../src/engine/mailbox/imap/plain-texts.ts';
import { SearchedText, type TextKey } from '../../../../../src/engine/mailbox/imap/search-text.ts';
import { summarise } from '../../../../../src/mail/formats/mime/summary.ts';
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
);

/** As a search looks at it: undefined where only a thorough look tells. */
function quickVerdict(bytes: Buffer, asked: TextKey, wanted: Needle): false | undefined {
  const isInHeaders = asked.op === 'text' && asked.place === 'text';
  const octets = octetsOf(wanted, isInHeaders);
  if (octets === undefined || !lacksOctets(bytes, octets, isInHeaders)) return undefined;
  return hasPlainTexts(Buffer.from(summarise(bytes).body)) ? false : undefined;
}

describe('the quick look', () => {
  it('denies nothing that the message holds', () => {
    let denied = 0;
    fc.assert(
      fc.property(message, key, needle, (bytes, asked, wanted) => {
        const one = new Needle(wanted);
        if (quickVerdict(bytes, asked, one) === undefined) return;
        denied++;
        assert.equal(new SearchedText().open(bytes).holds(asked, one), false, String(bytes));
      }),
      // One in 160 is denied: enough of them that chance does not decide.
      { numRuns: 6_000 },
    );
    assert.ok(denied > 10, 'it spares something');
  });

  it('is for plain texts in a charset that has ASCII as it is, whatever else is in the message', () => {
    const plain = (type: string, encoding = '7bit') => {
      const head = `Content-Type: ${type}\r\nContent-Transfer-Encoding: ${encoding}`;
      const picture = 'Content-Type: image/png\r\nContent-Transfer-Encoding: base64';
      const parts = `--b\r\n${head}\r\n\r\npear\r\n--b\r\n${picture}\r\n\r\ncGVhcg==\r\n--b--`;
      const all = `Content-Type: multipart/mixed; boundary=b\r\n\r\n${parts}`;
      return hasPlainTexts(Buffer.from(summarise(Buffer.from(all)).body));
    };
    assert.ok(plain('text/plain'));
    assert.ok(plain('text/plain; charset=UTF-8; format=flowed; x="(\\"text\\" "'));
    assert.ok(plain('text/csv; name="text"; charset="iso-8859-15"', 'binary'));
    assert.ok(!plain('text/plain; charset=utf-8', 'base64'));
    assert.ok(!plain('text/plain; charset=utf-8', 'quoted-printable'));
    assert.ok(!plain('text/html'));
    assert.ok(!plain('text/plain; charset=iso-2022-jp'));
    assert.ok(!plain('text/plain; charset=utf-16'));
    assert.ok(!plain("text/plain; charset*=us-ascii''utf-7"));
    assert.ok(!plain('text/plain; charset*0=utf-; charset*1=7; charset=us-ascii'));
    const nested =
      'Content-Type: message/rfc822\r\n\r\nSubject: x\r\nContent-Type: text/html\r\n\r\nx';
    assert.ok(!hasPlainTexts(Buffer.from(summarise(Buffer.from(nested)).body)));
  });
});
