/**
 * Aim: a sink speaks SMTP and LMTP well enough for any client, and breaks it exactly as its model
 *      says.
 * Method: sessions over a recorded wire, with seeded chance and a clock turned by hand.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeededRandom } from '../../../../src/harness/seeded-random.ts';
import {
  type FaultRule,
  FaultSource,
  parseFault,
  parseModel,
} from '../../../../src/harness/sink/models.ts';
import { type SinkMessage, SinkSession } from '../../../../src/harness/sink/sink-session.ts';

class Wire {
  sent: string[] = [];
  arrivals: SinkMessage[] = [];
  timers: { delayMs: number; run: () => void }[] = [];
  ending = '';
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
        later: (delayMs, run) => this.timers.push({ delayMs, run }),
        arrived: (message) => this.arrivals.push(message),
      },
      { faults, hostName: 'sink.test', lmtp, chunking: true },
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
  const wire = new Wire([{ at: 'body', probability: 1, drop: true }]);
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
  const wire = new Wire([{ at: 'rcpt', probability: 1, reply, greylistMs: 5_000 }]);
  assert.equal(wire.say(envelope), '250 451');
  wire.nowMs = 4_999;
  assert.equal(wire.say(envelope), '250 451');
  wire.nowMs = 5_000;
  assert.equal(wire.say(envelope), '250 250');
  assert.equal(wire.say('RCPT TO:<other@d>\r\n'), '451');
});

test('faults and models are read, and what is wrong with them is said', () => {
  assert.deepEqual(parseFault('rcpt=451 4.3.0 Busy:0.1'), {
    at: 'rcpt',
    probability: 0.1,
    reply: '451 4.3.0 Busy',
  });
  assert.deepEqual(parseFault('body=drop'), { at: 'body', probability: 1, drop: true });
  assert.throws(() => parseFault('nowhere=451 x'), /"at" must be one of/);
  assert.throws(() => parseFault('rcpt=maybe'), /must begin with a code/);
  assert.throws(() => parseModel('{}', 'm.json'), /needs a list "rules"/);
  assert.throws(() => parseModel('{"rules":[{"at":"rcpt","probability":2}]}', 'm'), /from 0 to 1/);
});
