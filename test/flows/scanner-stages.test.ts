/**
 * Aim:    scanners are asked at the stages that settings name, in the session's order whatever a client sends ahead; a
 *         refusal answers its own command alone; without an answer, mail goes by the scanner's own policy.
 * Method: the real server, with a hook and a milter of the test's own beside it.
 */

import assert from 'node:assert/strict';
import { createServer as createHttp } from 'node:http';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import type { ScannerSetting } from '../../src/settings/scanners.ts';
import { milterAgreed, milterPacket, milterPacketIn } from '../support/scan-peer.ts';
import { eventually, startTestServer } from '../support/test-server.ts';
import { WireClient } from '../support/wire-client.ts';

const stages = ['connect', 'helo', 'mail', 'rcpt'] as const;

/** Says no to what has `bad` in it, and `later` to what has that. */
async function hook() {
  const heard: string[] = [];
  const server = createHttp((request, response) => {
    let body = '';
    request.on('data', (part) => (body += part));
    request.on('end', () => {
      const { stage, peerAddress, helo, sender, recipient } = JSON.parse(body);
      const facts = { connect: peerAddress, helo, mail: sender, rcpt: recipient };
      const about = facts[stage as 'helo'];
      heard.push(`${stage} ${about}`);
      const answer = /bad/.test(about!)
        ? { action: 'reject', text: '550 5.7.1 Not here' }
        : { action: /later/.test(about!) ? 'defer' : 'accept' };
      response.end(JSON.stringify(answer));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    ...{ heard, address: `http://127.0.0.1:${port}/hook`, kind: 'http' as const },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Says no to a packet with `bad` in it; silent on demand. */
async function milter() {
  const heard: string[] = [];
  const sockets = new Set<Socket>();
  const state = { isSilent: false, connections: 0 };
  const server = createServer((socket) => {
    sockets.add(socket);
    state.connections++;
    let got = Buffer.alloc(0);
    socket.on('error', () => {});
    socket.on('data', (part) => {
      got = Buffer.concat([got, part]);
      for (let packet = milterPacketIn(got); packet !== undefined; packet = milterPacketIn(got)) {
        got = got.subarray(packet.read);
        const { command, data } = packet;
        if (command !== 'D') heard.push(`${command} ${data.toString('latin1').split('\0')[0]}`);
        if (state.isSilent || 'DAQ'.includes(command)) continue;
        if (command === 'O') socket.write(milterAgreed);
        else if (data.includes('bad')) socket.write(milterPacket('y', '550 5.7.1 Not here\0'));
        else socket.write(milterPacket('c'));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    ...{ heard, state, address: `127.0.0.1:${port}`, kind: 'milter' as const },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function world(given: Partial<ScannerSetting>) {
  const row = { name: 'one', when: 'all', msMax: 1_000, stages, ...given };
  return await startTestServer({
    'relay.route': 'smtp://127.0.0.1:1',
    'scanners.list': JSON.stringify([row]),
  });
}

async function said(port: number, lines: readonly string[], isAhead: boolean): Promise<string[]> {
  const client = await WireClient.connect(port);
  const replies = [(await client.line())!];
  if (isAhead) client.send(Buffer.from(lines.map((line) => `${line}\r\n`).join('')));
  for (const line of lines) {
    if (!isAhead) client.send(Buffer.from(`${line}\r\n`));
    replies.push((await client.line())!);
  }
  return replies.map((reply) => reply.slice(0, 3));
}

const session = [
  ...['HELO bad.test', 'HELO far.test', 'MAIL FROM:<bad@far.test>', 'MAIL FROM:<ann@far.test>'],
  ...['RCPT TO:<bob@there.test>', 'RCPT TO:<bad@there.test>', 'RCPT TO:<cat@there.test>', 'RSET'],
  ...['MAIL FROM:<>', 'RCPT TO:<bad2@there.test>', 'QUIT'],
];
const codes = ['220', '550', '250', '550', '250', '250', '550', '250', '250', '250', '550', '221'];

for (const start of [hook, milter]) {
  for (const isAhead of [false, true]) {
    const how = isAhead ? 'all at once' : 'line by line';
    test(`a ${start.name} refuses its own command alone, ${how}`, async () => {
      await using peer = await start();
      await using server = await world({ kind: peer.kind, address: peer.address });
      assert.deepEqual(await said(server.ports.smtp!, session, isAhead), codes);
      if ('state' in peer) {
        // One conversation for all of it; it hears of the end of each transaction.
        assert.equal(peer.state.connections, 1);
        await eventually('the end', () => peer.heard.includes('Q ') || undefined);
        assert.deepEqual(
          peer.heard.map((line) => line.replace(/[<>]/g, '')),
          [
            ...['O ', 'C [127.0.0.1]', 'H bad.test', 'H far.test', 'M bad@far.test', 'A '],
            ...['M ann@far.test', 'R bob@there.test', 'R bad@there.test', 'R cat@there.test', 'A '],
            ...['M ', 'R bad2@there.test', 'A ', 'Q '],
          ].map((line) => (line.startsWith('O') ? peer.heard[0]! : line)),
        );
      }
    });
  }

  test(`without an answer of a ${start.name}, by its policy`, async () => {
    await using peer = await start();
    const address = start === hook ? 'http://127.0.0.1:1/' : '127.0.0.1:1';
    const lines = ['HELO far.test', 'MAIL FROM:<ann@far.test>', 'RCPT TO:<bob@there.test>', 'QUIT'];
    const away = { kind: peer.kind, address, stages: ['rcpt'] as const };
    await using open = await world({ ...away, fail: 'open' });
    assert.deepEqual(await said(open.ports.smtp!, lines, true), [
      '220',
      '250',
      '250',
      '250',
      '221',
    ]);
    await using closed = await world({ ...away, fail: 'closed' });
    const later = ['220', '250', '250', '451', '221'];
    assert.deepEqual(await said(closed.ports.smtp!, lines, true), later);
    await using first = await world({ ...away, stages: ['connect'], fail: 'closed' });
    assert.deepEqual(await said(first.ports.smtp!, [], true), ['421']);
  });
}

test('a milter that goes silent is given up in time, and told anew of the session', async () => {
  await using peer = await milter();
  await using server = await world({
    kind: peer.kind,
    address: peer.address,
    stages: ['mail', 'rcpt'],
    msMax: 300,
  });
  const client = await WireClient.connect(server.ports.smtp!);
  await client.line();
  const ask = async (line: string) => {
    client.send(Buffer.from(`${line}\r\n`));
    return (await client.line())!.slice(0, 3);
  };
  assert.equal(await ask('HELO far.test'), '250');
  assert.equal(await ask('MAIL FROM:<ann@far.test>'), '250');
  peer.state.isSilent = true;
  assert.equal(await ask('RCPT TO:<bad@there.test>'), '250', 'it fails open');
  peer.state.isSilent = false;
  peer.heard.length = 0;
  assert.equal(await ask('RCPT TO:<bad@there.test>'), '550');
  assert.deepEqual(
    peer.heard.slice(1).map((line) => line.replace(/[<>]/g, '')),
    ['C [127.0.0.1]', 'H far.test', 'M ann@far.test', 'R bad@there.test'],
  );
});

for (const start of [hook, milter]) {
  test(`a ${start.name} is asked about the client that a proxy speaks for`, async () => {
    await using peer = await start();
    await using server = await startTestServer({
      ...{ 'relay.networks': '', 'xclient.smtp': '127.0.0.0/8' },
      'scanners.list': JSON.stringify([
        { name: 'one', kind: peer.kind, address: peer.address, stages: ['connect', 'helo'] },
      ]),
    });
    const good = 'XCLIENT ADDR=192.0.2.7 HELO=far.test PROTO=ESMTP';
    const replies = (...lines: string[]) => said(server.ports.smtp!, lines, true);
    assert.deepEqual(await replies(good, 'QUIT'), ['220', '220', '221']);
    assert.deepEqual(await replies('XCLIENT ADDR=IPV6:2001:db8::bad'), ['220', '554']);
    const named = ['XCLIENT ADDR=192.0.2.7 HELO=bad.test', 'MAIL FROM:<>', 'QUIT'];
    assert.deepEqual(await replies(...named), ['220', '550', '503', '221']);
  });
}

test('a client that a milter refuses as such stays refused, and one that changes is told again', async () => {
  await using peer = await milter();
  await using server = await startTestServer({
    ...{ 'relay.networks': '', 'xclient.smtp': '127.0.0.0/8' },
    'scanners.list': JSON.stringify([
      { name: 'one', kind: peer.kind, address: peer.address, stages: ['rcpt'] },
    ]),
  });
  await server.call('domain.create', { name: 'a.test' });
  await server.call('account.create', { address: 'ann@a.test' });
  const lines = (address: string) => [
    ...[`XCLIENT ADDR=${address}`, 'HELO far.test', 'MAIL FROM:<bob@far.test>'],
    ...['RCPT TO:<ann@a.test>', 'RCPT TO:<ann@a.test>', 'RSET', 'MAIL FROM:<eve@far.test>'],
    ...['RCPT TO:<ann@a.test>', 'QUIT'],
  ];
  const good = ['220', '220', '250', '250', '250', '250', '250', '250', '250', '221'];
  assert.deepEqual(await said(server.ports.smtp!, lines('192.0.2.7'), true), good);
  const refused = good.map((code, at) => ([4, 5, 8].includes(at) ? '550' : code));
  const bad = lines('IPV6:2001:db8::bad');
  assert.deepEqual(await said(server.ports.smtp!, bad, true), refused);
});
