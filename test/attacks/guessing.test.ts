/**
 * Aim: passwords guessed from many addresses, or for many names from one, come to an end, while honest users get in.
 * Method: the whole server behind a proxy that says which address each connection comes from (PROXY v1), POP3 with TLS
 *         first and SMTP, and what operators are shown of it.
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { rest } from '../support/rest-client.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const ann = 'ann@here.test';
const password = 'correct horse';

class Line {
  readonly #socket: Socket;
  readonly #lines: AsyncIterator<string>;

  constructor(port: number, address: string) {
    this.#socket = connect({ port, host: '127.0.0.1' });
    this.#socket.on('error', () => {});
    this.#socket.write(`PROXY TCP4 ${address} 127.0.0.1 40000 110\r\n`);
    this.#lines = createInterface({ input: this.#socket })[Symbol.asyncIterator]();
  }

  async read(): Promise<string> {
    return ((await this.#lines.next()).value as string | undefined) ?? '';
  }

  async say(text: string): Promise<string> {
    this.#socket.write(`${text}\r\n`);
    return await this.read();
  }

  async end(): Promise<void> {
    if (this.#socket.closed) return;
    this.#socket.destroy();
    await once(this.#socket, 'close');
  }
}

type Outcome = 'in' | 'refused' | 'waits' | 'banned';

/** One connection, one guess. */
async function guess(
  { ports }: TestServer,
  address: string,
  user: string,
  secret: string,
): Promise<Outcome> {
  const line = new Line(ports.pop3!, address);
  try {
    if (/^-ERR \[SYS\/TEMP\] Too many failed/.test(await line.read())) return 'banned';
    await line.say(`USER ${user}`);
    const reply = await line.say(`PASS ${secret}`);
    if (reply.startsWith('+OK')) return 'in';
    return reply.startsWith('-ERR [AUTH]') ? 'refused' : 'waits';
  } finally {
    await line.end();
  }
}

async function guarded(folder?: string): Promise<TestServer> {
  const proxied = ['smtp', 'submission', 'pop3', 'imap'].map((name) => [
    `proxy.${name}`,
    '127.0.0.1',
  ]);
  const settings = {
    ...Object.fromEntries(proxied),
    ...{
      'listen.pop3': '127.0.0.1:0',
      'listen.imap': '127.0.0.1:0',
      'listen.http': '127.0.0.1:0',
      'http.trustedProxies': '127.0.0.1',
      'relay.networks': '',
    },
    // Behind a proxy that ends TLS.
    'login.clearNetworks': '0.0.0.0/0',
    'guard.failuresPerAddressMax': '8',
    'guard.failuresPerNameMax': '12',
    // How late answers come is no question here.
    'guard.tarpitMs': '10ms',
    'login.failuresMax': '100',
  };
  return await startTestServer(settings, folder === undefined ? {} : { folder });
}

async function withAnn(): Promise<TestServer> {
  const server = await guarded();
  await server.call('domain.create', { name: 'here.test' });
  await server.call('account.create', { address: ann, password });
  return server;
}

test('credentials stuffed from one address end with its ban on every listener', async () => {
  await using server = await withAnn();
  const outcomes: Outcome[] = [];
  for (let i = 0; i < 10; i++) {
    outcomes.push(await guess(server, '203.0.113.7', `nobody${i}@here.test`, 'guess'));
  }
  assert.deepEqual(outcomes.slice(0, 8), new Array(8).fill('refused'));
  assert.deepEqual(outcomes.slice(8), ['banned', 'banned']);
  const smtp = new Line(server.ports.smtp!, '203.0.113.7');
  assert.equal(
    await smtp.read(),
    '421 4.7.0 Too many failed log-ins from your network, try again later',
  );
  await smtp.end();
  const imap = new Line(server.ports.imap!, '203.0.113.7');
  assert.match(await imap.read(), /^\* BYE \[UNAVAILABLE\] /);
  await imap.end();
  const url = `http://127.0.0.1:${server.ports.http}/healthz`;
  const from = (address: string) => fetch(url, { headers: { 'x-forwarded-for': address } });
  assert.equal((await from('203.0.113.7')).status, 429);
  assert.equal((await from('203.0.113.8')).status, 200);
  assert.equal(await guess(server, '203.0.113.8', ann, password), 'in');
  const { bans } = await server.call('ban.list', {});
  assert.deepEqual(
    bans.map(({ network, by, times }) => [network, by, times]),
    [['203.0.113.7/32', 'guard', 1]],
  );
  await server.call('ban.remove', { network: '203.0.113.7' });
  assert.equal(await guess(server, '203.0.113.7', ann, password), 'in');
});

test('one password sprayed from many addresses is stopped, and its owner still gets in', async () => {
  await using server = await withAnn();
  assert.equal(await guess(server, '192.0.2.1', ann, password), 'in');
  const count = Number(process.env.SPRAY_ADDRESSES ?? 60);
  const outcomes: Outcome[] = [];
  for (let i = 0; i < count; i++) {
    const address = `198.${18 + (i >> 8)}.${i & 255}.1`;
    outcomes.push(await guess(server, address, ann, `guess ${i}`));
    if (i % 20 === 19) assert.equal(await guess(server, '192.0.2.1', ann, password), 'in');
  }
  assert.deepEqual(new Set(outcomes.slice(0, 12)), new Set(['refused']));
  const tried = outcomes.filter((outcome) => outcome === 'refused').length;
  assert.ok(tried <= 12 + count / 20, `${tried} of ${count} guesses were tried`);
  assert.ok(!outcomes.includes('in'));
});

const apiPlaces = ['GET /api/v1/sessions', 'POST /api/v1/messages'];

test('API keys and tokens that are guessed end with a ban, those of ours that are over do not', async () => {
  await using server = await withAnn();
  const tried = async (address: string, token: string, i: number) => {
    const headers = { 'x-forwarded-for': address };
    return (await rest(server, apiPlaces[i % 2]!, { token, headers })).status;
  };
  const { value } = await rest(server, 'POST /api/v1/token', {
    ...{ token: '', body: { name: ann, password } },
  });
  const { accessToken } = value;
  await rest(server, 'POST /api/v1/token/revoke', { token: '', body: { token: accessToken } });
  const forged = `${accessToken.slice(0, -8)}AAAAAAAA`;
  const guesses = [`chaski_1_${'A'.repeat(43)}`, forged];
  for (const [n, guessed] of guesses.entries()) {
    const statuses: number[] = [];
    for (let i = 0; i < 10; i++) statuses.push(await tried(`192.0.2.${n + 1}`, guessed, i));
    assert.deepEqual(statuses, [...new Array(8).fill(401), 429, 429], guessed.slice(0, 8));
  }
  for (let i = 0; i < 10; i++) assert.equal(await tried('192.0.2.9', accessToken, i), 401);
  assert.equal((await server.call('ban.list', {})).bans.length, 2);
});

test('bans of the guard and of operators outlast a restart', async () => {
  const first = await withAnn();
  for (let i = 0; i < 8; i++) await guess(first, '203.0.113.9', `x${i}@here.test`, 'guess');
  await first.call('ban.add', { network: '198.51.100.0/24', forMs: 60_000, reason: 'by hand' });
  await first.stop();
  const second = await guarded(first.folder);
  try {
    assert.equal(await guess(second, '203.0.113.9', ann, password), 'banned');
    assert.equal(await guess(second, '198.51.100.77', ann, password), 'banned');
    assert.equal(await guess(second, '203.0.113.10', ann, password), 'in');
  } finally {
    await second.stop();
    await first[Symbol.asyncDispose]();
  }
});
