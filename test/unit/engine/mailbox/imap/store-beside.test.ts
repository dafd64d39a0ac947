/** Aim: STOREs share a sync with new messages and each other; nobody misses a change or is told one that is not. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  imapAsks,
  type PackedStore,
  type PackedStores,
  type Stored,
  type StoredMany,
} from '../../../../../src/actors/asks/imap-asks.ts';
import type { RecordDraft } from '../../../../../src/engine/store/record.ts';
import { messageBytes } from '../mailbox-world.ts';
import { ImapWorld, owner } from './imap-world.ts';

const seen = 1;
const flagged = 4;

/** Three messages, and appends that are counted until the turn is over. */
async function makeScene() {
  const world = new ImapWorld();
  for (let i = 0; i < 3; i++) await world.deliver(messageBytes({ id: `${i}@x.test` }));
  const { shard } = world;
  const append = shard.append.bind(shard);
  /** Appends begun before the first of them was on disk. */
  const scene = { world, together: 0 };
  let isDone = false;
  shard.append = async (drafts: readonly RecordDraft[]) => {
    if (!isDone) scene.together++;
    const places = await append(drafts);
    isDone = true;
    return places;
  };
  return scene;
}

function stores(world: ImapWorld, uid: number, flags: number): PackedStores {
  const view = world.now();
  return [owner, view, [[true, [uid, uid], 'add', flags, false]], 0, view[1], 0];
}

it('STOREs of two sessions and a new message are appended in one turn', async () => {
  const scene = await makeScene();
  const { world } = scene;
  const [one, , two] = await Promise.all([
    world.value<StoredMany>(imapAsks.storeMany, stores(world, 1, seen)),
    world.deliver(messageBytes({ id: 'new@x.test' })),
    world.value<StoredMany>(imapAsks.storeMany, stores(world, 2, flagged)),
  ]);
  assert.equal(scene.together, 3);
  assert.match(one.text, /^\* 1 FETCH .*\\Seen/);
  assert.match(two.text, /^\* 2 FETCH .*\\Flagged/);
});

it('who stores beside another is told later what the other changed', async () => {
  const { world } = await makeScene();
  const known = world.now()[1];
  const [one, two] = await Promise.all([
    world.value<StoredMany>(imapAsks.storeMany, stores(world, 1, seen)),
    world.value<StoredMany>(imapAsks.storeMany, stores(world, 2, flagged)),
  ]);
  assert.equal(one.value.flagModseq, known + 1);
  assert.equal(two.value.flagModseq, known);
});

it('a condition waits for what is stored before it', async () => {
  const { world } = await makeScene();
  const view = world.now();
  const condition = [[], view[1], 0, view[1]] as const;
  const careful: PackedStore = [owner, view, true, [1, 2], 'add', flagged, ...condition];
  const [, { value }] = await Promise.all([
    world.value(imapAsks.storeMany, stores(world, 1, seen)),
    world.value<Stored>(imapAsks.store, careful),
  ]);
  assert.deepEqual(value.modified, [1, 1]);
  assert.deepEqual(value.uids, [2, 2]);
});

it('what an EXPUNGE before it takes out is not stored', async () => {
  const { world } = await makeScene();
  await world.value(imapAsks.storeMany, stores(world, 1, 8));
  const row = world.reader.mailbox(owner[0], 1)!;
  assert.equal(row.deleted, 1);
  const [, { value }] = await Promise.all([
    world.value(imapAsks.expunge, [owner, world.now()]),
    world.value<StoredMany>(imapAsks.storeMany, stores(world, 1, seen)),
  ]);
  assert.deepEqual(value.uids, [[]]);
});
