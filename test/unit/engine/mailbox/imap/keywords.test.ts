/** Aim: a mailbox full of keywords says so instead of dropping one. Method: the handlers on a fake shard. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  imapAsks,
  type PackedAppend,
  type PackedMessage,
  type PackedStore,
} from '../../../../../src/actors/asks/imap-asks.ts';
import { keywordsMax } from '../../../../../src/engine/mailbox/rows/mailbox-row.ts';
import { account } from '../mailbox-world.ts';
import { ImapWorld, owner } from './imap-world.ts';

it('a keyword past the limit is refused, one that is known and one that goes are not', async () => {
  const world = new ImapWorld();
  await world.deliver();
  const store = (op: 'add' | 'remove', keywords: readonly string[]) => {
    const view = world.now();
    const meta: PackedStore = [owner, view, true, [1, 1], op, 0, keywords, view[1], 0, -1];
    return world.ask(imapAsks.store, meta);
  };
  const names = Array.from({ length: keywordsMax }, (_, i) => `k${i}`);
  assert.ok((await store('add', names)).ok);
  const refused = await store('add', ['one-more']);
  assert.equal(refused.ok === false && refused.code, 'not-possible-now');
  assert.ok((await store('add', ['K0'])).ok);
  assert.ok((await store('remove', ['one-more'])).ok);
  const body = Buffer.from('Subject: x\r\n\r\ny\r\n');
  const message: PackedMessage = [0, ['one-more'], 0, [body.length]];
  const meta: PackedAppend = [owner, 'INBOX', world.ids.next(), 1_000, [message], null];
  const appended = await world.ask(imapAsks.append, meta, body);
  assert.equal(appended.ok === false && appended.code, 'not-possible-now');
});

// RFC 9051 §2.3.2: keywords are the same in any case.
it('a new keyword in two spellings is one, of one command or of several messages', async () => {
  const world = new ImapWorld();
  await world.deliver();
  const view = world.now();
  const meta: PackedStore = [
    ...([owner, view, true, [1, 1], 'add', 0, ['Work', 'work'], view[1], 0, -1] as const),
  ];
  assert.ok((await world.ask(imapAsks.store, meta)).ok);
  assert.deepEqual(world.reader.mailbox(account, 1)!.keywords, ['Work']);
  const body = Buffer.from('Subject: x\r\n\r\ny\r\n');
  const messages = ['Home', 'HOME', 'WORK'].map(
    (keyword): PackedMessage => [0, [keyword], 0, [body.length]],
  );
  const id = world.ids.next();
  const append: PackedAppend = [owner, 'INBOX', id, 1_000, messages, null];
  const appended = await world.ask(imapAsks.append, append, Buffer.concat([body, body, body]));
  assert.ok(appended.ok);
  assert.deepEqual(world.reader.mailbox(account, 1)!.keywords, ['Work', 'Home']);
});
