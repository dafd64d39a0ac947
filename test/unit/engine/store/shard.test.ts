/**
 * Aim: what a shard answered is on disk and readable, whatever of its disk or index fails; what it may let go, goes.
 * Method: real shards over a memory disk whose writes and syncs can be made to fail, a fake clock and a plain index.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryDisk } from '../../../../src/adapters/memory/memory-disk.ts';
import { type ErrorCode, MailError } from '../../../../src/base/errors.ts';
import type { RecordKind } from '../../../../src/engine/store/record.ts';
import { note, noteKey, noteKind, spoilByte, storeBench, text, turns } from './store-bench.ts';

const firstSegment = '/shard/journal/00000001.seg';

test('appends of one turn share one write and one sync, and are answered in order', async () => {
  const bench = storeBench();
  const shard = await bench.open();
  // The file grows ahead with the first, by writes of its own.
  await shard.append([note('first', 'body')]);
  let writes = 0;
  let syncs = 0;
  bench.disk.plan = {
    onWrite: () => {
      writes++;
      return undefined;
    },
    onSync: () => {
      syncs++;
      return undefined;
    },
  };
  const answered: string[] = [];
  const places = await Promise.all(
    ['a', 'b', 'c'].map(async (name) => {
      const [place] = await shard.append([note(name, `body of ${name}`)]);
      answered.push(name);
      return place!;
    }),
  );
  assert.deepEqual([writes, syncs], [1, 1]);
  assert.deepEqual(answered, ['a', 'b', 'c']);
  assert.deepEqual(
    places.map((place) => place.sequence),
    [3, 4, 5],
  );
  assert.equal(text(await shard.read(places[1]!)), 'body of b');
  assert.equal(text(await shard.read(places[1]!, 5, 2)), 'of');
  await shard.close();
});

test('an answered append is read through the overlay before the index has it', async () => {
  const bench = storeBench();
  const shard = await bench.open();
  await shard.append([note('a')]);
  assert.equal(text(shard.get(noteKey('a'))!), '2');
  assert.equal(bench.index.get(noteKey('a')), undefined);
  bench.clock.advance(1_050);
  await turns();
  assert.equal(text(bench.index.get(noteKey('a'))!), '2');
  assert.equal(shard.status().indexLagChanges, 0);
  await shard.close();
});

test('a lazy append goes with the next group, or alone after 50 ms', async () => {
  const bench = storeBench();
  const shard = await bench.open();
  let lazyDone = 0;
  const lazy = shard.appendLazily([note('lazy')]).then(() => lazyDone++);
  await turns();
  assert.equal(lazyDone, 0);
  await shard.append([note('eager')]);
  await lazy;
  const alone = shard.appendLazily([note('alone')]).then(() => lazyDone++);
  bench.clock.advance(49);
  await turns();
  assert.equal(lazyDone, 1);
  bench.clock.advance(1);
  await alone;
  assert.equal(lazyDone, 2);
  const flushed = shard.appendLazily([note('flushed')]);
  await shard.flush();
  await flushed;
  await shard.close();
});

test('a failed sync fails its own group only; the shard goes on in a new segment and epoch', async () => {
  const bench = storeBench();
  const shard = await bench.open();
  const [before] = await shard.append([note('before', 'kept')]);
  let failures = 1;
  bench.disk.plan = { onSync: () => (failures-- > 0 ? 'io' : undefined) };
  const failing = shard.append([note('failing')]);
  await rejects(failing, 'store-failed');
  const [after] = await shard.append([note('after')]);
  assert.equal(after!.segment, 2);
  assert.equal(shard.status().epoch, 2);
  assert.equal(shard.get(noteKey('failing')), undefined);
  // The last good parcel was copied: the page it shares with the failed one may be gone.
  await spoilByte(bench.disk, firstSegment, before!.bodyOffset);
  assert.equal(text(await shard.read(before!)), 'kept');
  await shard.close();
});

test('a full disk is disk-full, costs the reserve, and is over when there is space again', async () => {
  const bench = storeBench();
  const shard = await bench.open();
  bench.clock.advance(1_000);
  await turns();
  assert.ok((await bench.disk.list('/shard')).includes('reserve'));
  bench.disk.plan = { onWrite: () => 'no-space' };
  await rejects(shard.append([note('a')]), 'disk-full');
  assert.equal(shard.hasRoom(), false);
  assert.ok(!(await bench.disk.list('/shard')).includes('reserve'));
  await rejects(shard.append([note('b')]), 'disk-full');
  bench.disk.plan = {};
  await rejects(shard.append([note('c')]), 'disk-full');
  bench.clock.advance(1_000);
  await turns();
  await shard.append([note('d')]);
  assert.equal(shard.hasRoom(), true);
  assert.ok((await bench.disk.list('/shard')).includes('reserve'));
  await shard.close();
});

test('a start on a full disk costs the reserve, opens, says why it refuses, and is whole once there is space', async () => {
  const disk = new MemoryDisk(200_000);
  const told: (string | undefined)[] = [];
  const onRefusal = (refusal: { readonly code: string } | undefined) => told.push(refusal?.code);
  const bench = storeBench();
  let shard = await bench.open({ disk, onRefusal });
  await shard.append([note('queued')]);
  bench.clock.advance(1_000);
  await turns();
  await shard.close();
  const filler = await disk.open('/filler', 'create');
  await filler.write(0, [new Uint8Array(await disk.freeBytes('/'))]);

  shard = await bench.open({ disk, onRefusal });
  assert.equal(shard.refusal()?.code, 'disk-full');
  assert.ok(!(await disk.list('/shard')).includes('reserve'));
  assert.ok(shard.get(noteKey('queued')) !== undefined);
  await shard.append([note('outcome')]);

  await disk.remove('/filler');
  bench.clock.advance(1_000);
  await turns();
  assert.equal(shard.refusal(), undefined);
  assert.ok((await disk.list('/shard')).includes('reserve'));
  assert.deepEqual(told, [undefined, 'disk-full', undefined]);
  await shard.close();
});

test('space that others take while a shard opens costs the reserve too', async () => {
  const bench = storeBench();
  let shard = await bench.open();
  bench.clock.advance(1_000);
  await turns();
  await shard.close();
  let failures = 1;
  bench.disk.plan = { onWrite: () => (failures-- > 0 ? 'no-space' : undefined) };
  shard = await bench.open();
  assert.ok(!(await bench.disk.list('/shard')).includes('reserve'));
  await shard.append([note('outcome')]);
  await shard.close();
});

test('below the free minimum there is no room for new mail, but outcomes are still written', async () => {
  const bench = storeBench();
  bench.disk.plan = { freeBytes: () => 8_191 };
  const shard = await bench.open();
  assert.equal(shard.hasRoom(), false);
  await shard.append([note('outcome')]);
  bench.disk.plan = { freeBytes: () => 1_000_000 };
  bench.clock.advance(1_000);
  await turns();
  assert.equal(shard.hasRoom(), true);
  await shard.close();
});

test('a shard whose epoch another owner took writes nothing more', async () => {
  const bench = storeBench();
  const epochs = new SharedArrayBuffer(16);
  const shard = await bench.open({ epochs });
  await shard.append([note('mine')]);
  Atomics.add(new Uint32Array(epochs), 3, 1);
  await rejects(shard.append([note('late')]), 'store-failed');
  await rejects(shard.append([note('later')]), 'store-read-only');
});

test('a failed index fails no append: it lags, reads stay right, and it catches up', async () => {
  const bench = storeBench();
  const shard = await bench.open();
  bench.index.fails = () => true;
  await shard.append([note('a')]);
  bench.clock.advance(1_050);
  await turns();
  assert.match(shard.status().indexFailure!, /planned/);
  await shard.append([note('b')]);
  assert.equal(text(shard.get(noteKey('a'))!), '2');
  bench.index.fails = () => false;
  for (let i = 0; i < 3; i++) {
    bench.clock.advance(1_000);
    await turns();
  }
  assert.equal(shard.status().indexFailure, undefined);
  assert.equal(text(bench.index.get(noteKey('b'))!), '3');
  await shard.close();
});

test('at the bound of the overlay appends wait for the index, not for ever', async () => {
  const bench = storeBench({ overlayChangesMax: 4, indexChangesBatch: 4 });
  const shard = await bench.open();
  bench.index.fails = () => true;
  await shard.append([1, 2, 3, 4].map((i) => note(`n${i}`)));
  let isDone = false;
  const waiting = shard.append([note('n5')]).then(() => {
    isDone = true;
  });
  await turns();
  assert.equal(isDone, false);
  bench.index.fails = () => false;
  bench.clock.advance(1_000);
  await waiting;
  await shard.close();
});

test('the stored applied position stays before the floor, so what is kept in memory is restored', async () => {
  const bench = storeBench();
  let floor = Number.POSITIVE_INFINITY;
  const indexFloor = () => floor;
  const shard = await bench.open({ indexFloor });
  await shard.append([note('settled')]);
  const [open] = await shard.append([note('open')]);
  floor = open!.sequence;
  await shard.append([note('later')]);
  await shard.close();
  bench.disk = bench.disk.killProcess();
  bench.restored.length = 0;
  const again = await bench.open({ indexFloor });
  const names = bench.restored.map((record) => text(record.meta));
  assert.ok(names.includes('open') && names.includes('later'), String(names));
  await again.close();
});

test('what raises the floor as its append is answered is restored, though its parcel filled an index batch', async () => {
  const bench = storeBench({ indexChangesBatch: 3, overlayChangesMax: 100 });
  let floor = Number.POSITIVE_INFINITY;
  const indexFloor = () => floor;
  const shard = await bench.open({ indexFloor });
  const filling = shard.append([note('a'), note('b'), note('c')]);
  const kept = shard.append([note('kept')]).then(([place]) => {
    floor = place!.sequence;
  });
  await Promise.all([filling, kept]);
  await turns();
  // The end of the journal is replayed in any case.
  await shard.append([note('later', 'x'.repeat(200_000))]);
  await shard.append([note('last')]);
  bench.clock.advance(20);
  await turns();
  assert.ok(shard.status().indexLagChanges <= 2, 'the batch is in the index');
  bench.disk = bench.disk.killProcess();
  bench.restored.length = 0;
  const again = await bench.open({ indexFloor });
  const names = bench.restored.map((record) => text(record.meta));
  assert.ok(names.includes('kept'), String(names));
  await again.close();
});

test('a damaged record before later ones opens the shard for reading only and is named', async () => {
  const bench = storeBench();
  const shard = await bench.open();
  const [hit] = await shard.append([note('hit', 'a body that will be spoiled')]);
  await shard.append([note('later', 'fine')]);
  await shard.close();
  bench.disk = bench.disk.killProcess();
  await spoilByte(bench.disk, firstSegment, hit!.bodyOffset + 3);
  const again = await bench.open();
  const { damage, readOnlyReason } = again.status();
  assert.match(readOnlyReason!, /damaged: segment 1 /);
  assert.deepEqual(
    damage.flatMap((one) => one.hit.map(({ sequence, meta }) => [sequence, text(meta!)])),
    [[hit!.sequence, 'hit']],
  );
  assert.equal(again.hasRoom(), false);
  await rejects(again.append([note('new')]), 'store-read-only');
  assert.ok(again.get(noteKey('later')) !== undefined);
  const report = await again.verify();
  assert.equal(report.damage.length, 1);
  await again.close();
});

test('a body that is not what was written is refused when it is read', async () => {
  const bench = storeBench();
  const shard = await bench.open();
  const [place] = await shard.append([note('a', 'some body')]);
  await spoilByte(bench.disk, firstSegment, place!.bodyOffset);
  await rejects(shard.read(place!), 'store-failed');
  await shard.close();
});

test('a body is read at once where its file is open, and left to the slower way in any doubt', async () => {
  const bench = storeBench();
  const shard = await bench.open();
  const long = 'x'.repeat(200_000);
  const [one, two, large] = await shard.append([
    note('a', 'some body'),
    note('b', 'other'),
    note('c', long),
  ]);
  assert.equal(shard.readNow(one!), undefined, 'no file is open');
  await turns();
  const body = shard.readNow(one!)!;
  assert.equal(text(body), 'some body');
  assert.equal(text(shard.readNow(two!, 1, 3)!), 'the');
  assert.equal(text(shard.readNow(two!)!), 'other');
  assert.notEqual(text(body), 'some body', 'its bytes were written over');
  assert.equal(shard.readNow(two!, 2, 0)!.byteLength, 0);
  assert.equal(shard.readNow(large!), undefined, 'too much to wait for');
  assert.equal(text(shard.readNow(large!, 5, 3)!), 'xxx');
  await spoilByte(bench.disk, firstSegment, one!.bodyOffset);
  assert.equal(shard.readNow(one!), undefined, 'not what was written');
  await rejects(shard.read(one!), 'store-failed');
  bench.disk.plan = { onCall: () => true };
  assert.equal(shard.readNow(two!), undefined, 'the disk is gone');
  await shard.close();
});

test('segments of released bodies are covered by a checkpoint and used again', async () => {
  const bench = storeBench({ segmentBytesMax: 16_384, groupBytesMax: 4_096 });
  const shard = await bench.open();
  const body = Buffer.alloc(3_000, 1);
  for (let i = 0; i < 60; i++) {
    const [place] = await shard.append([note(`n${i}`, body)]);
    shard.releaseBody(place!);
    bench.clock.advance(300);
    await turns(6);
  }
  await turns();
  const { segmentCount, checkpointCovers, lastSequence } = shard.status();
  assert.ok(segmentCount <= 6, `${segmentCount} segments`);
  assert.ok(checkpointCovers > 0 && checkpointCovers < lastSequence);
  await shard.close();
  // An index made again from the checkpoint has the rows of records whose segments are gone.
  bench.disk = bench.disk.killProcess();
  await bench.index.clear();
  const again = await bench.open();
  assert.equal(again.status().rebuildReason, 'the index is empty');
  for (let i = 0; i < 60; i++) assert.ok(again.get(noteKey(`n${i}`)) !== undefined, `n${i}`);
  await again.close();
});

test('a live body, a lease and a hold each keep their segment', async () => {
  const bench = storeBench({ segmentBytesMax: 8_192, groupBytesMax: 4_096 });
  const shard = await bench.open();
  const places = [];
  for (let i = 0; i < 8; i++) {
    const [place] = await shard.append([note(`n${i}`, Buffer.alloc(5_000, i))]);
    places.push(place!);
  }
  const segments = places.map((place) => place.segment);
  const lease = shard.lease(segments[1]!);
  for (const [i, place] of places.entries()) if (i !== 2) shard.releaseBody(place);
  const hold = shard.hold(places[4]!.sequence);
  await shard.compact();
  const has = (i: number) => shard.verify().then(() => isThere(i));
  const isThere = (i: number) => {
    try {
      shard.lease(segments[i]!).release();
      return true;
    } catch {
      return false;
    }
  };
  assert.deepEqual([await has(0), isThere(1), isThere(2), isThere(3)], [false, true, true, false]);
  assert.deepEqual([isThere(4), isThere(5)], [true, true]);
  lease.release();
  hold.release();
  await shard.compact();
  assert.deepEqual([isThere(1), isThere(2), isThere(4)], [false, true, false]);
  assert.equal((await shard.read(places[2]!))[0], 2);
  await shard.close();
});

test('compaction copies what lives out of a sparse segment, and its old place leads to the copy', async () => {
  const bench = storeBench({ segmentBytesMax: 8_192, groupBytesMax: 4_096 });
  const kind: RecordKind = {
    ...noteKind(),
    move: ({ meta, place }) =>
      text(meta) === 'kept'
        ? [{ put: noteKey('kept'), value: Buffer.from(`${place.sequence}`) }]
        : [],
  };
  const shard = await bench.open({ kinds: [kind] });
  const [dead] = await shard.append([note('dead', Buffer.alloc(6_000, 1))]);
  const [kept] = await shard.append([note('kept', 'a body that lives on')]);
  for (let i = 0; i < 3; i++) await shard.append([note(`later${i}`, Buffer.alloc(6_000, 2))]);
  shard.releaseBody(dead!);
  bench.index.fails = () => true;
  await shard.compact();
  assert.notEqual(text(shard.get(noteKey('kept'))!), String(kept!.sequence));
  // The segment waits until the index has the new place.
  assert.doesNotThrow(() => shard.lease(kept!.segment).release());
  bench.index.fails = () => false;
  bench.clock.advance(1_050);
  await turns();
  await shard.compact();
  assert.throws(() => shard.lease(kept!.segment), MailError);
  assert.equal(text(await shard.read(kept!)), 'a body that lives on');
  shard.releaseBody(kept!);
  await shard.close();
});

test('a sparse segment whose bodies go is left to empty itself, one whose bodies stay is copied', async () => {
  const bench = storeBench({ segmentBytesMax: 8_192, groupBytesMax: 4_096 });
  const gone = new Set(['dead']);
  const kind: RecordKind = {
    ...noteKind(),
    move: ({ meta, place }) =>
      gone.has(text(meta))
        ? []
        : [{ put: noteKey(text(meta)), value: Buffer.from(`${place.sequence}`) }],
  };
  const shard = await bench.open({ kinds: [kind] });
  const drafts = Array.from({ length: 12 }, (_, i) => note(`kept${i}`, 'a body that lives on'));
  const kept = await shard.append(drafts);
  const [dead] = await shard.append([note('dead', Buffer.alloc(6_000, 1))]);
  for (let i = 0; i < 3; i++) await shard.append([note(`later${i}`, Buffer.alloc(6_000, 2))]);
  shard.releaseBody(dead!);
  const isCopied = () => text(shard.get(noteKey('kept11'))!) !== String(kept[11]!.sequence);
  const look = async () => {
    bench.clock.advance(1_050);
    await turns();
  };
  for (let i = 0; i < 4; i++) {
    await look();
    assert.equal(isCopied(), false, `look ${i}`);
    gone.add(`kept${i}`);
    shard.releaseBody(kept[i]!);
  }
  await look();
  await look();
  assert.equal(isCopied(), true);
  await shard.close();
});

test('a shard closes behind a failed index, and the index catches up at the next opening', async () => {
  const bench = storeBench({ overlayChangesMax: 2, indexChangesBatch: 2 });
  const shard = await bench.open();
  bench.index.fails = () => true;
  await shard.append([note('a'), note('b')]);
  bench.clock.advance(150);
  await turns();
  const waiting = shard.append([note('c')]);
  await shard.close();
  await waiting;
  bench.index.fails = () => false;
  bench.disk = bench.disk.killProcess();
  const again = await bench.open();
  for (const name of ['a', 'b', 'c']) assert.ok(again.get(noteKey(name)) !== undefined, name);
  await again.close();
});

test('a record of a type no kind knows stops the opening', async () => {
  const bench = storeBench();
  const shard = await bench.open();
  await shard.append([note('a')]);
  await shard.close();
  bench.disk = bench.disk.killProcess();
  bench.index = (await bench.index.copyAt(0)) as typeof bench.index;
  await rejects(bench.open({ kinds: [{ ...noteKind(), type: 31 }] }), 'store-failed');
});

async function rejects(promise: Promise<unknown>, code: ErrorCode): Promise<void> {
  await assert.rejects(promise, (error: unknown) => {
    assert.ok(error instanceof MailError, String(error));
    assert.equal(error.code, code);
    return true;
  });
}

test('an index whose journal is gone is not thrown away: opening fails and says so', async () => {
  const bench = storeBench();
  const shard = await bench.open();
  await shard.append([note('a', 'mail')]);
  await shard.close();
  for (const name of await bench.disk.list('/shard/journal')) {
    await bench.disk.remove(`/shard/journal/${name}`);
  }
  await assert.rejects(bench.open(), /the journal is gone/);
  assert.notEqual(bench.index.get(noteKey('a')), undefined);
});
