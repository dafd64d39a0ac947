/**
 * Aim: a person points a mail program at Chaski and it works: mail that came by LMTP is listed, read, flagged, moved,
 *      expunged and searched; new mail is told of while the client idles; nothing of it is lost by a restart.
 * Method: the real server, a client of our own, and two sessions on one mailbox where one must hear of the other.
 */

import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { ImapClient, type Outcome } from '../support/imap-client.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const anyPort = '127.0.0.1:0';
const address = 'ann@here.test';
const password = 'correct horse';

async function startMail(overrides: Readonly<Record<string, string>> = {}): Promise<TestServer> {
  const listen = { 'listen.imap': anyPort, 'listen.imaps': anyPort };
  const test = await startTestServer({ ...listen, ...overrides });
  await test.call('domain.create', { name: 'here.test' });
  await test.call('account.create', { address, password });
  return test;
}

async function logIn(test: TestServer): Promise<ImapClient> {
  const client = await ImapClient.connect(test.ports.imap!);
  await client.response();
  await client.ok('STARTTLS');
  await client.startTls();
  await client.ok(`LOGIN ${address} "${password}"`);
  return client;
}

/** Hands a message in by LMTP, and waits until it is accepted. */
function deliver(test: TestServer, subject: string, text = 'Text.'): Promise<void> {
  const lines = [
    'LHLO c',
    'MAIL FROM:<s@far.test>',
    `RCPT TO:<${address}>`,
    'DATA',
    `From: Sam <s@far.test>\r\nTo: Ann <${address}>\r\nSubject: ${subject}\r\n\r\n${text}\r\n.`,
    'QUIT',
  ];
  return new Promise((resolve, reject) => {
    const socket = connect(test.ports.lmtp!, '127.0.0.1');
    let heard = '';
    socket.on('data', (chunk) => {
      heard += chunk.toString();
      if (!/^(?:\d{3}-.*\r\n)*\d{3} .*\r\n$/.test(heard)) return;
      if (/^[45]/m.test(heard)) reject(new Error(heard));
      heard = '';
      const line = lines.shift();
      if (line === undefined) socket.end();
      else socket.write(`${line}\r\n`);
    });
    socket.on('close', () => resolve());
    socket.on('error', reject);
  });
}

const rows = ({ untagged }: Outcome) => untagged.map(({ raw }) => raw);
const ending = ({ tagged }: Outcome) => tagged.raw.replace(/^\S+ /, '');

