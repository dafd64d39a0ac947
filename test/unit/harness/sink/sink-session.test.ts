/**
 * Aim: a sink speaks SMTP and LMTP well enough for any client, and breaks it exactly as its model
 *      says.
 * Method: sessions over a recorded wire, with seeded chance and a clock turned by hand.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeededRandom } from '../../../../src/harness/seeded-random.ts';
import { type Fault, FaultSource } from '../../../../src/harness/sink/fault-source.ts';
import type { FaultRule } from '../../../../src/harness/sink/model.ts';
import { SinkSession } from '../../../../src/harness/sink/sink-session.ts';
import type { SinkMessage } from '../../../../src/harness/sink/sink-wire.ts';

class Wire {
  sent: string[] = [];
  arrivals: SinkMessage[] = [];
  timers: { delayMs: number; run: () => void }[] = [];
  ending = '';
  slowedTo = 0;
  /** What STARTTLS began with. */
  handshakes: (Fault | undefined)[] = [];
  nowMs = 0;
  readonly session: SinkSession;

  constructor(rules: readonly FaultRule[] = [], lmtp = false) {
    const faults = new FaultSource({ name: 'test', rules }, new SeededRandom(1), () => this.nowMs);
    this.session = new SinkSession(
      {
        send: (text) => this.sent.push(text),
        end: () => {
          this.ending += 'end';
        },
        reset: () => {
          this.ending += 'reset';
        },
        slow: (bytesPerSecond) => {
          this.slowedTo = bytesPerSecond;
        },
        startTls: (fault) => this.handshakes.push(fault),
        later: (delayMs, run) => this.timers.push({ delayMs, run }),
        arrived: (message) => this.arrivals.push(message),
      },
      { hostName: 'sink.test', lmtp, chunking: true, starttls: true, auth: true },
      faults.visit('192.0.2.1'),
    );
    if (this.sent[0]?.startsWith('220') === true) this.sent.shift();
  }

  /** What comes back for `text`, as the codes of its replies. */
  say(text: string): string {
    this.sent = [];
    this.session.receive(Buffer.from(text, 'latin1'));
    return this.codes();
  }

  codes(): string {
    const lines = this.sent.join('').split('\r\n').slice(0, -1);
    return lines
      .filter((line) => line[3] === ' ')
      .map((line) => line.slice(0, 3))
      .join(' ');
  }

  bodies(): readonly string[] {
    return this.arrivals.map(({ parts }) => Buffer.concat(parts).toString('latin1'));
  }
}

const envelope = 'MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n';

test('a pipelined transaction is answered in one write, the next message behind it too', () => {
  const wire = new Wire();
  assert.equal(wire.say('EHLO me\r\n'), '250');
  assert.equal(wire.say(`${envelope}DATA\r\n`), '250 250 354');
  assert.equal(wire.sent.length, 1);
  assert.equal(wire.say(`hello\r\n.\r\n${envelope}DATA\r\n`), '250 250 250 354');
  assert.equal(wire.say('two\r\n.\r\nQUIT\r\n'), '250 221');
  assert.deepEqual(wire.bodies(), ['hello\r\n', 'two\r\n']);
  assert.deepEqual(wire.arrivals[0]!.recipients, ['c@d']);
  assert.equal(wire.session.isOrderly, true);
  assert.equal(wire.ending, 'end');
});

test('commands cut at every byte are answered alike', () => {
  const wire = new Wire();
  let codes = '';
  for (const byte of `${envelope}DATA\r\nhi\r\n.\r\n`) codes += ` ${wire.say(byte)}`;
  assert.equal(codes.trim().replaceAll(/ +/g, ' '), '250 250 354 250');
  assert.deepEqual(wire.bodies(), ['hi\r\n']);
});

test('chunks of BDAT are joined, dots left alone', () => {
  const wire = new Wire();
  assert.equal(wire.say(`${envelope}BDAT 5\r\na\r\n.\r`), '250 250 250');
  assert.equal(wire.say('BDAT 3 LAST\r\n\nb\n'), '250');
  assert.deepEqual(wire.bodies(), ['a\r\n.\r\nb\n']);
  assert.equal(wire.arrivals[0]!.isStuffed, false);
});

test('a chunk nobody may have is read to its end and refused', () => {
  const wire = new Wire();
  assert.equal(wire.say('BDAT 5 LAST\r\nQUIT\nNOOP\r\n'), '503 250');
});

test('LMTP answers each recipient for itself', () => {
  const wire = new Wire([{ at: 'message', probability: 0.5, reply: '451 4.3.0 Busy' }], true);
  wire.say(`LHLO me\r\nMAIL FROM:<>\r\n${'RCPT TO:<r@d>\r\n'.repeat(40)}DATA\r\n`);
  const codes = wire.say('x\r\n.\r\n').split(' ');
  assert.equal(codes.length, 40);
  const taken = codes.filter((code) => code === '250').length;
  assert.ok(taken > 5 && taken < 35, `${taken} taken`);
  assert.equal(wire.arrivals[0]!.recipients.length, taken);
});

