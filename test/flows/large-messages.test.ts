/**
 * Aim: a message too large to be held whole comes through byte for byte, by DATA and by BDAT, to a next hop and into
 *      accounts, and what is not accepted leaves nothing behind.
 * Method: the real server with a small client; files of side segments are looked at from outside.
 */

import assert from 'node:assert/strict';
import { globSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { mebibyte } from '../../src/base/units.ts';
import { LargeHop } from '../support/large-hop.ts';
import { eventually, startTestServer, type TestServer } from '../support/test-server.ts';
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

function bodyBytes(test: TestServer): number {
  const files = globSync(join(test.folder, 'data/shards/*/journal/*.body'));
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
});
