/**
 * The contract of `src/ports/shard-index.ts`, run against each adapter.
 *
 * Method: a case per sentence of the contract, then random commits compared with a sorted Map.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { IndexChange, ShardIndex } from '../../src/ports/shard-index.ts';

export interface OpenedIndex extends AsyncDisposable {
  readonly index: ShardIndex;
  /** Closes and opens the same table again; absent where nothing outlives the object. */
  readonly reopen?: () => Promise<ShardIndex>;
}

const key = (text: string) => Buffer.from(text, 'latin1');
const put = (name: string, value: string): IndexChange => ({ put: key(name), value: key(value) });
const text = (bytes: Uint8Array | undefined) =>
  bytes === undefined ? undefined : Buffer.from(bytes).toString('latin1');
const from = key('\x00');
const to = Buffer.alloc(4, 0xff);

function listing(index: ShardIndex, range = { from, to } as Parameters<ShardIndex['range']>[0]) {
  return index.range(range).map((entry) => [text(entry.key), text(entry.value)]);
}

export function shardIndexContract(name: string, open: () => Promise<OpenedIndex>): void {
  describe(`shard index contract: ${name}`, () => {
    it('shows a commit to reads once it resolved, and nothing for a missing key', async () => {
      await using opened = await open();
      const { index } = opened;
      await index.commit([put('a', '1'), put('b', '')]);
      assert.equal(text(index.get(key('a'))), '1');
      assert.equal(text(index.get(key('b'))), '');
      assert.equal(index.get(key('c')), undefined);
    });

    it('shows a snapshot as of one commit, while others see what came since', async () => {
      await using opened = await open();
      const { index } = opened;
      await index.commit([put('a', '1'), put('b', '2')]);
      const first = index.snapshot();
      await index.commit([put('a', '3'), { remove: key('b') }, put('c', '4')]);
      const second = index.snapshot();
      await index.commit([{ removeFrom: from, to }]);
      await index.commit([put('d', '5')]);
      const listed = (of: typeof first) =>
        of.range({ from, to }).map((entry) => `${text(entry.key)}${text(entry.value)}`);
      assert.deepEqual(listed(first), ['a1', 'b2']);
      assert.deepEqual(listed(second), ['a3', 'c4']);
      assert.equal(text(first.get(key('b'))), '2');
      assert.equal(second.get(key('b')), undefined);
      assert.deepEqual(listing(index), [['d', '5']]);
      first.release();
      assert.deepEqual(listed(second), ['a3', 'c4']);
      second.release();
      await index.commit([put('e', '6')]);
      assert.equal(text(index.get(key('e'))), '6');
    });

    it('shows the same by a peek, whatever the size', async () => {
      await using opened = await open();
      const { index } = opened;
      const large = 'x'.repeat(100_000);
      await index.commit([put('a', 'one'), put('b', ''), put('c', large), put('d', 'four')]);
      assert.equal(text(index.peek(key('c'))), large);
      assert.equal(text(index.peek(key('a'))), 'one');
      assert.equal(text(index.peek(key('b'))), '');
      assert.equal(text(index.peek(key('d'))), 'four');
      assert.equal(index.peek(key('e')), undefined);
    });

    it('shows each of many by a peek, of one length and of any', async () => {
      await using opened = await open();
      const { index } = opened;
      const lengths = [3, 3, 700, 3, 4_096, 4_097, 700, 9_000, 3, 300_000, 4_096, 3];
      const values = lengths.map((length, i) => String(i % 10).repeat(length));
      await index.commit(values.map((value, i) => put(`k${i}`, value)));
      for (let round = 0; round < 2; round++) {
        for (const [i, value] of values.entries()) {
          const peeked = index.peek(key(`k${i}`))!;
          assert.equal(peeked.byteLength, value.length);
          assert.equal(text(peeked), value);
        }
      }
    });

    it('walks a range in order, as long as it is wanted and whatever is read on the way', async () => {
      await using opened = await open();
      const { index } = opened;
      const lengths = [3, 3, 700, 0, 4_096, 4_097, 9_000, 300_000, 3];
      const values = lengths.map((length, i) => String(i).repeat(length));
      await index.commit(values.map((value, i) => put(`k${i}${'x'.repeat(i)}`, value)));
      const walked: (readonly [string | undefined, string | undefined])[] = [];
      const walk = (first: string, end: string, count: number, reads: boolean) => {
        walked.length = 0;
        index.each(key(first), key(end), (name, value) => {
          walked.push([text(name), text(value)]);
          if (reads) {
            assert.equal(text(index.peek(key('k1x'))), '111');
            index.range({ from, to });
            index.each(from, to, () => false);
          }
          return walked.length < count;
        });
        return walked.map(([name, value]) => {
          assert.equal(value, values[Number(name![1])]);
          return Number(name![1]);
        });
      };
      for (const reads of [false, true]) {
        assert.deepEqual(walk('a', 'z', 99, reads), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
        assert.deepEqual(walk('k2', 'k5xxxxx', 99, reads), [2, 3, 4]);
        assert.deepEqual(walk('k2xx', 'z', 3, reads), [2, 3, 4]);
        assert.deepEqual(walk('l', 'z', 3, reads), []);
      }
      const broken = new Error('of the visitor');
      assert.throws(
        () =>
          index.each(from, to, () => {
            throw broken;
          }),
        broken,
      );
      await index.commit([put('k2xx', 'new')]);
      values[2] = 'new';
      assert.deepEqual(walk('k2', 'k3', 9, false), [2]);
    });

    it('gives values and keys that later reads and commits leave alone', async () => {
      await using opened = await open();
      const { index } = opened;
      await index.commit([put('a', 'one'), put('b', 'two')]);
      const first = index.get(key('a'));
      const entries = index.range({ from, to });
      first?.fill(0x7a, 2);
      index.get(key('b'));
      await index.commit([put('a', 'xyz')]);
      assert.equal(text(first), 'onz');
      assert.deepEqual(
        entries.map((e) => text(e.value)),
        ['one', 'two'],
      );
      assert.deepEqual(
        entries.map((e) => text(e.key)),
        ['a', 'b'],
      );
      assert.equal(text(index.get(key('a'))), 'xyz');
    });

    it('copies what commit was handed before it returns', async () => {
      await using opened = await open();
      const { index } = opened;
      const name = key('name');
      const value = Buffer.alloc(3_000, 0x61);
      const lower = key('x');
      await index.commit([put('x1', '1'), put('y1', '2')]);
      const done = index.commit([
        { put: name, value },
        { removeFrom: lower, to: key('y') },
      ]);
      value.fill(0x62);
      name.fill(0x62);
      lower.fill(0);
      await done;
      const plain = key('plain');
      const plainDone = index.commit([{ put: plain, value }]);
      plain.fill(0x63);
      value.fill(0x63);
      await plainDone;
      assert.ok(Buffer.alloc(3_000, 'a').equals(index.get(key('name'))!));
      assert.ok(Buffer.alloc(3_000, 'b').equals(index.get(key('plain'))!));
      assert.deepEqual(
        listing(index).map(([k]) => k),
        ['name', 'plain', 'y1'],
      );
    });

    it('orders keys as unsigned bytes, a prefix first', async () => {
      await using opened = await open();
      const { index } = opened;
      const names = ['\xff', 'b', 'ab', 'a', '\x01\x00', '\x01', '\x7f', '\x80'];
      await index.commit(names.map((name) => put(name, name)));
      const sorted = [...names].sort((a, b) => Buffer.compare(key(a), key(b)));
      assert.deepEqual(
        listing(index).map(([k]) => k),
        sorted,
      );
    });

    it('ranges include `from`, exclude `to`, forwards and in reverse, within a limit', async () => {
      await using opened = await open();
      const { index } = opened;
      await index.commit(['a', 'b', 'c', 'd'].map((name) => put(name, name)));
      const keys = (range: Parameters<ShardIndex['range']>[0]) =>
        listing(index, range).map(([k]) => k);
      assert.deepEqual(keys({ from: key('b'), to: key('d') }), ['b', 'c']);
      assert.deepEqual(keys({ from: key('b'), to: key('d'), reverse: true }), ['c', 'b']);
      assert.deepEqual(keys({ from: key('a'), to, limit: 2 }), ['a', 'b']);
      assert.deepEqual(keys({ from: key('a'), to, limit: 2, reverse: true }), ['d', 'c']);
      assert.deepEqual(keys({ from: key('aa'), to: key('cc'), reverse: true }), ['c', 'b']);
      assert.deepEqual(keys({ from: key('d'), to: key('b') }), []);
      assert.deepEqual(keys({ from: key('d'), to: key('b'), reverse: true }), []);
      assert.deepEqual(keys({ from: key('b'), to: key('b') }), []);
      assert.deepEqual(keys({ from: key('a'), to, limit: 0 }), []);
    });

    it('applies the changes of a commit in order, ranges included', async () => {
      await using opened = await open();
      const { index } = opened;
      await index.commit([put('a', 'old'), put('b', 'old'), put('c', 'old')]);
      await index.commit([
        put('aa', 'x'),
        { removeFrom: key('a'), to: key('c') },
        put('b', 'new'),
        { remove: key('c') },
        put('d', '1'),
        put('d', '2'),
        { remove: key('nothing') },
      ]);
      assert.deepEqual(listing(index), [
        ['b', 'new'],
        ['d', '2'],
      ]);
    });

    it('applies commits in the order they were made, awaited or not', async () => {
      await using opened = await open();
      const { index } = opened;
      await Promise.all([
        index.commit([put('a', '1'), put('b', '1')]),
        index.commit([put('a', '2'), { removeFrom: key('b'), to: key('c') }]),
        index.commit([put('b', '3')]),
        index.commit([{ remove: key('a') }]),
      ]);
      assert.deepEqual(listing(index), [['b', '3']]);
    });

    it('takes keys of 1,978 bytes and values of 32 MiB', async () => {
      await using opened = await open();
      const { index } = opened;
      const longKey = Buffer.alloc(1_978, 0x6b);
      const longValue = Buffer.alloc(32 * 1_048_576, 0x76);
      await index.commit([{ put: longKey, value: longValue }]);
      assert.ok(longValue.equals(index.get(longKey)!));
      const [entry] = index.range({ from, to });
      assert.ok(longKey.equals(entry!.key));
      assert.ok(longValue.equals(entry!.value));
    });

    it('refuses a whole commit when one key or value is past its limit', async () => {
      await using opened = await open();
      const { index } = opened;
      const tooLong = { put: Buffer.alloc(1_979, 1), value: key('') };
      const tooLarge = { put: key('large'), value: Buffer.alloc(32 * 1_048_576 + 1) };
      await assert.rejects(index.commit([put('a', '1'), tooLong]));
      await assert.rejects(index.commit([put('a', '1'), tooLarge]));
      await assert.rejects(index.commit([put('a', '1'), { put: Buffer.alloc(0), value: key('') }]));
      assert.deepEqual(listing(index), []);
    });

    it('is empty after clear, and takes commits again', async () => {
      await using opened = await open();
      const { index } = opened;
      await index.commit([put('a', '1')]);
      await index.clear();
      assert.deepEqual(listing(index), []);
      await index.commit([put('b', '2')]);
      assert.deepEqual(listing(index), [['b', '2']]);
    });

    it('holds random commits as a sorted map does', async () => {
      const small = fc.string({ minLength: 1, maxLength: 3, unit: fc.constantFrom('a', 'b', 'c') });
      const change = fc.oneof(
        {
          weight: 5,
          arbitrary: fc.tuple(small, fc.string({ maxLength: 5 })).map(([k, v]) => put(k, v)),
        },
        { weight: 2, arbitrary: small.map((k): IndexChange => ({ remove: key(k) })) },
        {
          weight: 1,
          arbitrary: fc
            .tuple(small, small)
            .map(([a, b]): IndexChange => ({ removeFrom: key(a), to: key(b) })),
        },
      );
      await using opened = await open();
      const { index } = opened;
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.array(change, { maxLength: 12 }), { maxLength: 8 }),
          async (commits) => {
            await index.clear();
            const model = new Map<string, string>();
            const done = commits.map((changes) => index.commit(changes));
            for (const changes of commits) for (const one of changes) applyToModel(model, one);
            await Promise.all(done);
            const sorted = [...model].sort(([a], [b]) => Buffer.compare(key(a), key(b)));
            assert.deepEqual(listing(index), sorted);
            assert.deepEqual(listing(index, { from, to, reverse: true }), sorted.reverse());
          },
        ),
        { numRuns: 60 },
      );
    });

    it('shows the last commit after it was closed and opened again', async (t) => {
      await using opened = await open();
      if (opened.reopen === undefined) return t.skip('nothing outlives the object');
      await opened.index.commit([put('a', '1'), put('b', '2')]);
      await opened.index.commit([{ remove: key('a') }]);
      const again = await opened.reopen();
      assert.deepEqual(listing(again), [['b', '2']]);
    });
  });
}

function applyToModel(model: Map<string, string>, change: IndexChange): void {
  if ('put' in change) model.set(text(change.put)!, text(change.value)!);
  else if ('remove' in change) model.delete(text(change.remove)!);
  else {
    for (const name of [...model.keys()]) {
      const isIn =
        Buffer.compare(key(name), change.removeFrom) >= 0 &&
        Buffer.compare(key(name), change.to) < 0;
      if (isIn) model.delete(name);
    }
  }
}
