/** The session beside its transcripts (test/sessions): time, back-pressure, grouping of writes, ends. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { AcceptAnswer, ReceivedMessage } from '../../../../../src/actors/asks/reception.ts';
import { errorCodes, failure } from '../../../../../src/base/errors.ts';
import type { SessionTransport } from '../../../../../src/edge/protocols/session/transport.ts';
import { protocolWord } from '../../../../../src/edge/protocols/smtp/handover.ts';
import { replyOf } from '../../../../../src/edge/protocols/smtp/replies.ts';
import type { SmtpService } from '../../../../../src/edge/protocols/smtp/service.ts';
import { SmtpSession } from '../../../../../src/edge/protocols/smtp/session.ts';
import { isReplyLine } from '../../../../../src/mail/wire/smtp/reply.ts';
import type { Account } from '../../../../../src/ports/account-directory.ts';
import { bodyOf, FakeReception, fakeService } from '../../../../support/smtp-fakes.ts';

class FakeTransport implements SessionTransport {
  readonly writes: string[] = [];
  unsentBytes = 0;
  canStartTls = false;
  hasEnded = false;
  isPaused = false;
  write(bytes: Uint8Array): void {
    this.writes.push(Buffer.from(bytes).toString('latin1'));
  }
  end(bytes?: Uint8Array): void {
    if (bytes !== undefined) this.write(bytes);
    this.hasEnded = true;
  }
  destroy(): void {
    this.hasEnded = true;
  }
  pause(): void {
    this.isPaused = true;
  }
  resume(): void {
    this.isPaused = false;
  }
  startTls(): void {}
}

function openSession(service: SmtpService = fakeService()) {
  const transport = new FakeTransport();
  const session = new SmtpSession(service, transport, '127.0.0.1', 1);
  session.open();
  transport.writes.length = 0;
  const say = (text: string) => session.receive(Buffer.from(text, 'latin1'));
  return { transport, session, say };
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const transaction = 'MAIL FROM:<a@far.test>\r\nRCPT TO:<alice@local.test>\r\n';

/** A reception whose answer the test gives. */
class SlowReception extends FakeReception {
  answer: (answer: AcceptAnswer) => void = () => {};
  override accept(message: ReceivedMessage, reservedBytes: number): Promise<AcceptAnswer> {
    this.messages.push(message);
    return new Promise((resolve) => {
      this.answer = (answer) => {
        this.release(reservedBytes);
        resolve(answer);
      };
    });
  }
}

describe('writes', () => {
  test('replies to commands of one chunk leave in one write', () => {
    const { transport, say } = openSession();
    say(`EHLO c\r\n${transaction}DATA\r\n`);
    assert.equal(transport.writes.length, 1);
    assert.match(transport.writes[0]!, /354 [^\r]*\r\n$/);
  });

  test('what comes behind a message waits for its answer, then is answered in one write with it', async () => {
    const reception = new SlowReception();
    const { transport, say } = openSession(fakeService({ reception }));
    say(`HELO c\r\n${transaction}DATA\r\nx\r\n.\r\nNOOP\r\n`);
    say('NOOP\r\n');
    await turn();
    assert.equal(transport.writes.length, 1, 'no reply before the message is safe');
    reception.answer({ ok: true });
    await turn();
    assert.equal(transport.writes.length, 2);
    assert.match(
      transport.writes[1]!,
      /^250 2\.0\.0 Ok: queued as \w{16}\r\n250 [^\r]*\r\n250 [^\r]*\r\n$/,
    );
  });
});

