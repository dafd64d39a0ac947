/**
 * Aim:    mail with a high score, or that a scanner keeps apart, is in its account's quarantine, shown by no protocol, and
 *         released by who may.
 * Method: the real server with a scripted scanner beside it; IMAP looks, operators' acts release.
 */

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { command } from '../support/account-mail.ts';
import { ImapClient } from '../support/imap-client.ts';
import { badMark, ScanPeer } from '../support/scan-peer.ts';
import { eventually, startTestServer, type TestServer } from '../support/test-server.ts';
import { WireClient } from '../support/wire-client.ts';
import { messageWith, zipOf } from '../support/zip-maker.ts';

const user = 'ann@a.test';
const password = 'correct horse battery staple';
const filler = `${'x'.repeat(70)}\r\n`.repeat(5_000);

/** A hook that does what the message's subject says. */
async function hook() {
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const { message } = JSON.parse(String(Buffer.concat(parts)));
      const text = Buffer.from(message, 'base64').toString('latin1');
      const action = /^Subject: (\S+)/m.exec(text)?.[1];
      const edit = { kind: 'add-field', name: 'X-Quarantine', value: 'spam; scanner=far' };
      const words = { action: 'accept', edits: [edit] };
      response.end(JSON.stringify(action === 'words' ? words : { action }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    [Symbol.asyncDispose]: async () => void server.close(),
  };
}

async function world(hookUrl: string): Promise<TestServer> {
  const server = await startTestServer({
    'listen.imap': '127.0.0.1:0',
    'relay.networks': '192.0.2.0/24',
    'scanners.list': JSON.stringify([
      { name: 'files', kind: 'http', address: hookUrl, when: 'all', bytesMax: 400_000 },
    ]),
  });
  await server.call('domain.create', { name: 'a.test' });
  await server.call('account.create', { address: user, password });
  return server;
}

async function send(server: TestServer, subject: string, more = ''): Promise<string> {
  const client = await WireClient.connect(server.ports.smtp!);
  await client.line();
  let reply = '';
  for (const line of [
    ...['HELO far.test', 'MAIL FROM:<bob@far.test>', `RCPT TO:<${user}>`, 'DATA'],
    `From: bob@far.test\r\nX-Quarantine: policy\r\nSubject: ${subject}\r\n\r\n${more}Hello.\r\n.`,
  ]) {
    client.send(Buffer.from(`${line}\r\n`));
    reply = (await client.line())!;
  }
  return reply;
}

async function quarantine(server: TestServer, ...words: string[]) {
  const environment = {
    CHASKI_DATA: join(server.folder, 'data'),
    CHASKI_HOSTNAME: 'mx.test',
    CHASKI_SHARDS: '4',
  };
  return await command(['quarantine', ...words], environment);
}

async function loggedIn(server: TestServer, address = user): Promise<ImapClient> {
  const imap = await ImapClient.connect(server.ports.imap!);
  await imap.response();
  await imap.ok('STARTTLS');
  await imap.startTls();
  await imap.ok(`LOGIN ${address} "${password}"`);
  return imap;
}

async function counts(imap: ImapClient, mailbox: string): Promise<string> {
  const { untagged } = await imap.ok(`STATUS ${mailbox} (MESSAGES)`);
  return untagged.map(({ raw }) => raw).join('');
}

for (const [size, more] of [
  ['small', ''],
  ['large', filler],
] as const) {
  test(`a ${size} message is kept apart, seen by no client, and released by who may`, async () => {
    await using scanner = await hook();
    await using server = await world(scanner.url);
    for (const subject of ['quarantine', 'add-header', 'accept']) {
      assert.match(await send(server, subject, more), /^250 /);
    }
    const listed = await quarantine(server, 'list', user, '--json');
    const { id, kind, scanner: by, subject, sender } = JSON.parse(listed.out);
    assert.deepEqual(
      [kind, by, subject, sender],
      ['policy', 'files', 'quarantine', 'bob@far.test'],
    );
    assert.equal((await quarantine(server, 'list', user, '--search', 'nothing')).out, '');
    const imap = await loggedIn(server);
    const list = (await imap.ok('LIST "" *')).untagged.map(({ raw }) => raw).join('');
    assert.doesNotMatch(list, /uarantine/);
    assert.equal((await imap.run('SELECT Quarantine')).tagged.name, 'NO');
    assert.match(await counts(imap, 'Junk'), /MESSAGES 1\b/);
    assert.match(await counts(imap, 'INBOX'), /MESSAGES 1\b/);
    const shown = await quarantine(server, 'show', user, String(id));
    assert.match(shown.out, /^X-Quarantine: policy; scanner=files$/m);
    assert.doesNotMatch(shown.out, /^Hello/m);
    const refused = await quarantine(server, 'release', user, String(id));
    assert.deepEqual(
      [refused.code, refused.out],
      [1, 'Released 0 messages; 1 message kept apart by a policy.\n'],
    );
    const released = await quarantine(server, 'release', user, String(id), '--force');
    assert.deepEqual([released.code, released.out], [0, 'Released 1 message.\n']);
    assert.match(await counts(imap, 'INBOX'), /MESSAGES 2\b/);
    assert.equal((await quarantine(server, 'list', user)).out, '');
    // Of what a scanner writes into a message itself nothing is taken for the sender's.
    assert.match(await send(server, 'words', more), /^250 /);
    const again = JSON.parse((await quarantine(server, 'list', user, '--json')).out);
    assert.deepEqual([again.kind, again.scanner], ['spam', 'far']);
  });
}

for (const [size, more] of [
  ['small', ''],
  ['large', filler],
] as const) {
  test(`a ${size} message with a virus is kept apart, and no reader of it lets it out`, async () => {
    await using peer = await ScanPeer.start('clamd');
    await using scores = await hook();
    await using server = await startTestServer({
      'listen.imap': '127.0.0.1:0',
      'relay.networks': '192.0.2.0/24',
      'scanners.list': JSON.stringify([
        { name: 'words', kind: 'http', address: scores.url, when: 'all' },
        { name: 'virus', kind: 'clamd', address: peer.address, infected: 'quarantine' },
      ]),
    });
    await server.call('domain.create', { name: 'a.test' });
    await server.call('account.create', { address: user, password });
    await server.call('account.create', { address: 'eve@a.test', password });
    const source = 'require ["copy"]; redirect :copy "eve@a.test"; keep;';
    await server.call('script.put', { account: user, name: 'all', source, activate: true });
    // A scanner before says that it is spam, which its reader may release.
    assert.match(await send(server, 'words', `${more}${badMark}\r\n`), /^250 /);
    const { id, kind, scanner } = JSON.parse(
      (await quarantine(server, 'list', user, '--json')).out,
    );
    assert.deepEqual([kind, scanner], ['policy', 'virus']);
    const shown = await quarantine(server, 'show', user, String(id));
    assert.match(shown.out, /^X-Quarantine: policy; scanner=virus;\n\s+infected=Test\.Virus$/m);
    assert.doesNotMatch(shown.out, new RegExp(badMark));
    const refused = await quarantine(server, 'release', user, String(id));
    assert.equal(refused.out, 'Released 0 messages; 1 message kept apart by a policy.\n');
    const imap = await loggedIn(server);
    assert.match(await counts(imap, 'INBOX'), /MESSAGES 0\b/);
    assert.doesNotMatch(
      (await imap.ok('LIST "" *')).untagged.map(({ raw }) => raw).join(),
      /uarantine/,
    );
    // What is clean is sent on, behind what is not.
    assert.match(await send(server, 'accept'), /^250 /);
    const eve = await loggedIn(server, 'eve@a.test');
    const come = async () => (/MESSAGES 0\b/.test(await counts(eve, 'INBOX')) ? undefined : true);
    await eventually('one sent on', come);
    assert.match(await counts(eve, 'INBOX'), /MESSAGES 1\b/);
    assert.equal((await quarantine(server, 'list', 'eve@a.test')).out, '');
    assert.match(await counts(imap, 'INBOX'), /MESSAGES 1\b/);
    const released = await quarantine(server, 'release', user, String(id), '--force');
    assert.equal(released.out, 'Released 1 message.\n');
    assert.match(await counts(imap, 'INBOX'), /MESSAGES 2\b/);
  });
}

test('attachments that are not to come are refused or kept apart, and not shown', async () => {
  await using server = await startTestServer({
    'scanners.list': JSON.stringify([
      { name: 'files', kind: 'attachments', address: 'policy', when: 'all' },
    ]),
  });
  await server.call('domain.create', { name: 'a.test' });
  await server.call('account.create', { address: user });
  const macros = zipOf([{ name: 'word/vbaProject.bin', bytes: Buffer.from('x') }]);
  const submit = async (name: string, bytes: Uint8Array) => {
    const client = await WireClient.connect(server.ports.smtp!);
    await client.line();
    let reply = '';
    for (const line of [
      ...['HELO far.test', 'MAIL FROM:<bob@far.test>', `RCPT TO:<${user}>`, 'DATA'],
      `${messageWith([[name, bytes]]).toString('latin1')}.`,
    ]) {
      client.send(Buffer.from(`${line}\r\n`));
      reply = (await client.line())!;
    }
    return reply;
  };
  assert.match(await submit('setup.exe', Buffer.from('x')), /^554 5\.7\.1 /);
  assert.match(await submit('a.zip', zipOf([{ name: 'run.js', bytes: macros }])), /^554 5\.7\.1 /);
  assert.match(await submit('plan.docm', macros), /^250 /);
  assert.match(await submit('plan.txt', Buffer.from('text')), /^250 /);
  const { out } = await quarantine(server, 'list', user, '--json');
  const { kind, scanner } = JSON.parse(out);
  assert.deepEqual([kind, scanner], ['policy', 'files']);
});
