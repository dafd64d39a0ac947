/**
 * Aim:    the client side of SMTP, command by command.
 * Method: transcripts over a fake connection (`test/support/outbound-play.ts`).
 */

import { describe, it } from 'node:test';
import type { DeliverBy } from '../../../../src/actors/asks/delivery-terms.ts';
import type { OutboundMessage } from '../../../../src/engine/delivery/message.ts';
import { outboundMessage } from '../../../support/outbound.ts';
import { content, envelope, greet, lockStep, play } from '../../../support/outbound-play.ts';

describe('a message over one connection', () => {
  it('goes in lock-step where PIPELINING is not offered', () =>
    play({
      messages: [outboundMessage()],
      script: `${greet()}
        ${lockStep}
        ${content}
        → -
        S: 250 2.0.0 queued as 1
        → delivered 250 2.0.0`,
    }));

  // RFC 2920 §3.1.
  it('goes with its whole envelope in one write where PIPELINING is', () =>
    play({
      messages: [outboundMessage({ to: ['a@example.org', 'b@example.org'] })],
      script: `${greet('PIPELINING')}
        C: MAIL FROM:<sam@example.net>
        C: RCPT TO:<a@example.org>
        C: RCPT TO:<b@example.org>
        C: DATA
        S: 250 ok
        S: 250 ok
        S: 550 5.1.1 who?
        S: 354 go
        ${content}
        → -
        S: 250 queued
        → delivered 250, failed 550 5.1.1`,
    }));

  // RFC 5321 §4.1.1.1.
  it('falls back to HELO', () =>
    play({
      messages: [outboundMessage()],
      script: `
        S: 220 hop.test
        C: EHLO relay.test
        S: 502 what?
        C: HELO relay.test
        S: 250 hop.test
        C: MAIL FROM:<sam@example.net>`,
    }));

  it('sends the next envelope behind the end of a message, in the same write', () =>
    play({
      messages: [outboundMessage(), outboundMessage(), outboundMessage()],
      script: `${greet('PIPELINING')}
        ${envelope}
        S: 250 ok
        S: 250 ok
        S: 354 go
        ${content}
        ${envelope}
        S: 250 2.0.0 queued as 1
        S: 250 ok
        S: 250 ok
        S: 354 go
        ${content}
        ${envelope}
        → delivered 250 2.0.0 | - | -
        S: 550 5.7.1 spam
        S: 250 ok
        S: 450 4.2.1 later
        S: 554 5.5.1 no valid recipients
        → delivered 250 2.0.0 | failed 550 5.7.1 | deferred 450 4.2.1`,
    }));

  it('stuffs dots and ends the last line where it has no end', () =>
    play({
      messages: [outboundMessage({ text: ['.a\r\n..\r', '\n.', 'b\r\n', '.', '\r\nc.\r\n.d'] })],
      script: `${greet('PIPELINING')}
        ${envelope}
        S: 250 ok
        S: 250 ok
        S: 354 go
        C: ..a
        C: ...
        C: ..b
        C: ..
        C: c.
        C: ..d
        C: .
        S: 250 ok
        → delivered 250`,
    }));

  it('gets an empty end where 354 came though nobody was taken', () =>
    play({
      messages: [outboundMessage()],
      script: `${greet('PIPELINING')}
        ${envelope}
        S: 250 ok
        S: 550 5.1.1 no
        S: 354 go
        C: .
        → failed 550 5.1.1
        S: 554 5.5.1 no valid recipients
        → failed 550 5.1.1`,
    }));

  it('is settled by the reply to MAIL when that is a refusal', () =>
    play({
      messages: [outboundMessage(), outboundMessage()],
      script: `${greet('PIPELINING')}
        ${envelope}
        S: 553 5.1.8 sender
        S: 503 5.5.1 MAIL first
        S: 503 5.5.1 RCPT first
        ${envelope}
        → failed 553 5.1.8 | -`,
    }));

  it('is followed by RSET when DATA was refused after a taken recipient', () =>
    play({
      messages: [outboundMessage(), outboundMessage()],
      script: `${greet('PIPELINING')}
        ${envelope}
        S: 250 ok
        S: 250 ok
        S: 451 4.3.0 not now
        C: RSET
        C: MAIL FROM:<sam@example.net>
        C: RCPT TO:<rita@example.org>
        C: DATA
        → deferred 451 4.3.0 | -
        S: 250 ok
        S: 250 ok
        S: 250 ok
        S: 354 go
        ${content}
        S: 250 ok
        → deferred 451 4.3.0 | delivered 250`,
    }));

  it('is followed by RSET in lock-step too, before the next MAIL', () =>
    play({
      messages: [outboundMessage(), outboundMessage()],
      script: `${greet()}
        C: MAIL FROM:<sam@example.net>
        S: 250 ok
        C: RCPT TO:<rita@example.org>
        S: 550 5.1.1 no
        C: RSET
        S: 250 ok
        C: MAIL FROM:<sam@example.net>
        → failed 550 5.1.1 | -`,
    }));

  // RFC 5321 §4.5.3.1.10.
  it('asks for refused surplus recipients in a transaction of their own', () =>
    play({
      messages: [outboundMessage({ to: ['a@example.org', 'b@example.org'] })],
      script: `${greet('PIPELINING')}
        C: MAIL FROM:<sam@example.net>
        C: RCPT TO:<a@example.org>
        C: RCPT TO:<b@example.org>
        C: DATA
        S: 250 ok
        S: 250 ok
        S: 452 4.5.3 too many recipients
        S: 354 go
        ${content}
        S: 250 2.0.0 one
        C: MAIL FROM:<sam@example.net>
        C: RCPT TO:<b@example.org>
        C: DATA
        S: 250 ok
        S: 250 ok
        S: 354 go
        ${content}
        S: 250 2.0.0 two
        → delivered 250 2.0.0, delivered 250 2.0.0`,
    }));

  it('never asks more than the limit of recipients at once', () =>
    play({
      messages: [outboundMessage({ to: ['a@example.org', 'b@example.org', 'c@example.org'] })],
      test: { limits: { connectionsMax: 1, recipientsPerTransactionMax: 2 } },
      script: `${greet('PIPELINING', 'LIMITS RCPTMAX=1')}
        C: MAIL FROM:<sam@example.net>
        C: RCPT TO:<a@example.org>
        C: DATA`,
    }));

  it('ends the connection after as many messages as it may carry', () =>
    play({
      messages: [outboundMessage()],
      script: `${greet('PIPELINING', 'LIMITS MAILMAX=1')}
        ${envelope}
        S: 250 ok
        S: 250 ok
        S: 354 go
        ${content}
        S: 250 ok
        C: QUIT
        S: 221 bye
        X: we closed
        → delivered 250`,
    }));
});

