/**
 * Aim:    a milter that was asked before DATA hears of the message over the same connection, message after message;
 *         where that cannot be, over another, from the beginning; and no connection outlives its session.
 * Method: the real server between clients and a next hop, with a milter of the test's own beside it.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ScannerSetting } from '../../src/settings/scanners.ts';
import { heldMail } from '../support/account-mail.ts';
import { MilterPeer } from '../support/milter-peer.ts';
import { NextHop } from '../support/next-hop.ts';
import { milterPacket } from '../support/scan-peer.ts';
import { eventually, type SettingsGiven, startTestServer } from '../support/test-server.ts';
import { WireClient } from '../support/wire-client.ts';

const allStages = ['connect', 'helo', 'mail', 'rcpt', 'data'] as const;
const filler = `${'x'.repeat(70)}\r\n`.repeat(5_000);
const sizes = [
  ['small', ''],
  ['large', filler],
] as const;

async function world(given: Partial<ScannerSetting> = {}, more: SettingsGiven = {}) {
  const peer = await MilterPeer.start();
  const hop = await new NextHop().start();
  const row = { name: 'one', kind: 'milter', address: peer.address, when: 'all', msMax: 1_000 };
  const server = await startTestServer({
    'relay.route': `smtp://127.0.0.1:${hop.port}`,
    'scanners.list': JSON.stringify([{ ...row, stages: allStages, ...given }]),
    ...more,
  });
  return {
    ...{ peer, hop, server },
    connect: () => connected(server.ports.smtp!),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await hop[Symbol.asyncDispose]();
      await peer[Symbol.asyncDispose]();
    },
  };
}

async function connected(port: number) {
  const client = await WireClient.connect(port);
  await client.line();
  const say = async (line: string): Promise<string> => {
    client.send(Buffer.from(`${line}\r\n`));
    let reply = (await client.line())!;
    while (reply[3] === '-') reply = (await client.line())!;
    return reply.slice(0, 3);
  };
  /** Replies to the commands, DATA and the message. */
  const bring = async (subject: string, more = '', to = ['bob@there.test']) => {
    const replies: string[] = [];
    for (const line of [
      ...['MAIL FROM:<ann@far.test>', ...to.map((one) => `RCPT TO:<${one}>`), 'DATA'],
      `From: ann@far.test\r\nSubject: ${subject}\r\n\r\n${more}Hello.\r\n.`,
    ])
      replies.push(await say(line));
    return replies.join(' ');
  };
  return { client, say, bring };
}

const taken = '250 250 354 250';
const transaction = ['M <ann@far.test>', 'R <bob@there.test>'];
const shown = (subject: string) => ['T', `L Subject: ${subject}`, 'N', 'E'];

for (const [size, more] of sizes) {
  test(`one connection hears of a session with several ${size} messages`, async () => {
    await using play = await world();
    const { peer } = play;
    peer.says = (packet) =>
      packet.startsWith('R <bad') ? milterPacket('y', '550 5.7.1 Not here\0') : undefined;
    const { bring, say } = await play.connect();
    await say('EHLO far.test');
    assert.equal(await bring('one', more), taken);
    assert.equal(await say('MAIL FROM:<ann@far.test>'), '250');
    assert.equal(await say('RCPT TO:<bob@there.test>'), '250');
    assert.equal(await say('RSET'), '250');
    const to = ['bob@there.test', 'bad@there.test'];
    assert.equal(await bring('two', more, to), '250 250 550 354 250');
    await say('QUIT');
    await eventually('the end', () => (peer.heard[0]!.at(-1) === 'Q' ? true : undefined));
    assert.deepEqual(peer.heard, [
      [
        ...['C [127.0.0.1]', 'H far.test', ...transaction, ...shown('one')],
        ...[...transaction, 'A'],
        ...[...transaction, 'R <bad@there.test>', ...shown('two'), 'Q'],
      ],
    ]);
    assert.equal(peer.bodyBytes[0], 2 * (more.length + 'Hello.\r\n'.length));
    await eventually('both', () => play.hop.messages[1]);
  });

  test(`what a milter changes and refuses at the end of a ${size} message is heeded`, async () => {
    await using play = await world();
    const { peer, hop } = play;
    let ending: Buffer = Buffer.concat([milterPacket('h', 'X-Seen\0yes\0'), milterPacket('c')]);
    peer.says = (packet) => (packet === 'E' ? ending : undefined);
    const { bring, say } = await play.connect();
    await say('EHLO far.test');
    assert.equal(await bring('one', more), taken);
    ending = milterPacket('y', '550 5.7.1 Not that\0');
    assert.equal(await bring('two', more), '250 250 354 554');
    ending = milterPacket('c');
    assert.equal(await bring('three', more), taken);
    assert.equal(peer.heard.length, 1);
    await eventually('both', () => hop.messages[1]);
    const contents = hop.messages.map(({ content }) => content).sort();
    assert.equal(contents.filter((content) => /^X-Seen: yes\r$/m.test(content)).length, 1);
  });
}

