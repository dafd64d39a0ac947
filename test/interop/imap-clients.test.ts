/**
 * Aim: mail programs we did not write read mailboxes: Python's imaplib and curl.
 * Method: the real server in this process, the programs beside it; what is missing is skipped and said.
 */

import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { promisify } from 'node:util';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const run = promisify(execFile);
const address = 'ann@example.test';
const password = 'correct horse';

const needs = (program: string) => {
  const isThere =
    spawnSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' }).status === 0;
  return isThere ? {} : { skip: `not installed: ${program}` };
};

async function withAccount(): Promise<TestServer> {
  const anyPort = '127.0.0.1:0';
  const test = await startTestServer({ 'listen.imap': anyPort, 'listen.imaps': anyPort });
  await test.call('domain.create', { name: 'example.test' });
  await test.call('account.create', { address, password });
  return test;
}

const pythonClient = `
import imaplib, ssl, sys, time
host, port, user, word = '127.0.0.1', int(sys.argv[1]), sys.argv[2], sys.argv[3]
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
m = imaplib.IMAP4(host, port)
m.starttls(context)
def ok(answer):
    assert answer[0] == 'OK', answer
    return answer[1]
ok(m.login(user, word))
ok(m.noop())
names = ok(m.list())
assert any(b'INBOX' in name for name in names), names
ok(m.create('Work'))
ok(m.subscribe('Work'))
assert any(b'Work' in name for name in ok(m.lsub())), 'lsub'
message = b'From: a@example.test\\r\\nTo: b@example.test\\r\\nSubject: Hello\\r\\n\\r\\nSome text.\\r\\n'
for n in range(3):
    ok(m.append('Work', '(\\\\Seen)' if n == 0 else None, imaplib.Time2Internaldate(time.time()), message))
assert ok(m.select('Work')) == [b'3']
assert ok(m.search(None, 'UNSEEN')) == [b'2 3']
assert ok(m.search('UTF-8', 'SUBJECT', 'hello')) == [b'1 2 3']
assert ok(m.uid('SEARCH', None, 'BODY', 'text')) == [b'1 2 3']
data = ok(m.fetch('1', '(RFC822)'))
assert data[0][1] == message, data
data = ok(m.uid('FETCH', '2', '(FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])'))
assert data[0][1] == b'Subject: Hello\\r\\n\\r\\n', data
ok(m.fetch('1:*', '(ENVELOPE BODYSTRUCTURE INTERNALDATE RFC822.SIZE)'))
flags = ok(m.store('2', '+FLAGS', '(\\\\Deleted)'))
assert b'Deleted' in flags[0], flags
ok(m.copy('1', 'INBOX'))
assert ok(m.expunge()) == [b'2']
assert ok(m.status('INBOX', '(MESSAGES UIDNEXT)'))[0].endswith(b'(MESSAGES 1 UIDNEXT 2)')
ok(m.uid('MOVE', '3', 'Trash'))
ok(m.rename('Work', 'Play'))
ok(m.close())
ok(m.delete('Play'))
m.logout()
print('done')
`;

it('Python’s imaplib does all it knows', needs('python3'), async () => {
  await using test = await withAccount();
  const args = ['-c', pythonClient, String(test.ports.imap), address, password];
  const { stdout } = await run('python3', args);
  assert.equal(stdout, 'done\n');
});

it('curl appends, lists, searches and fetches over TLS', needs('curl'), async () => {
  await using test = await withAccount();
  const base = `imaps://127.0.0.1:${test.ports.imaps}`;
  const curl = (path: string, ...more: string[]) =>
    run('curl', ['-sSk', '--max-time', '20', '-u', `${address}:${password}`, base + path, ...more]);
  const folder = mkdtempSync(join(tmpdir(), 'chaski-curl-'));
  try {
    const message = 'Subject: From curl\r\n\r\nText.\r\n';
    writeFileSync(join(folder, 'message'), message);
    await curl('/Drafts', '-T', join(folder, 'message'));
    assert.match((await curl('/')).stdout, /\) "\/" INBOX/);
    assert.equal((await curl('/Drafts?SUBJECT%20curl')).stdout, '* SEARCH 1\r\n');
    assert.equal((await curl('/Drafts;UID=1')).stdout, message);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
