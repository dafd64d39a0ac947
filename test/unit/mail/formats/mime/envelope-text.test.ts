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
} from '../../../../../src/mail/formats/mime/envelope-text.ts';
import { summarise } from '../../../../../src/mail/formats/mime/summary.ts';

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
