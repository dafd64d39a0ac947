/**
 * Aim: connections that begin a log-in and never end it keep nobody else out, as long as a listener has places.
 * Method: the whole server behind a proxy that says which address each connection comes from. Slow ones say half a
 *         line, begin an exchange and fall silent, or give an octet a second; meanwhile honest users log in by each
 *         protocol. `SLOW_CONNECTIONS=2000 SLOW_SECONDS=75` by hand: then those that did not log in have to be gone,
 *         but for SMTP, whose time between commands is RFC 5321's five minutes.
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { mebibyte } from '../../src/base/units.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const count = Number(process.env.SLOW_CONNECTIONS ?? 240);
const seconds = Number(process.env.SLOW_SECONDS ?? 0);
const honestPerWay = 12;
/** Beside a whole test run on two cores; quiet it is some tens. */
const honestMsMax = 3_000;
const bytesPerConnectionMax = mebibyte;

const user = 'ann@here.test';
const password = 'correct horse';
const shown = Buffer.from(`\0${user}\0${password}`).toString('base64');

let server: TestServer;
let peers = 0;

before(async () => {
  const proxied = ['smtp', 'pop3', 'imap'].map((name) => [`proxy.${name}`, '127.0.0.1']);
  server = await startTestServer({
    ...Object.fromEntries(proxied),
    ...{ 'listen.pop3': '127.0.0.1:0', 'listen.imap': '127.0.0.1:0', 'listen.http': '127.0.0.1:0' },
    ...{ 'login.clearNetworks': '0.0.0.0/0', 'http.connectionsMax': '10000' },
  });
  await server.call('domain.create', { name: 'here.test' });
  await server.call('account.create', { address: user, password });
});
after(async () => await server[Symbol.asyncDispose]());

type Way = 'imap' | 'pop3' | 'smtp' | 'http';

/** What each slow one says at once, and goes on with octet by octet. */
const begun: readonly (readonly [Way, string])[] = [
  ['imap', 'a LOGI'],
  ['imap', 'a AUTHENTICATE PLAIN\r\n'],
  ['imap', 'a LOGIN {13}\r\n'],
  ['pop3', 'US'],
  ['pop3', 'AUTH PLAIN\r\n'],
  ['smtp', 'EHL'],
  ['http', 'POST /api/v1/token HTTP/1.1\r\nHost: here.test\r\n'],
  [
    'http',
    'POST /api/v1/token HTTP/1.1\r\nHost: here.test\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{',
  ],
];

function open(way: Way): Socket {
  const socket = connect({ port: server.ports[way]!, host: '127.0.0.1' });
  socket.on('error', () => {});
  peers++;
  // An address of its own for each: those by address are bounded anyway.
  const address = `60.${(peers >>> 16) & 255}.${(peers >>> 8) & 255}.${peers & 255}`;
  if (way !== 'http') socket.write(`PROXY TCP4 ${address} 127.0.0.1 40000 143\r\n`);
  return socket;
}

interface Slow {
  readonly way: Way;
  readonly socket: Socket;
}

async function slowOnes(): Promise<readonly Slow[]> {
  const slow: Slow[] = [];
  for (let number = 0; number < count; number++) {
    const [way, text] = begun[number % begun.length]!;
    const socket = open(way);
    socket.resume();
    socket.write(text);
    slow.push({ way, socket });
    if (number % 50 === 49) await sleep(20);
  }
  return slow;
}

/** One honest log-in: milliseconds. */
async function logIn(way: Way): Promise<number> {
  const startMs = performance.now();
  if (way === 'http') {
    const response = await fetch(`http://127.0.0.1:${server.ports.http}/api/v1/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: user, password }),
    });
    assert.equal(response.status, 200, await response.text());
    return performance.now() - startMs;
  }
  const [ask, good] = {
    imap: [`a AUTHENTICATE PLAIN ${shown}\r\n`, /^a OK/m] as const,
    pop3: [`AUTH PLAIN ${shown}\r\n`, /^\+OK.*\r\n\+OK/m] as const,
    smtp: ['EHLO client.test\r\n', /^250 /m] as const,
  }[way];
  const socket = open(way);
  let told = '';
  socket.on('data', (bytes) => {
    told += bytes.toString('latin1');
  });
  await once(socket, 'data');
  socket.write(ask);
  while (!good.test(told)) {
    assert.ok(performance.now() - startMs < 30_000, `${way}: ${told}`);
    await Promise.race([once(socket, 'data'), sleep(1_000)]);
  }
  socket.destroy();
  return performance.now() - startMs;
}

test('honest users log in beside those that never come to an end', async (t) => {
  const ways: readonly Way[] = ['imap', 'pop3', 'smtp', 'http'];
  for (const way of ways) await logIn(way);
  const before = process.memoryUsage().rss;
  const slow = await slowOnes();
  const drip = setInterval(() => {
    for (const { socket } of slow) if (!socket.destroyed) socket.write('x');
  }, 1_000);
  try {
    for (const way of ways) {
      const times: number[] = [];
      for (let turn = 0; turn < honestPerWay; turn++) times.push(await logIn(way));
      times.sort((a, b) => a - b);
      const most = times.at(-1)!;
      t.diagnostic(`${way}: ${times.length} of ${honestPerWay}, ${most.toFixed(0)} ms at most`);
      assert.ok(most < honestMsMax, `${way}: ${most} ms`);
    }
    const grown = (process.memoryUsage().rss - before) / count;
    t.diagnostic(`${count} slow ones: ${(grown / 1_024).toFixed(0)} kB each, both ends`);
    assert.ok(grown < bytesPerConnectionMax, `${grown} bytes each`);
    const open = slow.filter(({ socket }) => !socket.destroyed).length;
    assert.ok(open > count / 2, `only ${open} slow ones were there`);
    if (seconds > 0) await ended(slow, (text) => t.diagnostic(text));
  } finally {
    clearInterval(drip);
    for (const { socket } of slow) socket.destroy();
  }
});

async function ended(slow: readonly Slow[], tell: (text: string) => void): Promise<void> {
  await sleep(seconds * 1_000);
  for (const way of ['imap', 'pop3', 'http', 'smtp'] as const) {
    const all = slow.filter((each) => each.way === way);
    const open = all.filter(({ socket }) => !socket.destroyed).length;
    tell(`${way}: ${open} of ${all.length} slow ones are open after ${seconds} s`);
    if (way !== 'smtp') assert.equal(open, 0, way);
  }
}
