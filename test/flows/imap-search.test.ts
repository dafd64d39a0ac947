/**
 * Aim: what is searched, sorted and threaded on disk is found there, in small messages and in large ones with files of
 *      their own, also after a restart.
 * Method: the real server, messages brought by APPEND.
 */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ImapClient } from '../support/imap-client.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const address = 'ann@here.test';
const password = 'correct horse';
const line = 'Lorem ipsum dolor sit amet.\r\n';

async function logIn(test: TestServer): Promise<ImapClient> {
  const client = await ImapClient.connect(test.ports.imap!);
  await client.response();
  await client.ok('STARTTLS');
  await client.startTls();
  await client.ok(`LOGIN ${address} "${password}"`);
  await client.ok('SELECT INBOX');
  return client;
}

async function answer(client: ImapClient, command: string): Promise<string> {
  const { untagged } = await client.ok(command);
  return untagged.map(({ raw }) => raw.slice(2)).join('\n');
}

async function look(client: ImapClient): Promise<void> {
  assert.equal(await answer(client, 'SEARCH BODY "the needle"'), 'SEARCH 2 4');
  assert.equal(await answer(client, 'SEARCH TEXT "X-Far: pear" NOT 1'), 'SEARCH 4');
  assert.equal(await answer(client, 'SEARCH HEADER X-Far PEAR'), 'SEARCH 1 4');
  assert.equal(await answer(client, 'SEARCH SUBJECT "third" LARGER 100'), 'SEARCH 3');
  assert.equal(await answer(client, 'SORT (REVERSE SIZE) UTF-8 ALL'), 'SORT 4 3 1 2');
  const newest = await answer(client, 'UID SORT RETURN (PARTIAL 1:2) (REVERSE DATE) UTF-8 ALL');
  assert.match(newest, /^ESEARCH \(TAG "\w+"\) UID PARTIAL \(1:2 4,3\)$/);
  assert.equal(await answer(client, 'THREAD REFERENCES UTF-8 ALL'), 'THREAD (1 4)(2)(3)');
}

it('finds, sorts and threads what is on disk', async () => {
  const listen = { 'listen.imap': '127.0.0.1:0' };
  const test = await startTestServer(listen);
  await test.call('domain.create', { name: 'here.test' });
  await test.call('account.create', { address, password });
  const client = await logIn(test);
  const append = (day: number, head: string, text: string) => {
    const date = `Date: ${new Date(Date.UTC(2026, 0, day)).toUTCString()}`;
    return client.ok('APPEND INBOX ', Buffer.from(`${date}\r\n${head}\r\n\r\n${text}`));
  };
  await append(1, 'Subject: first\r\nMessage-ID: <1@x>\r\nX-Far: pear', line);
  await append(2, 'Subject: second', `${line}The needle.\r\n`);
  await append(3, 'Subject: third', line.repeat(20));
  const large = `${line.repeat(40_000)}The needle.\r\n`;
  await append(4, 'Subject: large\r\nReferences: <1@x>\r\nX-Far: pear', large);
  await look(client);
  client.destroy();
  await test.stop();
  await using second = await startTestServer(listen, { folder: test.folder });
  const again = await logIn(second);
  await look(again);
  again.destroy();
});
