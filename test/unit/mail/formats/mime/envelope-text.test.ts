/**
 * Aim: what is searched of an ENVELOPE is what was written into it (RFC 9051 §7.5.2, §6.4.4).
 * Method: chosen headers; then random values written by `writeEnvelope` and read back.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Address } from '../../../../../src/mail/formats/address/parse.ts';
import { writeEnvelope } from '../../../../../src/mail/formats/mime/envelope.ts';
import {
  envelopeField,
  envelopePlaces,
  mayHold,
} from '../../../../../src/mail/formats/mime/envelope-text.ts';
import { summarise } from '../../../../../src/mail/formats/mime/summary.ts';
import { Needle } from '../../../../../src/mail/formats/text/needle.ts';

function fieldOf(header: string, name: keyof typeof envelopePlaces): string | undefined {
  const { envelope } = summarise(Buffer.from(`${header}\r\n\r\n`));
  return envelopeField(Buffer.from(envelope), envelopePlaces[name]);
}

describe('envelopeField', () => {
  it('tells texts decoded, and that there is none', () => {
    assert.equal(
      fieldOf('Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= an "alle" \\', 'SUBJECT'),
      'Grüße an "alle" \\',
    );
    assert.equal(fieldOf('Subject: Grüße', 'SUBJECT'), 'Grüße');
    assert.equal(fieldOf('Subject:', 'SUBJECT'), '');
    assert.equal(fieldOf('To: a@b', 'SUBJECT'), undefined);
    assert.equal(fieldOf('Message-ID: <1@x>\r\nIn-Reply-To: <0@x>', 'MESSAGE-ID'), '<1@x>');
    assert.equal(fieldOf('Message-ID: <1@x>\r\nIn-Reply-To: <0@x>', 'IN-REPLY-TO'), '<0@x>');
  });

  it('tells addresses as headers show them, of all fields of a name', () => {
    const header =
      'From: "Doe, \\"J\\"" <j@x.test>, b@c\r\nTo: grp: a@b, =?utf-8?q?Gr=C3=BC?= <c@d>;\r\nTo: e@f';
    assert.equal(fieldOf(header, 'FROM'), 'Doe, "J" <j@x.test>, b@c');
    assert.equal(fieldOf(header, 'TO'), 'grp:, a@b, Grü <c@d>, e@f');
    assert.equal(fieldOf(header, 'CC'), undefined);
  });

  it('reads back whatever was written', () => {
    const word = fc
      .string({ unit: 'grapheme', maxLength: 12 })
      .filter((text) => !/[\0]|=\?/.test(text));
    const named = word.filter((text) => text !== '');
    const address = fc.record({
      name: word,
      route: fc.constant(''),
      localPart: named,
      domain: named,
    });
    fc.assert(
      fc.property(
        word,
        word,
        fc.array(address, { maxLength: 3 }),
        word,
        (date, subject, list, id) => {
          const from = list.map((one): Address => ({ kind: 'mailbox', isValid: true, ...one }));
          const none: readonly Address[] = [];
          const rest = { sender: none, replyTo: none, to: from, cc: none, bcc: none };
          const envelope = Buffer.from(
            writeEnvelope({ date, subject, from, ...rest, messageId: id }),
          );
          assert.equal(envelopeField(envelope, envelopePlaces.DATE), date);
          assert.equal(envelopeField(envelope, envelopePlaces.SUBJECT), subject);
          assert.equal(envelopeField(envelope, envelopePlaces['MESSAGE-ID']), id);
          const shown = list.map(({ name, localPart, domain }) => {
            const pure = `${localPart}@${domain}`;
            return name === '' ? pure : `${name} <${pure}>`;
          });
          const wanted = list.length === 0 ? undefined : shown.join(', ');
          assert.equal(envelopeField(envelope, envelopePlaces.TO), wanted);
        },
      ),
    );
  });
});

describe('mayHold', () => {
  const places = ['SUBJECT', 'FROM', 'MESSAGE-ID'] as const;

  it('never denies what the field holds', () => {
    const word = fc.oneof(
      fc.string({ maxLength: 10 }),
      fc.string({ unit: 'grapheme', maxLength: 6 }),
      fc.stringMatching(/^[a-kA-K"\\\\ß=?_.*[\]{}() -]{0,10}$/),
      fc.constantFrom('=?utf-8?q?Gr=C3=BC=C3=9Fe?=', 'Stra\u00dfe', 'm\u0131x'),
    );
    const asked = fc.record({
      subject: word,
      name: word,
      local: word,
      domain: word,
      id: word,
      from: fc.nat(30),
      length: fc.integer({ min: 1, max: 8 }),
      isUpper: fc.boolean(),
    });
    fc.assert(
      fc.property(asked, ({ subject, name, local, domain, id, from, length, isUpper }) => {
        const mailbox = { kind: 'mailbox', isValid: true, name, route: '' } as const;
        const address: Address = { ...mailbox, localPart: local, domain };
        const none: readonly Address[] = [];
        const rest = { sender: none, replyTo: none, to: none, cc: none, bcc: none };
        const fields = { subject, from: [address], ...rest, messageId: id };
        const envelope = Buffer.from(writeEnvelope(fields));
        for (const place of places) {
          const shown = envelopeField(envelope, envelopePlaces[place]) ?? '';
          const piece = shown.slice(from % (shown.length + 1)).slice(0, length);
          const needle = new Needle(isUpper ? piece.toUpperCase() : piece);
          if (!needle.isIn(shown)) continue;
          assert.ok(mayHold(envelope, envelopePlaces[place], needle), `${place} ${piece}`);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('denies without a look at the field what stands nowhere in an envelope', () => {
    const header = 'Subject: A (b+ test\r\nFrom: Ann Lee <ann@x.test>\r\nMessage-ID: <1.a@x>';
    const { envelope } = summarise(Buffer.from(`${header}\r\n\r\n`));
    const holds = (place: (typeof places)[number], text: string) =>
      mayHold(Buffer.from(envelope), envelopePlaces[place], new Needle(text));
    assert.ok(holds('SUBJECT', 'a (B+ T'));
    assert.ok(!holds('SUBJECT', 'a .b'));
    assert.ok(!holds('MESSAGE-ID', '<2.a@x>'));
    assert.ok(!holds('FROM', 'bob'));
    assert.ok(holds('FROM', 'Lee <ann'), 'put together from two parts');
    assert.ok(holds('FROM', 'Grüße'), 'not for this look to decide');
  });
});