describe('back-pressure', () => {
  test('a peer that sends on while its message waits is paused, and resumed after', async () => {
    const reception = new SlowReception();
    const { transport, say } = openSession(
      fakeService({ reception, limits: { undigestedBytesMax: 100 } }),
    );
    say(`HELO c\r\n${transaction}DATA\r\nx\r\n.\r\n`);
    say('NOOP\r\n'.repeat(10));
    assert.ok(!transport.isPaused);
    say('NOOP\r\n'.repeat(10));
    assert.ok(transport.isPaused);
    reception.answer({ ok: true });
    await turn();
    assert.ok(!transport.isPaused);
    assert.equal(transport.writes[1]?.split('\r\n').length, 22);
  });

  test('a peer that does not read its replies is not read either until it does', () => {
    const { transport, session, say } = openSession(
      fakeService({ limits: { unsentBytesMax: 10 } }),
    );
    transport.unsentBytes = 11;
    say('NOOP\r\n');
    assert.ok(transport.isPaused);
    say('NOOP\r\n');
    assert.equal(transport.writes.length, 1);
    transport.unsentBytes = 0;
    session.drained();
    assert.equal(transport.writes.length, 2);
    assert.ok(!transport.isPaused);
  });

  test('few octets that ask for long replies cannot fill memory', () => {
    const { transport, session, say } = openSession(
      fakeService({ limits: { unsentBytesMax: 20_000, undigestedBytesMax: 1_000_000 } }),
    );
    transport.unsentBytes = 20_001;
    say('EHLO x\r\n'.repeat(8_000));
    assert.equal(transport.writes.length, 1);
    assert.ok(transport.writes[0]!.length < 20_000);
    assert.ok(transport.isPaused);
    session.closed();
  });

  test('a flood of commands in one chunk is run in turns', async () => {
    const { transport, say } = openSession();
    say('NOOP\r\n'.repeat(1_300));
    assert.equal(transport.writes.length, 1);
    await turn();
    await turn();
    await turn();
    assert.equal(transport.writes.join('').split('\r\n').length, 1_301);
  });

  test('room is claimed as octets come and given back when a message is too large', () => {
    const reception = new FakeReception();
    const { session, say } = openSession(
      fakeService({ reception, limits: { messageBytesMax: 100_000 } }),
    );
    say(`HELO c\r\n${transaction}DATA\r\n`);
    assert.equal(reception.reservedBytes, 16_384);
    for (let i = 0; i < 90; i++) say(`${'x'.repeat(998)}\r\n`);
    assert.ok(reception.reservedBytes >= 90_000);
    for (let i = 0; i < 20; i++) say(`${'x'.repeat(998)}\r\n`);
    say('.\r\n');
    assert.equal(reception.reservedBytes, 0);
    session.closed();
    assert.equal(reception.reservedBytes, 0);
  });

  test('the room of a message that will be refused is given back before the rest of it comes', () => {
    const reception = new FakeReception();
    reception.roomBytes = 50_000;
    const { say } = openSession(fakeService({ reception }));
    say(`HELO c\r\n${transaction}DATA\r\n`);
    for (let i = 0; i < 90; i++) say(`${'x'.repeat(998)}\r\n`);
    assert.equal(reception.reservedBytes, 0);
  });

  test('SIZE claims ahead, within a bound', () => {
    const reception = new FakeReception();
    const { say } = openSession(fakeService({ reception }));
    say('HELO c\r\nMAIL FROM:<a@far.test> SIZE=50000000\r\n');
    assert.equal(reception.reservedBytes, 262_144);
  });
});

