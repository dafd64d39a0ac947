/**
 * Aim: of sessions at once the first that is told of a message has it as \Recent, however it is told, and its count is
 *      right whatever others take away; what the engine forgets of it makes messages \Recent once more, and no harm.
 * Method: several sessions on fake transports, the engine's handlers in memory.
 *
 * RFC 3501 §2.3.2, §7.3.2.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { imapAsks } from '../../../../../src/actors/asks/imap-asks.ts';
import { failure } from '../../../../../src/base/errors.ts';
import { Crowd, type CrowdClient } from '../../../../support/imap-crowd.ts';
import { turns } from '../../../../support/seeded-clock.ts';
import { account } from '../../../engine/mailbox/mailbox-world.ts';

/** Sessions of alice that are logged in. */
async function crowdOf(count: number, messages = 0) {
  const crowd = new Crowd();
  for (let i = 0; i < messages; i++) await crowd.fake.world.deliver();
  const clients: CrowdClient[] = [];
  for (let i = 0; i < count; i++) {
    const client = crowd.open();
    await client.say('e1 LOGIN alice@local.test secret');
    clients.push(client);
  }
  return { crowd, clients, row: () => crowd.fake.world.reader.mailbox(account, 1)! };
}

const recentTold = (heard: string) => heard.match(/^\* \d+ RECENT/gm) ?? [];

/** Numbers of those that are \Recent to a session. */
async function recentIn(client: CrowdClient): Promise<number[]> {
  const heard = await client.say('f1 FETCH 1:* FLAGS');
  return [...heard.matchAll(/^\* (\d+) FETCH \(FLAGS \(.*\\Recent.*\)\)/gm)].map(([, number]) =>
    Number(number),
  );
}

describe('a message', () => {
  it('is \\Recent to who selects first, and to no other, whichever way it is told', async () => {
    const { crowd, clients } = await crowdOf(2, 2);
    const [first, second] = clients as [CrowdClient, CrowdClient];
    assert.deepEqual(recentTold(await first.say('a1 SELECT INBOX')), ['* 2 RECENT']);
    assert.deepEqual(recentTold(await second.say('a1 SELECT INBOX')), ['* 0 RECENT']);
    await crowd.fake.world.deliver();
    assert.deepEqual(recentTold(await second.say('a2 NOOP')), ['* 1 RECENT']);
    assert.deepEqual(recentTold(await first.say('a2 NOOP')), []);
    await crowd.fake.world.deliver();
    await first.say('a3 NOOP');
    await crowd.fake.world.deliver();
    assert.deepEqual(recentTold(await second.say('a3 NOOP')), ['* 2 RECENT']);
    await first.say('a4 NOOP');
    assert.deepEqual(await recentIn(first), [1, 2, 4]);
    assert.deepEqual(await recentIn(second), [3, 5]);
  });

  it('that arrives while all idle is told as \\Recent to one of them', async () => {
    const { crowd, clients } = await crowdOf(3);
    for (const client of clients) await client.say('a1 SELECT INBOX', 'a2 IDLE');
    for (const client of clients) client.transport.text = '';
    await crowd.fake.world.deliver();
    crowd.clock.advance(60);
    await turns(20);
    const told = clients.map(({ transport }) => recentTold(transport.text).length);
    assert.deepEqual(told.sort(), [0, 0, 1]);
    for (const { transport } of clients) assert.match(transport.text, /\* 1 EXISTS/);
  });

  it('of which a rev2 session was told is \\Recent to nobody, and never to that session', async () => {
    const { clients, row } = await crowdOf(2, 1);
    const [first, second] = clients as [CrowdClient, CrowdClient];
    await first.say('a1 ENABLE IMAP4rev2');
    assert.deepEqual(recentTold(await first.say('a2 SELECT INBOX')), []);
    assert.deepEqual(await recentIn(first), []);
    assert.deepEqual(recentTold(await second.say('a1 SELECT INBOX')), ['* 0 RECENT']);
    await first.say('a3 UNSELECT');
    assert.deepEqual([row().recentUid, row().recent], [2, 0]);
  });

  it('that is gone counts no more, whoever took it away', async () => {
    const { crowd, clients } = await crowdOf(2, 4);
    const [first, second] = clients as [CrowdClient, CrowdClient];
    await first.say('a1 SELECT INBOX');
    await second.say('a1 SELECT INBOX', 'a2 STORE 2:3 +FLAGS.SILENT (\\Deleted)', 'a3 EXPUNGE');
    assert.deepEqual(recentTold(await first.say('a2 NOOP')), ['* 2 RECENT']);
    assert.match(await first.say('a3 STATUS INBOX (RECENT)'), /RECENT 2\)/);
    await crowd.fake.world.deliver();
    assert.deepEqual(recentTold(await first.say('a4 NOOP')), ['* 3 RECENT']);
    assert.deepEqual(await recentIn(first), [1, 2, 3]);
  });

  it('that came and went before its session looked counts for nobody', async () => {
    const { crowd, clients } = await crowdOf(2, 1);
    const [first, second] = clients as [CrowdClient, CrowdClient];
    await first.say('a1 SELECT INBOX');
    for (let i = 0; i < 2; i++) await crowd.fake.world.deliver();
    await second.say('a1 EXAMINE INBOX');
    await crowd.fake.world.mailboxes.expunge(account, crowd.fake.people[0]!.tenant, 1, [2, 2]);
    assert.deepEqual(recentTold(await first.say('a2 NOOP')), ['* 2 RECENT']);
    assert.deepEqual(await recentIn(first), [1, 2]);
  });
});

