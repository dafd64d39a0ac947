/**
 * Aim: of mail of an encrypted account, and of mail under way, no word stands in any file of the data folder: after
 *      deliveries, sessions, checkpoints, a restart and a kill; nothing is lost, and what is deleted stays unreadable.
 * Method: the real server with SMTP and IMAP clients; then every byte of the folder is looked through for the words.
 *         The same play on a server that encrypts nothing finds every one of them.
 */

import assert from 'node:assert/strict';
import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openLmdbIdentity } from '../../src/adapters/lmdb/account-directory.ts';
import { ImapClient } from '../support/imap-client.ts';
import { eventually, startTestServer, type TestServer } from '../support/test-server.ts';
import { WireClient } from '../support/wire-client.ts';

const password = 'correct horse';
const ann = 'ann@here.test';
const keyLine = (byte: string) => `${byte.repeat(64)}\n`;

/** One for each way a word can come to the disk. */
const words = {
  subject: 'zubrowkasubject',
  text: 'quodlibettext',
  spooled: 'eichkatzlspool',
  largeText: 'rhabarberlarge',
  appended: 'mauerseglerappend',
  largeAppended: 'kreidezeitappend',
  mailbox: 'Kuckucksuhrbox',
  subscription: 'Wolkenbruchsub',
  keyword: 'mauerbluemchen',
  annotation: 'pusteblumenote',
} as const;

function message(subject: string, text: string, bytes = 0): string {
  const filler = 'abcdefghij '.repeat(6);
  const lines = [`From: Zed <zed@far.test>`, `Subject: ${subject}`, '', text];
  for (let length = 0; length < bytes; length += filler.length) lines.push(filler);
  return `${lines.join('\r\n')}\r\n${text}\r\n`;
}

async function send(test: TestServer, to: readonly string[], text: string): Promise<string> {
  const client = await WireClient.connect(test.ports.smtp!);
  const said = async (line: string) => {
    client.send(Buffer.from(`${line}\r\n`));
    return (await client.line()) ?? '';
  };
  await client.line();
  await said('HELO me.test');
  await said('MAIL FROM:<zed@far.test>');
  for (const one of to) await said(`RCPT TO:<${one}>`);
  await said('DATA');
  const answer = await said(`${text}.`);
  await said('QUIT');
  return answer;
}

async function logIn(test: TestServer): Promise<ImapClient> {
  const client = await ImapClient.connect(test.ports.imap!);
  await client.response();
  await client.ok('STARTTLS');
  await client.startTls();
  await client.ok(`LOGIN ${ann} "${password}"`);
  return client;
}

const append = (text: string) => `APPEND INBOX {${text.length}+}\r\n${text}\r\n`;

async function countOf(client: ImapClient, mailbox: string): Promise<number> {
  const { untagged } = await client.ok(`STATUS ${mailbox} (MESSAGES)`);
  const raw = untagged.map((one) => one.raw.toString()).join('\n');
  return Number(/MESSAGES (\d+)/.exec(raw)?.[1]);
}

/** All that brings words to the disk. */
async function play(test: TestServer): Promise<void> {
  assert.match(await send(test, [ann], message(words.subject, words.text)), /^250/);
  // Two accounts: one of them, or both, get theirs out of the spool.
  const both = [ann, 'bob@here.test'];
  assert.match(await send(test, both, message('x', words.largeText, 400_000)), /^250/);
  assert.match(await send(test, both, message('x', words.text)), /^250/);
  // Nobody takes it: it stays in the queue.
  assert.match(await send(test, ['far@away.test'], message('x', words.spooled)), /^250/);
  const client = await logIn(test);
  await client.ok(append(message('x', words.appended)));
  await client.ok(append(message('x', words.largeAppended, 400_000)));
  await client.ok(`CREATE ${words.mailbox}`);
  await client.ok(`SUBSCRIBE ${words.subscription}`);
  await client.ok(`SETMETADATA "" (/private/comment "${words.annotation}")`);
  await eventually('all mail', async () =>
    (await countOf(client, 'INBOX')) === 5 ? 5 : undefined,
  );
  await client.ok('SELECT INBOX');
  await client.ok(`STORE 1:* +FLAGS (${words.keyword})`);
  await client.ok(`COPY 1:2 ${words.mailbox}`);
  await client.ok('STORE 1 +FLAGS (\\Deleted)');
  await client.ok('EXPUNGE');
  await client.ok('LOGOUT');
}

