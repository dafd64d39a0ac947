/**
 * Aim: a Maildir that we export is one to Dovecot, and an account that Dovecot serves comes back over IMAP as it was.
 * Method: Debian's Dovecot serves the exported tree; `migrate imap` copies it into another account, and both are compared.
 */

import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { it } from 'node:test';
import { dovecotIsInstalled } from '../../bench/servers/dovecot.ts';
import { freePort } from '../../bench/servers/free-port.ts';
import { askedHere } from '../../src/actors/asks/principal.ts';
import { concat, latin1 } from '../../src/base/bytes.ts';
import { Child } from '../../src/harness/child.ts';
import { command, heldMail } from '../support/account-mail.ts';
import { testCertificate } from '../support/certificate.ts';
import { eventually, startTestServer, type TestServer } from '../support/test-server.ts';

const [ann, ben] = ['ann@here.test', 'ben@here.test'];
/** Debian's user and group for mail. */
const mailId = 8;

async function startDovecot(
  folder: string,
): Promise<{ readonly port: number; readonly child: Child }> {
  const [clear, port] = [await freePort(), await freePort()];
  const { cert, key } = testCertificate();
  writeFileSync(join(folder, 'cert.pem'), cert);
  writeFileSync(join(folder, 'key.pem'), key);
  const file = join(folder, 'dovecot.conf');
  writeFileSync(
    file,
    `base_dir = ${folder}/run
state_dir = ${folder}/state
log_path = ${folder}/dovecot.log
protocols = imap
listen = 127.0.0.1
ssl = required
ssl_cert = <${folder}/cert.pem
ssl_key = <${folder}/key.pem
mail_location = maildir:${folder}/mail/%n
first_valid_uid = 1
passdb {
  driver = static
  args = password=secret
}
userdb {
  driver = static
  args = uid=mail gid=mail home=${folder}/mail/%n allow_all_users=yes
}
namespace inbox {
  inbox = yes
  separator = /
  mailbox Sent {
    special_use = \\Sent
  }
}
service imap-login {
  inet_listener imap {
    port = ${clear}
  }
  inet_listener imaps {
    port = ${port}
    ssl = yes
  }
}
`,
  );
  const args = ['-F', '-c', file];
  const child = new Child({ command: 'dovecot', args, outputFile: join(folder, 'server.log') });
  try {
    await eventually('Dovecot', () => connects(port));
  } catch (error) {
    await child.stop();
    throw error;
  }
  return { port, child };
}

function connects(port: number): Promise<true | undefined> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port });
    const end = (answer: true | undefined) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(undefined));
  });
}

/** Ann's mail: flags, keywords, dates, a mailbox below another, text as mail programs write it. */
async function fill(test: TestServer): Promise<void> {
  await test.call('domain.create', { name: 'here.test' });
  for (const address of [ann, ben]) await test.call('account.create', { address });
  const handler = test.server.handlers['mailbox.import']!;
  const { signal } = new AbortController();
  const flagSets = [[], ['\\Seen'], ['\\Flagged', '\\Answered'], ['$Own', '\\Seen'], ['\\Deleted']];
  for (const mailbox of ['INBOX', 'Sent', 'Lists/Entwürfe']) {
    await test.call('mailbox.create', { account: ann, name: mailbox, mayExist: true });
    const texts = Array.from({ length: 60 }, (_, i) => {
      const text = 'A line.\r\nFrom here, another.\r\n'.repeat(i);
      return `From: s@far.test\r\nSubject: ${i}\r\nMessage-ID: <${i}@x>\r\n\r\nText ${i}.\r\n${text}`;
    });
    const messages = texts.map((text, i) => ({
      ...{ bytes: text.length, occurrence: 1, flags: flagSets[i % flagSets.length]! },
      internalMs: 1_700_000_000_000 + 60_000 * i,
    }));
    const params = { account: ann, mailbox, run: 'r', messages };
    const body = concat(texts.map(latin1));
    const answer = await handler(params, { by: askedHere, body, signal, emit: async () => {} });
    assert.equal(answer.importedCount, 60);
  }
}

function give(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) give(path);
    chownSync(path, mailId, mailId);
  }
  chownSync(folder, mailId, mailId);
}

const options = dovecotIsInstalled() ? {} : { skip: 'needs Dovecot, and root to start it' };

it(
  'what is exported as Maildir and served by Dovecot is migrated back the same',
  options,
  async () => {
    await using test = await startTestServer();
    await fill(test);
    const wanted = await heldMail(test, ann);
    const environment = {
      CHASKI_DATA: join(test.folder, 'data'),
      CHASKI_HOSTNAME: 'mx.test',
      CHASKI_SHARDS: '4',
    };
    const folder = join(test.folder, 'dovecot');
    chmodSync(test.folder, 0o755);
    mkdirSync(join(folder, 'mail'), { recursive: true });
    const tree = join(folder, 'mail', 'ann');
    const line = ['mailbox', 'export', ann, '--format', 'maildir', '--to', tree];
    assert.equal((await command(line, environment)).code, 0);
    give(join(folder, 'mail'));
    const { port, child } = await startDovecot(folder);
    try {
      const migration = ['migrate', 'imap', ben, '--from', `imaps://127.0.0.1:${port}`];
      const rest = ['--user', 'ann', '--password-stdin', '--any-certificate', '--json'];
      const place = ['--position', join(test.folder, 'position.json')];
      const run = await command([...migration, ...rest, ...place], environment, 'secret\n');
      assert.deepEqual([run.code, run.error], [0, '']);
      assert.equal(JSON.parse(run.out).importedCount, 180);
      assert.deepEqual(await heldMail(test, ben), wanted);
    } finally {
      await child.stop();
    }
  },
);
