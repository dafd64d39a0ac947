/**
 * Aim: a key stands for one message, also after a restart, and not for ever.
 * Method: the keys' kind and rows on a shard in memory, with a clock set by hand.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AcceptAnswer } from '../../../../src/actors/asks/reception.ts';
import { failure } from '../../../../src/base/errors.ts';
import { defaultTenant } from '../../../../src/base/ids.ts';
import { hourMs } from '../../../../src/base/units.ts';
import { keyedDraft, keyedKind, Repeats } from '../../../../src/engine/spool/repeats.ts';
import { FakeShard } from '../../../support/fake-shard.ts';

const hash = 'ab'.repeat(16);
const [first, second] = ['0000000000000001', '0000000000000002'];
const acceptedMs = 1_000_000;
const everything = { from: Buffer.alloc(0), to: Buffer.of(0xff), limit: 10_000 };

function open() {
  const shard = new FakeShard([keyedKind]);
  const repeats = new Repeats();
  const accept = (id: string, atMs = acceptedMs, key = hash) =>
    repeats.once(shard, key, id, async (): Promise<AcceptAnswer> => {
      await shard.append([keyedDraft(defaultTenant, key, id, atMs)]);
      return { ok: true };
    });
  return { shard, repeats, accept };
}

test('the first message with a key is accepted, and told to all who come again', async () => {
  const { shard, repeats, accept } = open();
  const [one, two] = await Promise.all([accept(first), accept(second)]);
  assert.deepEqual(
    [one, two],
    [
      { ok: true, earlierId: first },
      { ok: true, earlierId: first },
    ],
  );
  assert.deepEqual(await accept(second), { ok: true, earlierId: first });
  assert.equal(repeats.earlierId(shard, hash), first);
  assert.equal(shard.records.length, 1);
  const other = await accept(second, acceptedMs, 'cd'.repeat(16));
  assert.deepEqual(other, { ok: true, earlierId: second });
});

test('a message that was not accepted leaves its key free', async () => {
  const { shard, repeats, accept } = open();
  const busy = failure('store-busy');
  assert.deepEqual(await repeats.once(shard, hash, first, async () => busy), busy);
  assert.deepEqual(await accept(second), { ok: true, earlierId: second });
});

test('records applied again give the same rows', async () => {
  const { shard, accept } = open();
  await accept(first);
  const rows = shard.range(everything);
  assert.equal(rows.length, 2);
  for (const record of shard.records) shard.write(keyedKind.apply(record, shard));
  assert.deepEqual(shard.range(everything), rows);
});

test('a key is known for a day, and leaves nothing behind', async () => {
  const { shard, repeats, accept } = open();
  await accept(first);
  repeats.forget(shard, acceptedMs + 24 * hourMs);
  assert.equal(repeats.earlierId(shard, hash), first);
  repeats.forget(shard, acceptedMs + 25 * hourMs);
  assert.equal(repeats.earlierId(shard, hash), undefined);
  assert.deepEqual(shard.range(everything), []);
});

test('a key used again after its day is not forgotten with its first message', async () => {
  const { shard, repeats, accept } = open();
  await accept(first);
  const laterMs = acceptedMs + 25 * hourMs;
  shard.write(keyedKind.apply((await keyedAt(laterMs)).records[0]!, shard));
  repeats.forget(shard, laterMs);
  assert.equal(repeats.earlierId(shard, hash), second);
  assert.equal(shard.range(everything).length, 2);
});

async function keyedAt(atMs: number): Promise<FakeShard> {
  const other = open();
  await other.accept(second, atMs);
  return other.shard;
}

test('many old keys are forgotten at one go after the other', async () => {
  const { shard, repeats, accept } = open();
  const count = 1_001;
  const keys = Array.from({ length: count }, (_, i) => i.toString(16).padStart(32, '0'));
  await Promise.all(keys.map((key) => accept(first, acceptedMs, key)));
  const nowMs = acceptedMs + 25 * hourMs;
  repeats.forget(shard, nowMs);
  assert.equal(shard.range(everything).length, 2);
  repeats.forget(shard, nowMs);
  assert.deepEqual(shard.range(everything), []);
});
