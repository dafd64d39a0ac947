/**
 * Aim: a POP3 session bounds what a client can cost: time, memory, answers nobody reads; and keeps what it promised.
 * Method: the session on a fake transport and the engine's handlers in memory; time is turned by hand.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { messagesPerListingMax, pop3Asks } from '../../../../../src/actors/asks/pop3-asks.ts';
import { failure } from '../../../../../src/base/errors.ts';
import { minuteMs } from '../../../../../src/base/units.ts';
import {
  defaultPop3Limits,
  type Pop3Limits,
} from '../../../../../src/edge/protocols/pop3/limits.ts';
import { Pop3Session } from '../../../../../src/edge/protocols/pop3/session.ts';
import { FakeTransport } from '../../../../support/fake-transport.ts';
import { FakePop3 } from '../../../../support/pop3-fakes.ts';
import { SeededClock, turns } from '../../../../support/seeded-clock.ts';
import { account, messageBytes, tenant } from '../../../engine/mailbox/mailbox-world.ts';

class Play {
  readonly clock = new SeededClock();
  readonly fake: FakePop3;
  readonly transport = new FakeTransport();
  readonly session: Pop3Session;

  constructor(limits: Partial<Pop3Limits> = {}) {
    this.fake = new FakePop3(limits, this.clock);
    const tls = { version: 'TLSv1.3', cipher: 'x' };
    this.session = new Pop3Session(this.fake.service, this.transport, '192.0.2.1', tls);
    this.session.open();
  }

  /** Says lines, and answers what was heard once all is quiet. */
  async say(...lines: readonly string[]): Promise<string> {
    this.transport.text = '';
    this.session.receive(Buffer.from(lines.map((line) => `${line}\r\n`).join('')));
    await turns(20);
    return this.transport.text;
  }

  async enter(): Promise<void> {
    assert.match(await this.say('USER alice@local.test', 'PASS secret'), /Logged in/);
  }

  /** Time passes, with the listener's sweep. */
  pass(ms: number): void {
    const { service } = this.fake;
    for (let passedMs = 0; passedMs < ms; passedMs += 10_000) {
      this.clock.advance(10_000);
      service.tickMs = this.clock.monotonicMs();
      this.session.sweep(service.tickMs);
    }
  }

  /** The client reads all there is. */
  hear(): void {
    this.transport.isDeaf = false;
    this.transport.unsentBytes = 0;
    this.session.drained();
  }
}

describe('a POP3 session’s time', () => {
  it('ends without a word before a log-in comes, if none does', async () => {
    const play = new Play({ earlyMsMax: minuteMs });
    await play.say('CAPA');
    play.transport.text = '';
    play.pass(minuteMs - 10_000);
    assert.ok(!play.transport.isEnded);
    play.pass(20_000);
    assert.ok(play.transport.isEnded);
    assert.equal(play.transport.text, '');
  });

  // RFC 1939 §3: at least 10 minutes, and then no UPDATE.
  it('ends after idleMsMax of silence, without a word and with nothing deleted', async () => {
    const play = new Play();
    await play.fake.world.deliver();
    await play.enter();
    await play.say('DELE 1');
    play.transport.text = '';
    play.pass(defaultPop3Limits.idleMsMax - 10_000);
    assert.ok(!play.transport.isEnded);
    play.pass(20_000);
    await turns(2);
    assert.ok(play.transport.isEnded);
    assert.equal(play.transport.text, '');
    assert.ok(!play.fake.asked.includes(pop3Asks.remove));
    assert.equal(play.fake.world.reader.mailbox(account, 1)!.messages, 1);
  });

  it('ends for a client that reads nothing of what it asked for', async () => {
    const play = new Play({ stallMsMax: minuteMs });
    await play.fake.world.deliver();
    await play.enter();
    play.transport.isDeaf = true;
    await play.say('RETR 1');
    play.pass(minuteMs);
    assert.ok(!play.transport.isDestroyed);
    play.transport.unsentBytes--;
    play.pass(minuteMs);
    assert.ok(!play.transport.isDestroyed, 'it reads, if slowly');
    play.pass(minuteMs);
    assert.ok(play.transport.isDestroyed);
    assert.deepEqual(play.fake.cutOffs, ['stalled']);
  });

  it('ends when the server goes down, or with the command that runs', async () => {
    const idle = new Play();
    await idle.enter();
    idle.session.drain();
    assert.ok(idle.transport.isEnded);
    const busy = new Play();
    await busy.fake.world.deliver();
    await busy.enter();
    busy.fake.service.isDraining = true;
    busy.session.receive(Buffer.from('LIST 1\r\nNOOP\r\n'));
    busy.session.drain();
    assert.ok(!busy.transport.isEnded);
    busy.transport.text = '';
    await turns(20);
    assert.equal(busy.transport.text, '+OK 1 184\r\n');
    assert.ok(busy.transport.isEnded);
  });
});

