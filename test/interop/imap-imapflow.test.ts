/**
 * Aim: imapflow, which many Node programs use, does with a mailbox what it knows: lists, appends, searches, reads,
 *      flags, moves, idles and deletes.
 * Method: the library against the real server; a second client makes the changes it must hear of.
 */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ImapFlow } from 'imapflow';
import { address, ImapPlace, message, password } from './imap-place.ts';

async function connect(place: ImapPlace, qresync = false): Promise<ImapFlow> {
  const flow = new ImapFlow({
    host: '127.0.0.1',
    port: place.test.ports.imaps!,
    secure: true,
    auth: { user: address, pass: password },
    tls: { rejectUnauthorized: false },
    logger: false,
    qresync,
  });
  await flow.connect();
  return flow;
}

it('imapflow works through a mailbox', async () => {
  await using place = await ImapPlace.open();
  const flow = await connect(place);
  const names = (await flow.list()).map(({ path, specialUse }) => `${path} ${specialUse ?? ''}`);
  assert.ok(names.includes('INBOX \\Inbox') && names.includes('Trash \\Trash'), names.join());
  await flow.mailboxCreate('Work/Deep');
  const appended = await flow.append('INBOX', message('one'), ['\\Flagged'], new Date(86_400_000));
  assert.ok(appended !== false && appended.uid === 1);
  await flow.append('INBOX', message('two'));
  await flow.append('INBOX', message('three'));

  const mailbox = await flow.mailboxOpen('INBOX');
  assert.equal(mailbox.exists, 3);
  assert.deepEqual(await flow.search({ flagged: true }), [1]);
  assert.deepEqual(await flow.search({ subject: 'two' }, { uid: true }), [2]);
  const query = {
    envelope: true,
    flags: true,
    bodyStructure: true,
    internalDate: true,
    size: true,
  };
  const [first] = await flow.fetchAll('1', { ...query, source: true, threadId: true });
  assert.equal(first?.envelope?.subject, 'one');
  assert.match(String(first?.source), /\r\nText of one\.\r\n$/);
  assert.equal(new Date(first!.internalDate!).getTime(), 86_400_000);
  assert.ok(first?.emailId !== undefined && first.threadId !== undefined);

  await flow.messageFlagsAdd('2', ['\\Seen', '$Important']);
  await flow.messageFlagsRemove({ uid: '1' }, ['\\Flagged']);
  const moved = await flow.messageMove('3', 'Work/Deep');
  assert.ok(moved !== false && moved.uidMap?.get(3) === 1);
  await flow.messageDelete('1');
  assert.deepEqual(await place.mail(), {
    INBOX: ['two $Important \\Seen'],
    'Work/Deep': ['three'],
  });
  await flow.mailboxRename('Work/Deep', 'Rest');
  await flow.mailboxDelete('Rest');
  await flow.logout();
});

it('imapflow hears of changes while it idles', async () => {
  await using place = await ImapPlace.open();
  await place.append('INBOX', 'one');
  const flow = await connect(place);
  await flow.mailboxOpen('INBOX');
  const heard: string[] = [];
  const { promise: all, resolve } = Promise.withResolvers<void>();
  const hear = (what: string) => {
    heard.push(what);
    if (heard.length === 3) resolve();
  };
  flow.on('exists', ({ count }) => hear(`exists ${count}`));
  flow.on('flags', ({ flags }) => hear(`flags ${[...(flags ?? [])].join(' ')}`));
  flow.on('expunge', ({ seq }) => hear(`expunge ${seq}`));
  const idling = flow.idle();
  await place.append('INBOX', 'two');
  const client = await place.client();
  await client.ok('SELECT INBOX');
  await client.ok('STORE 2 +FLAGS (\\Answered)');
  await client.ok('STORE 1 +FLAGS.SILENT (\\Deleted)');
  await client.ok('EXPUNGE');
  client.destroy();
  const timer = setTimeout(resolve, 5_000);
  await all;
  clearTimeout(timer);
  assert.ok(heard.includes('exists 2') && heard.includes('flags \\Answered'), heard.join());
  await flow.noop();
  await idling;
  assert.ok(heard.includes('expunge 1'), heard.join());
  await flow.logout();
});

it('imapflow catches up with what changed while it was away', async () => {
  await using place = await ImapPlace.open();
  for (const subject of ['one', 'two', 'three', 'four']) await place.append('INBOX', subject);
  const before = await connect(place, true);
  const known = await before.mailboxOpen('INBOX');
  await before.logout();
  const client = await place.client();
  await client.ok('SELECT INBOX');
  await client.ok('STORE 4 +FLAGS (\\Answered)');
  await client.ok('STORE 1,3 +FLAGS.SILENT (\\Deleted)');
  await client.ok('EXPUNGE');
  client.destroy();
  await place.append('INBOX', 'five', '\\Flagged');

  const flow = await connect(place, true);
  const heard: string[] = [];
  flow.on('flags', ({ uid, flags }) => heard.push(`flags ${uid} ${[...flags].join()}`));
  flow.on('expunge', ({ uid, vanished }) => heard.push(`gone ${uid} ${vanished}`));
  const { uidValidity, highestModseq } = known;
  const options = { readOnly: false, uidValidity, changedSince: highestModseq };
  const mailbox = await flow.mailboxOpen('INBOX', options);
  assert.equal(mailbox.exists, 3);
  assert.deepEqual(heard.sort(), [
    'flags 4 \\Answered',
    'flags 5 \\Flagged',
    'gone 1 true',
    'gone 3 true',
  ]);
  const query = { uid: true, flags: true };
  const changed = await flow.fetchAll('1:*', query, { uid: true, changedSince: highestModseq! });
  assert.deepEqual(
    changed.map(({ uid }) => uid),
    [4, 5],
  );
  await flow.logout();
});
