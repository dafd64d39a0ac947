/**
 * Aim: what a column keeps of an ENVELOPE is what a look at it alone would compare.
 * Method: chosen and random headers; each field folded against `casemap(envelopeField(…))`.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { foldEnvelopeField } from '../../../../../src/mail/formats/mime/envelope-fold.ts';
import {
  envelopeField,
  envelopePlaces,
} from '../../../../../src/mail/formats/mime/envelope-text.ts';
import { summarise } from '../../../../../src/mail/formats/mime/summary.ts';
import { casemap } from '../../../../../src/mail/formats/text/casemap.ts';
import { FoldedOctets } from '../../../../../src/mail/formats/text/folded-octets.ts';

const out = new FoldedOctets();

function check(header: string): void {
  const envelope = Buffer.from(summarise(Buffer.from(`${header}\r\n\r\n`, 'latin1')).envelope);
  for (const [name, place] of Object.entries(envelopePlaces)) {
    out.clear();
    out.text('before ');
    const within = Buffer.concat([Buffer.from('ab'), envelope, Buffer.from(' "{x" (')]);
    const isThere = foldEnvelopeField(within, 2, 2 + envelope.length, place, out);
    const field = envelopeField(envelope, place);
    assert.equal(isThere, field !== undefined, `${name} of ${header}`);
    const wanted = `BEFORE ${casemap(field ?? '')}`;
    assert.equal(out.bytes.toString('utf8', 0, out.length), wanted, `${name} of ${header}`);
  }
}

const words = fc.constantFrom(
  ...['a', 'Bc', ' ', ',', ';', ':', '"', '\\', '\\"', '=', '=?', '?=', '@', '<', '>', '(', ')'],
  ...[
    'x@y.Z',
    '<q@r>',
    '=?utf-8?q?=C3=9F?=',
    '=?iso-8859-1?b?4Q==?=',
    '\xe9',
    '\r\n ',
    'grp:',
    '{3}',
  ],
);
const names = fc.constantFrom(
  'Subject',
  'From',
  'To',
  'Cc',
  'Bcc',
  'Date',
  'Message-ID',
  'In-Reply-To',
);

describe('foldEnvelopeField', () => {
  it('keeps what is quoted, escaped, encoded or grouped', () => {
    check('Subject: a "b\\c" =?x =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nTo: "D, \\"J\\"" <j@x.test>, b@c');
    check('From: grp: a@b, =?utf-8?q?Gr=C3=BC?= <c@d>;\r\nTo: e@f, grp2:;, g\r\nCc:');
    check('Message-ID: <"q\\\\ r"@x>\r\nIn-Reply-To: <a "b"@c>');
    check('Message-ID: \xe9 NIL "y"');
    check(`Message-ID: ${'m'.repeat(1_200)} NIL "y"`);
    check(`Subject: ${'long '.repeat(5_000)}\r\nTo: ${'"n" <a@b>, '.repeat(3_000)}`);
  });

  it('keeps whatever headers say', () => {
    const field = fc.tuple(names, fc.array(words, { maxLength: 12 }));
    fc.assert(
      fc.property(fc.array(field, { maxLength: 6 }), (fields) => {
        check(fields.map(([name, list]) => `${name}: ${list.join('')}`).join('\r\n'));
      }),
      { numRuns: 1_000 },
    );
  });
});