describe('time', () => {
  test('an idle session is told and ended (RFC 5321 §4.5.3.2.7)', () => {
    const service = fakeService({ limits: { idleMsMax: 1_000 } });
    const { transport, session, say } = openSession(service);
    service.tickMs = 900;
    say('NOOP\r\n');
    session.sweep(1_800);
    assert.ok(!transport.hasEnded);
    session.sweep(1_901);
    assert.ok(transport.hasEnded);
    assert.equal(transport.writes.at(-1), '421 4.4.2 Idle for too long, bye\r\n');
  });

  test('a message that trickles in for too long ends the session', () => {
    const service = fakeService({ limits: { dataMsMax: 1_000 } });
    const { transport, session, say } = openSession(service);
    service.tickMs = 100;
    say(`HELO c\r\n${transaction}DATA\r\n`);
    service.tickMs = 1_000;
    say('x');
    session.sweep(1_050);
    assert.ok(!transport.hasEnded);
    session.sweep(1_101);
    assert.match(transport.writes.at(-1)!, /^421 4\.4\.2 Message took too long/);
  });

  test('a session that lasts too long ends, busy or not', () => {
    const service = fakeService({ limits: { sessionMsMax: 1_000 } });
    const { transport, session, say } = openSession(service);
    service.tickMs = 1_000;
    say('NOOP\r\n');
    session.sweep(1_001);
    assert.match(transport.writes.at(-1)!, /^421 4\.4\.2 Session took too long/);
  });

  test('where a log-in is asked for, a session without one ends, however much it says', () => {
    const limits = { logInMsMax: 1_000 };
    const strange = openSession(fakeService({ name: 'submission', limits }));
    const known = openSession(fakeService({ name: 'submission', limits }));
    const relayed = openSession(fakeService({ limits }));
    known.session.account = { address: 'ann@here.test' } as Account;
    for (const { say, session, transport } of [strange, known, relayed]) {
      session.service.tickMs = 1_000;
      say('NOOP\r\n');
      session.sweep(1_000);
      assert.ok(!transport.hasEnded);
      session.sweep(1_001);
    }
    assert.match(strange.transport.writes.at(-1)!, /^421 4\.4\.2 No log-in for too long/);
    assert.deepEqual([known.transport.hasEnded, relayed.transport.hasEnded], [false, false]);
  });

  test('a session whose message is being written down is never idle', async () => {
    const reception = new SlowReception();
    const { transport, session, say } = openSession(
      fakeService({ reception, limits: { idleMsMax: 1 } }),
    );
    say(`HELO c\r\n${transaction}DATA\r\nx\r\n.\r\n`);
    session.sweep(1_000_000);
    assert.ok(!transport.hasEnded);
    reception.answer({ ok: true });
    await turn();
    assert.match(transport.writes.at(-1)!, /^250 /);
  });
});

describe('ends', () => {
  test('going down, a session ends at once with or without an envelope; text that is coming may end', async () => {
    const service = fakeService();
    const idle = openSession(service);
    const enveloped = openSession(service);
    const busy = openSession(service);
    enveloped.say(`HELO c\r\n${transaction}`);
    busy.say(`HELO c\r\n${transaction}DATA\r\nx\r\n`);
    service.isDraining = true;
    for (const { session } of [idle, enveloped, busy]) session.drain();
    for (const { transport } of [idle, enveloped]) {
      assert.equal(transport.writes.at(-1), '421 4.3.2 Going down, try again later\r\n');
    }
    busy.say('.\r\nMAIL FROM:<a@far.test>\r\n');
    await turn();
    assert.match(busy.transport.writes.at(-1)!, /^250 [^\r]*\r\n421 4\.3\.2 /);
    assert.ok(busy.transport.hasEnded);
  });

  test('going down, text that comes too slowly is waited for no longer than drainDataMsMax', () => {
    const service = fakeService({ limits: { drainDataMsMax: 5_000 } });
    const data = openSession(service);
    const chunks = openSession(service);
    data.say(`HELO c\r\n${transaction}DATA\r\nx\r\n`);
    chunks.say(`EHLO c\r\n${transaction}BDAT 2\r\nx\r`);
    for (const pastMs of [0, 5_000, 5_001]) {
      service.tickMs = 1_000 + pastMs;
      for (const { session, transport } of [data, chunks]) {
        session.drain();
        assert.equal(transport.hasEnded, pastMs > 5_000);
      }
    }
    assert.match(data.transport.writes.at(-1)!, /^421 4\.3\.2 /);
  });

  test('an answer that comes after the peer left is dropped', async () => {
    const reception = new SlowReception();
    const { transport, session, say } = openSession(fakeService({ reception }));
    say(`HELO c\r\n${transaction}DATA\r\nx\r\n.\r\n`);
    session.closed();
    reception.answer({ ok: true });
    await turn();
    assert.equal(transport.writes.length, 1);
    assert.equal(reception.reservedBytes, 0);
  });

  test('a port that breaks its promise ends the session with 421', async () => {
    const reception = new FakeReception();
    reception.accept = () => Promise.reject(new Error('broken'));
    const { transport, say } = openSession(fakeService({ reception }));
    say(`HELO c\r\n${transaction}DATA\r\nx\r\n.\r\nNOOP\r\n`);
    await turn();
    assert.equal(transport.writes.at(-1), '421 4.3.0 Local trouble, bye\r\n');
    assert.ok(transport.hasEnded);
  });

  test('what comes after QUIT is not read', () => {
    const { transport, say } = openSession();
    say('QUIT\r\nNOOP\r\n');
    say('NOOP\r\n');
    assert.deepEqual(transport.writes, ['221 2.0.0 Bye\r\n']);
  });
});

