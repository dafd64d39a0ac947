/**
 * Aim: a session that waits, for a line, for its client to read or for the engine, goes on from there: no answer is
 *      lost, none is of another command, and nothing wakes what has ended.
 * Method: sessions on fake transports; what the engine answers is held back by hand, time is turned by hand.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { imapAsks } from '../../../../../src/actors/asks/imap-asks.ts';
import { kibibyte, secondMs } from '../../../../../src/base/units.ts';
import { windowBytes } from '../../../../../src/engine/mailbox/imap/fetch-rows.ts';
import { Crowd } from '../../../../support/imap-crowd.ts';
import { turns } from '../../../../support/seeded-clock.ts';
import { account, messageBytes, tenant } from '../../../engine/mailbox/mailbox-world.ts';

/** Asks of that name are answered once the function it gives is called. */
function holdBack(crowd: Crowd, name: string): () => void {
  const { asks } = crowd.fake.service;
  const ask = asks.ask.bind(asks);
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  asks.ask = async (...asked) => {
    if (asked[1] === name) await released;
    return ask(...asked);
  };
  return release;
}

describe('a line that was waited for and is too long', () => {
  it('ends the log-in it was of, by its tag, and is waited for no more', async () => {
    const client = new Crowd().open();
    await client.does('a0 NOOP');
    assert.match(await client.say('a1 AUTHENTICATE PLAIN'), /^\+ /);
    assert.match(await client.say('A'.repeat(9_000)), /^a1 BAD [^\r]*\r\n$/);
    await client.enter();
    await client.does('a2 IDLE');
    assert.equal(await client.say('DONE'), 'a2 OK IDLE done\r\n');
  });

  it('ends IDLE: nothing is told after it but with commands', async () => {
    const crowd = new Crowd();
    crowd.fake.hideRecent();
    const client = crowd.open();
    await client.enter();
    await client.does('a1 IDLE');
    assert.match(await client.say('D'.repeat(70_000)), /^a1 BAD [^\r]*\r\n$/);
    client.transport.text = '';
    await crowd.fake.world.deliver();
    crowd.clock.advance(60);
    await turns(20);
    assert.equal(client.transport.text, '');
    assert.equal(await client.say('a2 NOOP'), '* 1 EXISTS\r\na2 OK NOOP done\r\n');
  });
});

describe('a session that waits for the engine', () => {
  it('runs no command after a wrong end of IDLE before all is told', async () => {
    const crowd = new Crowd();
    await crowd.fake.world.deliver();
    const client = crowd.open();
    await client.enter();
    await client.does('a1 IDLE');
    const release = holdBack(crowd, imapAsks.sync);
    const seen = { mailbox: 1, uids: [1, 1], op: 'add', flags: 1, keywords: [] } as const;
    await crowd.fake.world.mailboxes.storeFlags(account, tenant, seen);
    crowd.clock.advance(60);
    await turns(20);
    assert.equal(await client.say('WRONG', 'a2 UNAUTHENTICATE'), '');
    release();
    await turns(20);
    const [told, idle, last] = client.transport.text.split('\r\n');
    assert.match(told!, /^\* 1 FETCH/);
    assert.match(idle!, /^a1 BAD /);
    assert.match(last!, /^a2 OK /);
  });

  it('hears that the mailbox it opens is deleted meanwhile', async () => {
    const crowd = new Crowd();
    const client = crowd.open();
    await client.say('e1 LOGIN alice@local.test secret', 'e2 CREATE Work');
    const { asks } = crowd.fake.service;
    const ask = asks.ask.bind(asks);
    asks.ask = async (...asked) => {
      const answer = await ask(...asked);
      if (asked[1] === imapAsks.open) {
        await crowd.fake.world.value(imapAsks.delete, [[1, 0, 0], 'Work']);
      }
      return answer;
    };
    assert.match(await client.say('a1 SELECT Work', 'a2 IDLE'), /\* BYE The mailbox was deleted/);
  });
});

