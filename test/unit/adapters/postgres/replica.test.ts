/** Aim: the copy of a directory's rows is what the database has, whatever was changed, and says of which revision. */

import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, it } from 'node:test';
import { MemoryIndex } from '../../../../src/adapters/memory/memory-index.ts';
import { changesOf, type DatabaseRow, Replica } from '../../../../src/adapters/postgres/replica.ts';
import type { IndexChange } from '../../../../src/ports/shard-index.ts';

const bytes = (text: string) => Buffer.from(text);
const put = (key: string, value: string) => ({ put: bytes(key), value: bytes(value) });

function opened(rows: Readonly<Record<string, string>>) {
  const table = new MemoryIndex();
  const replica = new Replica(table);
  const there = () =>
    Object.fromEntries(
      table
        .range({ from: Buffer.of(1), to: Buffer.of(0xff) })
        .map(({ key, value }) => [Buffer.from(key).toString(), Buffer.from(value).toString()]),
    );
  return table
    .commit(Object.entries(rows).map(([key, value]) => put(key, value)))
    .then(() => ({ table, replica, there }));
}

async function* pages(...all: readonly (readonly [string, string | null][])[]) {
  for (const page of all) {
    yield page.map(([key, value]): DatabaseRow => ({ key: bytes(key), value }));
  }
}

describe('the copy of a directory', () => {
  it('takes changes one after the other, a range for the rows in it', async () => {
    const { table, replica, there } = await opened({ a1: '1', a2: '2', b1: '3' });
    const changes = [
      put('a3', '4'),
      { removeFrom: bytes('a'), to: bytes('b') },
      put('a2', '5'),
      { remove: bytes('b1') },
      put('c', ''),
    ];
    const plain = table.copy();
    await plain.commit(changes);
    await replica.apply(replica.net(changes), { id: 'x', revision: 7 });
    assert.deepEqual(there(), { a2: '5', c: '' });
    assert.equal(plain.entries().length, 2);
    assert.deepEqual(replica.revision, { id: 'x', revision: 7 });
  });

  it('becomes what it is given, and tells only what was different', async () => {
    const { replica, there } = await opened({ a: '1', b: '2', c: '3', d: '4' });
    const given = pages(
      [['a', '1'] as const, ['b', '9'] as const] as never,
      [['e', null]] as never,
    );
    const different: IndexChange[] = [];
    await replica.become(given, { id: 'x', revision: 3 }, (changes) => different.push(...changes));
    assert.deepEqual(there(), { a: '1', b: '9', e: '' });
    const keys = different.map((one) =>
      Buffer.from('put' in one ? one.put : 'remove' in one ? one.remove : one.to).toString(),
    );
    assert.deepEqual(keys.sort(), ['b', 'c', 'd', 'e']);
  });

  it('is of no revision while it is put right, so a kill leaves none that is taken for whole', async () => {
    const { replica } = await opened({ a: '1' });
    await replica.apply(new Map(), { id: 'x', revision: 3 });
    async function* broken() {
      yield [{ key: bytes('b'), value: '2' }];
      throw new Error('killed here');
    }
    const told: IndexChange[] = [];
    const done = replica.become(broken(), { id: 'x', revision: 4 }, (changes) => {
      told.push(...changes);
    });
    await assert.rejects(done, /killed here/);
    assert.equal(replica.revision, undefined);
    assert.deepEqual(told, [{ remove: bytes('a') }, put('b', '2')].reverse());
  });

  it('gives net changes back as changes of a table', () => {
    const net = new Map([
      ['61', bytes('1')],
      ['62', undefined],
    ]);
    assert.deepEqual(changesOf(net), [put('a', '1'), { remove: bytes('b') }]);
  });
});