test('all at once, in the order it came', async () => {
  await using play = await world();
  const { client } = await play.connect();
  const one = (subject: string) =>
    `MAIL FROM:<ann@far.test>\r\nRCPT TO:<bob@there.test>\r\nDATA\r\nSubject: ${subject}\r\n\r\nx\r\n.\r\n`;
  client.send(Buffer.from(`HELO far.test\r\n${one('one')}${one('two')}QUIT\r\n`));
  const said = (await client.closed()).split('\r\n').map((line) => line.slice(0, 3));
  assert.equal(said.join(' ').trim(), `250 ${taken} ${taken} 221`);
  await eventually('the end', () => (play.peer.heard[0]!.at(-1) === 'Q' ? true : undefined));
  assert.deepEqual(play.peer.heard, [
    [
      ...['C [127.0.0.1]', 'H far.test', ...transaction, ...shown('one'), ...transaction],
      ...[...shown('two'), 'Q'],
    ],
  ]);
});

test('what was not asked before is told with the message', async () => {
  await using play = await world({ stages: ['connect', 'data'] });
  const { bring, say } = await play.connect();
  await say('EHLO far.test');
  for (const subject of ['one', 'two']) assert.equal(await bring(subject), taken);
  assert.deepEqual(play.peer.heard, [
    [
      ...['C [127.0.0.1]', 'H far.test', ...transaction, ...shown('one')],
      ...[...transaction, ...shown('two')],
    ],
  ]);
});

test('a greeting after STARTTLS is told again, on the same connection', async () => {
  await using play = await world();
  const { bring, client, say } = await play.connect();
  await say('EHLO far.test');
  await say('MAIL FROM:<ann@far.test>');
  assert.equal(await say('STARTTLS'), '220');
  await client.startTls();
  await say('EHLO far.test');
  assert.equal(await bring('one'), taken);
  const helo = 'H far.test';
  assert.deepEqual(play.peer.heard, [
    [...['C [127.0.0.1]', helo, 'M <ann@far.test>', 'A', helo, ...transaction], ...shown('one')],
  ]);
  assert.ok(play.peer.macros.includes('{tls_version}'));
});

test('another client by XCLIENT has another conversation', async () => {
  await using play = await world({}, { 'xclient.smtp': '127.0.0.1/32' });
  const { bring, say } = await play.connect();
  await say('EHLO far.test');
  assert.equal(await say('MAIL FROM:<ann@far.test>'), '250');
  assert.equal(await say('XCLIENT ADDR=127.0.0.9'), '503');
  await say('RSET');
  assert.equal(await say('XCLIENT ADDR=127.0.0.9'), '220');
  await say('EHLO far.test');
  assert.equal(await bring('one'), taken);
  await eventually('the end', () => (play.peer.heard[0]!.at(-1) === 'Q' ? true : undefined));
  assert.deepEqual(play.peer.heard, [
    ['C [127.0.0.1]', 'H far.test', 'M <ann@far.test>', 'A', 'Q'],
    ['C [127.0.0.9]', 'H far.test', ...transaction, ...shown('one')],
  ]);
});

test('a milter that was told of an alias takes out all that it led to', async () => {
  await using play = await world();
  const { peer, server } = play;
  await server.call('domain.create', { name: 'a.test' });
  for (const name of ['ann', 'bob', 'eve'])
    await server.call('account.create', { address: `${name}@a.test` });
  const targets = ['ann@a.test', 'bob@a.test'];
  await server.call('alias.set', { address: 'info@a.test', targets, mustBeNew: true });
  peer.says = (packet) =>
    packet === 'E'
      ? Buffer.concat([milterPacket('-', '<info@a.test>\0'), milterPacket('c')])
      : undefined;
  const { bring, say } = await play.connect();
  await say('EHLO far.test');
  const all = ['info@a.test', 'ann@a.test', 'eve@a.test'];
  assert.equal(await bring('one', '', all), '250 250 250 250 354 250');
  const [heard] = peer.heard;
  assert.deepEqual(
    heard!.filter((line) => line.startsWith('R')),
    all.map((address) => `R <${address}>`),
  );
  const counts: number[] = [];
  for (const name of ['ann', 'bob', 'eve']) {
    const held = await heldMail(server, `${name}@a.test`);
    counts.push(held['INBOX']!.length);
  }
  assert.deepEqual(counts, [1, 0, 1], 'named by itself too, one stays');
});

