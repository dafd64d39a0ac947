/**
 * Aim: who asked for events (RFC 5465) hears of what others do as it happens, and never in the midst of an answer.
 * Method: two sessions of one account on fake transports, the engine's handlers in memory.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { imapAsks } from '../../../../../src/actors/asks/imap-asks.ts';
import { failure } from '../../../../../src/base/errors.ts';
import { secondMs } from '../../../../../src/base/units.ts';
import { Crowd, type CrowdClient } from '../../../../support/imap-crowd.ts';
import { turns } from '../../../../support/seeded-clock.ts';
import { messageBytes } from '../../../engine/mailbox/mailbox-world.ts';

/** Notices are joined no longer; what was told since is answered. */
async function heard(crowd: Crowd, client: CrowdClient): Promise<string> {
  for (let i = 0; i < 3; i++) {
    crowd.clock.advance(60);
    await turns(20);
  }
  const { text } = client.transport;
  client.transport.text = '';
  return text;
}

async function pair(messages: number): Promise<[Crowd, CrowdClient, CrowdClient]> {
  const crowd = new Crowd();
  crowd.fake.hideRecent();
  for (let i = 0; i < messages; i++) await crowd.fake.world.deliver();
  const [listening, acting] = [crowd.open(), crowd.open()];
  await listening.enter();
  await acting.enter();
  await heard(crowd, listening);
  return [crowd, listening, acting];
}

describe('NOTIFY of the selected mailbox', () => {
  it('tells expunges between commands', async () => {
    const [crowd, listening, acting] = await pair(3);
    await listening.does('a1 NOTIFY SET (selected (MessageNew MessageExpunge))');
    await acting.does('b1 STORE 2 +FLAGS.SILENT (\\Deleted)', 'b2 EXPUNGE');
    assert.equal(await heard(crowd, listening), '* 2 EXPUNGE\r\n');
  });

  it('keeps expunges for a command that may tell them where that was asked for', async () => {
    const [crowd, listening, acting] = await pair(3);
    await listening.does('a1 NOTIFY SET (selected-delayed (MessageNew MessageExpunge))');
    await acting.does('b1 STORE 2 +FLAGS.SILENT (\\Deleted)', 'b2 EXPUNGE');
    assert.equal(await heard(crowd, listening), '');
    await crowd.fake.world.deliver();
    assert.equal(await heard(crowd, listening), '* 4 EXISTS\r\n');
    const fetched = await listening.say('a2 FETCH 3 UID');
    assert.match(fetched, /^\* 3 FETCH \(UID 3\)\r\n/);
    assert.doesNotMatch(fetched, /EXPUNGE/);
    assert.match(await listening.say('a3 NOOP'), /^\* 2 EXPUNGE\r\na3 OK/);
  });

  it('tells kept expunges to a client that idles', async () => {
    const [crowd, listening, acting] = await pair(3);
    await listening.does('a1 NOTIFY SET (selected-delayed (MessageNew MessageExpunge))');
    await acting.does('b1 STORE 2 +FLAGS.SILENT (\\Deleted)', 'b2 EXPUNGE');
    assert.equal(await heard(crowd, listening), '');
    assert.equal(await listening.say('a2 IDLE'), '+ idling\r\n* 2 EXPUNGE\r\n');
    await listening.does('DONE');
    await acting.does('b3 STORE 2 +FLAGS.SILENT (\\Deleted)', 'b4 EXPUNGE');
    assert.equal(await heard(crowd, listening), '');
  });

  it('tells what was asked for of new messages that a command finds, too', async () => {
    const [crowd, listening] = await pair(0);
    await listening.does('a1 NOTIFY SET (selected (MessageNew (UID FLAGS) MessageExpunge))');
    crowd.fake.world.heard = () => {};
    await crowd.fake.world.deliver();
    assert.equal(
      await listening.say('a2 NOOP'),
      '* 1 EXISTS\r\n* 1 FETCH (UID 1 FLAGS ())\r\na2 OK NOOP done\r\n',
    );
  });

  it('tells flags to who asked for FlagChange, and to others with their next command', async () => {
    const [crowd, listening, acting] = await pair(1);
    await listening.does('a1 NOTIFY SET (selected (MessageNew MessageExpunge))');
    await acting.does('b1 STORE 1 +FLAGS.SILENT (\\Seen)');
    assert.equal(await heard(crowd, listening), '');
    assert.match(await listening.say('a2 NOOP'), /^\* 1 FETCH \(UID 1 FLAGS \(\\Seen\)\)\r\na2 OK/);
    await listening.does('a3 NOTIFY SET (selected (MessageNew MessageExpunge FlagChange))');
    await acting.does('b2 STORE 1 -FLAGS.SILENT (\\Seen)');
    assert.equal(await heard(crowd, listening), '* 1 FETCH (UID 1 FLAGS ())\r\n');
  });

  it('ends with the mailbox', async () => {
    const crowd = new Crowd();
    const [listening, acting] = [crowd.open(), crowd.open()];
    await listening.enter();
    await acting.enter();
    await listening.does('a1 CREATE Gone', 'a2 SELECT Gone');
    await listening.does('a3 NOTIFY SET (selected (MessageNew MessageExpunge))');
    await acting.does('b1 DELETE Gone');
    assert.match(await heard(crowd, listening), /\* BYE The mailbox was deleted/);
  });
});

