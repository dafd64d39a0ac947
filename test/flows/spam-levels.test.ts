/**
 * Aim:    where mail goes by its score is what account, tenant and server say, the nearest first, from the next one on.
 * Method: the real server with a scripted scanner of 250 percent beside it; the command says the levels.
 */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { command } from '../support/account-mail.ts';
import { badMark, ScanPeer } from '../support/scan-peer.ts';
import { eventually, startTestServer, type TestServer } from '../support/test-server.ts';
import { WireClient } from '../support/wire-client.ts';

const user = 'ann@a.test';

async function send(server: TestServer, ...recipients: string[]): Promise<string> {
  const client = await WireClient.connect(server.ports.smtp!);
  await client.line();
  let reply = '';
  for (const line of [
    ...['HELO far.test', 'MAIL FROM:<bob@far.test>'],
    ...recipients.map((recipient) => `RCPT TO:<${recipient}>`),
    ...['DATA', `From: bob@far.test\r\nSubject: x\r\n\r\n${badMark}\r\n.`],
  ]) {
    client.send(Buffer.from(`${line}\r\n`));
    reply = (await client.line())!;
  }
  return reply;
}

test('the nearest level that says counts', async () => {
  await using peer = await ScanPeer.start('rspamd');
  await using server = await startTestServer({
    'scanners.list': JSON.stringify([
      { name: 'spam', kind: 'rspamd', address: peer.address, when: 'all' },
    ]),
  });
  await server.call('tenant.create', { name: 'acme' });
  await server.call('domain.create', { name: 'a.test', tenant: 'acme' });
  await server.call('domain.create', { name: 'other.test' });
  for (const address of [user, 'eve@other.test']) await server.call('account.create', { address });
  const environment = {
    CHASKI_DATA: join(server.folder, 'data'),
    CHASKI_HOSTNAME: 'mx.test',
    CHASKI_SHARDS: '4',
  };
  const levels = async (...line: string[]) =>
    (await command(['spam', 'levels', ...line], environment)).out;
  const where = async (account = user) => {
    const held = await command(['quarantine', 'list', account], environment);
    const { mailboxes } = await server.call('mailbox.list', { account });
    const count = (name: string) => mailboxes.find((each) => each.name === name)?.messageCount ?? 0;
    return [count('INBOX'), count('Junk'), held.out.split('\n').filter(Boolean).length];
  };
  /** Mail for accounts of several shards is delivered after it is taken. */
  const has = (wanted: readonly number[], account = user) =>
    eventually(`${account}: ${wanted}`, async () =>
      `${await where(account)}` === `${wanted}` ? true : undefined,
    );

  assert.match(await send(server, user), /^250 /);
  await has([0, 1, 0]);
  assert.match(await levels('acme', '--quarantine', '200'), /quarantine from: +200%/);
  await send(server, user, 'eve@other.test');
  await has([0, 1, 1]);
  await has([0, 1, 0], 'eve@other.test');
  await levels(user, '--quarantine', '0', '--junk', '300');
  assert.match(await levels(user), /Junk from: +300%\nquarantine from: +never/);
  await send(server, user);
  await has([1, 1, 1]);
  await levels(user, '--quarantine', 'inherit', '--junk', 'inherit');
  await send(server, user);
  await has([1, 1, 2]);

  // One answer is for all: who would have it gets it.
  await levels('acme', '--reject', '250');
  assert.match(await send(server, user), /^554 5\.7\.1 /);
  assert.match(await send(server, user, 'eve@other.test'), /^250 /);
  await has([1, 1, 3]);
  const wrong = await command(['spam', 'levels', user, '--reject', '300'], environment);
  assert.equal(wrong.code, 2);
  await levels('acme', '--reject', 'inherit', '--quarantine', 'inherit');
  assert.deepEqual(await server.call('tenant.spam', { name: 'acme' }), {});
});
