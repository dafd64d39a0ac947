/**
 * Aim:    a group on the real server: mail to it reaches its members and is taken from those who may write to it,
 *         mailboxes are shared with it, and both end for who leaves it at once.
 * Method: the real server with two tenants, IMAP by a client of our own, SMTP by lines.
 *
 * RFC 4314 §2, RFC 3463 §3.8.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ImapClient } from '../support/imap-client.ts';
import { submit } from '../support/submit-line.ts';
import { eventually, startTestServer, type TestServer } from '../support/test-server.ts';
import { WireClient } from '../support/wire-client.ts';

const password = 'correct horse';
const settings = {
  ...{ 'listen.imap': '127.0.0.1:0', 'listen.submissions': '127.0.0.1:0', shards: '2' },
  ...{ 'relay.networks': '' },
};
const sales = 'sales@here.test';

async function startMail(): Promise<TestServer> {
  const server = await startTestServer(settings);
  await server.call('tenant.create', { name: 'rival' });
  await server.call('domain.create', { name: 'here.test' });
  await server.call('domain.create', { name: 'rival.test', tenant: 'rival' });
  for (const address of ['ann@here.test', 'bob@here.test', 'cat@here.test', 'eve@rival.test']) {
    await server.call('account.create', { address, password });
  }
  return server;
}

async function logIn(server: TestServer, address: string): Promise<ImapClient> {
  const client = await ImapClient.connect(server.ports.imap!);
  await client.response();
  await client.ok('STARTTLS');
  await client.startTls();
  await client.ok(`LOGIN ${address} "${password}"`);
  return client;
}

/** The reply to RCPT, of somebody who did not log in. */
async function asStranger(server: TestServer, from: string): Promise<string> {
  const client = await WireClient.connect(server.ports.smtp!);
  await client.line();
  let reply = '';
  for (const line of ['HELO far.test', `MAIL FROM:<${from}>`, `RCPT TO:<${sales}>`]) {
    client.send(Buffer.from(`${line}\r\n`));
    reply = (await client.line())!;
  }
  client.destroy();
  return reply;
}

async function messageCount(server: TestServer, address: string): Promise<number> {
  const { account } = await server.call('account.show', { address });
  return account.messageCount!;
}

test('mail to a group reaches each member once, from those who may write to it', async () => {
  await using server = await startMail();
  const { group } = await server.call('group.create', {
    ...{ address: sales, senders: 'members', members: ['ann@here.test'] },
  });
  assert.equal(group.memberCount, 1);
  await server.call('group.create', {
    address: 'all@here.test',
    members: [sales, 'bob@here.test'],
  });
  const by = async (name: string, to: string) => {
    const port = server.ports.submissions!;
    return await submit({ port, user: name, password, from: name, to: [to] });
  };
  const closed = /^550 5\.7\.2 /;
  assert.match((await by('bob@here.test', sales))[0]!, closed);
  assert.match((await by('eve@rival.test', sales))[0]!, closed);
  assert.match((await by('eve@rival.test', 'all@here.test'))[0]!, closed);
  assert.match(await asStranger(server, 'ann@here.test'), closed);
  assert.match((await by('ann@here.test', `${sales.replace('@', '+tag@')}`)).at(-1)!, /^250 /);
  await eventually(
    'a copy',
    async () => (await messageCount(server, 'ann@here.test')) === 1 || undefined,
  );
  assert.match((await by('cat@here.test', 'all@here.test')).at(-1)!, /^250 /);
  for (const [name, count] of [
    ['ann', 2],
    ['bob', 1],
  ] as const) {
    await eventually(`mail of ${name}`, async () => {
      return (await messageCount(server, `${name}@here.test`)) === count || undefined;
    });
  }
  await server.call('group.set', { address: sales, senders: 'anybody' });
  assert.match(await asStranger(server, 'x@far.test'), /^250 /);
  await server.call('group.set', { address: sales, senders: 'nobody' });
  assert.match(await asStranger(server, 'x@far.test'), /^550 5\.1\.1 /);
});

test('a mailbox shared with a group is there for its members alone, over a restart', async () => {
  await using server = await startMail();
  await server.call('group.create', { address: sales, members: ['bob@here.test'] });
  await server.call('group.create', { address: 'sales@rival.test', members: ['eve@rival.test'] });
  const ann = await logIn(server, 'ann@here.test');
  await ann.ok('CREATE Plans');
  await ann.ok('APPEND Plans {23+}\r\nSubject: One\r\n\r\nText.\r\n\r\n');
  await ann.ok(`SETACL Plans group:${sales} lrs`);
  const foreign = await ann.run('SETACL Plans group:sales@rival.test lrs');
  assert.match(foreign.tagged.raw, /NO \[CANNOT\]/);
  await ann.ok(`SETACL Plans $${sales} +w`);
  const listed = (await ann.ok('GETACL Plans')).untagged.map(({ raw }) => raw);
  assert.match(listed[0]!, new RegExp(`group:${sales} lrsw$`));
  const plans = '"Other Users/ann@here.test/Plans"';
  const sees = async (client: ImapClient) => {
    const found = (await client.ok('LIST "" *Plans')).untagged;
    const opened = await client.run(`STATUS ${plans} (MESSAGES)`);
    const isOpen = /^\S+ OK/.test(opened.tagged.raw);
    assert.equal(found.length === 1, isOpen);
    return isOpen;
  };
  const bob = await logIn(server, 'bob@here.test');
  const cat = await logIn(server, 'cat@here.test');
  const eve = await logIn(server, 'eve@rival.test');
  assert.equal(await sees(bob), true);
  for (const client of [cat, eve]) assert.equal(await sees(client), false);
  await bob.ok(`SELECT ${plans}`);
  await server.call('group.add', { address: sales, members: ['cat@here.test'] });
  assert.equal(await sees(cat), true);
  await server.call('group.remove', { address: sales, member: 'bob@here.test' });
  assert.equal(await sees(bob), false);
  const fetched = await bob.run('FETCH 1 BODY[]');
  assert.match(fetched.tagged.raw, / NO /, 'a session in it has lost it too');
  for (const client of [ann, bob, cat, eve]) client.destroy();
  await server.stop();
  await using again = await startTestServer(settings, { folder: server.folder });
  const back = await logIn(again, 'cat@here.test');
  assert.equal(await sees(back), true);
  await again.call('group.delete', { address: sales });
  assert.equal(await sees(back), false);
  await again.call('group.create', { address: sales, members: ['cat@here.test'] });
  assert.equal(await sees(back), false, 'a new group of the name has not what the old one had');
  back.destroy();
});
