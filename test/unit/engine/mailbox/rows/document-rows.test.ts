/**
 * Aim: rows of many documents are those that a look-up of each would show, in order.
 * Method: random lists of documents, near each other or not, in tables with gaps, against one look-up each; stopped on
 *      the way.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DocumentRows } from '../../../../../src/engine/mailbox/rows/document-rows.ts';
import { parsedKey, tables } from '../../../../../src/engine/store/keys.ts';
import { FakeShard } from '../../../../support/fake-shard.ts';
import { SeededRandom } from '../../../../support/seeded-clock.ts';

const account = 7;

describe('rows of documents', () => {
  it('are visited in the order of the list, those that are missing too, until enough is known', () => {
    const seed = 3;
    const random = new SeededRandom(seed);
    for (let round = 0; round < 200; round++) {
      const shard = new FakeShard([]);
      const known = new Map<number, string>();
      for (let document = 1; document < 60; document++) {
        if (random.below(4) === 0) continue;
        known.set(document, `row ${document}`);
        const put = parsedKey(account, document);
        shard.write([{ put, value: Buffer.from(`row ${document}`) }]);
      }
      const oneIn = 1 + random.below(4);
      const list = Array.from({ length: 60 }, (_, i) => i + 1).filter(
        () => random.below(oneIn) === 0,
      );
      if (random.below(4) === 0) list.reverse();
      const from = random.below(list.length + 1);
      const to = from + random.below(list.length - from + 1);
      const most = 1 + random.below(80);
      const seen: (readonly [number, string | undefined])[] = [];
      new DocumentRows(shard, account).each(tables.parsed, list, from, to, (at, row) => {
        seen.push([at, row === undefined ? undefined : Buffer.from(row).toString()]);
        return seen.length < most;
      });
      const wanted = list.map((document, at) => [at, known.get(document)] as const);
      const message = `seed ${seed} round ${round}`;
      assert.deepEqual(seen, wanted.slice(from, Math.min(to, from + most)), message);
    }
  });

  it('of neighbours are walked, and looked up one by one where they are strewn', () => {
    const shard = new FakeShard([]);
    for (let document = 1; document <= 400; document++) {
      shard.write([{ put: parsedKey(account, document), value: Buffer.of(1) }]);
    }
    let peeks = 0;
    const { peek } = shard;
    shard.peek = (key) => {
      peeks++;
      return peek.call(shard, key);
    };
    const rows = new DocumentRows(shard, account);
    const count = (documents: readonly number[]) => {
      peeks = 0;
      rows.each(tables.parsed, documents, 0, documents.length, () => true);
      return peeks;
    };
    assert.equal(count([10, 11, 13, 14, 17]), 0);
    assert.equal(count([10, 100, 390]), 3);
    assert.equal(count([12, 11, 10]), 3);
  });
});
