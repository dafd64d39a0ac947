/**
 * Aim: a large body stands in a file of its own, is read back as written, outlives every crash once its record is
 * answered, and leaves nothing behind when it is not, or is dead.
 * Method: real shards on a simulated disk, killed or cut off between each two steps; the kind keeps places in rows.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultTenant } from '../../../../src/base/ids.ts';
import type { RecordDraft, RecordKind, RecordPlace } from '../../../../src/engine/store/record.ts';
import type { Shard } from '../../../../src/engine/store/shard.ts';
import { RewindableIndex } from '../../../simulation/rewindable-index.ts';
import { spoilByte, storeBench, text, turns } from './store-bench.ts';

const heldType = 31;
const endedType = 32;
const firstNumber = 0x8000_0001;
const firstFile = '/shard/journal/00000001.body';

const keyOf = (name: string) => Buffer.concat([Buffer.of(0x21), Buffer.from(name)]);
const placeIn = (value: Uint8Array) => JSON.parse(text(value)) as RecordPlace;

/** `held` keeps its place under its name until `ended` of that name comes. */
function kinds(): RecordKind[] {
  return [
    {
      type: heldType,
      name: 'held',
      pinsBody: true,
      apply: ({ meta, place }) => [
        { put: keyOf(text(meta)), value: Buffer.from(JSON.stringify(place)) },
      ],
      livePlaces: (read) =>
        read
          .range({ from: Buffer.of(0x21), to: Buffer.of(0x22), limit: 1_000 })
          .map(({ value }) => placeIn(value)),
      move(record, _from, read) {
        const key = keyOf(text(record.meta));
        if (read.get(key) === undefined) return [];
        return [{ put: key, value: Buffer.from(JSON.stringify(record.place)) }];
      },
    },
    {
      type: endedType,
      name: 'ended',
      apply: ({ meta }) => [{ remove: keyOf(text(meta)) }],
      restore: ({ meta }, shard) => {
        const place = endedPlaces.get(text(meta));
        if (place !== undefined) shard.releaseBody(place);
      },
    },
  ];
}

const endedPlaces = new Map<string, RecordPlace>();

function draft(type: number, name: string, more: Partial<RecordDraft> = {}): RecordDraft {
  return { type, tenant: defaultTenant, meta: Buffer.from(name), body: [], ...more };
}

const rest = Buffer.alloc(3_000_000, 'the rest of a large body. ');
const front = Buffer.from('what was put in front');
const whole = Buffer.concat([front, rest]);

async function write(shard: Shard, name: string): Promise<RecordPlace> {
  const writer = await shard.openBody(1_000);
  await writer.append(rest.subarray(0, 100_000));
  await writer.append(rest.subarray(100_000));
  const side = await writer.seal([front]);
  const [place] = await shard.append([draft(heldType, name, { side })]);
  return place!;
}

async function end(shard: Shard, name: string, place: RecordPlace): Promise<void> {
  await shard.append([draft(endedType, name)]);
  shard.releaseBody(place);
  endedPlaces.set(name, place);
}

async function bodyFiles(bench: ReturnType<typeof storeBench>): Promise<string[]> {
  const names = (await bench.disk.list('/shard/journal')).filter((name) => name.endsWith('.body'));
  return names;
}

async function sizeOf(bench: ReturnType<typeof storeBench>, path: string): Promise<number> {
  const file = await bench.disk.open(path, 'read');
  const size = await file.size();
  await file.close();
  return size;
}

test('a large body is read back whole and in parts, now and after a start', async () => {
  const bench = storeBench();
  let shard = await bench.open({ kinds: kinds() });
  const place = await write(shard, 'a');
  assert.equal(place.segment, firstNumber);
  assert.equal(place.bodyBytes, whole.length);
  assert.ok(whole.equals(await shard.read(place)));
  assert.equal(text(await shard.read(place, 9, 12)), 'put in front');
  assert.equal(shard.status().liveBytes, whole.length);
  await shard.close();
  for (const index of [bench.index, new RewindableIndex()]) {
    bench.index = index;
    shard = await bench.open({ kinds: kinds() });
    const row = placeIn(shard.get(keyOf('a'))!);
    assert.ok(whole.equals(await shard.read(row)));
    assert.deepEqual((await shard.verify()).damage, []);
    await shard.close();
  }
});

test('a body that died gives its room back, and its number is never given out again', async () => {
  const bench = storeBench();
  let shard = await bench.open({ kinds: kinds() });
  const place = await write(shard, 'a');
  const lease = shard.lease(place.segment);
  await end(shard, 'a', place);
  await shard.compact();
  assert.ok((await sizeOf(bench, firstFile)) > rest.length, 'a lease keeps it');
  lease.release();
  await shard.compact();
  assert.equal(await sizeOf(bench, firstFile), 0);
  await shard.close();
  shard = await bench.open({ kinds: kinds() });
  const next = await write(shard, 'b');
  assert.equal(next.segment, firstNumber + 1);
  await shard.compact();
  assert.deepEqual(await bodyFiles(bench), ['00000002.body']);
  assert.ok(whole.equals(await shard.read(next)));
  await shard.close();
});