describe('BDAT', () => {
  it('carries envelope and message in one write, dots as they are', () =>
    play({
      messages: [outboundMessage({ text: 'A: b\r\n\r\n.\r\n' }), outboundMessage()],
      script: `${greet('PIPELINING', 'CHUNKING')}
        C: MAIL FROM:<sam@example.net>
        C: RCPT TO:<rita@example.org>
        C: BDAT 11 LAST
        C: A: b
        C:
        C: .
        S: 250 ok
        S: 250 ok
        S: 250 2.0.0 done
        C: MAIL FROM:<sam@example.net>
        C: RCPT TO:<rita@example.org>
        C: BDAT 22 LAST
        C: Subject: hi
        C:
        C: hello
        → delivered 250 2.0.0 | -`,
    }));

  it('is followed by RSET when it was refused', () =>
    play({
      messages: [outboundMessage(), outboundMessage()],
      script: `${greet('PIPELINING', 'CHUNKING')}
        C: MAIL FROM:<sam@example.net>
        C: RCPT TO:<rita@example.org>
        C: BDAT 22 LAST
        C: Subject: hi
        C:
        C: hello
        S: 250 ok
        S: 550 5.1.1 no
        S: 503 5.5.1 no recipients
        C: RSET
        C: MAIL FROM:<sam@example.net>
        C: RCPT TO:<rita@example.org>
        C: BDAT 22 LAST
        C: Subject: hi
        C:
        C: hello
        → failed 550 5.1.1 | -`,
    }));

  it('waits for the recipients without PIPELINING', () =>
    play({
      messages: [outboundMessage({ body: 'binarymime' })],
      script: `${greet('CHUNKING', 'BINARYMIME')}
        C: MAIL FROM:<sam@example.net> BODY=BINARYMIME
        S: 250 ok
        C: RCPT TO:<rita@example.org>
        S: 250 ok
        C: BDAT 22 LAST
        C: Subject: hi
        C:
        C: hello
        S: 250 ok
        → delivered 250`,
    }));
});

