/**
 * Aim: programs we did not write speak with the server: swaks logs in and sends, Postfix's generator and sink take
 *      part in a relay, its LMTP mode delivers into an account.
 * Method: the real server in this process, Debian's `swaks` and `postfix` beside it; what is missing is skipped and said.
 */

import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { it } from 'node:test';
import { promisify } from 'node:util';
import { eventually, startTestServer, type TestServer } from '../support/test-server.ts';

const run = promisify(execFile);
const password = 'correct horse';

const hasProgram = (name: string) =>
  spawnSync('sh', ['-c', `command -v ${name}`], { stdio: 'ignore' }).status === 0;
const needs = (...names: string[]) => {
  const missing = names.filter((name) => !hasProgram(name));
  return missing.length === 0 ? {} : { skip: `not installed: ${missing.join(', ')}` };
};

async function withAccounts(overrides: Record<string, string> = {}): Promise<TestServer> {
  const test = await startTestServer({ 'listen.submissions': '127.0.0.1:0', ...overrides });
  await test.call('domain.create', { name: 'example.test' });
  for (const name of ['ann', 'bob']) {
    await test.call('account.create', { address: `${name}@example.test`, password });
  }
  return test;
}

async function inboxCount(test: TestServer, account: string): Promise<number> {
  const { mailboxes } = await test.call('mailbox.list', { account });
  return mailboxes.find(({ role }) => role === 'inbox')!.messageCount;
}

for (const [way, options] of [
  ['STARTTLS and PLAIN', ['--tls', '--auth', 'PLAIN']],
  ['TLS from the first byte and LOGIN', ['--tls-on-connect', '--auth', 'LOGIN']],
] as const) {
  it(`swaks logs in over ${way}, and its mail arrives`, needs('swaks'), async () => {
    await using test = await withAccounts();
    const port = way.startsWith('STARTTLS') ? test.ports.submission : test.ports.submissions;
    const { stdout } = await run('swaks', [
      ...['--server', `127.0.0.1:${port}`, ...options, '--auth-user', 'ann@example.test'],
      ...['--auth-password', password, '--from', 'ann@example.test', '--to', 'bob@example.test'],
    ]);
    assert.match(stdout, /250 2\.0\.0 Ok: queued as/);
    assert.equal(await inboxCount(test, 'bob@example.test'), 1);
  });
}

it('swaks is refused with a wrong password, and as another sender', needs('swaks'), async () => {
  await using test = await withAccounts();
  const swaks = (user: string, word: string, from: string) =>
    run('swaks', [
      ...['--server', `127.0.0.1:${test.ports.submission}`, '--tls', '--auth', 'PLAIN'],
      ...['--auth-user', user, '--auth-password', word, '--from', from, '--to', 'bob@example.test'],
    ]).then(
      () => assert.fail('it was taken'),
      (error: { stdout: string }) => error.stdout,
    );
  assert.match(await swaks('ann@example.test', 'wrong', 'ann@example.test'), /535 5\.7\.8/);
  assert.match(await swaks('ann@example.test', password, 'bob@example.test'), /553 5\.7\.1/);
  assert.equal(await inboxCount(test, 'bob@example.test'), 0);
});

it(
  'Postfix’s generator sends through to Postfix’s sink',
  needs('smtp-source', 'smtp-sink'),
  async () => {
    const port = await freePort();
    const sink = spawn('smtp-sink', ['-u', 'nobody', '-c', `127.0.0.1:${port}`, '100']);
    try {
      const counted = countOf(sink);
      await eventually('the sink', () => isListening(port));
      await using test = await startTestServer({ 'relay.route': `smtp://127.0.0.1:${port}` });
      await run('smtp-source', [
        '-s',
        '5',
        '-m',
        '200',
        '-l',
        '3000',
        `127.0.0.1:${test.ports.smtp}`,
      ]);
      await eventually('200 messages at the sink', () => (counted() === 200 ? true : undefined));
    } finally {
      sink.kill();
      await once(sink, 'exit');
    }
  },
);

it('Postfix’s generator delivers over LMTP into an account', needs('smtp-source'), async () => {
  await using test = await withAccounts();
  await run('smtp-source', [
    ...['-L', '-s', '4', '-m', '100', '-l', '3000', '-d', '-f', 'sender@else.test'],
    ...['-t', 'bob@example.test', `127.0.0.1:${test.ports.lmtp}`],
  ]);
  assert.equal(await inboxCount(test, 'bob@example.test'), 100);
});

/** smtp-sink -c prints its counters on one line, over and over. */
function countOf(sink: ChildProcess): () => number {
  let text = '';
  sink.stdout!.on('data', (bytes: Buffer) => {
    text = (text + bytes.toString('latin1')).slice(-500);
  });
  return () => Number([...text.matchAll(/mesg=(\d+)/g)].at(-1)?.[1] ?? 0);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

async function isListening(port: number): Promise<true | undefined> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return undefined;
  } finally {
    socket.destroy();
  }
}