describe('what a POP3 session holds', () => {
  it('reads no more while a command runs and unreadBytesMax wait', async () => {
    const play = new Play({ unreadBytesMax: 100 });
    await play.fake.world.deliver();
    await play.enter();
    play.transport.text = '';
    play.session.receive(Buffer.from(`LIST 1\r\n${'NOOP\r\n'.repeat(50)}`));
    assert.ok(play.transport.isPaused);
    await turns(20);
    assert.ok(!play.transport.isPaused);
    assert.equal(play.transport.text.match(/\+OK Nothing done/g)!.length, 50);
  });

  it('lists many messages in windows, and goes on as the client reads', async () => {
    const play = new Play({ unsentBytesMax: 1_000 });
    const count = messagesPerListingMax * 2 + 10;
    for (let i = 0; i < count; i++) await play.fake.world.deliver();
    await play.enter();
    await play.say('DELE 5');
    play.transport.isDeaf = true;
    await play.say('LIST', 'NOOP');
    const lists = () => play.fake.asked.filter((name) => name === pop3Asks.list).length;
    assert.equal(lists(), 1, 'the first window was not read');
    play.hear();
    await turns(20);
    assert.equal(lists(), 3);
    const lines = play.transport.text.split('\r\n');
    assert.equal(lines[0], `+OK ${count - 1} messages`);
    assert.equal(lines[4], '4 184');
    assert.equal(lines[5], '6 184');
    assert.deepEqual(lines.slice(count - 1), [`${count} 184`, '.', '+OK Nothing done', '']);
  });

  it('asks for no more of a message than the client reads', async () => {
    const play = new Play({ unsentBytesMax: 1_000 });
    const text = 'line of a long text\r\n'.repeat(20_000);
    await play.fake.world.deliver(messageBytes({ text }));
    await play.enter();
    play.transport.isDeaf = true;
    await play.say('RETR 1');
    const asked = () => play.fake.asked.filter((name) => name === pop3Asks.retrieve).length;
    assert.equal(asked(), 1);
    play.hear();
    await turns(30);
    assert.equal(asked(), 4);
    assert.ok(play.transport.text.endsWith('line of a long text\r\n\r\n.\r\n'));
    play.session.closed();
  });

  it('lets go of a command whose client is gone', async () => {
    const play = new Play({ unsentBytesMax: 1_000 });
    const text = 'line of a long text\r\n'.repeat(20_000);
    await play.fake.world.deliver(messageBytes({ text }));
    await play.enter();
    play.transport.isDeaf = true;
    await play.say('RETR 1');
    play.session.closed();
    await turns(20);
    assert.equal(play.fake.asked.filter((name) => name === pop3Asks.retrieve).length, 1);
  });

  it('runs so many commands a minute, and those that came with the next one', async () => {
    const play = new Play({ commandsPerMinuteMax: 4, unreadBytesMax: 20 });
    await play.enter();
    await play.say(...Array.from({ length: 10 }, () => 'NOOP'));
    const replies = () => play.transport.text.match(/\+OK Nothing done/g)?.length ?? 0;
    assert.equal(replies(), 2, 'USER and PASS were of this minute');
    assert.ok(play.transport.isPaused);
    play.pass(minuteMs);
    await turns(5);
    assert.equal(replies(), 6);
    play.pass(minuteMs);
    await turns(5);
    assert.equal(replies(), 10);
    assert.ok(!play.transport.isPaused);
  });

  it('ends where all clients together leave too much unread, and it reads slowest', async () => {
    const play = new Play({ allUnsentBytesMax: 1_000 });
    await play.fake.world.deliver(messageBytes({ text: 'x\r\n'.repeat(10_000) }));
    await play.enter();
    play.transport.isDeaf = true;
    await play.say('RETR 1');
    play.pass(10_000);
    assert.ok(!play.transport.isDestroyed, 'nobody is judged at once');
    play.pass(20_000);
    assert.ok(play.transport.isDestroyed);
    assert.deepEqual(play.fake.cutOffs, ['slow']);
    assert.equal(play.fake.service.writeQueues.bytes, 0);
  });

  it('runs a hundred commands a turn at most', async () => {
    const play = new Play();
    await play.enter();
    play.transport.text = '';
    play.session.receive(Buffer.from('NOOP\r\n'.repeat(250)));
    await Promise.resolve();
    assert.equal(play.transport.text.match(/\+OK/g)!.length, 100);
    await turns(5);
    assert.equal(play.transport.text.match(/\+OK/g)!.length, 250);
  });
});

