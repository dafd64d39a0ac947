/**
 * Aim: what was sealed opens as it was, in its own place and by its own key only; any bit of it that changed is found.
 * Method: records and rows sealed one by one, then changed, swapped and moved.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryIndex } from '../../../../../src/adapters/memory/memory-index.ts';
import { nodeRandom } from '../../../../../src/adapters/node/random.ts';
import { defaultTenant } from '../../../../../src/base/ids.ts';
import {
  accountKey,
  accountRange,
  documentKey,
  mailboxKey,
  subscriptionKey,
  subscriptionsBelow,
  tables,
} from '../../../../../src/engine/store/keys.ts';
import type { JournalRecord } from '../../../../../src/engine/store/record.ts';
import { Nonces, openPart, sealBytes } from '../../../../../src/engine/store/vault/sealed-bytes.ts';
import { SealedIndex } from '../../../../../src/engine/store/vault/sealed-index.ts';
import { openRecord, sealDraft } from '../../../../../src/engine/store/vault/sealed-record.ts';
import { keyOf, vaultWith } from './vault-world.ts';

const shard = 3;
const vault = vaultWith(7, 8);
const nonces = new Nonces(nodeRandom);

function sealedRecord(body = 'the body'): JournalRecord {
  const draft = {
    ...{ type: 43, tenant: defaultTenant, key: vault.newest(7)! },
    meta: Buffer.from('the meta'),
    body: [Buffer.from(body.slice(0, 3)), Buffer.from(body.slice(3))],
  };
  const { type, tenant, meta, body: parts, sealedBy } = sealDraft(draft, shard, 50, nonces);
  const whole = Buffer.concat(parts);
  const place = { sequence: 50, segment: 1, offset: 64, bytes: 0, bodyOffset: 0, bodyBytes: 8 };
  return { place, type, tenant, meta, body: whole, sealedBy: sealedBy! };
}

test('a record opens as it was, and the same one is sealed to other bytes each time', () => {
  const record = sealedRecord();
  const opened = openRecord(record, shard, vault) as JournalRecord;
  assert.deepEqual([`${opened.meta}`, `${opened.body}`], ['the meta', 'the body']);
  assert.notDeepEqual(sealedRecord().body, record.body);
  const empty = openRecord(sealedRecord(''), shard, vault) as JournalRecord;
  assert.equal(empty.body.byteLength, 0);
});

test('a record opens in no other place, for no other account, and not with a bit changed', () => {
  const record = sealedRecord();
  const { place } = record;
  const damaged = (other: JournalRecord, at = shard) => openRecord(other, at, vault) === 'damaged';
  assert.ok(damaged({ ...record, place: { ...place, sequence: 51 } }));
  assert.ok(damaged({ ...record, type: 44 }));
  assert.ok(damaged({ ...record, sealedBy: { account: 8, version: 1 } }));
  assert.ok(damaged(record, shard + 1));
  assert.ok(damaged({ ...record, body: sealedRecord().body }));
  assert.ok(damaged({ ...record, body: new Uint8Array(0) }));
  assert.ok(damaged({ ...record, meta: record.meta.subarray(0, 20) }));
  for (const part of ['meta', 'body'] as const) {
    for (let bit = 0; bit < 8 * record[part].byteLength; bit += 3) {
      const spoiled = Uint8Array.from(record[part]);
      spoiled[bit >> 3]! ^= 1 << (bit & 7);
      assert.ok(damaged({ ...record, [part]: spoiled }), `${part} bit ${bit}`);
    }
  }
  assert.equal(
    openRecord({ ...record, sealedBy: { account: 7, version: 2 } }, shard, vault),
    'missing',
  );
});

test('any part of sealed bytes is read alone', () => {
  const key = vault.newest(7)!.records;
  const clear = nodeRandom.bytes(1_000);
  const nonce = nonces.next();
  const sealed = Buffer.concat(sealBytes(key, nonce, new Uint8Array(0), [clear]).parts);
  for (let from = 0; from < 70; from++) {
    for (const length of [0, 1, 15, 16, 17, 900]) {
      const part = openPart(key, nonce, from, sealed.subarray(from, from + length));
      assert.deepEqual(new Uint8Array(part), clear.slice(from, from + length));
    }
  }
});

test('a row opens under its own key only, and rows of clear accounts are as they are', async () => {
  const inner = new MemoryIndex();
  const index = new SealedIndex(inner, vault, nonces);
  const value = Buffer.from('a name of a mailbox');
  await index.commit([
    { put: mailboxKey(7, 1), value },
    { put: mailboxKey(7, 2), value: Buffer.from('another') },
    { put: mailboxKey(9, 1), value },
    { put: accountKey(7), value },
  ]);
  assert.deepEqual(Buffer.from(index.get(mailboxKey(7, 1))!), value);
  assert.deepEqual(Buffer.from(inner.get(mailboxKey(9, 1))!), value);
  assert.deepEqual(Buffer.from(inner.get(accountKey(7))!), value);
  const stored = inner.get(mailboxKey(7, 1))!;
  assert.ok(!Buffer.from(stored).includes('mailbox'));
  await inner.commit([{ put: mailboxKey(7, 2), value: stored }]);
  await inner.commit([{ put: mailboxKey(8, 1), value: stored }]);
  assert.throws(() => index.get(mailboxKey(7, 2)), { code: 'store-failed' });
  assert.throws(() => index.get(mailboxKey(8, 1)), { code: 'store-failed' });
  await inner.commit([{ put: mailboxKey(7, 1), value: stored.subarray(0, 40) }]);
  assert.throws(() => index.get(mailboxKey(7, 1)), { code: 'store-failed' });
});

test('rows with names in their keys are found, ranged over in order and removed as clear ones are', async () => {
  const paths = ['b', 'a', 'a/x', 'a/y', 'a/x/z', 'c/x', 'ä'];
  const plain = new MemoryIndex();
  const inner = new MemoryIndex();
  const index = new SealedIndex(inner, vault, nonces);
  for (const target of [plain, index]) {
    await target.commit(
      paths.map((path) => ({ put: subscriptionKey(7, path), value: Uint8Array.of(1) })),
    );
  }
  const shown = (from: MemoryIndex | SealedIndex, range: { from: Uint8Array; to: Uint8Array }) =>
    [...from.range(range)].map(({ key, value }) => [`${Buffer.from(key)}`, value[0]]);
  const whole = accountRange(tables.subscription, 7);
  const check = () => {
    for (const range of [whole, subscriptionsBelow(7, 'a'), subscriptionsBelow(7, 'b')]) {
      assert.deepEqual(shown(index, range), shown(plain, range));
    }
  };
  check();
  assert.equal(index.get(subscriptionKey(7, 'a/x'))![0], 1);
  assert.equal(index.get(subscriptionKey(7, 'none')), undefined);
  const [first] = index.range({ ...whole, reverse: true, limit: 1 });
  assert.deepEqual(Buffer.from(first!.key), subscriptionKey(7, 'ä'));
  for (const { key } of inner.entries()) assert.equal(key.byteLength, 5 + 16);
  const below = subscriptionsBelow(7, 'a');
  for (const target of [plain, index]) {
    await target.commit([{ removeFrom: below.from, to: below.to }]);
    await target.commit([{ remove: subscriptionKey(7, 'b') }]);
  }
  check();
  for (const target of [plain, index]) {
    await target.commit([{ removeFrom: whole.from, to: whole.to }]);
  }
  assert.equal(inner.entries().length, 0);
});

test('rows of many accounts are read without those whose key is gone, page after page', async () => {
  const all = vaultWith(7, 8);
  const inner = new MemoryIndex();
  const index = new SealedIndex(inner, all, nonces);
  const value = Buffer.from('row');
  const changes = [];
  for (let document = 1; document <= 400; document++) {
    for (const account of [7, 8, 9]) changes.push({ put: documentKey(account, document), value });
  }
  await index.commit(changes);
  const range = { from: Buffer.of(tables.document), to: Buffer.of(tables.document + 1) };
  assert.equal(index.range(range).length, 1_200);
  assert.equal(index.range({ ...range, limit: 900 }).length, 900);
  const [last] = index.range({ ...range, reverse: true, limit: 1 });
  assert.deepEqual(Buffer.from(last!.key), documentKey(9, 400));
  all.miss(8);
  assert.equal(index.range(range).length, 800);
  assert.equal(index.range({ ...range, limit: 500 }).length, 500);
  assert.throws(() => index.range(accountRange(tables.document, 8)), { code: 'store-failed' });
  all.admit(8, [keyOf(8)]);
  all.shred(8);
  assert.equal(index.range(range).length, 800);
  assert.deepEqual(index.range(accountRange(tables.document, 8)), []);
  assert.equal(index.get(documentKey(8, 1)), undefined);
});
