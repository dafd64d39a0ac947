/**
 * Aim: STOREs sent in one go are stored together, and each is answered as if it had come alone.
 * Method: the same lines in one chunk and one by one, on two sessions of equal mailboxes; syncs counted by appends.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { imapAsks } from '../../../../../src/actors/asks/imap-asks.ts';
import { failure } from '../../../../../src/base/errors.ts';
import { ImapSession } from '../../../../../src/edge/protocols/imap/session.ts';
import { FakeTransport } from '../../../../support/fake-transport.ts';
import { FakeImap } from '../../../../support/imap-fakes.ts';
import { turns } from '../../../../support/seeded-clock.ts';

class Client {
  readonly fake = new FakeImap();
  readonly transport = new FakeTransport();
  readonly session: ImapSession;
  appendCount = 0;

  constructor() {
    this.fake.hideRecent();
    const tls = { version: 'TLSv1.3', cipher: 'x' };
    this.session = new ImapSession(this.fake.service, this.transport, '192.0.2.1', tls);
    this.session.open();
    const { shard } = this.fake.world;
    const append = shard.append.bind(shard);
    shard.append = (drafts) => {
      this.appendCount++;
      return append(drafts);
    };
  }

  async enter(messages: number): Promise<this> {
    for (let i = 0; i < messages; i++) await this.fake.world.deliver();
    await this.say(['e1 LOGIN alice@local.test secret', 'e2 SELECT INBOX']);
    this.appendCount = 0;
    return this;
  }

  async say(lines: readonly string[]): Promise<string> {
    this.transport.text = '';
    this.session.receive(Buffer.from(lines.map((line) => `${line}\r\n`).join('')));
    await turns(40 + lines.length);
    return this.transport.text;
  }
}

async function oneByOne(client: Client, lines: readonly string[]): Promise<string> {
  let text = '';
  for (const line of lines) text += await client.say([line]);
  return text;
}

/** Modseqs of changes that were decided together may differ; nothing else may. */
const lines = [
  'a1 STORE 1 +FLAGS.SILENT (\\Seen)',
  'a2 STORE 2:3 +FLAGS (\\Flagged)',
  'a3 UID STORE 4 FLAGS (\\Answered)',
  'a4 STORE 2 -FLAGS (\\Flagged)',
  'a5 STORE 99 +FLAGS (\\Seen)',
  'a6 STORE 3 +FLAGS.SILENT (\\Draft)',
  'a7 STORE 5 +FLAGS ($Word)',
  'a8 STORE 1:5 -FLAGS (\\Seen)',
  'a9 STORE 1',
  'b1 STORE 5 FLAGS.SILENT (\\Deleted)',
  'b2 FETCH 1:* FLAGS',
];

describe('STOREs that came together', () => {
  it('are answered, and leave the mailbox, as those that came alone', async () => {
    for (const first of [[], ['a0 ENABLE QRESYNC']]) {
      const together = await (await new Client().enter(6)).say([...first, ...lines]);
      const alone = await oneByOne(await new Client().enter(6), [...first, ...lines]);
      const plain = (text: string) => text.replaceAll(/MODSEQ (?:\()?\d+\)?/g, 'MODSEQ');
      assert.equal(plain(together), plain(alone));
      assert.match(together, /a5 BAD .*a9 BAD /s);
    }
  });

  it('share one append, and none is told of what it did itself again', async () => {
    const client = await new Client().enter(50);
    const stores = Array.from(
      { length: 50 },
      (_, i) => `s${i} STORE ${i + 1} +FLAGS.SILENT (\\Seen)`,
    );
    const text = await client.say([...stores, 'n NOOP']);
    assert.equal(client.appendCount, 1);
    assert.equal(text.match(/OK STORE done/g)?.length, 50);
    assert.ok(!text.includes('FETCH'), text);
  });

  it('tell of a message what the STORE stored that tells of it', async () => {
    const client = await new Client().enter(2);
    const text = await client.say([
      'a1 STORE 1 +FLAGS (\\Seen)',
      'a2 STORE 1 -FLAGS.SILENT (\\Seen)',
      'a3 STORE 1 +FLAGS (\\Draft)',
    ]);
    assert.match(text, /^\* 1 FETCH \(FLAGS \(\\Seen\)\)\r\na1 OK .*a2 OK .*FLAGS \(\\Draft\)/s);
  });

  it('are each refused where the engine refuses', async () => {
    const client = await new Client().enter(2);
    client.fake.answers.set(imapAsks.storeMany, failure('store-busy'));
    const text = await client.say([
      'a1 STORE 1 +FLAGS (\\Seen)',
      'a2 STORE 2 +FLAGS (\\Seen)',
      'a3 NOOP',
    ]);
    assert.match(text, /^a1 NO \[UNAVAILABLE\].*a2 NO \[UNAVAILABLE\].*a3 OK/s);
  });

  it('wait for what came between them', async () => {
    const client = await new Client().enter(3);
    const text = await client.say([
      'a1 STORE 1 +FLAGS.SILENT (\\Deleted)',
      'a2 EXPUNGE',
      'a3 STORE 1 +FLAGS (\\Seen)',
      'a4 STORE {1}',
    ]);
    assert.match(text, /a1 OK .*\* 1 EXPUNGE\r\na2 OK .*\* 1 FETCH \(FLAGS \(\\Seen\)\)/s);
    assert.match(text, /a3 OK .*\+ Go on/s);
    assert.deepEqual(
      client.fake.world.reader.messages(1, 1, 1, 9).map(({ uid, flags }) => [uid, ...flags]),
      [[2, '\\Seen'], [3]],
    );
  });
});
