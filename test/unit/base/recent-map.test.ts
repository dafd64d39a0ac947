/** Aim: a cache that forgets the least used half, and never grows past its bound. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RecentMap } from '../../../src/base/recent-map.ts';

describe('recent map', () => {
  it('keeps what was read lately, and lets go what was not', () => {
    const map = new RecentMap<number, string>(8);
    for (let i = 0; i < 4; i++) map.set(i, `${i}`);
    map.set(4, '4');
    assert.equal(map.get(0), '0');
    for (let i = 5; i < 8; i++) map.set(i, `${i}`);
    assert.equal(map.get(0), '0', 'read since the last turn');
    assert.equal(map.get(1), undefined);
  });

  it('holds no more than its bound', () => {
    const map = new RecentMap<number, number>(100);
    for (let i = 0; i < 10_000; i++) {
      map.set(i, i);
      assert.ok(map.count <= 100);
    }
  });

  it('forgets one or all when told', () => {
    const map = new RecentMap<string, number>(4);
    map.set('a', 1);
    map.set('b', 2);
    map.set('c', 3);
    map.delete('a');
    assert.equal(map.get('a'), undefined);
    assert.equal(map.get('c'), 3);
    map.clear();
    assert.equal(map.get('c'), undefined);
    assert.equal(map.count, 0);
  });
});