describe('between claims', () => {
  it('a session that selects counts what came after those of others', async () => {
    const { crowd, clients } = await crowdOf(2, 3);
    const [first, second] = clients as [CrowdClient, CrowdClient];
    await first.say('a1 SELECT INBOX');
    for (let i = 0; i < 2; i++) await crowd.fake.world.deliver();
    assert.match(await second.say('a1 STATUS INBOX (RECENT)'), /RECENT 2\)/);
    assert.deepEqual(recentTold(await second.say('a2 SELECT INBOX')), ['* 2 RECENT']);
    assert.deepEqual(await recentIn(second), [4, 5]);
  });

  it('a session with a hundred ranges leaves what comes to others', async () => {
    const { crowd, clients } = await crowdOf(2);
    const [first, second] = clients as [CrowdClient, CrowdClient];
    for (const client of clients) await client.say('a1 SELECT INBOX');
    for (let i = 0; i < 101; i++) {
      for (const client of [first, second]) {
        await crowd.fake.world.deliver();
        await client.say('a2 NOOP');
      }
    }
    for (const client of clients) assert.equal((await recentIn(client)).length, 100);
    const third = crowd.open();
    await third.say('e1 LOGIN alice@local.test secret');
    assert.deepEqual(recentTold(await third.say('a1 SELECT INBOX')), ['* 2 RECENT']);
    assert.deepEqual(await recentIn(third), [201, 202]);
  });
});

describe('the mailbox’s row', () => {
  it('learns how far sessions were told when one leaves, once, and not from one that only looks', async () => {
    const { crowd, clients, row } = await crowdOf(2, 2);
    const [first, second] = clients as [CrowdClient, CrowdClient];
    const { records } = crowd.fake.world.shard;
    await first.say('a1 EXAMINE INBOX', 'a2 CLOSE');
    assert.deepEqual([row().recentUid, row().recent], [1, 2]);
    for (const client of clients) await client.say('a1 SELECT INBOX');
    const before = records.length;
    await first.say('a2 UNSELECT');
    await second.say('a2 UNSELECT');
    await second.say('a3 SELECT INBOX', 'a4 UNSELECT');
    assert.equal(records.length, before + 1);
    assert.deepEqual([row().recentUid, row().recent], [3, 0]);
  });

  it('that could not be told is no harm: nobody here is told twice, and the session goes on', async () => {
    const { crowd, clients, row } = await crowdOf(2, 2);
    const [first, second] = clients as [CrowdClient, CrowdClient];
    crowd.fake.answers.set(imapAsks.recentTold, failure('store-failed', 'lost'));
    await first.say('a1 SELECT INBOX');
    assert.match(await first.say('a2 UNSELECT'), /a2 OK/);
    assert.equal(row().recentUid, 1);
    assert.deepEqual(recentTold(await second.say('a1 SELECT INBOX')), ['* 0 RECENT']);
  });
});

it('a session that could not delete its mailbox is in it still, and leaves it once', async () => {
  const { crowd, clients } = await crowdOf(1);
  const [only] = clients as [CrowdClient];
  await only.say('a1 CREATE Above/Below', 'a2 SELECT Above');
  const { recent } = crowd.fake.notices;
  const [enter, leave] = [recent.enter.bind(recent), recent.leave.bind(recent)];
  let sessions = 1;
  recent.enter = (...who) => {
    sessions++;
    enter(...who);
  };
  recent.leave = (...who) => {
    sessions--;
    return leave(...who);
  };
  assert.match(await only.say('a3 DELETE Above'), /a3 NO \[HASCHILDREN\]/);
  assert.equal(sessions, 1);
  await only.say('a4 UNSELECT');
  assert.equal(sessions, 0);
});
