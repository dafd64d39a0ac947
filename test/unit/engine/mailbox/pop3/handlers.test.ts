/**
 * Aim: a maildrop stays as it was at log-in whatever happens to INBOX, and what QUIT deletes is deleted once, and on
 *      disk.
 * Method: the engine's handlers on a shard in memory; sessions are the numbers they would bring.
 */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { ArrivedAsk } from '../../../../../src/actors/ask.ts';
import { accountActor } from '../../../../../src/actors/asks/mailbox-asks.ts';
import {
  type OpenedMaildrop,
  type PackedMaildrop,
  pop3Asks,
  type Retrieved,
  type TextCursor,
} from '../../../../../src/actors/asks/pop3-asks.ts';
import { shardId } from '../../../../../src/base/ids.ts';
import { pop3Handlers } from '../../../../../src/engine/mailbox/pop3/handlers.ts';
import { windowBytes } from '../../../../../src/engine/mailbox/pop3/retrieve.ts';
import { textStart } from '../../../../../src/mail/wire/pop3/message-text.ts';
import { ImapWorld } from '../imap/imap-world.ts';
import { account, messageBytes, rebuilt, tableText, tenant } from '../mailbox-world.ts';

async function value<T>(
  world: ImapWorld,
  name: string,
  meta: unknown,
  body?: Uint8Array,
): Promise<{ readonly value: T; readonly text: string }> {
  const answer = await world.carry(name, meta, body);
  if (!answer.ok) throw new Error(`${answer.code}: ${answer.detail}`);
  return { value: answer.value as T, text: Buffer.from(answer.body ?? '').toString('latin1') };
}

async function open(world: ImapWorld): Promise<OpenedMaildrop> {
  return (await value<OpenedMaildrop>(world, pop3Asks.open, [account])).value;
}

async function drop(world: ImapWorld, hidden = 0): Promise<PackedMaildrop> {
  const { modseq, uidNext } = await open(world);
  return [account, modseq, uidNext, hidden];
}

async function text(world: ImapWorld, packed: PackedMaildrop, number: number, lines = -1) {
  let cursor: TextCursor = [0, 0, textStart(lines)];
  let all = '';
  for (let windows = 1; ; windows++) {
    const meta = [packed, number, cursor];
    const answer = await value<Retrieved>(world, pop3Asks.retrieve, meta);
    all += answer.text;
    if (answer.value.next === undefined) return { all, windows };
    cursor = answer.value.next;
  }
}

const list = async (world: ImapWorld, packed: PackedMaildrop, numbers: readonly number[]) =>
  (await value(world, pop3Asks.list, [packed, 0, numbers])).text;

it('an account nobody delivered to has an empty maildrop, and gets no rows by it', async () => {
  const world = new ImapWorld();
  assert.deepEqual(await open(world), {
    ...{ modseq: 0, uidNext: 1, uidValidity: 0, messages: 0, bytes: 0 },
  });
  assert.equal(world.shard.records.length, 0);
});

it('numbers stay as they are when others expunge, and those messages are passed over', async () => {
  const world = new ImapWorld();
  for (let i = 0; i < 4; i++) await world.deliver();
  const packed = await drop(world);
  await world.mailboxes.expunge(account, tenant, 1, [2, 2]);
  assert.equal(await list(world, packed, [1, 4]), '1 184\r\n3 184\r\n4 184\r\n');
  const uids = await value(world, pop3Asks.list, [packed, 7, [2, 3]]);
  assert.equal(uids.text, '3 7.3\r\n');
  assert.equal((await value(world, pop3Asks.size, [packed, [1, 4]])).value, 552);
  const gone = await world.carry(pop3Asks.retrieve, [packed, 2, [0, 0, textStart(-1)]]);
  assert.equal(gone.ok ? '' : gone.code, 'not-found');
  const next = await drop(world);
  assert.equal(await list(world, next, [1, 4]), '1 184\r\n2 184\r\n3 184\r\n');
});

it('what is hidden is not numbered', async () => {
  const world = new ImapWorld();
  for (let i = 0; i < 5; i++) await world.deliver();
  const packed = await drop(world, 3);
  const uids = await value(world, pop3Asks.list, [packed, 7, [1, 2]]);
  assert.equal(uids.text, '1 7.4\r\n2 7.5\r\n');
  await value(world, pop3Asks.remove, [packed, tenant], Buffer.of(0b01));
  assert.equal(
    await list(world, await drop(world), [1, 5]).then((all) => all.split('\r\n').length),
    5,
  );
  assert.equal(await list(world, packed, [1, 1]), '', 'number 1 was UID 4');
});