describe('words', () => {
  test('every error code has a reply with an enhanced code of the same class', () => {
    for (const code of errorCodes) {
      const text = replyOf(code).toString().slice(0, -2);
      assert.ok(isReplyLine(text));
      assert.match(text, /^([45])\d\d \1\.\d+\.\d+ /, code);
    }
  });

  test('RFC 3848 and RFC 6531 name the protocol', () => {
    assert.equal(protocolWord('HELO', false, true, false), 'SMTP');
    assert.equal(protocolWord('EHLO', false, false, false), 'ESMTP');
    assert.equal(protocolWord('EHLO', false, true, true), 'ESMTPSA');
    assert.equal(protocolWord('EHLO', true, true, false), 'UTF8SMTPS');
    assert.equal(protocolWord('LHLO', false, true, false), 'LMTPS');
    assert.equal(protocolWord('LHLO', true, false, false), 'UTF8LMTP');
  });

  test('a session takes what its socket gives and keeps views of it', async () => {
    const reception = new FakeReception();
    const { say, session } = openSession(fakeService({ reception }));
    say(`HELO c\r\n${transaction}DATA\r\n`);
    const chunk = Buffer.from('Subject: x\r\n\r\nbody\r\n.\r\n');
    session.receive(chunk);
    await turn();
    const [message] = reception.messages;
    assert.equal(message?.body[0]?.buffer, chunk.buffer);
    assert.equal(bodyOf(message!).toString(), 'Subject: x\r\n\r\nbody\r\n');
  });
});

