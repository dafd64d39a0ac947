/**
 * Aim:    what scanners say decides what becomes of mail, small or large.
 * Method: the real server before a next hop, with scripted scanners beside it.
 */

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { ScannerSetting } from '../../src/settings/scanners.ts';
import { NextHop } from '../support/next-hop.ts';
import { badMark, ScanPeer } from '../support/scan-peer.ts';
import { eventually, startTestServer } from '../support/test-server.ts';
import { WireClient } from '../support/wire-client.ts';

const headOf = (subject: string) =>
  `From: ann@far.test\r\nX-Spam-Flag: NO\r\nSubject: ${subject}\r\n\r\n`;
const filler = `${'x'.repeat(70)}\r\n`.repeat(5_000);
const sizes = [
  ['small', ''],
  ['large', filler],
] as const;

async function world(given: readonly Partial<ScannerSetting>[]) {
  const hop = await new NextHop().start();
  const server = await startTestServer({
    'relay.route': `smtp://127.0.0.1:${hop.port}`,
    'scanners.list': JSON.stringify(given.map((one) => ({ when: 'all', msMax: 2_000, ...one }))),
  });
  return {
    hop,
    send: (data: string) => conversation(server.ports.smtp!, data),
    taken: (count: number) =>
      eventually(`message ${count}`, () => hop.messages[count - 1]?.content),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await hop[Symbol.asyncDispose]();
    },
  };
}

/** The reply to the end of the message. */
async function conversation(port: number, data: string): Promise<string> {
  const client = await WireClient.connect(port);
  await client.line();
  let reply = '';
  for (const line of [
    ...['HELO far.test', 'MAIL FROM:<ann@far.test>', 'RCPT TO:<bob@there.test>', 'DATA'],
    `${data}.`,
  ]) {
    client.send(Buffer.from(`${line}\r\n`));
    reply = (await client.line())!;
    if (!/^[23]/.test(reply)) break;
  }
  return reply;
}

for (const [size, more] of sizes) {
  test(`a ${size} infected message is refused, a clean one is taken as it came`, async () => {
    await using peer = await ScanPeer.start('clamd');
    await using play = await world([{ name: 'virus', kind: 'clamd', address: peer.address }]);
    assert.match(await play.send(`${headOf('bad')}${more}${badMark}\r\n`), /^554 5\.7\.1 /);
    assert.match(await play.send(`${headOf('good')}${more}ok\r\n`), /^250 /);
    const content = await play.taken(1);
    assert.match(content, /\r\nSubject: good\r\n/);
    assert.ok(content.endsWith(`\r\n\r\n${more}ok\r\n`));
    // It is our word, once we look.
    assert.doesNotMatch(content, /X-Spam-Flag/);
    assert.equal(play.hop.messages.length, 1);
  });

  test(`a ${size} spam message is marked, with what the filter adds`, async () => {
    await using peer = await ScanPeer.start('rspamd');
    await using play = await world([{ name: 'spam', kind: 'rspamd', address: peer.address }]);
    assert.match(await play.send(`${headOf('bad')}${more}${badMark}\r\n`), /^250 /);
    const content = await play.taken(1);
    assert.match(
      content,
      /^X-Spam-Flag: YES\r\nX-Spam-Status: Yes, score=12\.5 required=5 scanner=spam/m,
    );
    assert.match(content, /\r\nX-Seen: yes\r\n/);
    assert.doesNotMatch(content, /X-Spam-Flag: NO/);
    assert.ok(content.endsWith(`${more}${badMark}\r\n`));
  });
}

test('without a verdict mail is taken or asked for later, by the scanner’s own policy', async () => {
  await using peer = await ScanPeer.start('spamd');
  peer.play = 'closing';
  const spam = { name: 'spam', kind: 'spamd', address: peer.address } as const;
  await using open = await world([{ ...spam, fail: 'open' }]);
  assert.match(await open.send(`${headOf('one')}${badMark}\r\n`), /^250 /);
  await using closed = await world([{ ...spam, fail: 'closed' }]);
  assert.match(await closed.send(`${headOf('two')}ok\r\n`), /^451 4\.7\.1 /);
  peer.play = 'honest';
  assert.match(await closed.send(`${headOf('three')}ok\r\n`), /^250 /);
  assert.match(await closed.taken(1), /Subject: three/);
});

test('mail of who is trusted does not wait for a scanner of strangers’ mail', async () => {
  await using peer = await ScanPeer.start('clamd');
  peer.play = 'silent';
  const hop = await new NextHop().start();
  await using _hop = hop;
  await using server = await startTestServer({
    'relay.networks': '127.0.0.1/32',
    'relay.route': `smtp://127.0.0.1:${hop.port}`,
    'scanners.list': JSON.stringify([
      { name: 'virus', kind: 'clamd', address: peer.address, when: 'untrusted', fail: 'closed' },
    ]),
  });
  const startMs = performance.now();
  for (let n = 0; n < 5; n++)
    assert.match(await conversation(server.ports.smtp!, `${headOf('own')}ok\r\n`), /^250 /);
  assert.ok(performance.now() - startMs < 5_000);
  assert.equal(peer.heard.length, 0);
});

/** A hook that always says the same. */
async function hookOf(answer: object) {
  const server = createServer((request, response) => {
    request.resume().on('end', () => response.end(JSON.stringify(answer)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    address: `http://127.0.0.1:${port}/hook`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

for (const [size, more] of sizes) {
  test(`the envelope of a ${size} message is changed, or it is dropped where that is said`, async () => {
    await using changing = await hookOf({
      action: 'accept',
      edits: [
        { kind: 'change-sender', address: 'list@far.test' },
        { kind: 'add-recipient', address: 'dan@there.test' },
        { kind: 'remove-recipient', address: 'bob@there.test' },
      ],
    });
    await using play = await world([{ name: 'hook', kind: 'http', address: changing.address }]);
    assert.match(await play.send(`${headOf('changed')}${more}ok\r\n`), /^250 /);
    await play.taken(1);
    const { sender, recipients } = play.hop.messages[0]!;
    assert.deepEqual([sender, recipients], ['list@far.test', ['dan@there.test']]);

    await using discarding = await hookOf({ action: 'discard' });
    const hook = { name: 'hook', kind: 'http', address: discarding.address } as const;
    await using refusing = await world([hook]);
    assert.match(await refusing.send(`${headOf('no')}${more}ok\r\n`), /^554 5\.7\.1 /);
    await using dropping = await world([{ ...hook, discard: 'drop' }]);
    assert.match(await dropping.send(`${headOf('gone')}${more}ok\r\n`), /^250 /);
    assert.equal(dropping.hop.messages.length, 0);
  });
}
