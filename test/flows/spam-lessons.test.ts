/**
 * Aim:    who drags spam into Junk has the next of it there, and nobody else; dragged out again it is taken back; a
 *         restart forgets nothing, an operator may.
 * Method: the real server without any scanner; an IMAP client moves mail.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ImapClient } from '../support/imap-client.ts';
import { eventually, startTestServer, type TestServer } from '../support/test-server.ts';
import { WireClient } from '../support/wire-client.ts';

const password = 'correct horse battery staple';
const settings = { 'listen.imap': '127.0.0.1:0', 'verification.isOn': 'false' };
const users = ['ann@a.test', 'eve@a.test'];

async function send(server: TestServer, from: string, subject: string): Promise<void> {
  for (const user of users) {
    const client = await WireClient.connect(server.ports.smtp!);
    await client.line();
    for (const line of [
      ...['HELO far.test', `MAIL FROM:<${from}>`, `RCPT TO:<${user}>`, 'DATA'],
      `From: ${from}\r\nSubject: ${subject}\r\n\r\nDear friend: ${subject}!\r\n.`,
    ]) {
      client.send(Buffer.from(`${line}\r\n`));
      assert.match((await client.line())!, /^[23]/);
    }
  }
}

async function logIn(server: TestServer, user: string): Promise<ImapClient> {
  const client = await ImapClient.connect(server.ports.imap!);
  await client.response();
  await client.ok('STARTTLS');
  await client.startTls();
  await client.ok(`LOGIN ${user} "${password}"`);
  return client;
}

async function countIn(client: ImapClient, mailbox: string): Promise<number> {
  const { untagged } = await client.ok(`STATUS ${mailbox} (MESSAGES)`);
  return Number(/MESSAGES (\d+)/.exec(untagged.map(({ raw }) => raw).join(''))![1]);
}

function taught(server: TestServer, spam: number, ham: number): Promise<unknown> {
  return eventually(`${spam} and ${ham} lessons`, async () => {
    const found = await server.call('account.learnt-spam', { account: users[0]! });
    return found.spam === spam && found.ham === ham ? found : undefined;
  });
}

test('an account learns from what its owner moves', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'chaski-test-'));
  try {
    let server = await startTestServer(settings, { folder });
    await server.call('domain.create', { name: 'a.test' });
    for (const address of users) await server.call('account.create', { address, password });
    for (const topic of ['lunch', 'report', 'meeting', 'holiday']) {
      await send(server, 'bob@work.test', `about the ${topic}`);
    }
    for (const word of ['big', 'great', 'final', 'secret']) {
      await send(server, 'shop@sale.test', `the ${word} sale`);
    }
    let ann = await logIn(server, users[0]!);
    await ann.ok('SELECT INBOX');
    await ann.ok('STORE 1:4 +FLAGS (\\Seen)');
    await ann.ok('MOVE 5:8 Junk');
    await taught(server, 4, 4);
    await server.stop();

    server = await startTestServer(settings, { folder });
    await send(server, 'shop@sale.test', 'one more sale');
    await send(server, 'bob@work.test', 'about the lunch again');
    ann = await logIn(server, users[0]!);
    assert.deepEqual([await countIn(ann, 'INBOX'), await countIn(ann, 'Junk')], [5, 5]);
    const eve = await logIn(server, users[1]!);
    assert.deepEqual([await countIn(eve, 'INBOX'), await countIn(eve, 'Junk')], [10, 0]);

    await ann.ok('SELECT Junk');
    await ann.ok('MOVE 1:* INBOX');
    await taught(server, 0, 9);
    await send(server, 'shop@sale.test', 'and another sale');
    assert.equal(await countIn(ann, 'Junk'), 0);
    await server.call('account.forget-spam', { account: users[0]! });
    await taught(server, 0, 0);

    const ofTenant = () => server.call('tenant.learnt-spam', { name: 'default' });
    await ann.ok('SELECT INBOX');
    await ann.ok('MOVE 1:2 Junk');
    // Both, and the two that were read and stayed: what waits would be learnt after all was forgotten.
    await taught(server, 2, 2);
    assert.equal((await ofTenant()).accounts, 1);
    await server.call('tenant.forget-spam', { name: 'default' });
    assert.deepEqual(await ofTenant(), { accounts: 0, ham: 0, spam: 0 });
    assert.deepEqual(await server.call('account.learnt-spam', { account: users[0]! }), {
      ...{ ham: 0, spam: 0 },
    });
    await server.stop();
  } finally {
    rmSync(folder, { recursive: true });
  }
});
