/**
 * Aim:    the client side of SMTP, command by command.
 * Method: transcripts over a fake connection. `S:` is what the next hop says, `C:` all that we write in answer, in
 *         one write for each unbroken row of `C:` lines; `→` is what the senders were told by then.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { OutboundMessage } from '../../../../src/engine/delivery/message.ts';
import { FakeDialer, settled } from '../../../support/fake-peer.ts';
import type { OutboundTest } from '../../../support/outbound.ts';
import { deliveriesFor, outboundMessage, Sender } from '../../../support/outbound.ts';
import { SeededClock, SeededRandom } from '../../../support/seeded-clock.ts';

interface Play {
  readonly messages: readonly OutboundMessage[];
  readonly test?: Partial<OutboundTest>;
  readonly script: string;
}

async function play({ messages, test, script }: Play): Promise<void> {
  const dialer = new FakeDialer();
  const deliveries = deliveriesFor({
    clock: new SeededClock(),
    random: new SeededRandom(1),
    dialer,
    limits: { connectionsMax: 1 },
    ...test,
  });
  const sender = new Sender(deliveries);
  for (const message of messages) assert.equal(sender.send(message), true);
  await settled();
  const rows = script
    .trim()
    .split('\n')
    .map((row) => row.trim())
    .filter((row) => row !== '');
  let at = 0;
  const run = (mark: string) => {
    const start = at;
    while (at < rows.length && rows[at]!.startsWith(mark)) at++;
    return rows.slice(start, at).map((row) => row.slice(mark.length).trimStart());
  };
  let said = 0;
  while (at < rows.length) {
    const peer = dialer.peers.at(-1);
    assert.ok(peer, 'no connection was made');
    const row = rows[at]!;
    if (row.startsWith('S:')) {
      peer.say(`${run('S:').join('\r\n')}\r\n`);
      await settled();
      said++;
    } else if (row.startsWith('C:')) {
      const expected = `${run('C:').join('\r\n')}\r\n`;
      const { writes } = peer;
      assert.equal(peer.take(), expected, `after ${said} replies`);
      assert.equal(writes, 1, `one write for ${JSON.stringify(expected)}`);
    } else if (row.startsWith('→')) {
      assert.equal(sender.told, run('→').join(' '));
    } else if (row === 'X: peer closes') {
      at++;
      peer.hangUp();
      await settled();
    } else if (row === 'X: we closed') {
      at++;
      // A new connection may be there already.
      const ended = dialer.peers.findLast((each) => each.isDestroyed);
      assert.equal(ended?.take(), '');
    } else {
      throw new Error(`unknown row ${row}`);
    }
  }
  const left = dialer.peers.at(-1)?.take() ?? '';
  assert.equal(left, '', 'all that was written is in the transcript');
  deliveries.close();
}

const greet = (...capabilities: readonly string[]) => `
  S: 220 hop.test ESMTP
  C: EHLO relay.test
  ${['hop.test', ...capabilities]
    .map((each, i) => `S: 250${i < capabilities.length ? '-' : ' '}${each}`)
    .join('\n')}`;

const envelope = `
  C: MAIL FROM:<sam@example.net>
  C: RCPT TO:<rita@example.org>
  C: DATA`;
const content = `
  C: Subject: hi
  C:
  C: hello
  C: .`;
describe('a message over one connection', () => {
  it('goes in lock-step where PIPELINING is not offered', () =>
    play({
      messages: [outboundMessage()],
      script: `${greet()}
        C: MAIL FROM:<sam@example.net>
        S: 250 ok
        C: RCPT TO:<rita@example.org>
        S: 250 ok
        C: DATA
        S: 354 go
        ${content}
        → -
        S: 250 2.0.0 queued as 1
        → delivered 250 2.0.0`,
    }));

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

describe('what a next hop cannot do', () => {
  const over = (message: OutboundMessage, capabilities: readonly string[], told: string) =>
    play({ messages: [message], script: `${greet(...capabilities)}\n→ ${told}` });

  it('binary: 5.6.1', () =>
    over(outboundMessage({ body: 'binarymime' }), ['CHUNKING', '8BITMIME'], 'failed 554 5.6.1'));
  it('8-bit: 5.6.3', () =>
    over(outboundMessage({ body: '8bitmime', text: 'A: b\r\n\r\nü\r\n' }), [], 'failed 554 5.6.3'));
  it('SMTPUTF8: 5.6.7', () =>
    over(
      outboundMessage({ smtputf8: true, to: ['ü@example.org'] }),
      ['8BITMIME'],
      'failed 553 5.6.7',
    ));
  it('its size: 5.3.4', () => over(outboundMessage(), ['SIZE 21'], 'failed 552 5.3.4'));
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
});

describe('a connection that ends', () => {
  it('after the message was sent defers it: it may arrive twice', () =>
    play({
      messages: [outboundMessage()],
      script: `${greet('PIPELINING')}
        ${envelope}
        S: 250 ok
        S: 250 ok
        S: 354 go
        ${content}
        X: peer closes
        → deferred 451 4.4.2`,
    }));

  it('before that moves the message to a new connection, unseen by its sender', () =>
    play({
      messages: [outboundMessage()],
      script: `${greet('PIPELINING')}
        ${envelope}
        X: peer closes
        → -
        ${greet('PIPELINING')}
        ${envelope}`,
    }));

  it('by 421 to the end defers that message and moves the one sent ahead', () =>
    play({
      messages: [outboundMessage(), outboundMessage()],
      script: `${greet('PIPELINING')}
        ${envelope}
        S: 250 ok
        S: 250 ok
        S: 354 go
        ${content}
        ${envelope}
        S: 421 4.3.2 going down
        → deferred 421 4.3.2 | -
        ${greet('PIPELINING')}
        ${envelope}`,
    }));

  it('again and again makes the message wait', () =>
    play({
      messages: [outboundMessage()],
      script: `${greet()}
        C: MAIL FROM:<sam@example.net>
        S: 421 busy
        X: we closed
        ${greet()}
        C: MAIL FROM:<sam@example.net>
        S: 421 busy
        X: we closed
        ${greet()}
        C: MAIL FROM:<sam@example.net>
        S: 421 busy
        → deferred 421`,
    }));

  it('is ended by us when the peer speaks out of turn', () =>
    play({
      messages: [outboundMessage()],
      script: `${greet()}
        C: MAIL FROM:<sam@example.net>
        S: 250 ok
        C: RCPT TO:<rita@example.org>
        S: 250 ok
        C: DATA
        S: 354 go
        ${content}
        S: 250 ok
        S: 250 what?
        → delivered 250
        X: we closed`,
    }));
});

describe('TLS', () => {
  const opportunistic = { relay: { tls: 'opportunistic' }, limits: { connectionsMax: 1 } } as const;
  const required = { relay: { tls: 'required' }, limits: { connectionsMax: 1 } } as const;

  it('is used where offered, and capabilities are asked anew', () =>
    play({
      messages: [outboundMessage()],
      test: opportunistic,
      script: `${greet('STARTTLS', 'PIPELINING')}
        C: STARTTLS
        S: 220 go
        C: EHLO relay.test
        S: 250 hop.test
        C: MAIL FROM:<sam@example.net>`,
    }));

  it('is given up when bytes came in clear behind its 220, and clear text is tried', () =>
    play({
      messages: [outboundMessage()],
      test: opportunistic,
      script: `${greet('STARTTLS')}
        C: STARTTLS
        S: 220 go
        S: 250 injected
        X: we closed
        S: 220 hop.test ESMTP
        C: EHLO relay.test
        S: 250-hop.test
        S: 250 STARTTLS
        C: MAIL FROM:<sam@example.net>`,
    }));

  it('that is refused is gone without', () =>
    play({
      messages: [outboundMessage()],
      test: opportunistic,
      script: `${greet('STARTTLS')}
        C: STARTTLS
        S: 454 not now
        C: MAIL FROM:<sam@example.net>`,
    }));

  it('that is required and missing defers', () =>
    play({
      messages: [outboundMessage()],
      test: required,
      script: `${greet()}
        X: we closed
        → deferred 451 4.7.4`,
    }));

  it('comes before a password, and none is sent without', () =>
    play({
      messages: [outboundMessage()],
      test: {
        relay: { tls: 'opportunistic', user: 'me' },
        password: 'secret',
        limits: { connectionsMax: 1 },
      },
      script: `${greet('AUTH PLAIN')}
        X: we closed
        → deferred 451 4.7.4`,
    }));

  it('carries AUTH PLAIN', () =>
    play({
      messages: [outboundMessage()],
      test: { relay: { tls: 'required', user: 'me' }, password: 'secret' },
      script: `${greet('STARTTLS')}
        C: STARTTLS
        S: 220 go
        C: EHLO relay.test
        S: 250-hop.test
        S: 250 AUTH LOGIN PLAIN
        C: AUTH PLAIN AG1lAHNlY3JldA==
        S: 235 2.7.0 hello
        C: MAIL FROM:<sam@example.net>`,
    }));
});
