/**
 * Aim: a message too large to be held whole comes through byte for byte, by DATA and by BDAT, to a next hop and into
 *      accounts, and what is not accepted leaves nothing behind.
 * Method: the real server with a small client; files of side segments are looked at from outside.
 */

import assert from 'node:assert/strict';
import { globSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { relayEnvironment, serve } from '../../bench/servers/chaski.ts';
import { freePort, untilGreets } from '../../bench/servers/free-port.ts';
import { askedHere } from '../../src/actors/asks/principal.ts';
import { emptyBytes } from '../../src/base/bytes.ts';
import { mebibyte } from '../../src/base/units.ts';
import { LargeHop } from '../support/large-hop.ts';
import {
  eventually,
  type SettingsGiven,
  startTestServer,
  type TestServer,
} from '../support/test-server.ts';
import { WireClient } from '../support/wire-client.ts';

/** Lines of text, some with a dot in front: `bytes` of them at least. */
function largeText(bytes: number): Buffer {
  const header = 'From: x@far.test\r\nTo: y@there.test\r\nSubject: large\r\n\r\n';
  const lines: string[] = [];
  let length = header.length;
  for (let number = 0; length < bytes; number++) {
    const line = `${number % 7 === 0 ? '.' : ''}line ${number} ${'abcdefghij'.repeat(number % 9)}\r\n`;
    lines.push(line);
    length += line.length;
  }
  return Buffer.from(header + lines.join(''), 'latin1');
}

function stuffed(text: Buffer): Buffer {
  return Buffer.from(text.toString('latin1').replace(/^\./gm, '..'), 'latin1');
}

async function open(port: number, hello = 'EHLO'): Promise<WireClient> {
  const client = await WireClient.connect(port);
  await client.line();
  await say(client, `${hello} client.test`);
  return client;
}

/** The last line of the reply. */
async function say(client: WireClient, command: string): Promise<string> {
  client.send(Buffer.from(`${command}\r\n`));
  return await reply(client);
}

async function reply(client: WireClient): Promise<string> {
  for (;;) {
    const line = await client.line();
    if (line === undefined || line[3] !== '-') return line ?? '';
  }
}

async function envelope(client: WireClient, recipients: readonly string[]): Promise<void> {
  await say(client, 'MAIL FROM:<x@far.test>');
  for (const recipient of recipients) {
    assert.match(await say(client, `RCPT TO:<${recipient}>`), /^250/);
  }
}

async function byData(client: WireClient, text: Buffer): Promise<string> {
  assert.match(await say(client, 'DATA'), /^354/);
  client.send(stuffed(text));
  return await say(client, '.');
}

async function byChunks(client: WireClient, text: Buffer, chunkBytes: number): Promise<string> {
  for (let at = 0; ; at += chunkBytes) {
    const piece = text.subarray(at, at + chunkBytes);
    const isLast = at + chunkBytes >= text.length;
    client.send(Buffer.from(`BDAT ${piece.length}${isLast ? ' LAST' : ''}\r\n`));
    client.send(piece);
    const answer = await reply(client);
    if (isLast || !answer.startsWith('250')) return answer;
  }
}

function bodyBytes({ folder }: { readonly folder: string }): number {
  const files = globSync(join(folder, 'data/shards/*/journal/*.body'));
  return files.reduce((sum, file) => sum + statSync(file).size, 0);
}

describe('a large message', () => {
  for (const [way, bytes] of [
    ['DATA', 3 * mebibyte],
    ['DATA', 30 * mebibyte],
    ['BDAT', 3 * mebibyte],
    ['BDAT', 30 * mebibyte],
  ] as const) {
    it(`of ${bytes / mebibyte} MB by ${way} reaches the next hop as it was`, async () => {
      await using hop = await new LargeHop(way === 'BDAT').start();
      await using test = await startTestServer({ 'relay.route': `smtp://127.0.0.1:${hop.port}` });
      const text = largeText(bytes);
      const client = await open(test.ports.smtp!);
      await envelope(client, ['y@there.test']);
      const answer =
        way === 'DATA' ? await byData(client, text) : await byChunks(client, text, 700_000);
      assert.match(answer, /^250 2\.0\.0/);
      const [taken] = await eventually('the message', () =>
        hop.messages.length > 0 ? hop.messages : undefined,
      );
      const wanted = way === 'DATA' ? stuffed(text) : text;
      assert.ok(wanted.equals(taken!.text));
      await eventually('the file to go', () => (bodyBytes(test) === 0 ? true : undefined));
      client.destroy();
    });
  }

  it('gets into accounts of several shards and threads, by a spool where there are many', async () => {
    await using test = await startAccounts({ workers: '2' });
    const text = largeText(3 * mebibyte);
    const client = await open(test.ports.smtp!);
    await envelope(client, [people[0]!]);
    assert.match(await byData(client, text), /^250/);
    await envelope(client, people);
    assert.match(await byData(client, text), /^250/);
    for (const [index, person] of people.entries()) {
      const copies = await exported(test, person, index === 0 ? 2 : 1);
      for (const copy of copies) assert.ok(text.equals(afterFields(copy)), person);
    }
    client.destroy();
    await eventually('a copy for each, and none in the spool', () => {
      const copies = Math.floor(bodyBytes(test) / text.length);
      return copies === people.length + 1 ? true : undefined;
    });
  });

  it('by LMTP is answered for each recipient, with one body for each of their shards', async () => {
    await using test = await startAccounts();
    await test.call('account.set', { address: people[1]!, quotaBytes: mebibyte });
    const text = largeText(3 * mebibyte);
    const client = await open(test.ports.lmtp!, 'LHLO');
    await envelope(client, people);
    const answers = [await byData(client, text)];
    while (answers.length < people.length) answers.push(await reply(client));
    assert.deepEqual(
      answers.map((answer) => answer.slice(0, 3)),
      people.map((_, index) => (index === 1 ? '452' : '250')),
    );
    const [copy] = await exported(test, people[2]!, 1);
    assert.ok(text.equals(afterFields(copy!)));
    client.destroy();
    await eventually('the refused copy to go', () =>
      bodyBytes(test) < people.length * text.length ? true : undefined,
    );
  });

  it('handed in by an operator is taken in chunks as well', async () => {
    await using test = await startAccounts();
    const text = largeText(3 * mebibyte);
    const handler = test.server.handlers['message.send']!;
    const { signal } = new AbortController();
    const params = { sender: 'x@far.test', recipients: [people[0]!] };
    await handler(params, { by: askedHere, body: text, signal, emit: async () => {} });
    const [copy] = await exported(test, people[0]!, 1);
    assert.ok(text.equals(afterFields(copy!)));
    assert.ok(bodyBytes(test) >= text.length);
  });

  it('outlives a compaction and a rebuilt index, and is checked with all else', async () => {
    await using test = await startAccounts();
    const text = largeText(3 * mebibyte);
    const client = await open(test.ports.smtp!);
    await envelope(client, [people[0]!]);
    assert.match(await byData(client, text), /^250/);
    client.destroy();
    await test.call('store.compact', { shards: [] });
    await test.call('store.rebuild', { shards: [] });
    const [copy] = await exported(test, people[0]!, 1);
    assert.ok(text.equals(afterFields(copy!)));
    const { bytes, findingCount } = await test.call('store.verify', { shards: [] });
    assert.ok(bytes > text.length);
    assert.equal(findingCount, 0);
  });

  it('that is refused in the end, or never ends, leaves nothing', async () => {
    await using test = await startTestServer({ 'smtp.messageBytesMax': '2MB' });
    const text = largeText(1.5 * mebibyte);
    const lost = await open(test.ports.smtp!);
    await envelope(lost, ['y@there.test']);
    await say(lost, 'DATA');
    lost.send(text);
    await eventually('a file', () => (bodyBytes(test) > mebibyte ? true : undefined));
    lost.destroy();
    await eventually('the file to go', () => (bodyBytes(test) === 0 ? true : undefined));
    const client = await open(test.ports.smtp!);
    await envelope(client, ['y@there.test']);
    assert.match(await byData(client, Buffer.concat([text, text])), /^552/);
    await envelope(client, ['y@there.test']);
    assert.match(await byData(client, Buffer.concat([text, Buffer.from('bare\n\r\n')])), /^5/);
    await eventually('the files to go', () => (bodyBytes(test) === 0 ? true : undefined));
    client.destroy();
  });

  it('that was coming in when the server was killed leaves nothing after the next start', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'chaski-large-'));
    const port = await freePort();
    const environment = relayEnvironment(join(folder, 'data'), port, 1);
    let server = serve(environment, folder);
    try {
      await untilGreets(port, 90_000, () => server.isRunning);
      const client = await open(port);
      await envelope(client, ['y@there.test']);
      await say(client, 'DATA');
      client.send(largeText(5 * mebibyte));
      await eventually('a file', () => (bodyBytes({ folder }) > 3 * mebibyte ? true : undefined));
      await server.stop('SIGKILL');
      client.destroy();
      assert.ok(bodyBytes({ folder }) > 0);
      server = serve(environment, folder);
      await untilGreets(port, 90_000, () => server.isRunning);
      assert.equal(bodyBytes({ folder }), 0);
    } finally {
      await server.stop('SIGKILL');
      rmSync(folder, { recursive: true });
    }
  });
});

const people = ['ann', 'ben', 'cid', 'dee', 'eve', 'fay'].map((name) => `${name}@here.test`);

async function startAccounts(overrides: SettingsGiven = {}): Promise<TestServer> {
  const test = await startTestServer(overrides);
  await test.call('domain.create', { name: 'here.test' });
  for (const address of people) await test.call('account.create', { address });
  return test;
}

async function exported(test: TestServer, account: string, count: number): Promise<Buffer[]> {
  return await eventually(`messages of ${account}`, async () => {
    const copies: Buffer[] = [];
    await test.server.handlers['mailbox.export']!(
      { account, mailbox: 'INBOX' },
      {
        by: askedHere,
        body: emptyBytes as Buffer,
        signal: new AbortController().signal,
        emit: async ({ offset }, bytes) => {
          const piece = Buffer.from(bytes ?? emptyBytes);
          copies.push(offset === 0 ? piece : Buffer.concat([copies.pop()!, piece]));
        },
      },
    );
    return copies.length === count ? copies : undefined;
  });
}

/** Without the fields put on top. */
function afterFields(copy: Buffer): Buffer {
  return copy.subarray(copy.indexOf('From: '));
}
