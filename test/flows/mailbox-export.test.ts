/**
 * Aim: what is exported and imported again is the same mail, in each format, whatever the messages are made of; and an
 *      export that was cut off goes on where it was.
 * Method: the commands on the real server; one account's mail is brought into others' and compared.
 */

import assert from 'node:assert/strict';
import {
  globSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { askedHere } from '../../src/actors/asks/principal.ts';
import { concat, latin1 } from '../../src/base/bytes.ts';
import { command, type HeldMessage, heldMail } from '../support/account-mail.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const head = 'From: a@x.test\r\nSubject: x\r\n';
const odd: Record<string, readonly string[]> = {
  INBOX: [
    `${head}\r\nText\r\n`,
    `${head}\r\nText\r\n`,
    `${head}\r\nFrom here\r\n>From there\r\n\r\nFrom a@b.c Thu Jan  1 00:00:07 2026\r\n`,
    `${head}\r\nno end`,
    `${head}\r\nbare\nline\r\n`,
    'A: b\n\nonly bare\n',
    `${head}Status: RO\r\nX-Keywords: theirs\r\n\r\nText\r\n`,
    `${head}\r\n${'large \xe9\r\n'.repeat(300_000)}`,
    '\r\nno header\r\n',
  ],
  'v1.2/Entwürfe & more': [`${head}\r\nnested\r\n`],
  Empty: [],
  Sent: [`${head}\r\nsent\r\n`],
};
const flagSets = [
  [],
  ['\\Seen'],
  ['\\Flagged', '\\Answered'],
  ['$Own', 'k'],
  ['\\Deleted', '\\Draft'],
];

async function startFilled(): Promise<TestServer> {
  const test = await startTestServer();
  await test.call('domain.create', { name: 'here.test' });
  await test.call('account.create', { address: 'ann@here.test' });
  const handler = test.server.handlers['mailbox.import']!;
  const { signal } = new AbortController();
  for (const [mailbox, texts] of Object.entries(odd)) {
    await test.call('mailbox.create', { account: 'ann@here.test', name: mailbox, mayExist: true });
    const messages = texts.map((text, at) => ({
      bytes: text.length,
      occurrence: texts.slice(0, at + 1).filter((one) => one === text).length,
      flags: flagSets[at % flagSets.length]!,
      internalMs: 1_700_000_000_000 + 1_000 * at,
    }));
    const body = concat(texts.map(latin1));
    const params = { account: 'ann@here.test', mailbox, run: 'r', messages };
    const answer = await handler(params, { by: askedHere, body, signal, emit: async () => {} });
    assert.equal(answer.importedCount, texts.length);
  }
  return test;
}

const environmentOf = (test: TestServer) => ({
  CHASKI_DATA: join(test.folder, 'data'),
  CHASKI_HOSTNAME: 'mx.test',
  CHASKI_SHARDS: '4',
});

/** Exports Ann's mail, imports it for somebody new, and answers what that one has. */
async function through(
  test: TestServer,
  folder: string,
  to: string,
  format: string,
): Promise<Record<string, HeldMessage[]>> {
  const environment = environmentOf(test);
  const line = ['mailbox', 'export', 'ann@here.test', '--to', folder, '--format', format];
  const exported = await command(line, environment);
  assert.deepEqual([exported.code, exported.error], [0, '']);
  await test.call('account.create', { address: to });
  const imported = await command(['mailbox', 'import', to, folder, '--json'], environment);
  assert.deepEqual([imported.code, imported.error], [0, '']);
  return await heldMail(test, to);
}

describe('chaski mailbox export', () => {
  it('writes what import reads back the same, in each format', async () => {
    await using test = await startFilled();
    const wanted = await heldMail(test, 'ann@here.test');
    assert.equal(wanted.INBOX!.length, odd.INBOX!.length);
    for (const format of ['eml', 'maildir', 'mbox']) {
      const held = await through(test, join(test.folder, format), `${format}@here.test`, format);
      assert.deepEqual(held, wanted, format);
    }
  });

  it('goes on behind what is there, after it was cut off in the middle of a message', async () => {
    await using test = await startFilled();
    const environment = environmentOf(test);
    const wanted = await heldMail(test, 'ann@here.test');
    for (const format of ['eml', 'maildir', 'mbox']) {
      const folder = join(test.folder, format);
      const line = ['mailbox', 'export', 'ann@here.test', '--to', folder, '--format', format];
      assert.equal((await command(line, environment)).code, 0);
      cutOff(folder, format);
      const held = await through(test, folder, `${format}@here.test`, format);
      assert.deepEqual(held, wanted, format);
      const last = await command([...line, '--json'], environment);
      assert.equal(JSON.parse(last.out).count, 0, 'all is there');
    }
  });

  it('refuses a folder that is not from an export of the mailbox, and a mailbox that is not there', async () => {
    await using test = await startFilled();
    const environment = environmentOf(test);
    const folder = join(test.folder, 'other');
    mkdirSync(join(folder, 'INBOX'), { recursive: true });
    writeFileSync(join(folder, 'INBOX', '1.eml'), 'mine');
    writeFileSync(join(folder, 'INBOX.mbox'), 'mine');
    for (const format of ['eml', 'mbox']) {
      const line = ['mailbox', 'export', 'ann@here.test', '--to', folder, '--format', format];
      const run = await command(line, environment);
      assert.equal(run.code, 1);
      assert.match(run.error, /choose another folder/);
    }
    const none = await command(
      ['mailbox', 'export', 'ann@here.test', '--mailbox', 'Nope'],
      environment,
    );
    assert.deepEqual([none.code, none.error], [1, 'chaski: mailbox Nope\n']);
  });
});

/** What a kill leaves: INBOX ends in its middle, the last thing begun is torn, other mailboxes are not there. */
function cutOff(folder: string, format: string): void {
  if (format === 'mbox') {
    const path = join(folder, 'INBOX.mbox');
    const note = JSON.stringify({ uidValidity: validityOf(folder), nextUid: 1, bytes: 0 });
    writeFileSync(`${path}.json`, note);
    truncateSync(path, Math.floor(statSync(path).size / 2));
    rmSync(join(folder, 'Sent.mbox'));
    rmSync(join(folder, 'Sent.mbox.json'));
    return;
  }
  const inbox = format === 'eml' ? join(folder, 'INBOX') : join(folder, 'cur');
  const uidOf = (path: string) => Number(/(?:U|\/)(\d+)\.(?:eml|chaski)/.exec(path)?.[1] ?? 0);
  for (const path of globSync(join(inbox, '*'))) if (uidOf(path) > 3) rmSync(path);
  if (format === 'eml') {
    const list = join(inbox, 'messages.jsonl');
    truncateSync(list, statSync(list).size - 7);
    writeFileSync(join(inbox, '.4.eml.part'), 'torn');
    rmSync(join(folder, 'Sent'), { recursive: true });
  } else {
    writeFileSync(join(folder, 'tmp', '1700000003.V1U4.chaski'), 'torn');
    rmSync(join(folder, '.Sent'), { recursive: true });
  }
}

function validityOf(folder: string): number {
  const [note] = globSync(join(folder, 'INBOX.mbox.json'));
  return JSON.parse(readFileSync(note!, 'utf8')).uidValidity;
}