test('a fault of chance strikes as often as it says, and the same seed strikes alike', () => {
  const play = () => {
    const wire = new Wire([{ at: 'rcpt', probability: 0.1, reply: '550 5.1.1 No' }]);
    return wire.say(`MAIL FROM:<a@b>\r\n${'RCPT TO:<c@d>\r\n'.repeat(2_000)}`);
  };
  const codes = play();
  const struck = codes.split(' ').filter((code) => code === '550').length;
  assert.ok(struck > 150 && struck < 250, `${struck} of 2000`);
  assert.equal(play(), codes);
});

test('a 421 ends the session, at the greeting too', () => {
  const greeted = new Wire([{ at: 'connect', probability: 1, reply: '421 4.3.2 Busy' }]);
  assert.equal(greeted.codes(), '421');
  assert.equal(greeted.ending, 'end');
  const later = new Wire([{ at: 'mail', probability: 1, reply: '421 4.3.2 Busy' }]);
  assert.equal(later.say(`${envelope}DATA\r\n`), '421');
  assert.equal(later.ending, 'end');
});

test('a drop cuts the connection in the middle of the body', () => {
  const wire = new Wire([{ at: 'body', drop: 'reset' }]);
  assert.equal(wire.say(`${envelope}DATA\r\n`), '250 250 354');
  assert.equal(wire.say('half a mess'), '');
  assert.equal(wire.ending, 'reset');
  assert.equal(wire.arrivals.length, 0);
});

test('a slow step holds back its reply and all that follows', () => {
  const wire = new Wire([{ at: 'rcpt', probability: 1, delayMs: 200 }]);
  assert.equal(wire.say(`${envelope}DATA\r\n`), '250');
  assert.equal(wire.timers[0]!.delayMs, 200);
  wire.sent = [];
  wire.timers[0]!.run();
  assert.equal(wire.codes(), '250 354');
});

test('a greylist lets a pair pass once its time is over', () => {
  const reply = '451 4.7.1 Greylisted';
  const wire = new Wire([{ at: 'rcpt', reply, greylist: { afterSeconds: 5 } }]);
  assert.equal(wire.say(envelope), '250 451');
  wire.nowMs = 4_999;
  assert.equal(wire.say(envelope), '250 451');
  wire.nowMs = 5_000;
  assert.equal(wire.say(envelope), '250 250');
  assert.equal(wire.say('RCPT TO:<other@d>\r\n'), '451');
});

test('a drop waits for as many bytes of the body as it says, whether by DATA or BDAT', () => {
  const rules: FaultRule[] = [{ at: 'body', drop: 'close', afterBytes: 10 }];
  const byData = new Wire(rules);
  byData.say(`${envelope}DATA\r\n`);
  byData.say('123456789');
  assert.equal(byData.ending, '');
  byData.say('0');
  assert.equal(byData.ending, 'end');
  const byChunk = new Wire(rules);
  byChunk.say(`${envelope}BDAT 100 LAST\r\n123456789`);
  assert.equal(byChunk.ending, '');
  byChunk.say('0');
  assert.equal(byChunk.ending, 'end');
  assert.equal(byChunk.arrivals.length, 0);
});

test('each command can be answered by a rule, the third one only where it says so', () => {
  const commands = { rset: 'RSET', noop: 'NOOP', other: 'VRFY x', quit: 'QUIT', ehlo: 'EHLO a' };
  for (const [at, command] of Object.entries(commands)) {
    const rule = { at: at as FaultRule['at'], reply: '450 4.7.0 Not now', nth: 3 };
    const wire = new Wire([rule]);
    if (at !== 'quit') wire.say(`${command}\r\n${command}\r\n`);
    const expected = at === 'quit' ? '221' : '450';
    assert.equal(wire.say(`${command}\r\n`), expected, command);
  }
  const bdat = new Wire([{ at: 'bdat', reply: '552 5.3.4 No chunks' }]);
  assert.equal(bdat.say(`${envelope}BDAT 3 LAST\r\nabcNOOP\r\n`), '250 250 552 250');
  assert.equal(bdat.arrivals.length, 0);
});

test('a slow reader says how slow, and goes on to answer', () => {
  const wire = new Wire([{ at: 'mail', readBytesPerSecond: 512 }]);
  assert.equal(wire.say(envelope), '250 250');
  assert.equal(wire.slowedTo, 512);
});

test('after STARTTLS nothing said in the clear is heard, and the session starts anew', () => {
  const wire = new Wire();
  assert.match(wire.say('EHLO me\r\n') && wire.sent.join(''), /STARTTLS/);
  assert.equal(wire.say(`${envelope}STARTTLS\r\nRCPT TO:<injected@d>\r\n`), '250 250 220');
  assert.equal(wire.handshakes.length, 1);
  assert.equal(wire.say('NOOP\r\n'), '');
  wire.session.secured();
  assert.equal(wire.say('RCPT TO:<c@d>\r\n'), '503');
  assert.doesNotMatch(wire.say('EHLO me\r\n') && wire.sent.join(''), /STARTTLS/);
  wire.say(`${envelope}DATA\r\nx\r\n.\r\n`);
  assert.equal(wire.arrivals[0]!.isEncrypted, true);
});

