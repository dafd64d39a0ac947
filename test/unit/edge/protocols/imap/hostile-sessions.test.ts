/**
 * Aim: a client that means harm costs no more than its share: of commands, of memory before and after log-in, of what
 *      is left unread; those beside it go on.
 * Method: sessions on fake transports with small limits; time is turned by hand, with the listener's sweep.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { secondMs } from '../../../../../src/base/units.ts';
import {
  ReadingPace,
  WriteQueues,
} from '../../../../../src/edge/protocols/session/write-queues.ts';
import { Crowd } from '../../../../support/imap-crowd.ts';
import { turns } from '../../../../support/seeded-clock.ts';
import { messageBytes } from '../../../engine/mailbox/mailbox-world.ts';

describe('commands', () => {
  it('beyond those of a minute wait for the next one, in order', async () => {
    const crowd = new Crowd({ commandsPerMinuteMax: 5, unreadBytesMax: 20 });
    const client = crowd.open();
    await client.enter();
    const text = await client.say('a1 NOOP', 'a2 NOOP', 'a3 NOOP', 'a4 NOOP', 'a5 NOOP', 'a6 NOOP');
    assert.equal(text, 'a1 OK NOOP done\r\na2 OK NOOP done\r\na3 OK NOOP done\r\n');
    assert.ok(client.transport.isPaused, 'no more is read meanwhile');
    crowd.pass(59 * secondMs);
    await turns(20);
    assert.doesNotMatch(client.transport.text, /a4/);
    crowd.pass(2 * secondMs);
    await turns(20);
    assert.match(client.transport.text, /a3 OK .*\r\na4 OK .*\r\na5 OK .*\r\na6 OK /);
    assert.ok(!client.transport.isPaused);
  });

  it('without a log-in end the session past their number', async () => {
    const crowd = new Crowd({ earlyCommandsMax: 3 });
    const client = crowd.open();
    assert.match(await client.say('a1 NOOP', 'a2 NOOP', 'a3 NOOP'), /a3 OK/);
    assert.match(await client.say('a4 NOOP'), /^\* BYE Too many commands without a log-in/);
    assert.ok(client.transport.isEnded);
    assert.deepEqual(crowd.cutOffs, ['early-commands']);
  });

  it('may be longer after log-in than before', async () => {
    const crowd = new Crowd({ earlyLineBytesMax: 60, lineBytesMax: 200 });
    const client = crowd.open();
    const long = 'x'.repeat(60);
    assert.match(await client.say(`a1 ID ("name" "${long}")`), /a1 BAD The line is too long/);
    await client.enter();
    assert.match(await client.say(`a2 ID ("name" "${long}")`), /a2 OK/);
    assert.match(await client.say(`a3 ID ("name" "${'x'.repeat(200)}")`), /^a3 BAD The line is/);
  });

  it('that make no sense are counted when they end the session', async () => {
    const crowd = new Crowd({ errorsMax: 1 });
    const client = crowd.open();
    await client.say('a1 X', 'a2 X');
    assert.ok(client.transport.isEnded);
    assert.deepEqual(crowd.cutOffs, ['errors']);
  });
});

describe('clients that leave much unread', () => {
  const large = () => messageBytes({ text: 'A line of text.\r\n'.repeat(60_000) });

  it('lose the slowest of them once all together leave too much, and the others go on', async () => {
    const crowd = new Crowd({ allUnsentBytesMax: 1_000_000 });
    await crowd.fake.world.deliver(large());
    const slow = crowd.open();
    const fast = crowd.open();
    for (const client of [slow, fast]) {
      await client.enter();
      client.transport.isDeaf = true;
      await client.say('a1 FETCH 1 BODY.PEEK[]');
    }
    crowd.pass(15 * secondMs);
    assert.deepEqual(crowd.cutOffs, [], 'there is room for both');
    const service = crowd.fake.service;
    service.setPolicy({
      ...service.policy,
      limits: { ...service.policy.limits, allUnsentBytesMax: slow.transport.unsentBytes - 1_000 },
    });
    for (let second = 0; second < 20 && crowd.cutOffs.length === 0; second++) {
      fast.transport.unsentBytes = Math.max(1, fast.transport.unsentBytes - 20_000);
      slow.transport.unsentBytes -= 1;
      fast.session.drained();
      crowd.pass(secondMs);
    }
    assert.deepEqual(crowd.cutOffs, ['slow']);
    assert.ok(slow.transport.isDestroyed);
    assert.ok(!fast.transport.isDestroyed);
    assert.equal(crowd.fake.service.writeQueues.bytes, fast.transport.unsentBytes);
  });

  it('get no further answer while all together leave too much, until they have read all', async () => {
    const crowd = new Crowd({ allUnsentBytesMax: 10 });
    await crowd.fake.world.deliver();
    const client = crowd.open();
    await client.enter();
    client.transport.isDeaf = true;
    await client.say('a1 FETCH 1 ENVELOPE');
    crowd.pass(secondMs);
    assert.ok(client.transport.unsentBytes > 10);
    client.transport.isDeaf = false;
    assert.equal(await client.say('a2 NOOP'), '');
    client.transport.unsentBytes = 0;
    crowd.pass(secondMs);
    await turns(20);
    assert.match(client.transport.text, /^a2 OK/, 'woken though the socket said nothing');
    assert.equal(crowd.fake.service.writeQueues.bytes, 0);
  });

  it('are forgotten when they leave', async () => {
    const crowd = new Crowd();
    await crowd.fake.world.deliver(large());
    const client = crowd.open();
    await client.enter();
    client.transport.isDeaf = true;
    await client.say('a1 FETCH 1 BODY.PEEK[]');
    crowd.pass(secondMs);
    assert.equal(crowd.fake.service.writeQueues.bytes, client.transport.unsentBytes);
    client.session.closed();
    assert.equal(crowd.fake.service.writeQueues.bytes, 0);
  });
});

describe('write queues', () => {
  it('ask for twice the pace each second while too much is unread, and for none after', () => {
    const queues = new WriteQueues();
    queues.count(100);
    assert.equal(queues.rateBytesMin(0, 100), 0);
    queues.count(1);
    assert.equal(queues.rateBytesMin(1_000, 100), 1_024);
    assert.equal(queues.rateBytesMin(2_000, 100), 2_048);
    assert.equal(queues.rateBytesMin(4_000, 100), 8_192);
    queues.count(-1);
    assert.equal(queues.rateBytesMin(5_000, 100), 0);
    queues.count(1);
    assert.equal(queues.rateBytesMin(6_000, 100), 1_024);
  });

  it('judge no pace before ten seconds, and none while there is room', () => {
    const queues = new WriteQueues();
    const pace = new ReadingPace(queues, 0, 0);
    const bytes = { unsentBytes: 100, sentBytes: 100 };
    assert.equal(pace.isTooSlow(1_000, bytes, 10), false);
    assert.equal(pace.isTooSlow(9_999, bytes, 10), false);
    assert.equal(pace.isTooSlow(10_000, bytes, 10), true);
    assert.equal(pace.isTooSlow(11_000, bytes, 100), false);
    pace.end();
    assert.equal(queues.bytes, 0);
  });
});
