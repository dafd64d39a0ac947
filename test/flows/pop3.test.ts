/**
 * Aim: a person's POP3 program downloads what came and deletes it: by STLS and by TLS from the first byte, beside an
 *      IMAP program on the same INBOX; what QUIT deleted stays deleted, and nothing else does.
 * Method: the real server, its own listeners, lines over a socket.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { ImapClient } from '../support/imap-client.ts';
import { deliverByLmtp } from '../support/lmtp-delivery.ts';
import { startTestServer, type TestServer, type TestServerPlace } from '../support/test-server.ts';
import { WireClient } from '../support/wire-client.ts';

const anyPort = '127.0.0.1:0';
const address = 'ann@here.test';
const password = 'correct horse';
const listen = { 'listen.pop3': anyPort, 'listen.pop3s': anyPort, 'listen.imap': anyPort };

async function startMail(
  overrides: Readonly<Record<string, string>> = {},
  place?: TestServerPlace,
): Promise<TestServer> {
  const test = await startTestServer({ ...listen, ...overrides }, place);
  if (place === undefined) {
    await test.call('domain.create', { name: 'here.test' });
    await test.call('account.create', { address, password });
  }
  return test;
}

const deliver = (test: TestServer, subject: string, text = 'Text.') =>
  deliverByLmtp(
    test.ports.lmtp!,
    address,
    `From: Sam <s@far.test>\r\nTo: Ann <${address}>\r\nSubject: ${subject}\r\n\r\n${text}`,
  );

async function say(client: WireClient, line: string): Promise<string> {
  client.send(Buffer.from(`${line}\r\n`));
  return (await client.line())!;
}

/** The lines of a multi-line response, without the first and the last. */
async function lines(client: WireClient, line: string): Promise<string[]> {
  assert.match(await say(client, line), /^\+OK/);
  const all: string[] = [];
  for (;;) {
    const next = (await client.line())!;
    if (next === '.') return all;
    all.push(next.replace(/^\./, ''));
  }
}

async function logIn(test: TestServer): Promise<WireClient> {
  const client = await WireClient.connect(test.ports.pop3!);
  assert.match((await client.line())!, /^\+OK mx\.test/);
  assert.match(await say(client, 'STLS'), /^\+OK/);
  await client.startTls();
  assert.match(await say(client, `USER ${address}`), /^\+OK/);
  assert.match(await say(client, `PASS ${password}`), /^\+OK/);
  return client;
}

describe('a POP3 program', () => {
  it('downloads what came and deletes it, for good', async () => {
    const first = await startMail();
    await deliver(first, 'One');
    await deliver(first, 'Two', '.dot\r\nend');
    await deliver(first, 'Three');
    const client = await logIn(first);
    assert.match(await say(client, 'STAT'), /^\+OK 3 \d+$/);
    const uids = await lines(client, 'UIDL');
    assert.equal(new Set(uids.map((line) => line.split(' ')[1])).size, 3);
    const two = await lines(client, 'RETR 2');
    assert.ok(two.includes('Subject: Two'));
    assert.deepEqual(two.slice(-3), ['', '.dot', 'end']);
    const sizes = await lines(client, 'LIST');
    assert.equal(sizes[1], `2 ${two.join('\r\n').length + 2}`);
    assert.ok((await lines(client, 'TOP 3 0')).includes('Subject: Three'));
    assert.match(await say(client, 'DELE 1'), /^\+OK/);
    assert.match(await say(client, 'DELE 3'), /^\+OK/);
    assert.equal(await say(client, 'QUIT'), '+OK Bye: 2 messages deleted');
    await client.closed();
    await first.stop();
    await using second = await startMail({}, { folder: first.folder });
    const after = await logIn(second);
    assert.deepEqual(await lines(after, 'UIDL'), [`1 ${uids[1]!.split(' ')[1]}`]);
    after.destroy();
  });

  it('is let in by TLS from the first byte, and by AUTH', async () => {
    await using test = await startMail();
    const socket = connectTls({
      ...{ port: test.ports.pop3s!, host: '127.0.0.1', rejectUnauthorized: false },
    });
    let heard = '';
    socket.on('data', (chunk) => {
      heard += chunk.toString();
    });
    const plain = Buffer.from(`\0${address}\0${password}`).toString('base64');
    socket.write(`AUTH PLAIN ${plain}\r\nSTAT\r\nQUIT\r\n`);
    await new Promise((resolve) => socket.once('close', resolve));
    assert.equal(heard, '+OK mx.test ready\r\n+OK Logged in: 0 messages\r\n+OK 0 0\r\n+OK Bye\r\n');
  });

  it('and an IMAP program do not disturb each other', async () => {
    await using test = await startMail();
    for (const subject of ['One', 'Two', 'Three']) await deliver(test, subject);
    const client = await logIn(test);
    const imap = await ImapClient.connect(test.ports.imap!);
    await imap.response();
    await imap.ok('STARTTLS');
    await imap.startTls();
    await imap.ok(`LOGIN ${address} "${password}"`);
    await imap.ok('SELECT INBOX');
    await imap.ok('STORE 1 +FLAGS.SILENT (\\Deleted)');
    await imap.ok('EXPUNGE');
    assert.equal(await say(client, 'RETR 1'), '-ERR There is no such message');
    assert.ok((await lines(client, 'RETR 2')).includes('Subject: Two'));
    assert.match(await say(client, 'DELE 2'), /^\+OK/);
    assert.equal((await imap.ok('NOOP')).untagged.length, 0, 'nothing is deleted before QUIT');
    assert.match(await say(client, 'QUIT'), /^\+OK/);
    const told = (await imap.ok('NOOP')).untagged.map(({ raw }) => raw);
    assert.deepEqual(told, ['* 1 EXPUNGE', '* 1 RECENT']);
    imap.destroy();
  });

  it('gets a message of megabytes, as it came', async () => {
    await using test = await startMail();
    const text = Array.from({ length: 60_000 }, (_, i) => `.line ${i} of a long text`).join('\r\n');
    await deliver(test, 'Long', text);
    const client = await logIn(test);
    const got = await lines(client, 'RETR 1');
    assert.equal(got.slice(got.indexOf('') + 1).join('\r\n'), text);
    assert.match(await say(client, 'NOOP'), /^\+OK/);
    client.destroy();
  });

  it('meets the limits that are set', async () => {
    const limits = {
      'pop3.messagesMax': '1',
      'pop3.errorsMax': '1',
      'pop3.connectionsMax': '1',
    };
    await using test = await startMail(limits);
    await deliver(test, 'One');
    await deliver(test, 'Two');
    const client = await logIn(test);
    assert.ok((await lines(client, 'RETR 1')).includes('Subject: Two'));
    const refused = await WireClient.connect(test.ports.pop3!);
    assert.equal(await refused.line(), '-ERR [SYS/TEMP] Too many connections');
    assert.match(await say(client, 'WOBBLE'), /^-ERR Unknown/);
    assert.match(await say(client, 'WOBBLE'), /^-ERR Too many errors/);
    await client.closed();
    refused.destroy();
  });
});