/** The session's clock stands there. */
function by(seconds: number, mode: 'return' | 'notify'): DeliverBy {
  return { byMs: Date.UTC(2026, 0, 1) + seconds * 1_000, mode, isTraced: mode === 'notify' };
}

describe('what a next hop cannot do', () => {
  const over = (message: OutboundMessage, capabilities: readonly string[], told: string) =>
    play({ messages: [message], script: `${greet(...capabilities)}\n→ ${told}` });

  it('binary: 5.6.1', () =>
    over(outboundMessage({ body: 'binarymime' }), ['CHUNKING', '8BITMIME'], 'failed 554 5.6.1'));
  // RFC 6152 §3: without 8BITMIME no 8-bit message may be sent; RFC 3463 §3.7 has the code.
  it('8-bit: 5.6.3', () =>
    over(outboundMessage({ body: '8bitmime', text: 'A: b\r\n\r\nü\r\n' }), [], 'failed 554 5.6.3'));
  it('SMTPUTF8: 5.6.7', () =>
    over(
      outboundMessage({ smtputf8: true, to: ['ü@example.org'] }),
      ['8BITMIME'],
      'failed 553 5.6.7',
    ));
  it('its size: 5.3.4', () => over(outboundMessage(), ['SIZE 21'], 'failed 552 5.3.4'));
  it('RFC 2852: a time by which it is delivered or returned: 5.4.7', async () => {
    const terms = { deliverBy: by(90, 'return') };
    await over(outboundMessage({ terms }), ['DSN'], 'failed 554 5.4.7');
    await over(outboundMessage({ terms }), ['DELIVERBY 91'], 'failed 554 5.4.7');
  });
  it('an address with a line end is never written', () =>
    over(outboundMessage({ to: ['a@b>\r\nDATA'] }), [], 'failed 553 5.1.3'));

  it('8-bit that is none, and SMTPUTF8 that is not needed, go all the same', () =>
    play({
      messages: [outboundMessage({ body: '8bitmime', smtputf8: true })],
      script: `${greet()}
        C: MAIL FROM:<sam@example.net>`,
    }));

  it('gets what it can: SIZE, BODY, SMTPUTF8, DSN', () =>
    play({
      messages: [
        outboundMessage({
          body: '8bitmime',
          smtputf8: true,
          ret: 'hdrs',
          envid: 'x+2B1',
          recipients: [
            {
              address: 'a@example.org',
              notify: { never: false, success: true, failure: true, delay: false },
              orcpt: 'rfc822;A@example.org',
            },
            {
              address: 'b@example.org',
              notify: { never: true, success: false, failure: false, delay: false },
            },
          ],
        }),
      ],
      script: `${greet('PIPELINING', 'SIZE', '8BITMIME', 'SMTPUTF8', 'DSN')}
        C: MAIL FROM:<sam@example.net> SIZE=22 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=x+2B1
        C: RCPT TO:<a@example.org> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;A@example.org
        C: RCPT TO:<b@example.org> NOTIFY=NEVER
        C: DATA`,
    }));

  it('gets what was asked for and it knows: RFC 2852 by a time, RFC 6710 priority', async () => {
    for (const [terms, capabilities, words] of [
      [{ deliverBy: by(90, 'return') }, ['DELIVERBY 90'], ' BY=90;R'],
      [{ deliverBy: by(-7, 'notify') }, ['DELIVERBY'], ' BY=-7;NT'],
      [
        { deliverBy: by(90, 'notify'), priority: -4 },
        ['MT-PRIORITY STANAG4406'],
        ' MT-PRIORITY=-4',
      ],
      [{ priority: 9 }, ['SIZE'], ' SIZE=22'],
    ] as const) {
      await play({
        messages: [outboundMessage({ terms })],
        script: `${greet(...capabilities)}
          C: MAIL FROM:<sam@example.net>${words}`,
      });
    }
  });
});
