/** Aim: keys sort as their fields do, and ranges hold just what they name. Method: random fields, seeds printed. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import * as keys from '../../../../src/engine/store/keys.ts';

const u32 = fc.oneof(fc.nat(3), fc.integer({ min: 0, max: 0xffff_ffff }));
const modseq = fc.oneof(fc.nat(3), fc.integer({ min: 0, max: 2 ** 52 }));
const dateMs = fc.oneof(fc.nat(3), fc.integer({ min: 0, max: 2 ** 48 - 1 }));

function compare(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i]! < b[i]! ? -1 : 1;
  return 0;
}

function isIn(key: Uint8Array, range: keys.KeyRange): boolean {
  return Buffer.compare(key, range.from) >= 0 && Buffer.compare(key, range.to) < 0;
}

function sortsAs(
  fields: fc.Arbitrary<readonly number[]>,
  make: (fields: readonly number[]) => Uint8Array,
  order: (fields: readonly number[]) => readonly number[] = (all) => all,
): void {
  fc.assert(
    fc.property(fields, fields, (a, b) => {
      const wanted = Math.sign(compare(order(a), order(b)));
      assert.equal(Math.sign(Buffer.compare(make(a), make(b))), wanted);
    }),
  );
}

describe('index keys', () => {
  it('sort by account, mailbox, block and document', () => {
    sortsAs(fc.tuple(u32, u32), ([a, m]) => keys.mailboxKey(a!, m!));
    sortsAs(fc.tuple(u32, u32, u32), ([a, m, b]) => keys.uidBlockKey(a!, m!, b!));
    sortsAs(fc.tuple(u32, u32), ([a, d]) => keys.documentKey(a!, d!));
    sortsAs(fc.tuple(u32, modseq, fc.nat(9)), ([a, s, n]) => keys.changeKey(a!, s!, n!));
    sortsAs(fc.tuple(u32, u32, modseq), ([a, m, s]) => keys.byModseqKey(a!, m!, s!));
  });

  it('sort dates newest first, then by document', () => {
    const newestFirst = ([a, m, ms, d]: readonly number[]) => [a!, m!, -ms!, d!];
    sortsAs(
      fc.tuple(u32, u32, dateMs, u32),
      ([a, m, ms, d]) => keys.byDateKey(a!, m!, ms!, d!),
      newestFirst,
    );
  });

  it('give their fields back', () => {
    fc.assert(
      fc.property(u32, u32, modseq, dateMs, (a, m, s, ms) => {
        assert.equal(keys.firstU32(keys.mailboxKey(a, m)), a);
        assert.equal(keys.lastU32(keys.mailboxKey(a, m)), m);
        assert.equal(keys.modseqAt(keys.changeKey(a, s, 0), 5), s);
        assert.equal(keys.modseqAt(keys.vanishedKey(a, m, s), 9), s);
        assert.equal(keys.dateMsOf(keys.byDateKey(a, m, ms, 1)), ms);
      }),
    );
  });

  it('ranges of an account and of a mailbox hold their rows and no others', () => {
    fc.assert(
      fc.property(u32, u32, u32, u32, u32, (a, m, b, otherA, otherM) => {
        const table = keys.tables.uidBlock;
        const own = keys.uidBlockKey(a, m, b);
        assert.ok(isIn(own, keys.accountRange(table, a)));
        assert.ok(isIn(own, keys.mailboxRange(table, a, m)));
        const other = keys.uidBlockKey(otherA, otherM, b);
        assert.equal(isIn(other, keys.accountRange(table, a)), otherA === a);
        assert.equal(isIn(other, keys.mailboxRange(table, a, m)), otherA === a && otherM === m);
        assert.equal(isIn(keys.documentKey(a, m), keys.accountRange(table, a)), false);
      }),
    );
  });

  it('ranges of blocks and of changes hold what they say', () => {
    fc.assert(
      fc.property(u32, u32, u32, u32, u32, modseq, modseq, (a, m, b, first, last, s, since) => {
        const isBetween = b >= first && b <= last;
        const blocks = keys.uidBlockRange(a, m, first, last);
        assert.equal(isIn(keys.uidBlockKey(a, m, b), blocks), isBetween);
        assert.equal(isIn(keys.changeKey(a, s, 3), keys.changesSince(a, since)), s > since);
      }),
    );
  });

  it('deliveries before a day leave out that day', () => {
    const hash = Buffer.alloc(keys.deliveryHashBytes, 0xff);
    const range = keys.deliveriesBefore(7, 20);
    assert.ok(isIn(keys.deliveryKey(7, 19, hash), range));
    assert.ok(!isIn(keys.deliveryKey(7, 20, Buffer.alloc(keys.deliveryHashBytes)), range));
    assert.ok(!isIn(keys.deliveryKey(6, 19, hash), range));
  });

  it('no two tables share a number, and none is the store’s or the spool’s', () => {
    const numbers = Object.values(keys.tables);
    assert.equal(new Set(numbers).size, numbers.length);
    assert.ok(numbers.every((number) => number >= 0x40 && number < 0x80));
  });

  it('the end of a prefix is above all keys under it', () => {
    assert.deepEqual(keys.upTo(Buffer.of(1, 0xff, 0xff)), Buffer.of(2));
    assert.deepEqual(keys.upTo(Buffer.of(1, 2)), Buffer.of(1, 3));
    assert.throws(() => keys.upTo(Buffer.of(0xff)));
  });
});
