/** Aim: an ask that takes long never keeps others of its parcel waiting. Method: how handlers answer, not what. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { ArrivedAsk } from '../../../../../src/actors/ask.ts';
import {
  imapAsks,
  type PackedCopy,
  type PackedFetch,
  type PackedStore,
} from '../../../../../src/actors/asks/imap-asks.ts';
import { accountActor } from '../../../../../src/actors/asks/mailbox-asks.ts';
import { shardId } from '../../../../../src/base/ids.ts';
import { star } from '../../../../../src/mail/wire/imap/sequence-set.ts';
import { account, tenant } from '../mailbox-world.ts';
import { ImapWorld, owner, section } from './imap-world.ts';

async function leavesParcel(world: ImapWorld, name: string, meta: unknown): Promise<boolean> {
  const carried = [account, tenant, meta];
  const ask: ArrivedAsk = {
    ...{ shard: shardId(0), actor: accountActor(account), name, key: '', deadlineMs: 0 },
    meta: carried,
    ...{ class: 'short', lane: 'normal', body: new Uint8Array(0) },
  };
  const outcome = world.handlers[name]!(ask, { isFull: false });
  const answer = 'pending' in outcome ? await outcome.pending : await outcome;
  assert.ok(answer.ok, name);
  return 'pending' in outcome;
}

it('asks of few messages are answered with their parcel, those of many leave it', async () => {
  const world = new ImapWorld();
  await world.deliver();
  const store = (set: readonly number[]): PackedStore => [
    ...([owner, world.now(), true, set, 'add', 1, [], 0, 0, -1] as const),
  ];
  assert.equal(await leavesParcel(world, imapAsks.store, store([1, 1])), false);
  assert.equal(await leavesParcel(world, imapAsks.store, store([1, star])), true);
  const copy = (set: readonly number[]): PackedCopy => [
    ...([owner, world.now(), true, set, 'Archive', false, world.ids.next()] as const),
  ];
  assert.equal(await leavesParcel(world, imapAsks.copy, copy([1, 200])), false);
  assert.equal(await leavesParcel(world, imapAsks.copy, copy([201, 1])), true);
  assert.equal(await leavesParcel(world, imapAsks.expunge, [owner, world.now()]), false);
});

it('a FETCH of what is at hand is answered with its parcel, one of other bodies waits for the disk outside it', async () => {
  const world = new ImapWorld();
  await world.deliver();
  const fetch = (sections: PackedFetch[5]): PackedFetch => [
    ...([owner, world.now(), true, [1, 1], 1, sections, false, 0, [0, 0, 0, 0], -1] as const),
  ];
  assert.equal(await leavesParcel(world, imapAsks.fetch, fetch([])), false);
  assert.equal(await leavesParcel(world, imapAsks.fetch, fetch([section('BODY[]')])), false);
  world.shard.isWarm = () => false;
  assert.equal(await leavesParcel(world, imapAsks.fetch, fetch([section('BODY[]')])), true);
});

it('an ask that names no reader, or one with no right to it, is not answered', async () => {
  const world = new ImapWorld();
  await world.deliver();
  const codeOf = async (name: string, meta: unknown) => {
    const answer = await world.carry(name, meta);
    return answer.ok ? 'ok' : answer.code;
  };
  for (const name of Object.values(imapAsks)) {
    assert.equal(await codeOf(name, [owner, 'INBOX']), 'argument-invalid', name);
  }
  assert.equal(await codeOf(imapAsks.open, [2, tenant, [owner, 'INBOX']]), 'not-found');
  assert.equal(await codeOf(imapAsks.open, [account, tenant, [owner, 'INBOX']]), 'ok');
});
