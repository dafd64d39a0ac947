/**
 * Aim: messages of any size come in over IMAP and are read as they were sent, several at once and in each other's
 *      place; what is given up leaves nothing behind, and others are served meanwhile.
 * Method: the real server under TLS with a client of our own; files of side segments are looked at from outside.
 */

import assert from 'node:assert/strict';
import { globSync, statSync } from 'node:fs';
import { describe, it } from 'node:test';
import { kibibyte } from '../../src/base/units.ts';
import { ImapClient, type Outcome } from '../support/imap-client.ts';
import { eventually, startTestServer, type TestServer } from '../support/test-server.ts';

const address = 'ann@here.test';
const password = 'correct horse';
const limit = { 'imap.messageBytesMax': '8MiB' };

async function start(): Promise<TestServer> {
  const test = await startTestServer({ 'listen.imap': '127.0.0.1:0', ...limit });
  await test.call('domain.create', { name: 'here.test' });
  await test.call('account.create', { address, password });
  return test;
}

async function logIn(test: TestServer): Promise<ImapClient> {
  const client = await ImapClient.connect(test.ports.imap!, { isLiteralPlus: true });
  await client.response();
  await client.ok('STARTTLS');
  await client.startTls();
  await client.ok(`LOGIN ${address} "${password}"`);
  return client;
}

function message(subject: string, bytes: number): Buffer {
  const text = `Subject: ${subject}\r\n\r\n`;
  return Buffer.from(text + `a line of ${subject}\r\n`.repeat(Math.ceil(bytes / 16)));
}

/** Bodies in files of their own; one of no bytes keeps the highest number. */
function sideFiles(test: TestServer): readonly string[] {
  const files = globSync(`${test.folder}/**/*.body`);
  return files.filter((path) => statSync(path).size > 0);
}

const ending = ({ tagged }: Outcome) => tagged.raw.replace(/^\S+ /, '');

async function textOf(client: ImapClient, uid: number): Promise<Buffer> {
  const { untagged } = await client.ok(`UID FETCH ${uid} BODY.PEEK[]`);
  return untagged[0]!.literals[0]!;
}

describe('messages brought in over IMAP', () => {
  it('are there as they were sent, large and small, all of a command', async () => {
    await using test = await start();
    const client = await logIn(test);
    const texts = [message('one', 100), message('two', 600 * kibibyte), message('three', 100)];
    await client.ok('SELECT Drafts');
    const [one, two, three] = texts;
    const done = await client.run(
      'APPEND Drafts (\\Seen) ',
      one!,
      ' (\\Draft) ',
      two!,
      ' ',
      three!,
    );
    assert.match(ending(done), /^OK \[APPENDUID \d+ 1:3\]/);
    for (const [i, text] of texts.entries()) {
      assert.ok((await textOf(client, i + 1)).equals(text), `message ${i + 1}`);
    }
    assert.equal(sideFiles(test).length, 1);
    // RFC 8508: the large one goes, another comes; and a CATENATE of what is there.
    const replaced = await client.run('UID REPLACE 2 Drafts ', message('four', 400 * kibibyte));
    assert.match(ending(replaced), /^OK/);
    const url = 'URL "/Drafts/;UID=4/;SECTION=TEXT"';
    const joined = await client.run(
      `APPEND Drafts CATENATE (URL "/Drafts/;UID=1/;SECTION=HEADER" ${url})`,
    );
    assert.match(ending(joined), /^OK \[APPENDUID \d+ 5\]/);
    const wanted = Buffer.concat([
      Buffer.from('Subject: one\r\n\r\n'),
      message('four', 400 * kibibyte).subarray('Subject: four\r\n\r\n'.length),
    ]);
    assert.ok((await textOf(client, 5)).equals(wanted));
  });

  it('that are given up leave no file', async () => {
    await using test = await start();
    const client = await logIn(test);
    const cut = await logIn(test);
    const large = message('large', 600 * kibibyte);
    assert.match(ending(await client.run('APPEND Nowhere ', large)), /^NO \[TRYCREATE\]/);
    assert.match(ending(await client.run('APPEND Drafts ', large, ' nonsense')), /^BAD/);
    const tooLarge = await client.run(`APPEND Drafts {${9_000 * kibibyte}}`);
    assert.match(ending(tooLarge), /^NO \[TOOBIG\]/);
    cut.send(Buffer.from(`a1 APPEND Drafts {${900 * kibibyte}+}\r\n`));
    cut.send(large);
    await eventually('the text on its way', () => sideFiles(test)[0]);
    cut.destroy();
    await eventually('the file to go', () => sideFiles(test).length === 0 || undefined);
    assert.match((await client.ok('STATUS Drafts (MESSAGES)')).untagged[0]!.raw, /MESSAGES 0/);
  });

  it('by many at once leave the others served', async () => {
    await using test = await start();
    const clients = await Promise.all(Array.from({ length: 6 }, () => logIn(test)));
    const other = await logIn(test);
    let isDone = false;
    const texts = clients.map((_, i) => message(`number ${i}`, 600 * kibibyte));
    const all = Promise.all(clients.map((client, i) => client.run('APPEND Drafts ', texts[i]!)));
    void all.then(() => {
      isDone = true;
    });
    let answered = 0;
    while (!isDone) {
      await other.ok('NOOP');
      answered++;
    }
    for (const outcome of await all) assert.match(ending(outcome), /^OK/);
    assert.ok(answered > 3, `${answered} commands of another session`);
    await other.ok('SELECT Drafts');
    const sizes = await other.ok('FETCH 1:* RFC822.SIZE');
    const told = sizes.untagged.map(({ raw }) => Number(/SIZE (\d+)/.exec(raw)![1]));
    assert.deepEqual(
      told,
      texts.map(({ length }) => length),
    );
    const first = await textOf(other, 1);
    assert.ok(texts.some((text) => text.equals(first)));
  });
});