it('a long message goes in windows, and to its end though it is expunged meanwhile', async () => {
  const world = new ImapWorld();
  const lines = '.dots and more of them\r\n'.repeat(windowBytes / 10);
  const bytes = messageBytes({ text: lines });
  await world.deliver(bytes);
  const packed = await drop(world);
  const first = await value<Retrieved>(world, pop3Asks.retrieve, [
    packed,
    1,
    [0, 0, textStart(-1)],
  ]);
  await world.mailboxes.expunge(account, tenant, 1, [1, 1]);
  assert.equal(world.desk.leases.count, 1);
  let all = first.text;
  for (let next = first.value.next; next !== undefined; ) {
    const answer = await value<Retrieved>(world, pop3Asks.retrieve, [packed, 1, next]);
    all += answer.text;
    next = answer.value.next;
  }
  const sent = bytes.toString('latin1').replace(/^\./gm, '..');
  const start = all.indexOf('From: Sender');
  assert.ok(all.slice(start) === `${sent}.\r\n`, 'line by line as it was delivered');
  assert.equal(world.desk.leases.count, 0);
});

it('TOP reads no more of a message than it needs', async () => {
  const world = new ImapWorld();
  await world.deliver(messageBytes({ text: 'line\r\n'.repeat(windowBytes) }));
  const packed = await drop(world);
  const { all, windows } = await text(world, packed, 1, 2);
  assert.equal(windows, 1);
  assert.match(all, /\r\n\r\nline\r\nline\r\n\.\r\n$/);
  assert.equal(world.desk.leases.count, 0);
});

it('QUIT deletes what its bits name, done twice as once, and replay knows it', async () => {
  const world = new ImapWorld();
  for (let i = 0; i < 20; i++) await world.deliver();
  const packed = await drop(world);
  const bits = Buffer.of(0b1000_0001, 0, 0b1000);
  await value(world, pop3Asks.remove, [packed, tenant], bits);
  const after = await list(world, await drop(world), [1, 20]);
  assert.equal(after.split('\r\n').length - 1, 17);
  const records = world.shard.records.length;
  await value(world, pop3Asks.remove, [packed, tenant], bits);
  assert.equal(world.shard.records.length, records, 'a repeat decides nothing');
  const again = rebuilt(world.shard, (shard) => {
    for (const record of shard.records) shard.apply(record);
  });
  assert.deepEqual(tableText(again), tableText(world.shard));
});

it('QUIT says so when the journal fails, and when the shard is not here', async () => {
  const world = new ImapWorld();
  await world.deliver();
  const packed = await drop(world);
  world.shard.faults.push('lost');
  const failed = await world.carry(pop3Asks.remove, [packed, tenant], Buffer.of(1));
  assert.equal(failed.ok ? '' : failed.code, 'store-failed');
  assert.equal(await list(world, packed, [1, 1]), '1 184\r\n');
  const nowhere = pop3Handlers(() => undefined)[pop3Asks.open]!;
  const ask: ArrivedAsk = {
    ...{ shard: shardId(0), actor: accountActor(account), name: pop3Asks.open, key: '' },
    ...{ deadlineMs: 0, class: 'short', lane: 'normal', meta: [account], body: Buffer.alloc(0) },
  };
  const answer = await nowhere(ask, { isFull: false });
  assert.equal('code' in answer ? answer.code : '', 'not-possible-now');
});

it('what reads bodies or writes leaves its parcel; what reads rows is answered with it', async () => {
  const world = new ImapWorld();
  await world.deliver();
  const packed = await drop(world);
  const leaves = async (name: string, meta: unknown) => {
    const ask: ArrivedAsk = {
      ...{ shard: shardId(0), actor: accountActor(account), name, key: '', deadlineMs: 0, meta },
      ...{ class: 'short', lane: 'normal', body: Buffer.of(1) },
    };
    const outcome = pop3Handlers(() => world.desk)[name]!(ask, { isFull: false });
    const answer = 'pending' in outcome ? await outcome.pending : await outcome;
    assert.ok(answer.ok, name);
    return 'pending' in outcome;
  };
  assert.equal(await leaves(pop3Asks.open, [account]), false);
  assert.equal(await leaves(pop3Asks.list, [packed, 0, [1, 1]]), false);
  assert.equal(await leaves(pop3Asks.size, [packed, [1, 1]]), false);
  assert.equal(await leaves(pop3Asks.retrieve, [packed, 1, [0, 0, textStart(-1)]]), true);
  assert.equal(await leaves(pop3Asks.remove, [packed, tenant]), true);
});
