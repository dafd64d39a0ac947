/**
 * Aim: an IMAP session bounds what a client can cost: time, memory, answers nobody reads; and keeps what it promised.
 * Method: the session on a fake transport and the engine's handlers in memory; time is turned by hand.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { imapAsks } from '../../../../../src/actors/asks/imap-asks.ts';
import { failure } from '../../../../../src/base/errors.ts';
import { minuteMs } from '../../../../../src/base/units.ts';
import {
  defaultImapLimits,
  type ImapLimits,
} from '../../../../../src/edge/protocols/imap/limits.ts';
import { ImapSession } from '../../../../../src/edge/protocols/imap/session.ts';
import { FakeTransport } from '../../../../support/fake-transport.ts';
import { FakeImap } from '../../../../support/imap-fakes.ts';
import { SeededClock, turns } from '../../../../support/seeded-clock.ts';
import { account, messageBytes, tenant } from '../../../engine/mailbox/mailbox-world.ts';

class Play {
  readonly clock = new SeededClock();
  readonly fake: FakeImap;
  readonly transport = new FakeTransport();
  readonly session: ImapSession;

  constructor(limits: Partial<ImapLimits> = {}) {
    this.fake = new FakeImap(limits, this.clock);
    this.fake.hideRecent();
    const tls = { version: 'TLSv1.3', cipher: 'x' };
    this.session = new ImapSession(this.fake.service, this.transport, '192.0.2.1', tls);
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
    await this.say('e1 LOGIN alice@local.test secret', 'e2 SELECT INBOX');
    assert.match(this.transport.text, /e2 OK/);
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
}

describe('a session’s time', () => {
  it('ends before a log-in comes, if none does', async () => {
    const play = new Play({ earlyMsMax: minuteMs });
    await play.say('a1 NOOP');
    play.pass(minuteMs - 10_000);
    assert.ok(!play.transport.isEnded);
    play.pass(20_000);
    assert.ok(play.transport.isEnded);
    assert.match(play.transport.text, /\* BYE No log-in came/);
  });

  // RFC 9051 §5.4: at least 30 minutes.
  it('ends after idleMsMax of silence, while it idles too, and is kept awake before', async () => {
    const play = new Play();
    await play.enter();
    await play.say('a1 IDLE');
    play.pass(30 * minuteMs);
    assert.ok(!play.transport.isEnded);
    await turns(1);
    assert.match(play.transport.text, /\* OK Still here/);
    play.pass(defaultImapLimits.idleMsMax - 29 * minuteMs);
    assert.match(play.transport.text, /\* BYE Idle for too long/);
  });

  it('leaves no trace where the client was silent, in IDLE or in the midst of a command', async () => {
    const play = new Play();
    await play.enter();
    await play.say('a1 IDLE');
    play.pass(minuteMs);
    assert.match(await play.say('DONE'), /^a1 OK IDLE done/);
    play.session.receive(Buffer.from('a2 CREATE {4+}\r\nMa'));
    play.pass(minuteMs);
    assert.match(await play.say('de'), /^a2 OK .*CREATE done/);
    play.session.receive(Buffer.from('a3 APPEND INBOX {3+}\r\nx'));
    play.pass(minuteMs);
    assert.match(await play.say('yz'), /a3 OK \[APPENDUID/);
    play.pass(minuteMs);
    assert.match(await play.say('a4 NOOP'), /^a4 OK/);
  });

  it('ends for a client that reads nothing of what it asked for', async () => {
    const play = new Play({ stallMsMax: minuteMs });
    for (let i = 0; i < 30; i++) await play.fake.world.deliver();
    await play.enter();
    play.transport.isDeaf = true;
    await play.say('a1 FETCH 1:* (ENVELOPE)');
    play.pass(minuteMs);
    assert.ok(!play.transport.isDestroyed);
    play.transport.unsentBytes--;
    play.pass(minuteMs);
    assert.ok(!play.transport.isDestroyed, 'it reads, if slowly');
    play.pass(minuteMs);
    assert.ok(play.transport.isDestroyed);
  });

  it('gives its place among the compressed ones back when it ends', async () => {
    const play = new Play({ compressedSessionsMax: 1 });
    const { compressionSlots } = play.fake.service;
    await play.enter();
    assert.match(await play.say('a1 COMPRESS DEFLATE'), /^a1 OK/);
    assert.equal(compressionSlots.count, 1);
    play.session.closed();
    play.session.closed();
    assert.equal(compressionSlots.count, 0);
    const without = new Play({ compressedSessionsMax: 0 });
    await without.enter();
    assert.doesNotMatch(await without.say('a1 CAPABILITY'), /COMPRESS/);
  });

  it('ends with BYE when the server goes down, and with the command that runs', async () => {
    const play = new Play();
    await play.enter();
    play.session.drain();
    await turns(2);
    assert.match(play.transport.text, /\* BYE \[UNAVAILABLE\]/);
  });
});

describe('a session’s memory', () => {
  const large = () => messageBytes({ text: 'A line of text.\r\n'.repeat(100_000) });

  it('asks for the next window only once the client has read the last', async () => {
    const play = new Play();
    await play.fake.world.deliver(large());
    await play.enter();
    play.transport.isDeaf = true;
    await play.say('a1 FETCH 1 BODY.PEEK[]');
    const { unsentBytes } = play.transport;
    assert.ok(unsentBytes > 0 && unsentBytes < 700_000, `${unsentBytes} octets wait`);
    await turns(20);
    assert.equal(play.transport.unsentBytes, unsentBytes, 'nothing more is asked for');
    for (let i = 0; i < 20; i++) {
      play.transport.unsentBytes = 0;
      play.session.drained();
      await turns(10);
    }
    assert.match(play.transport.text, /A line of text\.\r\n\r\n\)\r\na1 OK FETCH done\r\n$/);
  });

  it('runs no further command while answers are left unread', async () => {
    const play = new Play({ unsentBytesMax: 1_000 });
    for (let i = 0; i < 30; i++) await play.fake.world.deliver();
    await play.enter();
    play.transport.isDeaf = true;
    await play.say('a1 FETCH 1:* ENVELOPE', 'a2 NOOP');
    assert.doesNotMatch(play.transport.text, /a2 OK/);
    assert.ok(play.transport.isPaused);
    play.transport.isDeaf = false;
    play.transport.unsentBytes = 0;
    play.session.drained();
    await turns(20);
    assert.match(play.transport.text, /a1 OK FETCH done\r\na2 OK/);
    assert.ok(!play.transport.isPaused);
  });

  it('reads no more while a command runs and much waits', async () => {
    const play = new Play({ unreadBytesMax: 100 });
    await play.enter();
    const lines = Array.from({ length: 50 }, (_, i) => `a${i} STATUS INBOX (MESSAGES)`);
    play.session.receive(Buffer.from(`${lines.join('\r\n')}\r\n`));
    assert.ok(play.transport.isPaused);
    await turns(200);
    assert.match(play.transport.text, /a49 OK STATUS done/);
    assert.ok(!play.transport.isPaused);
  });

  it('runs a hundred commands a turn, then lets others have theirs', async () => {
    const play = new Play();
    await play.say('e1 LOGIN alice@local.test secret');
    play.transport.text = '';
    const lines = Array.from({ length: 250 }, (_, i) => `a${i} NAMESPACE\r\n`);
    play.session.receive(Buffer.from(lines.join('')));
    const answered = () => play.transport.text.match(/^a\d+ OK/gm)?.length ?? 0;
    await Promise.resolve();
    assert.equal(answered(), 100);
    await turns(10);
    assert.equal(answered(), 250);
  });

  it('gives the room of a message back when the client leaves in its middle', async () => {
    const play = new Play();
    await play.enter();
    await play.say('a1 APPEND INBOX {100+}', 'half of it');
    assert.equal(play.fake.reception.reservedBytes, 100);
    play.session.closed();
    assert.equal(play.fake.reception.reservedBytes, 0);
  });

  it('refuses a message for which there is no room', async () => {
    const play = new Play();
    await play.enter();
    play.fake.reception.roomBytes = 50;
    assert.match(await play.say('a1 APPEND INBOX {100}'), /^a1 NO \[UNAVAILABLE\]/);
    assert.match(await play.say('a2 NOOP'), /^a2 OK/);
  });
});

describe('a session’s word', () => {
  it('is broken off without a lie where a literal cannot be ended', async () => {
    const play = new Play();
    const text = 'A line of text.\r\n'.repeat(100_000);
    await play.fake.world.deliver(messageBytes({ text }));
    await play.enter();
    play.transport.isDeaf = true;
    await play.say('a1 FETCH 1 BODY.PEEK[]');
    play.fake.answers.set(imapAsks.fetch, failure('store-failed'));
    play.transport.unsentBytes = 0;
    play.session.drained();
    await turns(10);
    assert.ok(play.transport.isDestroyed);
    assert.doesNotMatch(play.transport.text, /a1 /);
  });

  it('tells what the engine refuses in its own words', async () => {
    const play = new Play();
    await play.enter();
    play.fake.answers.set(imapAsks.open, failure('store-busy', 'inner words'));
    assert.equal(
      await play.say('a1 STATUS INBOX (MESSAGES)'),
      'a1 NO [UNAVAILABLE] Try again later\r\n',
    );
  });

  it('ends while it idles when somebody deletes the mailbox', async () => {
    const play = new Play();
    await play.say('e1 LOGIN alice@local.test secret', 'e2 CREATE Work', 'e3 SELECT Work');
    await play.say('a1 IDLE');
    await play.fake.world.value(imapAsks.delete, [[1, 0, 0], 'Work']);
    play.clock.advance(60);
    await turns(10);
    assert.match(play.transport.text, /\* BYE The mailbox was deleted/);
  });

  it('tells an idling client after a while what no notice told', async () => {
    const play = new Play();
    await play.enter();
    await play.say('a1 IDLE');
    // The thread died with its notice.
    play.fake.world.heard = () => {};
    await play.fake.world.deliver();
    play.pass(3 * minuteMs);
    await turns(10);
    assert.match(play.transport.text, /\* OK Still here\r\n\* 1 EXISTS/);
  });

  it('asks once, not without end, while the engine refuses to say what changed', async () => {
    const play = new Play();
    await play.fake.world.deliver();
    await play.enter();
    await play.say('a1 IDLE');
    play.fake.answers.set(imapAsks.sync, failure('store-busy'));
    let asked = 0;
    const { asks } = play.fake.service;
    const ask = asks.ask.bind(asks);
    asks.ask = (...given) => {
      asked++;
      return ask(...given);
    };
    const seen = { mailbox: 1, uids: [1, 1], op: 'add', flags: 1, keywords: [] } as const;
    await play.fake.world.mailboxes.storeFlags(account, tenant, seen);
    play.clock.advance(60);
    await turns(20);
    assert.equal(asked, 1);
    play.fake.answers.clear();
    play.pass(3 * minuteMs);
    await turns(10);
    assert.match(play.transport.text, /\* 1 FETCH \(UID 1 FLAGS \(\\Seen\)\)/);
  });

  it('ends when somebody deletes the mailbox it has open', async () => {
    const play = new Play();
    await play.say('e1 LOGIN alice@local.test secret', 'e2 CREATE Work', 'e3 SELECT Work');
    await play.fake.world.value(imapAsks.delete, [[1, 0, 0], 'Work']);
    assert.match(await play.say('a1 NOOP'), /^\* BYE The mailbox was deleted/);
    assert.ok(play.transport.isEnded);
  });
});

describe('a client that comes back', () => {
  // RFC 7162 §3.2.5: it would keep the modseq it was told, and never hear of what it missed.
  it('is not let in where it cannot be told what it missed', async () => {
    for (const name of [imapAsks.vanished, imapAsks.fetch]) {
      const play = new Play();
      const { world, answers } = play.fake;
      for (let i = 0; i < 3; i++) await world.deliver();
      await play.say('e1 LOGIN alice@local.test secret', 'e2 ENABLE QRESYNC');
      const { uidValidity } = world.reader.mailbox(account, 1)!;
      await world.mailboxes.expunge(account, tenant, 1, [2, 2]);
      answers.set(name, failure('store-busy', 'not now'));
      const resync = `SELECT INBOX (QRESYNC (${uidValidity} 2))`;
      assert.match(await play.say(`a1 ${resync}`), /a1 NO \[UNAVAILABLE\]/);
      assert.match(await play.say('a2 CLOSE'), /a2 BAD/);
      answers.clear();
      const again = await play.say(`a3 ${resync}`);
      assert.match(again, /\* VANISHED \(EARLIER\) 2\r\n[\s\S]*a3 OK/);
      answers.set(imapAsks.vanished, failure('store-busy', 'not now'));
      const fetched = await play.say('a4 UID FETCH 1:* (FLAGS) (CHANGEDSINCE 2 VANISHED)');
      assert.match(fetched, /^a4 NO \[UNAVAILABLE\]/);
    }
  });
});

describe('a result that is saved', () => {
  it('is refused where it is too large to be kept, and stands for nothing', async () => {
    const play = new Play();
    for (let i = 0; i < 3; i++) await play.fake.world.deliver();
    await play.enter();
    assert.match(
      await play.say('a1 SEARCH RETURN (SAVE) 1:2', 'a2 FETCH $ UID'),
      /FETCH[\s\S]*a2 OK/,
    );
    const numbers = Uint32Array.from({ length: 100_002 }, (_, i) => 2 * (i >> 1) + 1);
    const body = Buffer.from(numbers.buffer);
    const counts = { count: 50_001, uidsLength: numbers.length, modseq: 0, looked: 0 };
    const found = { ...counts, minUid: 1, maxUid: 9, min: 1, max: 9 };
    const sorted = { ...counts, first: 1, last: 9, firstUid: 1, lastUid: 9 };
    for (const [name, value] of [
      [imapAsks.search, found],
      [imapAsks.sort, sorted],
    ] as const) {
      play.fake.answers.set(name, { ok: true, value, body });
    }
    const commands = [
      'SEARCH RETURN (SAVE) ALL',
      'SORT RETURN (SAVE) (DATE) UTF-8 ALL',
      'ESEARCH IN (SELECTED) RETURN (SAVE) ALL',
    ];
    for (const command of commands) {
      assert.match(await play.say(`b1 ${command}`), /^b1 NO \[NOTSAVED\]/, command);
      assert.doesNotMatch(await play.say('b2 FETCH $ UID'), /FETCH \(/);
    }
  });
});

describe('what clients ask again and again', () => {
  it('is answered without waking the account while nothing of it changes', async () => {
    const play = new Play();
    await play.enter();
    const asked: string[] = [];
    const { world } = play.fake;
    const carry = world.carry.bind(world);
    world.carry = (name, meta, body) => {
      asked.push(name);
      return carry(name, meta, body);
    };
    const heard = await play.say('s1 STATUS Archive (MESSAGES UIDNEXT)');
    assert.match(heard, /\* STATUS Archive \(MESSAGES 0 UIDNEXT 1\)/);
    await play.say('l1 LIST "" "*"', 'n0 NOOP');
    asked.length = 0;
    assert.equal(await play.say('s1 STATUS Archive (MESSAGES UIDNEXT)'), heard);
    assert.match(await play.say('l2 LIST "" "*"'), /\* LIST \(.*\) "\/" Archive.*l2 OK/s);
    await play.say('n1 NOOP', 'n2 CHECK');
    assert.deepEqual(asked, []);
    // The first SELECT of it made the account.
    const selected = await play.say('x1 SELECT INBOX');
    asked.length = 0;
    assert.equal(await play.say('x1 SELECT INBOX'), selected);
    assert.deepEqual(asked, []);
    await world.deliver(messageBytes());
    await play.say('s2 STATUS Archive (MESSAGES)', 's3 STATUS INBOX (MESSAGES)');
    assert.match(play.transport.text, /\* STATUS INBOX \(MESSAGES 1\)/);
    assert.equal(asked.filter((name) => name === imapAsks.open).length, 2);
  });
});