test('a file that goes is open no longer: its blocks go with it', async () => {
  const bench = storeBench();
  const shard = await bench.open({ kinds: kinds() });
  const place = await write(shard, 'a');
  await write(shard, 'b');
  let openCount = 0;
  const { disk } = bench;
  const { open } = disk;
  disk.open = async (path, mode) => {
    const file = await open.call(disk, path, mode);
    if (path !== firstFile) return file;
    openCount++;
    const { close } = file;
    file.close = async () => {
      openCount--;
      await close.call(file);
    };
    return file;
  };
  await shard.read(place);
  assert.equal(openCount, 1);
  await end(shard, 'a', place);
  await shard.compact();
  assert.equal(openCount, 0);
  assert.deepEqual(await bodyFiles(bench), ['00000002.body']);
  await shard.close();
});

test('a checkpoint, compaction and a rebuild from it keep a large body where it is', async () => {
  const bench = storeBench({ segmentBytesMax: 64_000, fillBytesMax: 4_096 });
  let shard = await bench.open({ kinds: kinds() });
  const place = await write(shard, 'a');
  for (let i = 0; i < 5; i++) {
    const filling = draft(heldType, `filling ${i}`, { body: [Buffer.alloc(40_000, i)] });
    const [filled] = await shard.append([filling]);
    await end(shard, `filling ${i}`, filled!);
  }
  const { segmentsRemoved } = await shard.compact();
  assert.ok(segmentsRemoved > 2);
  await shard.close();
  bench.index = new RewindableIndex();
  shard = await bench.open({ kinds: kinds() });
  assert.deepEqual(placeIn(shard.get(keyOf('a'))!), place);
  assert.ok(whole.equals(await shard.read(place)));
  assert.deepEqual(shard.status().damage, []);
  await shard.close();
});

for (const [step, isKept] of [
  ['opened', false],
  ['written', false],
  ['sealed', false],
  ['appended', true],
] as const) {
  for (const way of ['cutPower', 'killProcess'] as const) {
    test(`a body ${step} when the machine stops (${way}) is ${isKept ? 'there' : 'gone'}`, async () => {
      const bench = storeBench();
      let shard = await bench.open({ kinds: kinds() });
      await shard.append([draft(endedType, 'anything')]);
      const writer = await shard.openBody(1_000);
      if (step !== 'opened') await writer.append(rest);
      if (step === 'sealed' || step === 'appended') {
        const side = await writer.seal([front]);
        if (step === 'appended') await shard.append([draft(heldType, 'a', { side })]);
      }
      bench.disk = bench.disk[way]();
      if (way === 'cutPower') bench.index = new RewindableIndex();
      shard = await bench.open({ kinds: kinds() });
      assert.deepEqual(shard.status().damage, []);
      const row = shard.get(keyOf('a'));
      assert.equal(row !== undefined, isKept);
      if (row !== undefined) assert.ok(whole.equals(await shard.read(placeIn(row))));
      else assert.equal(shard.status().segmentBytes < rest.length, true);
      await shard.close();
    });
  }
}

test('a discarded body leaves no file', async () => {
  const bench = storeBench();
  const shard = await bench.open({ kinds: kinds() });
  const writer = await shard.openBody(1_000);
  await writer.append(rest);
  await writer.discard();
  await writer.discard();
  assert.deepEqual(await bodyFiles(bench), []);
  await shard.close();
});

test('a body whose record could not be written goes once the journal is open again', async () => {
  const bench = storeBench();
  const shard = await bench.open({ kinds: kinds() });
  const writer = await shard.openBody(1_000);
  await writer.append(rest);
  const side = await writer.seal([front]);
  let failures = 1;
  bench.disk.plan = { onSync: () => (failures-- > 0 ? 'io' : undefined) };
  await assert.rejects(shard.append([draft(heldType, 'a', { side })]), { code: 'store-failed' });
  await shard.compact();
  assert.equal(await sizeOf(bench, firstFile), 0);
  assert.equal(shard.get(keyOf('a')), undefined);
  await shard.close();
});

test('a failed write or sync of a body gives up that body alone', async () => {
  const bench = storeBench();
  const shard = await bench.open({ kinds: kinds() });
  const writer = await shard.openBody(1_000);
  await writer.append(rest);
  bench.disk.plan = { onSync: (path) => (path.endsWith('.body') ? 'io' : undefined) };
  await assert.rejects(writer.seal([front]));
  assert.deepEqual(await bodyFiles(bench), []);
  bench.disk.plan = {};
  const place = await write(shard, 'b');
  assert.ok(whole.equals(await shard.read(place)));
  assert.equal(shard.status().epoch, 1);
  await shard.close();
});

test('a lost or spoiled file of a live body is damage, and is named', async () => {
  const bench = storeBench();
  let shard = await bench.open({ kinds: kinds() });
  const place = await write(shard, 'a');
  await shard.close();
  await spoilByte(bench.disk, firstFile, place.bodyOffset + 2_000_000);
  shard = await bench.open({ kinds: kinds() });
  await assert.rejects(shard.read(place), { code: 'store-failed' });
  const [found] = (await shard.verify()).damage;
  assert.match(found!.reason, /side segment/);
  assert.equal(found!.hit[0]!.sequence, place.sequence);
  await shard.close();
  await bench.disk.remove(firstFile);
  shard = await bench.open({ kinds: kinds() });
  await turns();
  const { damage, readOnlyReason } = shard.status();
  assert.match(damage[0]!.reason, /segment of a live body is gone/);
  assert.notEqual(readOnlyReason, undefined);
  await shard.close();
});
