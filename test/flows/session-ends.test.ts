/**
 * Aim: open sessions of mail programs end within a second of what let them in.
 * Method: the server as users run it, its control socket, and sessions of IMAP, POP3 and SMTP that wait.
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type TLSSocket } from 'node:tls';
import { rest } from '../support/rest-client.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const password = 'correct horse';
const withinMs = 1_000;

let server: TestServer;

/** A session over TLS; what comes is kept, and when it ended. */
class Open {
  readonly socket: TLSSocket;
  heard = '';
  isOver = false;

  private constructor(socket: TLSSocket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.heard += chunk.toString();
    });
    for (const event of ['end', 'close', 'error']) {
      socket.on(event, () => {
        this.isOver = true;
      });
    }
  }

  static async to(port: number): Promise<Open> {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    return new Open(socket);
  }

  async until(pattern: RegExp): Promise<void> {
    for (let i = 0; i < 500 && !pattern.test(this.heard); i++) await sleep(10);
    assert.match(this.heard, pattern);
  }

  async say(text: string, answer: RegExp): Promise<void> {
    this.heard = '';
    this.socket.write(`${text}\r\n`);
    await this.until(answer);
  }

  async endsSoon(what: string): Promise<void> {
    const startMs = performance.now();
    while (!this.isOver && performance.now() - startMs < withinMs) await sleep(10);
    assert.ok(this.isOver, `${what}: still open after ${withinMs} ms`);
    this.socket.destroy();
  }
}

const sasl = (address: string, secret: string) =>
  Buffer.from(`\0${address}\0${secret}`).toString('base64');

type Protocol = 'imaps' | 'pop3s' | 'submissions';
const protocols: readonly Protocol[] = ['imaps', 'pop3s', 'submissions'];
const lastWords = { imaps: /^\* BYE /m, pop3s: /^/, submissions: /^421 4\.7\.0 /m };

async function loggedIn(protocol: Protocol, exchange: string): Promise<Open> {
  const open = await Open.to(server.ports[protocol]!);
  await open.until(/\r\n/);
  if (protocol === 'submissions') await open.say('EHLO client.test', /^250 /m);
  const verb = protocol === 'imaps' ? 'a AUTHENTICATE' : 'AUTH';
  await open.say(`${verb} ${exchange}`, /^(?:a OK|\+OK|235)/m);
  if (protocol === 'imaps') {
    await open.say('b SELECT INBOX', /^b OK/m);
    await open.say('c IDLE', /^\+ /m);
  }
  if (protocol === 'submissions') await open.say(`MAIL FROM:<>`, /^250/m);
  open.heard = '';
  return open;
}

let people = 0;
async function somebody(): Promise<string> {
  people++;
  const address = `p${people}@here.test`;
  await server.call('account.create', { address, password });
  return address;
}

before(async () => {
  server = await startTestServer({
    'listen.imaps': '127.0.0.1:0',
    'listen.pop3s': '127.0.0.1:0',
    'listen.submissions': '127.0.0.1:0',
    'listen.http': '127.0.0.1:0',
  });
  await server.call('domain.create', { name: 'here.test', signWith: ['ed25519-sha256'] });
});

after(async () => await server[Symbol.asyncDispose]());

const deeds: Readonly<Record<string, (address: string) => Promise<unknown>>> = {
  'is disabled': (address) => server.call('account.set', { address, isEnabled: false }),
  'is deleted': (address) => server.call('account.delete', { address }),
  'has a new password': (address) =>
    server.call('account.password', { address, password: 'battery staple' }),
};

for (const [deed, act] of Object.entries(deeds)) {
  test(`sessions of an account that ${deed} end, those of others stay`, async () => {
    const address = await somebody();
    const other = await somebody();
    const plain = (who: string) => `PLAIN ${sasl(who, password)}`;
    const own = await Promise.all(protocols.map((each) => loggedIn(each, plain(address))));
    const others = await Promise.all(protocols.map((each) => loggedIn(each, plain(other))));
    await act(address);
    await Promise.all(own.map((open, i) => open.endsSoon(protocols[i]!)));
    for (const [i, protocol] of protocols.entries()) {
      assert.match(own[i]!.heard, lastWords[protocol], protocol);
    }
    for (const open of others) {
      assert.equal(open.isOver, false);
      open.socket.destroy();
    }
  });
}

test('an app password that is revoked, and a token’s session that ends, take theirs along', async () => {
  const address = await somebody();
  const made = await server.call('app-password.create', {
    ...{ address, name: 'phone', scopes: ['imap', 'pop3', 'smtp'] },
  });
  const body = { name: address, password };
  const { value } = await rest(server, 'POST /api/v1/token', { token: '', body });
  const bearer = Buffer.from(
    `user=${address}\x01auth=Bearer ${value.accessToken}\x01\x01`,
  ).toString('base64');
  const open = (exchange: string) => Promise.all(protocols.map((each) => loggedIn(each, exchange)));
  const byApp = await open(`PLAIN ${sasl(address, made.password)}`);
  const byToken = await open(`XOAUTH2 ${bearer}`);
  const byPassword = await open(`PLAIN ${sasl(address, password)}`);
  await server.call('app-password.revoke', { address, id: made.appPassword.id });
  await Promise.all(byApp.map((each) => each.endsSoon('app password')));
  assert.ok([...byToken, ...byPassword].every(({ isOver }) => !isOver));
  await server.call('session.clear', { account: address });
  await Promise.all(byToken.map((each) => each.endsSoon('token')));
  for (const each of byPassword) {
    assert.equal(each.isOver, false);
    each.socket.destroy();
  }
});

test('what an account may send as is what it may now, not when it logged in', async () => {
  const address = await somebody();
  const open = await loggedIn('submissions', `PLAIN ${sasl(address, password)}`);
  await open.say('RSET', /^250/m);
  await open.say('MAIL FROM:<sales@here.test>', /^553/m);
  await server.call('account.set', { address, sendAs: ['sales@here.test'] });
  await open.say('MAIL FROM:<sales@here.test>', /^250/m);
  await open.say('RSET', /^250/m);
  await server.call('account.set', { address, sendAs: [] });
  await open.say('MAIL FROM:<sales@here.test>', /^553/m);
  open.socket.destroy();
});