describe('a mail program', () => {
  it('logs in under TLS only, and by each way there is', async () => {
    await using test = await startMail();
    const client = await ImapClient.connect(test.ports.imap!);
    assert.match((await client.response())!.code, /^CAPABILITY .*STARTTLS LOGINDISABLED/);
    assert.match(ending(await client.run(`LOGIN ${address} "${password}"`)), /^NO \[PRIVACYREQ/);
    await client.ok('STARTTLS');
    await client.startTls();
    assert.match(rows(await client.ok('CAPABILITY'))[0]!, / AUTH=PLAIN /);
    assert.match(
      ending(await client.run(`LOGIN ${address} wrong`)),
      /^NO \[AUTHENTICATIONFAILED\]/,
    );
    const plain = Buffer.from(`\0${address}\0${password}`).toString('base64');
    const told = await client.ok(`AUTHENTICATE PLAIN ${plain}`);
    assert.match(told.tagged.code, /^CAPABILITY IMAP4rev1 .*IDLE/);
    await client.ok('LOGOUT');
    await client.closed();
  });

  it('lists, selects, reads and flags what came', async () => {
    await using test = await startMail();
    await deliver(test, 'One');
    await deliver(test, 'Two', 'Second text.');
    const client = await logIn(test);
    const list = rows(await client.ok('LIST "" "*"'));
    assert.deepEqual(list, [
      '* LIST (\\HasNoChildren) "/" INBOX',
      '* LIST (\\HasNoChildren \\Archive) "/" Archive',
      '* LIST (\\HasNoChildren \\Drafts) "/" Drafts',
      '* LIST (\\HasNoChildren \\Junk) "/" Junk',
      '* LIST (\\HasNoChildren \\Sent) "/" Sent',
      '* LIST (\\HasNoChildren \\Trash) "/" Trash',
    ]);
    const status = await client.ok('STATUS INBOX (MESSAGES UNSEEN UIDNEXT)');
    assert.deepEqual(rows(status), ['* STATUS INBOX (MESSAGES 2 UNSEEN 2 UIDNEXT 3)']);
    const selected = await client.ok('SELECT inbox');
    assert.ok(rows(selected).includes('* 2 EXISTS'));
    assert.match(ending(selected), /^OK \[READ-WRITE\]/);
    const envelopes = await client.ok('FETCH 1:* (UID FLAGS ENVELOPE)');
    assert.match(
      rows(envelopes)[1]!,
      /^\* 2 FETCH \(UID 2 FLAGS \(\\Recent\) ENVELOPE \(NIL "Two" \(\("Sam"/,
    );
    const body = await client.ok('UID FETCH 2 BODY[TEXT]');
    assert.deepEqual(
      body.untagged.map(({ literals }) => literals.map(String)),
      [['Second text.\r\n']],
    );
    assert.match(rows(body)[0]!, /FLAGS \(\\Seen \\Recent\)/);
    const stored = await client.ok('STORE 1 +FLAGS (\\Flagged $Work)');
    assert.deepEqual(rows(stored), [
      '* FLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft $Work)',
      '* 1 FETCH (FLAGS (\\Flagged \\Recent $Work))',
    ]);
    assert.deepEqual(rows(await client.ok('STORE 1 -FLAGS.SILENT (\\Flagged)')), []);
    assert.deepEqual(rows(await client.ok('SEARCH UNSEEN')), ['* SEARCH 1']);
    assert.deepEqual(rows(await client.ok('UID SEARCH SUBJECT two')), ['* SEARCH 2']);
    assert.deepEqual(rows(await client.ok('SEARCH RETURN (COUNT MAX) BODY "second"')).length, 1);
    client.destroy();
  });

  it('appends, copies, moves and expunges, and is told the UIDs', async () => {
    await using test = await startMail();
    const client = await logIn(test);
    const message = Buffer.from('Subject: Draft\r\n\r\nHello.\r\n');
    const append = ['APPEND Drafts (\\Draft) " 1-Feb-2026 10:00:00 +0100" ', message] as const;
    const appended = await client.ok(...append);
    assert.match(appended.tagged.code, /^APPENDUID \d+ 1$/);
    await client.ok('SELECT Drafts');
    const copied = await client.ok('UID COPY 1 INBOX');
    assert.match(copied.tagged.code, /^COPYUID \d+ 1 1$/);
    const [dated] = (await client.ok('FETCH 1 (INTERNALDATE FLAGS)')).untagged;
    assert.match(dated!.raw, /" 1-Feb-2026 09:00:00 \+0000" FLAGS|FLAGS \(\\Draft \\Recent\)/);
    const moved = await client.ok('MOVE 1 Trash');
    assert.match(rows(moved)[0]!, /^\* OK \[COPYUID \d+ 1 1\]/);
    assert.equal(rows(moved)[1], '* 1 EXPUNGE');
    const missing = await client.run('UID COPY 1 Nowhere');
    assert.match(ending(missing), /^NO \[TRYCREATE\]/);
    await client.ok('SELECT Trash');
    await client.ok('STORE 1 +FLAGS.SILENT (\\Deleted)');
    assert.deepEqual(rows(await client.ok('EXPUNGE')), ['* 1 EXPUNGE', '* 0 RECENT']);
    const status = await client.ok('STATUS Trash (MESSAGES)');
    assert.deepEqual(rows(status), ['* STATUS Trash (MESSAGES 0)']);
    client.destroy();
  });

  it('makes, renames, subscribes to and deletes mailboxes', async () => {
    await using test = await startMail();
    const client = await logIn(test);
    await client.ok('CREATE Work/Plans/2026');
    assert.match(ending(await client.run('CREATE Work/Plans')), /^NO \[ALREADYEXISTS\]/);
    assert.match(ending(await client.run('DELETE Work')), /^NO \[HASCHILDREN\]/);
    await client.ok('RENAME Work/Plans Ideas');
    assert.deepEqual(rows(await client.ok('LIST "" (Work* Ideas*)')), [
      '* LIST (\\HasChildren) "/" Ideas',
      '* LIST (\\HasNoChildren) "/" Ideas/2026',
      '* LIST (\\HasNoChildren) "/" Work',
    ]);
    await client.ok('SUBSCRIBE Ideas/2026');
    await client.ok('UNSUBSCRIBE Junk');
    const subscribed = rows(await client.ok('LSUB "" "*"')).join('\n');
    assert.match(subscribed, /Ideas\/2026/);
    assert.doesNotMatch(subscribed, /Junk/);
    await client.ok('DELETE Ideas/2026');
    await client.ok('DELETE Ideas');
    assert.match(ending(await client.run('SELECT Ideas')), /^NO \[NONEXISTENT\]/);
    assert.match(ending(await client.run('DELETE INBOX')), /^NO \[CANNOT\]/);
    client.destroy();
  });
});

describe('large messages', () => {
  it('come by LMTP and by APPEND, and are read whole and in parts', async () => {
    await using test = await startMail();
    const text = `${'A line of some length, so that there are fewer of them.\r\n'.repeat(60_000)}End.`;
    await deliver(test, 'Large', text);
    const client = await logIn(test);
    await client.ok('SELECT INBOX');
    const [came] = (await client.ok('UID FETCH 1 BODY.PEEK[TEXT]')).untagged;
    assert.equal(came!.literals[0]!.toString('latin1'), `${text}\r\n`);
    const message = Buffer.from(`Subject: Own\r\n\r\n${text}\r\n`);
    await client.ok('APPEND INBOX ', message);
    const [own] = (await client.ok('FETCH 2 BODY[]')).untagged.filter(
      ({ name }) => name === 'FETCH',
    );
    assert.ok(own!.literals[0]!.equals(message));
    const [part] = (await client.ok('FETCH 2 BODY.PEEK[]<3000000.20>')).untagged;
    assert.ok(part!.literals[0]!.equals(message.subarray(3_000_000, 3_000_020)));
    await client.ok('STORE 1:2 +FLAGS.SILENT (\\Deleted)');
    await client.ok('EXPUNGE');
    client.destroy();
  });
});

describe('settings', () => {
  it('say who may log in without TLS, and how many commands a minute has', async () => {
    const given = { 'login.clearNetworks': '127.0.0.1', 'imap.commandsPerMinuteMax': '4' };
    await using test = await startMail(given);
    const client = await ImapClient.connect(test.ports.imap!);
    await client.ok(`LOGIN ${address} "${password}"`);
    for (let i = 0; i < 3; i++) await client.ok('NOOP');
    await client.start('NOOP');
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(client.unread.length, 0, 'the fifth waits');
    client.destroy();
  });

  it('bound messages, errors and connections of IMAP sessions', async () => {
    const limits = {
      'imap.messageBytesMax': '64KiB',
      'imap.errorsMax': '1',
      'imap.connectionsMax': '1',
    };
    await using test = await startMail(limits);
    const client = await logIn(test);
    assert.match(rows(await client.ok('CAPABILITY'))[0]!, / APPENDLIMIT=65536( |$)/);
    const refused = await ImapClient.connect(test.ports.imap!);
    assert.match((await refused.response())!.raw, /^\* BYE \[LIMIT\]/);
    await client.run('WOBBLE');
    await client.start('WOBBLE');
    assert.match((await client.heard('BYE')).raw, /Too many errors/);
    await client.closed();
    refused.destroy();
  });
});

describe('messages of one command', () => {
  it('are limited by settings, of all commands or of those that save messages', async () => {
    await using test = await startMail({ 'imap.messagesPerCommandMax': '1000' });
    const client = await logIn(test);
    assert.match(rows(await client.ok('CAPABILITY'))[0]!, / MESSAGELIMIT=1000 /);
    client.destroy();
    await using other = await startMail({ 'imap.savedMessagesPerCommandMax': '2000' });
    const saver = await logIn(other);
    const [capabilities] = rows(await saver.ok('CAPABILITY'));
    assert.match(capabilities!, / SAVELIMIT=2000 /);
    assert.doesNotMatch(capabilities!, /MESSAGELIMIT/);
    saver.destroy();
  });
});

describe('compressed sessions', () => {
  it('bring large messages and take them back, up to the number settings allow', async () => {
    await using test = await startMail({ 'imap.compressedSessionsMax': '1' });
    const [one, other] = [await logIn(test), await logIn(test)];
    await one.ok('COMPRESS DEFLATE');
    one.compress();
    assert.match(ending(await other.run('COMPRESS DEFLATE')), /^NO \[LIMIT\]/);
    await one.ok('SELECT INBOX');
    const text = Array.from({ length: 60_000 }, (_, i) => `Line ${i} of ${i % 977}.`).join('\r\n');
    const message = Buffer.from(`Subject: Pressed\r\n\r\n${text}\r\n`);
    await one.ok('APPEND INBOX ', message);
    const [taken] = (await one.ok('FETCH 1 BODY.PEEK[]')).untagged;
    assert.ok(taken!.literals[0]!.equals(message));
    const tag = await one.idle();
    await deliver(test, 'While it idles');
    assert.equal((await one.heard('EXISTS')).number, 2);
    await one.done(tag);
    await one.ok('LOGOUT');
    await one.closed();
    assert.equal((await other.run('COMPRESS DEFLATE')).tagged.name, 'OK', 'its place is free');
    other.destroy();
  });
});

describe('NOTIFY', () => {
  it('tells one connection of mail and mailboxes of the whole account', async () => {
    await using test = await startMail();
    const [listener, other] = [await logIn(test), await logIn(test)];
    await listener.ok('NOTIFY SET (personal (MessageNew MessageExpunge MailboxName))');
    await deliver(test, 'One');
    assert.match((await listener.heard('STATUS')).raw, /STATUS INBOX \(MESSAGES 1 UIDNEXT 2 /);
    await other.ok('CREATE Lists/One');
    assert.match((await listener.heard('LIST')).raw, / Lists(\/One)?$/);
    listener.destroy();
    other.destroy();
  });
});

describe('two sessions on one mailbox', () => {
  it('one hears while it idles what comes and what the other does', async () => {
    await using test = await startMail();
    const idler = await logIn(test);
    await idler.ok('SELECT INBOX');
    const tag = await idler.idle();
    await deliver(test, 'One');
    assert.equal((await idler.heard('EXISTS')).number, 1);
    await deliver(test, 'Two');
    assert.equal((await idler.heard('EXISTS')).number, 2);
    const other = await logIn(test);
    await other.ok('SELECT INBOX');
    await other.ok('STORE 2 +FLAGS.SILENT (\\Answered)');
    assert.match((await idler.heard('FETCH')).raw, /FETCH \(UID 2 FLAGS \(\\Answered \\Recent\)\)/);
    await other.ok('STORE 1 +FLAGS.SILENT (\\Deleted)');
    await other.ok('EXPUNGE');
    assert.equal((await idler.heard('EXPUNGE')).number, 1);
    const done = await idler.done(tag);
    assert.equal(done.tagged.name, 'OK');
    assert.deepEqual(rows(await idler.ok('UID SEARCH ALL')), ['* SEARCH 2']);
    idler.destroy();
    other.destroy();
  });

  it('numbers stay as they are until EXPUNGE may be told', async () => {
    await using test = await startMail();
    for (const subject of ['One', 'Two', 'Three']) await deliver(test, subject);
    const [one, other] = [await logIn(test), await logIn(test)];
    await one.ok('SELECT INBOX');
    await other.ok('SELECT INBOX');
    await other.ok('STORE 1 +FLAGS.SILENT (\\Deleted)');
    await other.ok('EXPUNGE');
    const fetched = await one.ok('FETCH 3 (UID)');
    assert.ok(rows(fetched).includes('* 3 FETCH (UID 3)'));
    assert.ok(!rows(fetched).some((row) => row.endsWith('EXPUNGE')));
    assert.ok(rows(await one.ok('NOOP')).includes('* 1 EXPUNGE'));
    assert.deepEqual(rows(await one.ok('FETCH 2 (UID)')), ['* 2 FETCH (UID 3)']);
    one.destroy();
    other.destroy();
  });
});

describe('a restart', () => {
  it('keeps UIDs, flags, mailboxes and subscriptions', async () => {
    const first = await startMail();
    await deliver(first, 'One');
    const before = await logIn(first);
    await before.ok('CREATE Kept');
    await before.ok('SUBSCRIBE Kept');
    await before.ok('SELECT INBOX');
    await before.ok('STORE 1 +FLAGS (\\Flagged)');
    await before.ok('COPY 1 Kept');
    const status = 'STATUS Kept (MESSAGES UIDNEXT UIDVALIDITY)';
    const counted = rows(await before.ok(status));
    before.destroy();
    await first.stop();
    const listen = { 'listen.imap': anyPort };
    await using second = await startTestServer(listen, { folder: first.folder });
    const after = await logIn(second);
    assert.deepEqual(rows(await after.ok(status)), counted);
    await after.ok('SELECT Kept');
    assert.deepEqual(rows(await after.ok('FETCH 1 (FLAGS)')), [
      '* 1 FETCH (FLAGS (\\Flagged \\Recent))',
    ]);
    assert.match(rows(await after.ok('LSUB "" Kept')).join(), /Kept/);
    after.destroy();
  });
});