/** What a client sees: everything is there and can be found. */
async function look(test: TestServer): Promise<void> {
  const client = await logIn(test);
  await client.ok('SELECT INBOX');
  for (const word of [words.text, words.largeText, words.appended, words.largeAppended]) {
    const { untagged } = await client.ok(`SEARCH TEXT ${word}`);
    assert.match(untagged.map(({ raw }) => raw).join(), /SEARCH \d|ESEARCH.*ALL \d/, word);
    const found = await client.ok(`SEARCH KEYWORD ${words.keyword} BODY ${word}`);
    assert.match(found.untagged.map(({ raw }) => raw).join(), /SEARCH \d|ESEARCH.*ALL \d/, word);
  }
  const { untagged } = await client.ok('FETCH 1:* (BODY.PEEK[] BODY.PEEK[TEXT]<5.20> ENVELOPE)');
  const all = untagged.map(({ raw }) => raw.toString()).join('');
  assert.ok(all.includes(words.largeAppended) && all.includes(words.largeText));
  const { untagged: listed } = await client.ok('LSUB "" *');
  assert.ok(listed.some(({ raw }) => raw.includes(words.subscription)));
  assert.equal(await countOf(client, words.mailbox), 2);
  await client.ok('LOGOUT');
}

function filesIn(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true });
  return entries.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name));
}

/** What a server that runs has let go meanwhile holds nothing. */
function readIfThere(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return Buffer.alloc(0);
  }
}

/** Which words stand where, in the files of a folder. */
function wordsIn(folder: string, wanted: readonly string[] = Object.values(words)): string[] {
  const found: string[] = [];
  for (const path of filesIn(folder)) {
    const bytes = readIfThere(path);
    for (const word of wanted) {
      // A base subject is kept in capitals.
      if (bytes.includes(word) || bytes.includes(word.toUpperCase())) {
        found.push(`${word} in ${path.slice(folder.length)}`);
      }
    }
  }
  return found;
}

class Place implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'chaski-vault-'));
  readonly data = join(this.folder, 'data');
  readonly transit = join(this.folder, 'transit.key');
  readonly tenant = join(this.folder, 'acme.key');

  constructor() {
    writeFileSync(this.transit, keyLine('1'));
    writeFileSync(this.tenant, keyLine('2'));
  }

  start(more: Readonly<Record<string, string>> = {}): Promise<TestServer> {
    return startTestServer(
      {
        ...{ 'listen.imap': '127.0.0.1:0', 'relay.route': 'smtp://127.0.0.1:1', shards: '2' },
        'store.transitKey': `file:${this.transit}`,
        ...more,
      },
      { folder: this.folder },
    );
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true });
  }
}

async function people(test: TestServer, key?: string): Promise<void> {
  await test.call('tenant.create', { name: 'acme' });
  if (key !== undefined) await test.call('tenant.encrypt', { name: 'acme', key: `file:${key}` });
  await test.call('domain.create', { name: 'here.test', tenant: 'acme' });
  for (const address of [ann, 'bob@here.test']) {
    await test.call('account.create', { address, password });
  }
}

