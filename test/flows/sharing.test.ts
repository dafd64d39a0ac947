/**
 * Aim:    accounts on different shards share mailboxes on the real server: found by LIST, read, copied into and out of,
 *         told of while idling; lists, annotations and a reader's \Seen outlive a restart; quotas set over IMAP hold.
 * Method: the real server, sessions of two accounts by a client of our own.
 *
 * RFC 4314, RFC 5464, RFC 9208.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ImapClient, type Outcome } from '../support/imap-client.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const password = 'correct horse';
const plans = '"Other Users/ann@here.test/Plans"';

const settings = {
  ...{ 'listen.imap': '127.0.0.1:0', 'imap.quotaSetters': 'bob@here.test' },
  ...{ 'imap.serverComment': 'A test server', shards: '2' },
};

async function startMail(): Promise<TestServer> {
  const test = await startTestServer(settings);
  await test.call('domain.create', { name: 'here.test' });
  for (const name of ['ann', 'bob']) {
    await test.call('account.create', { address: `${name}@here.test`, password });
  }
  return test;
}

async function logIn(test: TestServer, name: string): Promise<ImapClient> {
  const client = await ImapClient.connect(test.ports.imap!);
  await client.response();
  await client.ok('STARTTLS');
  await client.startTls();
  await client.ok(`LOGIN ${name}@here.test "${password}"`);
  return client;
}

const rows = ({ untagged }: Outcome) => untagged.map(({ raw }) => raw);
const ending = ({ tagged }: Outcome) => tagged.raw.replace(/^\S+ /, '');

async function share(ann: ImapClient, rights: string): Promise<void> {
  await ann.ok('CREATE Plans');
  await ann.ok('APPEND Plans (\\Flagged) {23+}\r\nSubject: One\r\n\r\nText.\r\n\r\n');
  await ann.ok(`SETACL Plans bob@here.test ${rights}`);
}

describe('two accounts on different shards', () => {
  it('share a mailbox, and keep it so over a restart', async () => {
    await using test = await startMail();
    const ann = await logIn(test, 'ann');
    let bob = await logIn(test, 'bob');
    await share(ann, 'lrswi');
    await ann.ok('SETMETADATA Plans (/shared/comment {3+}\r\na\r\n /private/x ~{2+}\r\n\0y)');
    assert.deepEqual(rows(await bob.ok('LIST "" *Plans')), [
      `* LIST (\\HasNoChildren) "/" ${plans}`,
    ]);
    await bob.ok(`SELECT ${plans}`);
    const recent = ['* 1 FETCH (FLAGS (\\Flagged \\Recent))'];
    assert.deepEqual(rows(await bob.ok('FETCH 1 FLAGS')), recent);
    await bob.ok('FETCH 1 BODY[]');
    await bob.ok('COPY 1 INBOX');
    await ann.ok('SELECT Plans');
    assert.deepEqual(rows(await ann.ok('FETCH 1 FLAGS')), ['* 1 FETCH (FLAGS (\\Flagged))']);
    for (const client of [ann, bob]) client.destroy();
    await test.stop();
    await using again = await startTestServer(settings, { folder: test.folder });
    bob = await logIn(again, 'bob');
    assert.match(
      rows(await bob.ok(`STATUS ${plans} (MESSAGES UNSEEN)`))[0]!,
      /MESSAGES 1 UNSEEN 0/,
    );
    assert.match(rows(await bob.ok('STATUS INBOX (MESSAGES UNSEEN)'))[0]!, /MESSAGES 1 UNSEEN 0/);
    assert.match(rows(await bob.ok('LIST "" *Plans RETURN (MYRIGHTS)'))[1]!, / lrswi$/);
    const metadata = rows(await bob.ok(`GETMETADATA ${plans} (/shared/comment /private/x)`));
    assert.match(metadata[0]!, /\/shared\/comment \{3\}\r\na\r\n \/private\/x NIL/);
    const server = rows(await bob.ok('GETMETADATA "" /shared/comment'));
    assert.match(server[0]!, /"A test server"/);
    bob.destroy();
  });

  it('move messages between them, and tell an idling reader', async () => {
    await using test = await startMail();
    const ann = await logIn(test, 'ann');
    const bob = await logIn(test, 'bob');
    await share(ann, 'lrswite');
    await ann.ok('SELECT Plans');
    const idle = await ann.idle();
    await bob.ok('APPEND INBOX {3+}\r\nabc');
    await bob.ok('SELECT INBOX');
    const moved = await bob.ok(`MOVE 1 ${plans}`);
    assert.match(rows(moved)[0]!, /^\* OK \[COPYUID \d+ 1 2\]/);
    assert.match((await ann.heard('EXISTS')).raw, /^\* 2 EXISTS/);
    await ann.done(idle);
    assert.match(rows(await bob.ok('STATUS INBOX (MESSAGES)'))[0]!, /MESSAGES 0/);
    await ann.ok('SETACL Plans bob@here.test lr');
    await bob.ok(`SELECT ${plans}`);
    assert.match(ending(await bob.run('STORE 1 +FLAGS (\\Flagged)')), /^NO \[READ-ONLY\]/);
    for (const client of [ann, bob]) client.destroy();
  });

  it('a quota set over IMAP holds for the account', async () => {
    await using test = await startMail();
    const ann = await logIn(test, 'ann');
    const bob = await logIn(test, 'bob');
    assert.match(ending(await ann.run('SETQUOTA "ann@here.test" (MESSAGE 9)')), /^NO \[NOPERM\]/);
    const set = await bob.ok('SETQUOTA "ann@here.test" (MESSAGE 1)');
    assert.deepEqual(rows(set), ['* QUOTA "ann@here.test" (MESSAGE 0 1)']);
    await ann.ok('APPEND INBOX {3+}\r\nabc');
    assert.match(ending(await ann.run('APPEND INBOX {3+}\r\nabc')), /^NO \[OVERQUOTA\]/);
    assert.match(rows(await ann.ok('GETQUOTA "ann@here.test"'))[0]!, /\(MESSAGE 1 1\)/);
    for (const client of [ann, bob]) client.destroy();
  });
});
