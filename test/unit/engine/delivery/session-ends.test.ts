/**
 * Aim:    connections that break, and connections that are to be encrypted.
 * Method: transcripts over a fake connection (`test/support/outbound-play.ts`).
 */

import { describe, it } from 'node:test';
import { outboundMessage } from '../../../support/outbound.ts';
import { content, envelope, greet, lockStep, play } from '../../../support/outbound-play.ts';

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

  // RFC 5321 §4.2.1.
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
        ${lockStep}
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

  // RFC 3207 §4.2: what came in clear counts for nothing.
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

// RFC 8689 §4.2.1.
describe('REQUIRETLS', () => {
  const message = () => outboundMessage({ terms: { requireTls: true } });
  const offTls = { relay: { tls: 'off' }, limits: { connectionsMax: 1 } } as const;

  it('goes with the message where it is offered under TLS, whatever settings say of TLS', () =>
    play({
      messages: [message()],
      test: offTls,
      script: `${greet('STARTTLS')}
        C: STARTTLS
        S: 220 go
        C: EHLO relay.test
        S: 250-hop.test
        S: 250 REQUIRETLS
        C: MAIL FROM:<sam@example.net> REQUIRETLS`,
    }));

  it('sends the message back where the next hop does not offer it', () =>
    play({
      messages: [message(), message()],
      test: offTls,
      script: `${greet('STARTTLS', 'REQUIRETLS')}
        C: STARTTLS
        S: 220 go
        C: EHLO relay.test
        S: 250 hop.test
        X: we closed
        → failed 550 5.7.30 | failed 550 5.7.30`,
    }));

  it('sends the message back where there is no TLS', () =>
    play({
      messages: [message()],
      test: offTls,
      script: `${greet('REQUIRETLS')}
        X: we closed
        → failed 550 5.7.10`,
    }));

  it('waits where the next hop is not there, or has no TLS just now', () =>
    play({
      messages: [message()],
      test: offTls,
      script: `${greet('STARTTLS')}
        C: STARTTLS
        S: 454 not now
        X: we closed
        → deferred 454`,
    }));

  it('asks for nothing of a bounce, and is not said in clear', () =>
    play({
      messages: [outboundMessage({ sender: '', terms: { requireTls: true } })],
      test: offTls,
      script: `${greet('REQUIRETLS')}
        C: MAIL FROM:<>`,
    }));
});
