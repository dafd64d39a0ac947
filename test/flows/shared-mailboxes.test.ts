/**
 * Aim:    a shared mailbox on the real server: nobody logs in to it, its mail comes in, whoever was let reads it and
 *         sends in its name, and loses both at once when that is taken back.
 * Method: the real server, IMAP by a client of our own, SMTP by lines.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ImapClient } from '../support/imap-client.ts';
import { submit } from '../support/submit-line.ts';
import { eventually, startTestServer, type TestServer } from '../support/test-server.ts';

const password = 'correct horse';
const settings = {
  ...{ 'listen.imap': '127.0.0.1:0', 'listen.submissions': '127.0.0.1:0', shards: '2' },
  ...{ 'relay.networks': '' },
};
const support = 'support@here.test';
const inbox = `"Other Users/${support}/INBOX"`;

async function startMail(): Promise<TestServer> {
  const server = await startTestServer(settings);
  await server.call('tenant.create', { name: 'rival' });
  await server.call('domain.create', { name: 'here.test' });
  await server.call('domain.create', { name: 'rival.test', tenant: 'rival' });
  for (const address of ['ann@here.test', 'bob@here.test', 'eve@rival.test']) {
    await server.call('account.create', { address, password });
  }
  await server.call('account.create', { address: support, isShared: true });
  await server.call('group.create', { address: 'desk@here.test', members: ['bob@here.test'] });
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

const send = (server: TestServer, user: string, from: string) =>
  submit({ port: server.ports.submissions!, user, password, from, to: [support] });

async function messagesIn(server: TestServer): Promise<number> {
  const { account } = await server.call('account.show', { address: support });
  return account.messageCount!;
}

test('nobody logs in to a shared mailbox, whatever is tried', async () => {
  await using server = await startMail();
  const { account } = await server.call('account.show', { address: support });
  assert.deepEqual([account.isShared, account.hasPassword], [true, false]);
  const set = server.call('account.password', { address: support, password });
  await assert.rejects(set, { code: 'argument-invalid' });
  const both = { address: 'x@here.test', isShared: true, password } as const;
  await assert.rejects(server.call('account.create', both), { code: 'argument-invalid' });
  assert.match((await send(server, support, support))[0]!, /^535 /);
});

test('its mail is read and answered in its name by whoever was let', async () => {
  await using server = await startMail();
  const grant = (member: string, sendsAs: boolean, rights: 'read' | 'write') =>
    server.call('shared.grant', { address: support, member, rights, sendsAs });
  assert.match((await send(server, 'ann@here.test', support))[0]!, /^553 5\.7\.1 /);
  const ofAnn = await grant('ann@here.test', true, 'write');
  assert.deepEqual([ofAnn.reader.member, ofAnn.reader.sendsAs], ['ann@here.test', true]);
  await grant('desk@here.test', true, 'read');
  await assert.rejects(grant('eve@rival.test', true, 'read'), { code: 'not-found' });
  const bobs = server.call('shared.grant', {
    ...{ address: 'bob@here.test', member: 'ann@here.test', rights: 'read', sendsAs: false },
  });
  await assert.rejects(bobs, { code: 'argument-invalid' });
  for (const user of ['ann@here.test', 'bob@here.test']) {
    assert.match((await send(server, user, support)).at(-1)!, /^250 /, user);
  }
  assert.match((await send(server, 'eve@rival.test', support))[0]!, /^553 5\.7\.1 /);
  await eventually('both', async () => (await messagesIn(server)) === 2 || undefined);
  const ann = await logIn(server, 'ann@here.test');
  const bob = await logIn(server, 'bob@here.test');
  for (const client of [ann, bob]) await client.ok(`SELECT ${inbox}`);
  await ann.ok('STORE 1 +FLAGS (\\Flagged)');
  assert.match((await bob.run('STORE 1 +FLAGS (\\Flagged)')).tagged.raw, / NO /);
  await ann.ok(`APPEND "Other Users/${support}/Sent" {23+}\r\nSubject: One\r\n\r\nText.\r\n\r\n`);
  const { readers } = await server.call('shared.show', { address: support });
  assert.deepEqual(
    readers.map(({ member }) => member),
    ['ann@here.test', 'group:desk@here.test'],
  );
  await server.call('shared.revoke', { address: support, member: 'desk@here.test' });
  // His session hears of it before his command, or after: it ends, or the command is refused.
  const fetched = await bob.run('FETCH 1 BODY[]').then(
    ({ tagged }) => tagged.raw,
    ({ message }: Error) => message,
  );
  assert.match(fetched, / NO |\* BYE /);
  assert.match((await send(server, 'bob@here.test', support))[0]!, /^553 5\.7\.1 /);
  await ann.ok('FETCH 1 BODY[]');
  for (const client of [ann, bob]) client.destroy();
  await server.stop();
  await using again = await startTestServer(settings, { folder: server.folder });
  const back = await logIn(again, 'ann@here.test');
  await back.ok(`SELECT ${inbox}`);
  back.destroy();
  assert.match((await send(again, 'ann@here.test', support)).at(-1)!, /^250 /);
});

test('rights to all mailboxes are shown and taken, and what is left is said', async () => {
  await using server = await startMail();
  const member = 'bob@here.test';
  const grant = async (whom: string, rights: 'read' | 'write' | 'manage') =>
    await server.call('shared.grant', { address: support, member: whom, rights, sendsAs: false });
  await grant('ann@here.test', 'manage');
  const ann = await logIn(server, 'ann@here.test');
  const bob = await logIn(server, member);
  const sent = `"Other Users/${support}/Sent"`;
  await ann.ok(`SETACL ${sent} ${member} lrs`);
  await ann.ok(`APPEND ${sent} {23+}\r\nSubject: One\r\n\r\nText.\r\n\r\n`);
  const shown = async () => {
    const { readers } = await server.call('shared.show', { address: support });
    const { rights, mailboxes, moreCount } = readers.find((each) => each.member === member)!;
    return { rights, mailboxes, moreCount };
  };
  const one = { rights: '', mailboxes: [{ mailbox: 'Sent', rights: 'lrs' }], moreCount: 0 };
  assert.deepEqual(await shown(), one, 'INBOX does not name him');
  await grant('desk@here.test', 'read');
  await bob.ok(`SELECT ${sent}`);
  const { left } = await server.call('shared.revoke', { address: support, member });
  assert.deepEqual(
    left.map((each) => [each.member, each.rights]),
    [['group:desk@here.test', 'lrs']],
  );
  await bob.ok('FETCH 1 FLAGS');
  const group = await server.call('shared.revoke', { address: support, member: 'desk@here.test' });
  assert.deepEqual(group.left, []);
  const fetched = await bob.run('FETCH 1 BODY[]').then(
    ({ tagged }) => tagged.raw,
    ({ message }: Error) => message,
  );
  assert.match(fetched, / NO |\* BYE /);
  for (const client of [ann, bob]) client.destroy();
});