describe('an encrypted account', () => {
  it('leaves no word in any file, over a checkpoint and a restart, and is whole', async () => {
    using place = new Place();
    await using first = await place.start();
    await people(first, place.tenant);
    await play(first);
    await look(first);
    assert.deepEqual(wordsIn(place.data), [], 'while it runs');
    await first.call('store.compact', { shards: [0, 1] });
    await look(first);
    // As a kill leaves it: what is in memory only is lost with it.
    const killed = join(place.folder, 'killed');
    cpSync(place.data, killed, { recursive: true, filter: (path) => !path.endsWith('.sock') });
    await first.stop();
    assert.deepEqual(wordsIn(place.data), [], 'when it stopped');
    await using second = await place.start();
    await look(second);
    await second.stop();
    assert.deepEqual(wordsIn(place.data), [], 'after a restart');
    await using third = await place.start({ 'data.dir': killed });
    await look(third);
    await third.stop();
    assert.deepEqual(wordsIn(killed), [], 'after a kill');
  });

  it('is gone with its key when it is deleted, and others stay', async () => {
    using place = new Place();
    await using test = await place.start();
    await people(test, place.tenant);
    assert.match(await send(test, [ann], message(words.subject, words.text)), /^250/);
    assert.match(await send(test, ['bob@here.test'], message('x', words.text)), /^250/);
    const keys = () => filesIn(place.data).filter((path) => /\/keys\/\d+\.key$/.test(path));
    const zeros = () => keys().filter((path) => readFileSync(path).every((byte) => byte === 0));
    assert.deepEqual([keys().length, zeros().length], [4, 0], 'two accounts, two shards');
    const before = new Map(keys().map((path) => [path, readFileSync(path)]));
    await test.call('account.delete', { address: ann });
    assert.equal(zeros().length, 1);
    assert.match(await send(test, [ann], message('x', 'y')), /^5/);
    await test.stop();
    // As a kill leaves it between the deletion and the end of its keys.
    const [shredded] = zeros();
    writeFileSync(shredded!, before.get(shredded!)!);
    await using again = await place.start();
    const { account } = await again.call('account.show', { address: 'bob@here.test' });
    assert.equal(account.messageCount, 1);
    assert.equal(zeros().length, 1);
  });

  it('is gone with its key after a kill between the directory and its shard', async () => {
    using place = new Place();
    await using test = await place.start();
    await people(test, place.tenant);
    assert.match(await send(test, [ann], message(words.subject, words.text)), /^250/);
    await test.stop();
    const directory = { path: join(place.data, 'directory'), shards: 2 };
    const opened = openLmdbIdentity(directory);
    const { id } = (await opened.directory.accountByAddress(ann))!;
    await opened.directory.deleteAccount(id);
    await opened.directory.close();
    const keys = () => filesIn(place.data).filter((path) => /\/keys\/\d+\.key$/.test(path));
    const zeros = () => keys().filter((path) => readFileSync(path).every((byte) => byte === 0));
    assert.equal(zeros().length, 0);
    await using again = await place.start();
    await eventually('the end of its key', () => (zeros().length === 1 ? true : undefined));
    assert.match(await send(again, [ann], message('x', 'y')), /^5/);
    await again.stop();
    const left = openLmdbIdentity(directory);
    assert.deepEqual(await left.directory.deletions(), []);
    await left.directory.close();
  });

  it('waits where its key cannot be had: mail is deferred, others go on, and nothing is lost', async () => {
    using place = new Place();
    const other = join(place.folder, 'other.key');
    writeFileSync(other, keyLine('3'));
    await using first = await place.start();
    await people(first, place.tenant);
    await first.call('tenant.encrypt', { name: 'acme', key: `file:${other}` });
    await first.call('tenant.create', { name: 'plain' });
    await first.call('domain.create', { name: 'plain.test', tenant: 'plain' });
    await first.call('account.create', { address: 'cy@plain.test', password });
    assert.match(await send(first, [ann], message('x', words.text)), /^250/);
    await first.stop();
    rmSync(place.tenant);
    renameSync(other, `${other}.away`);
    await using second = await place.start();
    assert.match(await send(second, [ann], message('x', 'meanwhile')), /^4/);
    assert.match(await send(second, ['cy@plain.test'], message('x', 'meanwhile')), /^250/);
    await second.stop();
    renameSync(`${other}.away`, other);
    await using third = await place.start();
    assert.match(await send(third, [ann], message('x', 'after')), /^250/);
    const { account } = await third.call('account.show', { address: ann });
    assert.equal(account.messageCount, 2);
  });

  it('is not made before mail under way is encrypted, nor by a key that is none', async () => {
    using place = new Place();
    await using test = await place.start({ 'store.transitKey': '' });
    await test.call('tenant.create', { name: 'acme' });
    const encrypt = (key: string) => test.call('tenant.encrypt', { name: 'acme', key });
    await assert.rejects(encrypt(`file:${place.tenant}`), { code: 'not-possible-now' });
    await test.stop();
    await using again = await place.start();
    const wrong = (key: string) => again.call('tenant.encrypt', { name: 'acme', key });
    await assert.rejects(wrong('env:HOME'), { code: 'argument-invalid' });
    await assert.rejects(wrong(`file:${place.folder}/none`), { code: 'not-possible-now' });
    const { tenant } = await again.call('tenant.show', { name: 'acme' });
    assert.equal(tenant.encryptedBy, undefined, 'a key that was tried in vain is not kept');
    await again.call('tenant.encrypt', { name: 'acme', key: `file:${place.tenant}` });
    await again.call('domain.create', { name: 'here.test', tenant: 'acme' });
    rmSync(place.tenant);
    await assert.rejects(again.call('account.create', { address: ann, password }));
    const { accounts } = await again.call('account.list', {});
    assert.deepEqual(accounts, [], 'no account without its key');
  });

  it('is what hides them: a clear one shows every word', async () => {
    using place = new Place();
    await using test = await place.start({ 'store.transitKey': '' });
    await people(test);
    await play(test);
    await look(test);
    await test.stop();
    const found = wordsIn(place.data).map((line) => line.split(' ')[0]);
    assert.deepEqual([...new Set(found)].sort(), Object.values(words).sort());
  });
});
