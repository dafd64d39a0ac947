/**
 * Aim: POP3 programs we did not write download mail: Python's poplib, curl, fetchmail and mpop.
 * Method: the real server in this process, the programs beside it; what is missing is skipped and said.
 */

import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { promisify } from 'node:util';
import { deliverByLmtp } from '../support/lmtp-delivery.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const run = promisify(execFile);
const address = 'ann@example.test';
const password = 'correct horse';

const needs = (program: string) => {
  const isThere =
    spawnSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' }).status === 0;
  return isThere ? {} : { skip: `not installed: ${program}` };
};

interface Mail extends AsyncDisposable {
  readonly test: TestServer;
  /** For files of the program. */
  readonly folder: string;
}

/** A server whose account has three messages, with subjects One, Two and Three. */
async function withMail(): Promise<Mail> {
  const anyPort = '127.0.0.1:0';
  const test = await startTestServer({ 'listen.pop3': anyPort, 'listen.pop3s': anyPort });
  await test.call('domain.create', { name: 'example.test' });
  await test.call('account.create', { address, password });
  for (const subject of ['One', 'Two', 'Three']) {
    const message = `From: a@example.test\r\nSubject: ${subject}\r\n\r\n.text of ${subject}\r\nend`;
    await deliverByLmtp(test.ports.lmtp!, address, message);
  }
  const folder = mkdtempSync(join(tmpdir(), 'chaski-pop3-'));
  return {
    test,
    folder,
    async [Symbol.asyncDispose]() {
      rmSync(folder, { recursive: true });
      await test[Symbol.asyncDispose]();
    },
  };
}

/** Asked of the server itself. */
async function messagesLeft(test: TestServer): Promise<number> {
  const { account } = await test.call('account.show', { address });
  return account.messageCount!;
}

const pythonClient = `
import poplib, ssl, sys
host, port, user, word = '127.0.0.1', int(sys.argv[1]), sys.argv[2], sys.argv[3]
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
p = poplib.POP3(host, port)
assert 'STLS' in p.capa() and 'UIDL' in p.capa()
p.stls(context)
assert 'PLAIN' in p.capa()['SASL'], p.capa()
p.utf8()
p.user(user)
p.pass_(word)
count, size = p.stat()
assert count == 3, count
listed = [line.split() for line in p.list()[1]]
assert sum(int(octets) for _, octets in listed) == size
assert p.list(2) == b'+OK 2 ' + listed[1][1], p.list(2)
uids = p.uidl()[1]
assert len(set(uids)) == 3 and p.uidl(3).startswith(b'+OK 3 ')
_, lines, octets = p.retr(2)
assert lines[-2:] == [b'.text of Two', b'end'], lines
assert octets == int(listed[1][1]), (octets, listed)
_, lines, _ = p.top(1, 1)
assert lines[-1] == b'.text of One', lines
p.noop()
p.dele(1)
p.rset()
p.dele(2)
p.quit()
p = poplib.POP3_SSL(host, int(sys.argv[4]), context=context)
p.user(user)
p.pass_(word)
assert p.uidl()[1] == [b'1 ' + uids[0].split()[1], b'2 ' + uids[2].split()[1]], p.uidl()
p.quit()
print('done')
`;

it('Python’s poplib does all it knows', needs('python3'), async () => {
  await using mail = await withMail();
  const { pop3, pop3s } = mail.test.ports;
  const args = ['-c', pythonClient, String(pop3), address, password, String(pop3s)];
  const { stdout } = await run('python3', args);
  assert.equal(stdout, 'done\n');
  assert.equal(await messagesLeft(mail.test), 2);
});

it('curl lists, fetches and deletes, by STLS and over TLS', needs('curl'), async () => {
  await using mail = await withMail();
  const { pop3, pop3s } = mail.test.ports;
  const login = ['-sSk', '--max-time', '20', '-u', `${address}:${password}`];
  const plain = (path: string, ...more: string[]) =>
    run('curl', [...login, '--ssl-reqd', `pop3://127.0.0.1:${pop3}${path}`, ...more]);
  const secure = (path: string, ...more: string[]) =>
    run('curl', [...login, `pop3s://127.0.0.1:${pop3s}${path}`, ...more]);
  assert.match((await plain('/')).stdout, /^1 \d+\r\n2 \d+\r\n3 \d+\r\n$/);
  assert.match((await secure('/2')).stdout, /Subject: Two\r\n\r\n\.text of Two\r\nend\r\n$/);
  assert.match((await secure('/', '-X', 'UIDL')).stdout, /^1 \d+\.1\r\n/);
  await secure('/1', '-X', 'DELE', '-I');
  assert.equal(await messagesLeft(mail.test), 2);
});

it('fetchmail keeps what it should, and takes the rest', needs('fetchmail'), async () => {
  await using mail = await withMail();
  const { folder, test } = mail;
  const deliver = join(folder, 'deliver');
  writeFileSync(deliver, `#!/bin/sh\ncat >> '${join(folder, 'mail')}'\n`, { mode: 0o700 });
  const file = join(folder, 'rc');
  const fetchmail = async (how: string) => {
    const settings = `set no syslog
set idfile "${join(folder, 'ids')}"
poll 127.0.0.1 protocol pop3 port ${test.ports.pop3} uidl
  user "${address}" password "${password}" ${how} sslproto "TLS1.2+" no sslcertck mda "${deliver}"
`;
    writeFileSync(file, settings, { mode: 0o600 });
    const args = ['-f', file, '--pidfile', join(folder, 'pid')];
    await run('fetchmail', args, { env: { ...process.env, HOME: folder } });
  };
  await fetchmail('keep');
  assert.equal(await messagesLeft(test), 3);
  const nothingNew = 1;
  await assert.rejects(fetchmail('keep'), { code: nothingNew });
  const got = readFileSync(join(folder, 'mail'), 'utf8');
  const subjects = ['Subject: One', 'Subject: Two', 'Subject: Three'];
  assert.deepEqual(got.match(/^Subject: .*$/gm), subjects);
  assert.match(got, /^\.text of Two$/m);
  await fetchmail('no keep fetchall');
  assert.equal(await messagesLeft(test), 0);
});

it('mpop takes all there is, pipelined', needs('mpop'), async () => {
  await using mail = await withMail();
  const { folder, test } = mail;
  const settings = `account ann
host 127.0.0.1
port ${test.ports.pop3s}
tls on
tls_starttls off
tls_certcheck off
user ${address}
password ${password}
pipelining on
uidls_file ${join(folder, 'uidls')}
delivery mbox ${join(folder, 'mail')}
keep off
`;
  const file = join(folder, 'rc');
  writeFileSync(file, settings, { mode: 0o600 });
  await run('mpop', ['-q', '-C', file, 'ann'], { env: { ...process.env, HOME: folder } });
  const got = readFileSync(join(folder, 'mail'), 'utf8');
  assert.deepEqual(got.match(/^Subject: .*$/gm), [
    'Subject: One',
    'Subject: Two',
    'Subject: Three',
  ]);
  assert.equal(await messagesLeft(test), 0);
});