describe('NOTIFY of other mailboxes', () => {
  const all = '(personal (MessageNew MessageExpunge FlagChange MailboxName))';

  it('tells what others do there, and nothing of the one selected', async () => {
    const [crowd, listening, acting] = await pair(2);
    await acting.does('b0 CREATE Other');
    await listening.does('a1 SELECT Other', `a2 NOTIFY SET ${all}`);
    await acting.does('b1 STORE 1 +FLAGS.SILENT (\\Seen)');
    assert.match(
      await heard(crowd, listening),
      /^\* STATUS INBOX \(UIDVALIDITY \d+ UNSEEN 1\)\r\n$/,
    );
    await acting.does('b2 COPY 1:2 Other');
    assert.equal(await heard(crowd, listening), '');
    await acting.does('b3 CREATE Third');
    assert.equal(await heard(crowd, listening), '* LIST (\\HasNoChildren) "/" Third\r\n');
  });

  it('waits for the end of an answer that is under way', async () => {
    const [crowd, listening] = await pair(0);
    await crowd.fake.world.deliver(messageBytes({ text: 'A line of text.\r\n'.repeat(60_000) }));
    await heard(crowd, listening);
    await listening.does('a1 NOOP', 'a2 CREATE Other', `a3 NOTIFY SET ${all}`);
    await heard(crowd, listening);
    listening.transport.isDeaf = true;
    await listening.does('a4 FETCH 1 BODY.PEEK[]');
    const other = crowd.open();
    await other.enter();
    await other.does('b1 CREATE Third');
    for (let i = 0; i < 20; i++) {
      listening.transport.unsentBytes = 0;
      listening.session.drained();
      crowd.clock.advance(60);
      await turns(10);
    }
    const { text } = listening.transport;
    assert.match(text, /\)\r\na4 OK FETCH done\r\n\* LIST \(\\HasNoChildren\) "\/" Third\r\n$/);
    assert.equal(text.match(/LIST/g)?.length, 1);
  });

  it('tells of each of many that changed at once', async () => {
    const [crowd, listening, acting] = await pair(1);
    for (let i = 0; i < 12; i++) await acting.does(`b${i} CREATE M${i}`);
    await heard(crowd, listening);
    await listening.does(`a1 NOTIFY SET ${all}`);
    for (let i = 0; i < 12; i++) await acting.does(`c${i} COPY 1 M${i}`);
    const text = await heard(crowd, listening);
    for (let i = 0; i < 12; i++) assert.match(text, new RegExp(`STATUS M${i} \\(MESSAGES 1 `));
  });

  it('asks once, not without end, while the engine refuses, and again later', async () => {
    const [crowd, listening, acting] = await pair(0);
    await listening.does(`a1 NOTIFY SET ${all}`);
    crowd.fake.answers.set(imapAsks.list, failure('store-busy'));
    await acting.does('b1 CREATE Other');
    assert.equal(await heard(crowd, listening), '');
    crowd.fake.answers.delete(imapAsks.list);
    assert.equal(await heard(crowd, listening), '');
    await acting.does('b2 CREATE Third');
    assert.match(await heard(crowd, listening), /"\/" Other\r\n.*"\/" Third\r\n$/s);
  });

  it('is refused while the engine cannot say what there is, and what was asked before goes on', async () => {
    const [crowd, listening, acting] = await pair(0);
    await listening.does('a1 NOTIFY SET (personal (MailboxName))');
    crowd.fake.answers.set(imapAsks.list, failure('store-busy'));
    assert.match(await listening.say(`a2 NOTIFY SET ${all}`), /^a2 NO \[UNAVAILABLE\]/);
    crowd.fake.answers.delete(imapAsks.list);
    await acting.does('b1 CREATE Other');
    assert.match(await heard(crowd, listening), /"\/" Other\r\n$/);
  });

  it('finds what no notice told of after a while, while the client idles', async () => {
    const [crowd, listening] = await pair(0);
    await listening.does(`a1 NOTIFY SET ${all}`, 'a2 IDLE');
    crowd.fake.world.heard = () => {};
    await crowd.fake.world.value(imapAsks.create, [[1, 0, 0], 'Lost']);
    assert.doesNotMatch(await heard(crowd, listening), /Lost/);
    crowd.pass(130 * secondMs);
    assert.match(await heard(crowd, listening), /Still here\r\n.*"\/" Lost\r\n$/s);
  });

  it('stops watching when the session ends, and when NOTIFY is said anew', async () => {
    const [crowd, listening] = await pair(0);
    const { watched } = crowd.fake.world;
    await listening.does(
      `a1 NOTIFY SET ${all}`,
      `a2 NOTIFY SET ${all}`,
      'a3 NOTIFY NONE',
      'a4 UNSELECT',
    );
    for (const session of crowd.sessions) session.closed();
    assert.ok(
      new Int32Array(watched).every((word) => word === 0),
      'nobody watches',
    );
  });

  // RFC 5465 §5.8: as after NOTIFY NONE.
  it('is over where there are more mailboxes than are watched, for the selected one too', async () => {
    const crowd = new Crowd({ notifiedMailboxesMax: 10 });
    crowd.fake.hideRecent();
    const [listening, acting] = [crowd.open(), crowd.open()];
    await listening.enter();
    await acting.enter();
    const selected = '(selected (MessageNew MessageExpunge))';
    const notify = `a1 NOTIFY SET ${selected} (personal (MailboxName))`;
    assert.match(await listening.say(notify), /^a1 OK/);
    for (let i = 0; i < 10; i++) await acting.does(`b${i} CREATE M${i}`);
    assert.match(await heard(crowd, listening), /\* OK \[NOTIFICATIONOVERFLOW\] /);
    await crowd.fake.world.deliver();
    assert.equal(await heard(crowd, listening), '');
    assert.match(await listening.say('a2 NOOP'), /^\* 1 EXISTS\r\na2 OK/);
  });

  it('takes so many names and no more', async () => {
    const [, listening] = await pair(0);
    const names = (count: number) => Array.from({ length: count }, (_, i) => `M${i}`).join(' ');
    const group = (count: number) => `(mailboxes (${names(count)}) (MailboxName))`;
    assert.match(await listening.say(`a1 NOTIFY SET ${group(999)} ${group(1)}`), /a1 OK/);
    assert.match(
      await listening.say(`a2 NOTIFY SET ${group(999)} ${group(2)}`),
      /a2 NO \[NOTIFICATIONOVERFLOW\]/,
    );
  });
});