describe('a session that waits for its client to read', () => {
  const others = 1_000;

  it('holds one window of a large message for each client that reads nothing of it', async () => {
    const unsentBytesMax = 64 * kibibyte;
    const crowd = new Crowd({ unsentBytesMax });
    const bytes = messageBytes({ text: 'A line of text.\r\n'.repeat(60_000) });
    await crowd.fake.world.deliver(bytes);
    const clients = Array.from({ length: 10 }, () => crowd.open());
    for (const client of clients) {
      await client.enter();
      client.transport.isDeaf = true;
      client.transport.unsentBytes = 0;
      await client.does('a1 FETCH 1 BODY.PEEK[]');
    }
    await turns(100);
    // What comes before the literal, and the last window where its octets just fit.
    const heldMax = unsentBytesMax + windowBytes + 100;
    for (const { transport } of clients) {
      assert.ok(transport.unsentBytes > unsentBytesMax, `${transport.unsentBytes} octets`);
      assert.ok(transport.unsentBytes <= heldMax, `${transport.unsentBytes} octets`);
    }
    const [first] = clients;
    let taken = 0;
    for (let i = 0; i < 50 && !first!.transport.text.endsWith('a1 OK FETCH done\r\n'); i++) {
      taken += first!.transport.unsentBytes;
      first!.transport.unsentBytes = 0;
      first!.session.drained();
      await turns(20);
      assert.ok(first!.transport.unsentBytes <= heldMax);
    }
    taken += first!.transport.unsentBytes;
    assert.ok(taken >= bytes.length, 'and all of it to who reads');
  });

  it('tells an idling client what came, though its socket never says it is empty again', async () => {
    const crowd = new Crowd({ allUnsentBytesMax: 10 });
    crowd.fake.hideRecent();
    const client = crowd.open();
    await client.enter();
    await client.does('a1 IDLE');
    crowd.fake.service.writeQueues.count(others);
    client.transport.unsentBytes = 5;
    await crowd.fake.world.deliver();
    crowd.clock.advance(60);
    await turns(20);
    assert.equal(client.transport.text, '');
    client.transport.unsentBytes = 0;
    crowd.pass(secondMs);
    await turns(20);
    assert.equal(client.transport.text, '* 1 EXISTS\r\n');
  });

  it('goes on with its commands, though reading was held back before for another reason', async () => {
    const crowd = new Crowd({ allUnsentBytesMax: 10, unreadBytesMax: 100 });
    const client = crowd.open();
    await client.enter();
    const lines = Array.from({ length: 10 }, (_, i) => `a${i} STATUS INBOX (MESSAGES)\r\n`);
    client.session.receive(Buffer.from(lines.join('')));
    assert.ok(client.transport.isPaused);
    // All was read when the listener looked.
    crowd.pass(secondMs);
    crowd.fake.service.writeQueues.count(others);
    client.transport.unsentBytes = 5;
    await turns(50);
    assert.doesNotMatch(client.transport.text, /a9 OK/);
    client.transport.unsentBytes = 0;
    crowd.pass(secondMs);
    await turns(200);
    assert.match(client.transport.text, /a9 OK/);
    assert.ok(!client.transport.isPaused);
  });
});

it('a command behind joined ones that waits for the next minute outlasts a long silence', async () => {
  const crowd = new Crowd({ commandsPerMinuteMax: 5 });
  await crowd.fake.world.deliver();
  const client = crowd.open();
  await client.enter();
  const text = await client.say(
    'a1 STORE 1 +FLAGS.SILENT (\\Seen)',
    'a2 STORE 1 +FLAGS.SILENT (\\Flagged)',
    'a3 STORE 1 -FLAGS.SILENT (\\Seen)',
    'a4 NOOP',
  );
  assert.match(text, /a3 OK STORE done\r\n$/);
  crowd.pass(62 * secondMs);
  await turns(20);
  assert.match(client.transport.text, /a3 OK STORE done\r\na4 OK NOOP done\r\n$/);
});

it('a late notice of another account’s mailbox with the same number is not heard', async () => {
  const crowd = new Crowd();
  const client = crowd.open();
  await client.enter();
  await client.does('a1 IDLE');
  const { mailbox, modseq: fromModseq, owner } = client.session.selected!;
  const change = { mailbox, fromModseq, modseq: fromModseq + 1, uidNext: 8, messages: 7 };
  client.session.news.changed({ ...change, account: owner.id + 1, isArrivalOnly: true });
  await turns(20);
  assert.equal(client.transport.text, '');
  client.session.news.changed({ ...change, account: owner.id, isArrivalOnly: true });
  assert.equal(client.session.selected!.count, 7, 'its own is');
});