test('STARTTLS can be refused, and can bring a reply in the clear along', () => {
  const refusing = new Wire([{ at: 'starttls', reply: '454 4.7.0 TLS not available' }]);
  assert.equal(refusing.say('STARTTLS\r\nNOOP\r\n'), '454 250');
  const injecting = new Wire([{ at: 'handshake', tls: 'injection' }]);
  assert.equal(injecting.say('STARTTLS\r\n'), '220 250');
  assert.equal(injecting.sent.length, 1, 'in one write, or it would be no injection');
  assert.equal(injecting.handshakes[0]?.tls, 'injection');
});

test('any name and password may log in, unless a rule says no', () => {
  const wire = new Wire([{ at: 'auth', nth: 3, reply: '535 5.7.8 Wrong' }]);
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  assert.equal(wire.say(`AUTH PLAIN ${base64('\0joe\0secret')}\r\n`), '235');
  assert.equal(wire.say('AUTH LOGIN\r\n'), '334');
  assert.equal(wire.say(`${base64('ann')}\r\n${base64('pw')}\r\n`), '334 235');
  assert.equal(wire.say('AUTH PLAIN\r\n'), '334');
  assert.equal(wire.say(`${base64('\0joe\0x')}\r\n`), '535');
  assert.equal(wire.say('AUTH PLAIN\r\n*\r\nAUTH CRAM-MD5\r\n'), '334 501 504');
  wire.say(`${envelope}DATA\r\nx\r\n.\r\n`);
  assert.equal(wire.arrivals[0]!.user, 'ann');
});

test('a model greets and thanks in its own words, in several lines where it has them', () => {
  const model = {
    ...{ name: 'own', greeting: 'ESMTP {id} - own', accepted: '250 2.0.0 OK {recipient}' },
    rules: [{ at: 'rcpt' as const, recipient: 'no*', reply: '550 5.1.1 One\ntwo {address}' }],
  };
  const source = new FaultSource(model, new SeededRandom(1), () => 0);
  const visit = source.visit('192.0.2.7');
  assert.match(visit.greeting('plain'), /^ESMTP [0-9a-f]{16} - own$/);
  assert.equal(visit.accepted('plain', 'a@b', 'c@d'), '250 2.0.0 OK c@d');
  const fault = visit.strike('rcpt', 'a@b', 'NOBODY@d');
  assert.equal(fault?.reply, '550-5.1.1 One\r\n550 5.1.1 two 192.0.2.7');
});

test('a message by BDAT is bounded as one by DATA is, and a transaction in its recipients', () => {
  const wire = new Wire();
  wire.say(envelope);
  const chunk = Buffer.alloc(64 * 1024 * 1024, 'a');
  // 128 MiB are the most: the third goes over.
  const chunks = 3;
  const codes = Array.from({ length: chunks }, () => {
    wire.say(`BDAT ${chunk.length}\r\n`);
    wire.session.receive(chunk);
    return wire.codes();
  });
  assert.deepEqual(codes, [...new Array(chunks - 1).fill('250'), '552']);
  assert.equal(wire.say('BDAT 0 LAST\r\n'), '503');
  assert.deepEqual(wire.arrivals, []);
  const many = wire.say(`MAIL FROM:<a@b>\r\n${'RCPT TO:<c@d>\r\n'.repeat(50_001)}`);
  assert.ok(many.endsWith('250 452'));
});

test('a chunk may be delayed, or the connection cut at it', () => {
  const late = new Wire([{ at: 'bdat', delayMs: 50 }]);
  assert.equal(late.say(`${envelope}BDAT 2 LAST\r\nhi`), '250 250');
  assert.equal(late.timers[0]?.delayMs, 50);
  late.sent = [];
  late.timers[0]!.run();
  assert.equal(late.codes(), '250');
  const cut = new Wire([{ at: 'bdat', drop: 'reset' }]);
  cut.say(`${envelope}BDAT 2 LAST\r\nhi`);
  assert.deepEqual([cut.ending, cut.arrivals], ['reset', []]);
});

test('a cut that falls in a pause comes when it is over', () => {
  const wire = new Wire(
    [
      { at: 'message', nth: 2, delayMs: 10, drop: 'close' },
      { at: 'message', delayMs: 10 },
    ],
    true,
  );
  wire.say('LHLO me\r\nMAIL FROM:<>\r\nRCPT TO:<a@d>\r\nRCPT TO:<b@d>\r\nDATA\r\n');
  wire.say('x\r\n.\r\n');
  wire.timers[0]!.run();
  assert.equal(wire.ending, 'end');
});
