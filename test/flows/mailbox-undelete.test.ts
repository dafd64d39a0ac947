/**
 * Aim: mail that a person expunged by mistake is back where it was, on the running server and on the stopped store; and
 *      is gone when an operator says so.
 * Method: a mail program expunges and deletes a mailbox; the command lists, has back and purges.
 */

import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { command, heldMail } from '../support/account-mail.ts';
import { ImapClient } from '../support/imap-client.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const address = 'ann@here.test';
const password = 'correct horse';

const environmentOf = (test: TestServer) => ({
  CHASKI_DATA: join(test.folder, 'data'),
  CHASKI_HOSTNAME: 'mx.test',
  CHASKI_SHARDS: '4',
});

/** Messages 1 to 4 in INBOX and in Lists/Old. */
async function startFilled(overrides: Readonly<Record<string, string>> = {}): Promise<TestServer> {
  const test = await startTestServer({ 'listen.imap': '127.0.0.1:0', ...overrides });
  await test.call('domain.create', { name: 'here.test' });
  await test.call('account.create', { address, password });
  const root = join(test.folder, 'mail');
  for (const folder of ['.', 'Lists/Old']) {
    mkdirSync(join(root, folder), { recursive: true });
    for (let i = 1; i <= 4; i++) {
      const text = `From: Sam <s@far.test>\nSubject: ${folder} ${i}\n\nText ${i}.\n`;
      writeFileSync(join(root, folder, `${i}.eml`), text);
    }
  }
  const { code } = await command(['mailbox', 'import', address, root], environmentOf(test));
  assert.equal(code, 0);
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

async function subjects(test: TestServer, mailbox: string): Promise<string[]> {
  const held = await heldMail(test, address);
  return held[mailbox]!.map(({ text }) => /Subject: (.*)\r\n/.exec(text)![1]!);
}

describe('chaski mailbox undelete', () => {
  it('has back what a mail program expunged, as it was', async () => {
    await using test = await startFilled();
    const before = await heldMail(test, address);
    const client = await logIn(test);
    await client.ok('SELECT INBOX');
    await client.ok('STORE 2:3 +FLAGS (\\Deleted)');
    await client.ok('EXPUNGE');
    await client.ok('CLOSE');
    await client.ok('DELETE Lists/Old');
    const line = ['mailbox', 'undelete', address];
    const listed = await command([...line, '--list', '--json'], environmentOf(test));
    const kept = listed.out
      .trim()
      .split('\n')
      .map((one) => JSON.parse(one));
    assert.deepEqual(
      kept.map(({ mailbox, subject, from }) => [mailbox, subject, from]),
      [
        ...[4, 3, 2, 1].map((i) => ['Lists/Old', `Lists/Old ${i}`, 's@far.test']),
        ...[3, 2].map((i) => ['INBOX', `. ${i}`, 's@far.test']),
      ],
    );
    const words = await command([...line, '--list', '--mailbox', 'INBOX'], environmentOf(test));
    assert.match(words.out, /^\d+ {2}\S+Z {2}INBOX {2}\d+ B {2}s@far\.test {2}\. 3\n/);
    const one = await command([...line, String(kept.at(-1).id)], environmentOf(test));
    assert.equal(one.out, 'Had 1 message back.\n');
    assert.deepEqual(await subjects(test, 'INBOX'), ['. 1', '. 4', '. 2']);
    await test.stop();
    // The rest on the stopped store.
    const all = await command([...line, '--all', '--json'], environmentOf(test));
    assert.deepEqual(JSON.parse(all.out), { count: 5, missingCount: 0 });
    await using again = await startTestServer({}, { folder: test.folder });
    assert.deepEqual(await subjects(again, 'INBOX'), ['. 1', '. 4', '. 2', '. 3']);
    const after = await heldMail(again, address);
    assert.deepEqual(
      after['Lists/Old']!.map(({ text }) => text),
      before['Lists/Old']!.map(({ text }) => text),
    );
  });

  it('says what it cannot have back, and lets go of all when told to', async () => {
    await using test = await startFilled();
    const client = await logIn(test);
    await client.ok('DELETE Lists/Old');
    const environment = environmentOf(test);
    const line = ['mailbox', 'undelete', address];
    const none = await command([...line, '77777'], environment);
    assert.deepEqual([none.code, none.out], [1, 'Had 0 messages back; 1 cannot be had back.\n']);
    const unclear = await command([...line, '--list', '--all'], environment);
    assert.deepEqual([unclear.code, /one of --list/.test(unclear.error)], [2, true]);
    assert.equal((await command([...line, '--list', '--since', 'soon'], environment)).code, 2);
    const later = await command([...line, '--list', '--since', '2999-01-01'], environment);
    assert.deepEqual([later.code, later.out], [0, '']);
    const purged = await command([...line, '--purge-now'], environment);
    assert.equal(purged.out, 'Let go of 4 messages for good.\n');
    const empty = await command([...line, '--all'], environment);
    assert.deepEqual([empty.code, empty.error], [1, 'chaski: nothing can be had back\n']);
  });

  it('has nothing to have back where mailbox.expungedKeepMs is 0', async () => {
    await using test = await startFilled({ 'mailbox.expungedKeepMs': '0s' });
    const client = await logIn(test);
    await client.ok('DELETE Lists/Old');
    const line = ['mailbox', 'undelete', address, '--list'];
    assert.equal((await command(line, environmentOf(test))).out, '');
  });
});
