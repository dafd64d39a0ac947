/**
 * Aim: log-ins by each mechanism against the whole server, and what a tenant demands of them.
 * Method: the server as users run it, its control socket, and a client of IMAP, SMTP and POP3 over TLS that knows SASL.
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { ScramClient } from '../support/scram-client.ts';
import { startTestServer } from '../support/test-server.ts';

const address = 'ann@here.test';
const password = 'correct horse';

const listeners = {
  'listen.imaps': '127.0.0.1:0',
  'listen.pop3s': '127.0.0.1:0',
  'listen.submissions': '127.0.0.1:0',
};

type Protocol = 'imaps' | 'pop3s' | 'submissions';

class Line {
  readonly socket: TLSSocket;
  readonly #lines: AsyncIterator<string>;

  private constructor(socket: TLSSocket) {
    this.socket = socket;
    this.#lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  }

  static async open(port: number): Promise<Line> {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const line = new Line(socket);
    await line.read();
    return line;
  }

  async read(): Promise<string> {
    return (await this.#lines.next()).value as string;
  }

  async say(text: string): Promise<string> {
    this.socket.write(`${text}\r\n`);
    return await this.read();
  }

  /** Of several lines, the last. */
  async sayEhlo(): Promise<readonly string[]> {
    const lines = [await this.say('EHLO client.test')];
    while (lines.at(-1)!.startsWith('250-')) lines.push(await this.read());
    return lines;
  }
}

const verbs = { imaps: 'a AUTHENTICATE', pop3s: 'AUTH', submissions: 'AUTH' } as const;

async function lineOf(port: number, protocol: Protocol): Promise<Line> {
  const line = await Line.open(port);
  if (protocol === 'submissions') await line.sayEhlo();
  return line;
}

function decoded(challenge: string): string {
  return Buffer.from(challenge.replace(/^(?:\+|334) ?/, ''), 'base64').toString();
}

/** The server's last line. */
async function scram(line: Line, protocol: Protocol, name: string, secret = password) {
  const isPlus = name.endsWith('-PLUS');
  const client = new ScramClient({
    hash: name.includes('256') ? 'sha256' : 'sha1',
    user: address,
    password: secret,
    ...(isPlus
      ? {
          flag: 'p=tls-exporter',
          channel: line.socket.exportKeyingMaterial(
            32,
            'EXPORTER-Channel-Binding',
            Buffer.alloc(0),
          ),
        }
      : {}),
  });
  const first = await line.say(`${verbs[protocol]} ${name} ${client.first().toString('base64')}`);
  const last = await line.say(client.final(decoded(first)).toString('base64'));
  if (!/^(?:\+|334) /.test(last) || last.startsWith('+OK')) return last;
  assert.ok(client.isServer(decoded(last)), 'the server knows the verifier');
  return await line.say('');
}

const isIn = /^(?:a OK|\+OK|235)/;

test('SCRAM logs in on each protocol, bound to its TLS or not, and nobody who guesses', async () => {
  await using server = await startTestServer(listeners);
  await server.call('domain.create', { name: 'here.test' });
  await server.call('account.create', { address, password });
  const before = await Line.open(server.ports.imaps!);
  assert.doesNotMatch(await before.say('a CAPABILITY'), /SCRAM/);
  await server.call('policy.set', { tenant: 'default', allowsScram: true });
  // Verifiers are made with a password.
  await server.call('account.password', { address, password });
  for (const protocol of ['imaps', 'pop3s', 'submissions'] as const) {
    for (const name of ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256', 'SCRAM-SHA-1-PLUS', 'SCRAM-SHA-1']) {
      const line = await lineOf(server.ports[protocol]!, protocol);
      assert.match(await scram(line, protocol, name), isIn, `${protocol} ${name}`);
      line.socket.destroy();
    }
    const guess = await lineOf(server.ports[protocol]!, protocol);
    const refused = await scram(guess, protocol, 'SCRAM-SHA-256', 'wrong');
    assert.match(refused, /^(?:a NO \[AUTHENTICATIONFAILED\]|-ERR \[AUTH\]|535 5\.7\.8)/, protocol);
    guess.socket.destroy();
  }
  const line = await Line.open(server.ports.submissions!);
  const auth = (await line.sayEhlo()).find((one) => /^250.AUTH /.test(one));
  const offered =
    'SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-256 SCRAM-SHA-1 OAUTHBEARER XOAUTH2 PLAIN LOGIN';
  assert.equal(auth?.slice(4), `AUTH ${offered}`);
  line.socket.destroy();
  before.socket.destroy();
});

test('a tenant that demands a second factor takes app passwords, and says so to who knows the other', async () => {
  await using server = await startTestServer(listeners);
  await server.call('domain.create', { name: 'here.test' });
  await server.call('account.create', { address, password });
  const made = await server.call('app-password.create', {
    address,
    name: 'phone',
    scopes: ['imap', 'smtp'],
  });
  await server.call('policy.set', { tenant: 'default', needsSecondFactor: true });
  const plain = async (protocol: Protocol, secret: string) => {
    const line = await lineOf(server.ports[protocol]!, protocol);
    const response = Buffer.from(`\0${address}\0${secret}`).toString('base64');
    const answer = await line.say(`${verbs[protocol]} PLAIN ${response}`);
    line.socket.destroy();
    return answer;
  };
  assert.match(await plain('imaps', password), /^a NO \[AUTHORIZATIONFAILED\] .*app password/);
  assert.match(await plain('pop3s', password), /^-ERR \[AUTH\] .*app password/);
  assert.match(await plain('submissions', password), /^534 5\.7\.9 .*app password/);
  assert.match(await plain('imaps', 'wrong'), /^a NO \[AUTHENTICATIONFAILED\]/);
  assert.match(await plain('imaps', made.password), isIn);
  assert.match(await plain('submissions', made.password), isIn);
  assert.match(
    await plain('pop3s', made.password),
    /^-ERR \[AUTH\] Log-in failed/,
    'not its scope',
  );
  const { appPasswords } = await server.call('app-password.list', { address });
  assert.equal(appPasswords[0]?.lastUse?.address, '127.0.0.1');
  await server.call('app-password.revoke', { address, id: made.appPassword.id });
  assert.match(await plain('imaps', made.password), /^a NO/);
});