describe('what a POP3 session promises', () => {
  it('QUIT says -ERR where the deletion failed, and ends', async () => {
    const play = new Play();
    await play.fake.world.deliver();
    await play.enter();
    play.fake.world.shard.faults.push('lost');
    const said = await play.say('DELE 1', 'QUIT');
    assert.match(said, /-ERR \[SYS\/TEMP\] Some deleted messages were not removed\r\n$/);
    assert.ok(play.transport.isEnded);
    assert.equal(play.fake.world.reader.mailbox(account, 1)!.messages, 1);
  });

  it('QUIT says +OK only once the deletion is journaled', async () => {
    const play = new Play();
    for (let i = 0; i < 3; i++) await play.fake.world.deliver();
    await play.enter();
    await play.say('DELE 1', 'DELE 3');
    const { records } = play.fake.world.shard;
    const before = records.length;
    play.transport.text = '';
    play.session.receive(Buffer.from('QUIT\r\n'));
    while (records.length === before) {
      assert.equal(play.transport.text, '');
      await turns(1);
    }
    await turns(10);
    assert.equal(play.transport.text, '+OK Bye: 2 messages deleted\r\n');
    assert.equal(play.fake.world.reader.mailbox(account, 1)!.messages, 1);
  });

  it('a client that leaves without QUIT has deleted nothing', async () => {
    const play = new Play();
    await play.fake.world.deliver();
    await play.enter();
    await play.say('DELE 1');
    play.session.closed();
    await turns(5);
    assert.equal(play.fake.world.reader.mailbox(account, 1)!.messages, 1);
  });

  it('a message that somebody else expunged is not there, and all others keep their numbers', async () => {
    const play = new Play();
    for (let i = 0; i < 3; i++) await play.fake.world.deliver();
    await play.enter();
    await play.fake.world.mailboxes.expunge(account, tenant, 1, [2, 2]);
    assert.equal(await play.say('RETR 2'), '-ERR There is no such message\r\n');
    assert.equal(await play.say('LIST 2'), '-ERR There is no such message\r\n');
    assert.equal(await play.say('LIST'), '+OK 3 messages\r\n1 184\r\n3 184\r\n.\r\n');
    const last = await play.say('DELE 2', 'DELE 3', 'QUIT');
    assert.match(last, /\+OK Bye: 2 messages deleted\r\n$/);
    assert.equal(play.fake.world.reader.mailbox(account, 1)!.messages, 1);
  });

  it('an answer that cannot be had is said before its first line, and ends the connection after it', async () => {
    const play = new Play({ unsentBytesMax: 1_000 });
    const count = messagesPerListingMax + 1;
    for (let i = 0; i < count; i++) await play.fake.world.deliver();
    await play.enter();
    play.fake.answers.set(pop3Asks.list, failure('store-busy'));
    assert.equal(await play.say('LIST'), '-ERR [SYS/TEMP] Try again later\r\n');
    play.fake.answers.delete(pop3Asks.list);
    play.transport.isDeaf = true;
    await play.say('LIST');
    play.fake.answers.set(pop3Asks.list, failure('store-busy'));
    play.hear();
    await turns(10);
    assert.ok(play.transport.isDestroyed);
    assert.match(play.transport.text, /\r\n512 184\r\n$/);
  });

  it('and so does a message whose next window cannot be had', async () => {
    const play = new Play({ unsentBytesMax: 1_000 });
    await play.fake.world.deliver(messageBytes({ text: 'x\r\n'.repeat(100_000) }));
    await play.enter();
    play.transport.isDeaf = true;
    await play.say('RETR 1');
    play.fake.answers.set(pop3Asks.retrieve, failure('store-busy'));
    play.hear();
    await turns(10);
    assert.ok(play.transport.isDestroyed);
    assert.doesNotMatch(play.transport.text, /-ERR/);
  });

  it('a maildrop that cannot be opened leaves the session where it was', async () => {
    const play = new Play();
    play.fake.answers.set(pop3Asks.open, failure('deadline-passed'));
    const said = await play.say('USER alice@local.test', 'PASS secret', 'STAT');
    assert.match(said, /-ERR \[SYS\/TEMP\] It took too long\r\n-ERR Not in this state\r\n$/);
  });

  it('failed log-ins wait longer and longer, as in all protocols', async () => {
    const play = new Play({ errorsMax: 1_000 });
    const lines = Array.from({ length: 6 }, () => ['USER alice@local.test', 'PASS wrong']).flat();
    await play.say(...lines);
    const said = await play.say('USER alice@local.test', 'PASS secret');
    assert.match(said, /-ERR \[SYS\/TEMP\] Too many failed log-ins/);
  });
});