describe('a large message', () => {
  const half = `${'x'.repeat(998)}\r\n`.repeat(150);

  function openLarge() {
    const reception = new FakeReception();
    const opened = openSession(fakeService({ reception }));
    opened.say(`EHLO c\r\n${transaction}DATA\r\n`);
    return { ...opened, reception };
  }

  test('leaves as it comes once it is above the limit, and is handed over by its stream', async () => {
    const { reception, say, transport } = openLarge();
    say(half);
    assert.equal(reception.streams.length, 0);
    say(half);
    const [stream] = reception.streams;
    assert.equal(Buffer.concat(stream!.text).length, 2 * half.length);
    say(`${half}.\r\n`);
    await turn();
    assert.match(transport.writes.at(-1)!, new RegExp(`250 2\\.0\\.0 .*${stream!.id}`));
    assert.equal(bodyOf(reception.messages[0]!).toString('latin1'), half.repeat(3));
    assert.equal(reception.messages[0]!.bodyBytes, 3 * half.length);
    assert.equal(stream!.isAborted, false);
    assert.equal(reception.reservedBytes, 0);
  });

  test('holds room only for what has not left', () => {
    const { reception, say } = openLarge();
    for (let i = 0; i < 20; i++) say(half);
    assert.ok(reception.reservedBytes < 3 * half.length);
  });

  test('whose shard lags stops the reading, and goes on where it stopped', async () => {
    const { reception, say, transport } = openLarge();
    say(half);
    say(half);
    const [stream] = reception.streams;
    stream!.isFull = true;
    say(half);
    for (let i = 0; i < 2; i++) say(half);
    assert.equal(transport.isPaused, true);
    assert.equal(Buffer.concat(stream!.text).length, 3 * half.length);
    stream!.isFull = false;
    stream!.ready!();
    assert.equal(transport.isPaused, false);
    say('.\r\n');
    await turn();
    assert.equal(bodyOf(reception.messages[0]!).length, 5 * half.length);
  });

  for (const [what, end] of [
    ['whose connection is lost', ({ session }: ReturnType<typeof openSession>) => session.closed()],
    ['that took too long', ({ session }: ReturnType<typeof openSession>) => session.sweep(1e12)],
    ['with a bare newline', ({ say }: ReturnType<typeof openSession>) => say('a\nb\r\n')],
  ] as const) {
    test(`${what} is let go, and so is its room`, () => {
      const opened = openLarge();
      opened.say(half + half);
      end(opened);
      assert.equal(opened.reception.streams[0]!.isAborted, true);
      assert.equal(opened.reception.reservedBytes, 0);
    });
  }

  test('that its shard cannot take is read to its end and refused there', () => {
    const { reception, say, transport } = openLarge();
    say(half + half);
    reception.streams[0]!.failure = failure('disk-full');
    transport.writes.length = 0;
    say(half);
    assert.deepEqual(transport.writes, []);
    assert.equal(reception.reservedBytes, 0);
    say(`${half}.\r\nNOOP\r\n`);
    assert.match(transport.writes[0]!, /^452 4\.3\.1 [^\r]*\r\n250/);
    assert.equal(reception.messages.length, 0);
  });

  test('by BDAT leaves as it comes, too', async () => {
    const reception = new FakeReception();
    const { say, transport } = openSession(fakeService({ reception }));
    say(`EHLO c\r\n${transaction}`);
    for (let i = 0; i < 3; i++) say(`BDAT ${half.length}\r\n${half}`);
    assert.equal(Buffer.concat(reception.streams[0]!.text).length, 3 * half.length);
    say('BDAT 0 LAST\r\n');
    await turn();
    assert.match(transport.writes.at(-1)!, /^250 2\.0\.0/);
    say(`MAIL FROM:<a@far.test>\r\nRCPT TO:<alice@local.test>\r\nBDAT ${half.length}\r\n${half}`);
    say(`BDAT ${half.length}\r\n${half}RSET\r\n`);
    assert.equal(reception.streams[1]!.isAborted, true);
    assert.equal(reception.reservedBytes, 0);
  });
});

describe('whose mail it is that nobody logged in for', () => {
  const tenantOf = async (sender: string, isTrusted: boolean) => {
    const reception = new FakeReception();
    const { say } = openSession(fakeService({ reception, isTrusted }));
    say(`HELO c\r\nMAIL FROM:<${sender}>\r\nRCPT TO:<alice@local.test>\r\nDATA\r\n`);
    await turn();
    say('x\r\n.\r\n');
    await turn();
    return reception.messages[0]!.arrival.tenant;
  };

  test('of who may relay: of the tenant whose domain the sender is of, known at once or late', async () => {
    assert.equal(await tenantOf('shop@seven.test', true), 7);
    assert.equal(await tenantOf('shop@late.test', true), 8);
    assert.equal(await tenantOf('shop@far.test', true), 0);
    assert.equal(await tenantOf('', true), 0);
  });

  test('of a stranger: not of the tenant of the sender it names', async () => {
    assert.equal(await tenantOf('shop@seven.test', false), 0);
  });
});