test('a milter that goes silent with the message fails it alone, and is told anew', async () => {
  await using play = await world({ fail: 'closed', msMax: 400 });
  const { peer } = play;
  const { bring, say } = await play.connect();
  await say('EHLO far.test');
  peer.says = (packet) => (packet === 'E' ? 'silent' : undefined);
  assert.equal(await bring('one'), '250 250 354 451');
  peer.says = () => undefined;
  assert.equal(await bring('two'), taken);
  assert.equal(peer.heard.length, 2);
  assert.deepEqual(peer.heard[1], ['C [127.0.0.1]', 'H far.test', ...transaction, ...shown('two')]);
  assert.equal(peer.sockets.size, 1);
});

test('one that went before DATA is shown the message over another connection', async () => {
  await using play = await world({ fail: 'closed' });
  const { peer } = play;
  const { say } = await play.connect();
  await say('EHLO far.test');
  await say('MAIL FROM:<ann@far.test>');
  await say('RCPT TO:<bob@there.test>');
  for (const socket of peer.sockets) socket.destroy();
  await eventually('the end', () => (peer.sockets.size === 0 ? true : undefined));
  assert.equal(await say('DATA'), '354');
  assert.equal(await say('Subject: one\r\n\r\nHello.\r\n.'), '250');
  const [, second] = peer.heard;
  const whole = ['C [127.0.0.1]', 'H far.test', ...transaction, ...shown('one'), 'Q'];
  await eventually('the end', () => (second!.at(-1) === 'Q' ? true : undefined));
  assert.deepEqual(second, whole);
});

test('what nobody shows it is a transaction that it hears the end of', async () => {
  await using play = await world({ bytesMax: 1_024, oversize: 'skip' });
  const { peer } = play;
  const { bring, say } = await play.connect();
  await say('EHLO far.test');
  assert.equal(await bring('large', filler), taken);
  assert.equal(await bring('small'), taken);
  assert.deepEqual(peer.heard, [
    ['C [127.0.0.1]', 'H far.test', ...transaction, 'A', ...transaction, ...shown('small')],
  ]);
});

test('one that wants to hear no more of a sender is not shown the message', async () => {
  await using play = await world();
  const { peer } = play;
  peer.says = (packet) => (packet.startsWith('M') ? milterPacket('a') : undefined);
  const { bring, say } = await play.connect();
  await say('EHLO far.test');
  assert.equal(await bring('one'), taken);
  peer.says = () => undefined;
  assert.equal(await bring('two'), taken);
  const [heard] = peer.heard;
  const first = ['C [127.0.0.1]', 'H far.test', 'M <ann@far.test>', 'A'];
  assert.deepEqual(heard, [...first, ...transaction, ...shown('two')]);
});

test('no connection outlives its session, wherever the client leaves', async () => {
  await using play = await world({ msMax: 600 });
  const { peer } = play;
  for (const leaves of ['greeting', 'sender', 'text', 'end'] as const) {
    const { client, say } = await play.connect();
    await say('EHLO far.test');
    if (leaves !== 'greeting') {
      await say('MAIL FROM:<ann@far.test>');
      await say('RCPT TO:<bob@there.test>');
    }
    if (leaves === 'text' || leaves === 'end') await say('DATA');
    if (leaves === 'text') client.send(Buffer.from('Subject: x\r\n'));
    if (leaves === 'end') {
      peer.says = (packet) => (packet === 'E' ? 'silent' : undefined);
      client.send(Buffer.from('Subject: x\r\n\r\nHello.\r\n.\r\n'));
      await eventually('its end', () => peer.heard.at(-1)!.includes('E') || undefined);
    }
    client.destroy();
    await eventually(`no connection: ${leaves}`, () =>
      peer.sockets.size === 0 ? true : undefined,
    );
  }
  // The message was taken all the same: it fails open.
  await eventually('the message', () => play.hop.messages[0]);
});
