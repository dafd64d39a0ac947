/**
 * Aim:    words a sender chose, repeated in a reply, do not decide why the message was not taken.
 * Method: addresses made of every phrase that is looked for, and of any characters, in the places where servers repeat
 *         them; each reply must be of the class it has with an address that says nothing.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isLoadRefusal } from '../../../../../src/engine/delivery/shaping/load-refusal.ts';
import { withoutEchoes } from '../../../../../src/mail/wire/smtp/echoes.ts';
import { classOf } from '../../../../../src/mail/wire/smtp/response-class.ts';
import { phrases } from '../../../../../src/mail/wire/smtp/response-phrases.ts';

/** As Postfix, Exim, Sendmail, Exchange and Gmail have it. */
const replies: readonly ((address: string) => string)[] = [
  (address) => `<${address}>: Recipient address rejected: try again later`,
  (address) => `Sorry, ${address} is not known here`,
  (address) => `<${address}>... Deferred: nobody home`,
  (address) => `Mail from ${address} to us is not wanted, ${address}!`,
  (address) => `Address (${address}) has no way in; ask\n<${address}>`,
];
const codes = [421, 450, 451, 452, 550, 554];
const neutral = 'bob@far.test';

const phrase = fc.constantFrom(...phrases.flatMap(({ when }) => when));
const quotedPart = (words: fc.Arbitrary<string>) =>
  words.map((text) => `"${text.replace(/["\\]/g, '\\$&')}"`);
const anyWords = fc.string({ maxLength: 40 }).map((text) => text.replace(/[\r\n]/g, ' '));
const domain = phrase.map((words) => `${words.replace(/[^a-z]+/g, '-')}.test`);
const address = fc.oneof(
  fc.tuple(quotedPart(phrase), fc.constant('far.test')),
  fc.tuple(quotedPart(fc.tuple(anyWords, phrase, anyWords).map((all) => all.join(' '))), domain),
  fc.tuple(quotedPart(anyWords), domain),
  fc.tuple(
    phrase.map((words) => words.replace(/[^a-z]+/g, '.')),
    domain,
  ),
);

describe('what a reply repeats', () => {
  it('of an address does not decide its class, nor whether it refuses for load', () => {
    const enhanced = fc.constantFrom('', '4.0.0', '4.7.1', '5.1.1');
    const reply = fc.tuple(fc.constantFrom(...replies), fc.constantFrom(...codes), enhanced);
    const property = fc.property(reply, address, ([say, code, of], [local, at]) => {
      const echoed = { code, enhanced: of, text: say(`${local}@${at}`) };
      const plain = { code, enhanced: of, text: say(neutral) };
      assert.equal(classOf(echoed), classOf(plain), echoed.text);
      assert.equal(isLoadRefusal(echoed), isLoadRefusal(plain), echoed.text);
    });
    fc.assert(property, { numRuns: 2_000 });
  });

  it('of a quoted local part alone does not either', () => {
    const property = fc.property(phrase, (words) => {
      const text = (of: string) => `${of}... Not known here`;
      const echoed = { code: 450, enhanced: '', text: text(`"${words}"`) };
      assert.equal(classOf(echoed), classOf({ ...echoed, text: text('bob') }));
    });
    fc.assert(property);
  });

  it('in a form of its own is known by the message', () => {
    const sender = 'sam@near.test';
    const property = fc.property(phrase, fc.boolean(), (words, isDomain) => {
      const part = isDomain ? words.replace(/[^a-z]+/g, '-') : words;
      const message = isDomain
        ? { sender, recipients: [{ address: `bob@${part}.test` }] }
        : { sender: `"${words}"@near.test`, recipients: [] };
      const text = isDomain ? `No way to ${part}.test` : `No mail of ${part} here`;
      assert.equal(classOf({ code: 450, enhanced: '', text }, message), 'other', text);
    });
    fc.assert(property);
  });

  it('is left out; what the server says stays', () => {
    const table = [
      ['too many connections from <bob@far.test>', 'too many connections from ·'],
      ['"too many connections"', '"too many connections"'],
      [
        'blocked, see <https://zen.spamhaus.org/why>',
        'blocked, see <https://zen.spamhaus.org/why>',
      ],
      ['client host blocked using zen.spamhaus.org', 'client host blocked using zen.spamhaus.org'],
      ['"a \\" b"@[192.0.2.1] is unknown', '· is unknown'],
      ['said "slow down" to you', 'said · to you'],
      ['a "quote that never ends', 'a "quote that never ends'],
      ['<postmaster> unknown', '· unknown'],
    ] as const;
    for (const [words, left] of table) assert.equal(withoutEchoes(words), left);
  });

  it('is looked for in no time, whatever the text', () => {
    const texts = ['"', '<', '@', '\\"', 'a', '"@', 'a@[', '<"\\'].map((each) =>
      each.repeat(1_024),
    );
    const beganMs = performance.now();
    for (const text of texts) withoutEchoes(text);
    assert.ok(performance.now() - beganMs < 1_000);
  });
});
