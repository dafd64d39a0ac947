/**
 * Aim: replies as mail servers word them come down to the right reason, whatever their codes say.
 * Method: a table of replies by provider or program; what nobody knows is told by codes, and any octets are taken.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  classOf,
  classOfLine,
  type ResponseClass,
  responseClasses,
} from '../../../../../src/mail/wire/smtp/response-class.ts';

const replies: readonly (readonly [is: ResponseClass, line: string])[] = [
  // Large providers.
  ['rate', '450 4.2.1 The user is receiving mail at a rate that prevents delivery'],
  ['rate', '421 4.7.28 Our system has detected an unusual rate of mail'],
  ['over-quota', '452 4.2.2 The email account that you tried to reach is over quota'],
  ['address', '550 5.1.1 The email account that you tried to reach does not exist'],
  ['authentication', '550 5.7.26 This mail is unauthenticated'],
  ['content', '550 5.7.1 This message is likely unsolicited mail'],
  ['rate', '451 4.7.500 Server busy. Please try again later'],
  ['block', '451 4.7.650 The server has been rate limited due to IP reputation'],
  ['block', '550 5.7.1 Part of their network is on our block list (S3140)'],
  ['address', '550 5.5.0 Requested action not taken: mailbox unavailable'],
  ['policy', '550 5.4.1 Recipient address rejected: Access denied'],
  ['rate', '421 4.7.0 [TSS04] Messages temporarily deferred due to unexpected volume'],
  ['block', '421 4.7.0 Messages temporarily deferred due to user complaints'],
  ['address', "554 5.0.0 delivery error: This user doesn't have an account"],
  ['over-quota', '552 5.2.2 Too large for now, or the mailbox is full'],
  // Programs.
  ['greylist', '450 4.2.0 <a@b.c>: Recipient address rejected: Greylisted, see help'],
  ['greylist', '451 4.7.1 Greylisting in action, please come back later'],
  ['address', '550 5.1.1 <a@b.c>: Recipient address rejected: User unknown in local table'],
  ['block', '554 5.7.1 Service unavailable; Client host blocked using zen.spamhaus.org'],
  ['authentication', '550 5.7.25 cannot find your reverse hostname (no PTR record)'],
  ['rate', '421 4.7.0 mail.test Error: too many connections from 192.0.2.1'],
  ['tls', '454 TLS not available due to local problem'],
  ['size', '552 5.3.4 Message size exceeds fixed limit'],
  ['routing', '554 5.4.6 Too many hops'],
  ['policy', '554 5.7.1 <a@b.c>: Relay access denied'],
  ['system', '452 4.3.1 Insufficient system storage'],
  ['system', '451 4.3.0 Local trouble, try again later'],
  ['domain', '556 5.1.10 Domain has a null MX'],
  // Our own words.
  ['network', '451 4.4.1 No connection to the next hop'],
  ['network', '451 4.4.2 Connection lost: reset'],
  ['tls', '451 4.7.5 TLS with the next hop failed: expired'],
  ['expired', '451 4.4.7 Not delivered by the time asked for'],
  ['content', '553 5.6.7 Next hop does not take internationalised mail'],
  // Nothing but a code.
  ['system', '421 Closing'],
  ['other', '550 No'],
  ['over-quota', '552 No'],
  ['policy', '554 5.0.0 No'],
  ['protocol', '500 5.5.2 What?'],
  ['other', 'nonsense'],
];

describe('why a message was not taken', () => {
  for (const [is, line] of replies) {
    it(`${is}: ${line}`, () => assert.equal(classOfLine(line), is));
  }

  it('is not decided by words far behind, nor by those of another kind of code', () => {
    const text = `${' '.repeat(2_000)}spamhaus`;
    assert.equal(classOf({ code: 550, enhanced: '5.1.1', text }), 'address');
    // A mailbox that cannot be had for now is not missing.
    assert.equal(classOfLine('450 4.3.2 mailbox unavailable'), 'system');
  });

  it('is one of the known for any reply', () => {
    const code = fc.integer({ min: 0, max: 999 });
    fc.assert(
      fc.property(code, fc.string(), fc.string(), (code, enhanced, text) => {
        assert.ok(responseClasses.includes(classOf({ code, enhanced, text })));
        assert.ok(responseClasses.includes(classOfLine(text)));
      }),
    );
  });
});
