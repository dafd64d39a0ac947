/**
 * Aim: SORT is right whatever was kept of earlier ones: after arrivals, few and many, and after expunges (RFC 5256 §3).
 * Aim: SORT is right whatever was kept of earlier ones: after arrivals, few and many, after expunges (RFC 5256 §3).
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { imapAsks } from '../../../../../src/actors/asks/imap-asks.ts';
import { DerivedMemory } from '../../../../../src/engine/mailbox/derived-memory.ts';
import { Slices } from '../../../../../src/engine/mailbox/imap/slices.ts';
import { sort } from '../../../../../src/engine/mailbox/imap/sort.ts';
import { SortOrders } from '../../../../../src/engine/mailbox/imap/sort-orders.ts';
import type { SortKey, SortKind } from '../../../../../src/mail/wire/imap/parse-sort.ts';
import type { PartialRange } from '../../../../../src/mail/wire/imap/parse-window.ts';
import type { Criteria } from '../../../../../src/mail/wire/imap/search-keys.ts';
import { SeededRandom } from '../../../../support/seeded-clock.ts';
import { account } from '../mailbox-world.ts';
import { ImapWorld, owner } from './imap-world.ts';

interface Known {
  readonly uid: number;
  readonly subject: string;
  readonly size: number;
  readonly sentMs: number;
}

const all: Criteria = { op: 'all' };
const dayMs = 86_400_000;

class Model {
  readonly world = new ImapWorld();
  readonly random: SeededRandom;
  known: Known[] = [];
  #uid = 0;

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
  }

  async arrive(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const { random } = this;
      const subject = 'ABCD'[random.below(4)]!.repeat(1 + random.below(3));
      const sentMs = Date.UTC(2026, 0, 1) + random.below(9) * dayMs;
      // Long subjects make rows that stand in the journal.
      const padding =
        random.below(9) === 0 ? `X-Pad: 1\r\nTo: ${'a@b.test, '.repeat(200)}c@d.test\r\n` : '';
      const head = `Subject: ${subject}\r\nDate: ${new Date(sentMs).toUTCString()}\r\n${padding}`;
      const bytes = Buffer.from(`${head}\r\n${'y'.repeat(random.below(5))}\r\n`);
      await this.world.deliver(bytes);
      this.known.push({ uid: ++this.#uid, subject, size: bytes.length, sentMs });
    }
  }

  async expunge(): Promise<void> {
    const gone = this.known.filter(() => this.random.below(5) === 0).map(({ uid }) => uid);
    const set = gone.flatMap((uid) => [uid, uid]);
    const view = this.world.now();
    const stored = [owner, view, true, set, 'add', 8, [], view[1], 0, -1];
    await this.world.value(imapAsks.store, stored);
    await this.world.value(imapAsks.expunge, [owner, this.world.now()]);
    this.known = this.known.filter(({ uid }) => !gone.includes(uid));
  }

  async sorted(order: SortKey[], window: PartialRange | null = null, criteria = all) {
    const packed = [account, this.world.now(), true, criteria, [], order, window, 0] as const;
    const { value, body } = await sort(this.world.desk, packed, 0);
    return { value, uids: [...new Uint32Array(Uint8Array.from(body).buffer)] };
  }

  expected(order: readonly SortKey[]): number[] {
    const keyOf = (one: Known, kind: SortKind) =>
      kind === 'SUBJECT' ? one.subject : kind === 'SIZE' ? one.size : one.sentMs;
    const list = [...this.known].sort((a, b) => {
      for (const { kind, isReverse } of order) {
        const [x, y] = [keyOf(a, kind), keyOf(b, kind)];
        if (x !== y) return x < y === isReverse ? 1 : -1;
      }
      return a.uid - b.uid;
    });
    return list.map(({ uid }) => uid);
  }
}

const orders: SortKey[][] = [
  [{ kind: 'SUBJECT', isReverse: false }],
  [{ kind: 'DATE', isReverse: true }],
  [
    { kind: 'SUBJECT', isReverse: true },
    { kind: 'SIZE', isReverse: false },
  ],
];

describe('sort', () => {
  for (const seed of [1, 2, 3]) {
    it(`keeps orders right while the mailbox changes (seed ${seed})`, async () => {
      const model = new Model(seed);
      await model.arrive(30);
      for (let round = 0; round < 12; round++) {
        for (const order of orders) {
          const { value, uids } = await model.sorted(order);
          const wanted = model.expected(order);
          assert.deepEqual(uids, wanted, `seed ${seed} round ${round}`);
          assert.deepEqual([value.first, value.last], [wanted[0], wanted.at(-1)]);
        }
        if (round % 3 === 0) await model.expunge();
        await model.arrive(model.random.below(6));
      }
    });
  }

  it('makes an order anew where more came than are put in one by one', async () => {
    const model = new Model(4);
    await model.arrive(20);
    await model.sorted(orders[0]!);
    await model.arrive(510);
    assert.deepEqual((await model.sorted(orders[0]!)).uids, model.expected(orders[0]!));
  });

  it('tells a part from either end, in the order of the list', async () => {
    const model = new Model(5);
    await model.arrive(20);
    const wanted = model.expected(orders[1]!);
    const part = async (first: number, last: number, isFromEnd: boolean) =>
      (await model.sorted(orders[1]!, { first, last, isFromEnd })).uids;
    assert.deepEqual(await part(3, 5, false), wanted.slice(2, 5));
    assert.deepEqual(await part(1, 4, true), wanted.slice(-4));
    assert.deepEqual(await part(18, 30, false), wanted.slice(17));
    assert.deepEqual(await part(18, 30, true), wanted.slice(0, 3));
    assert.deepEqual(await part(21, 30, false), []);
    assert.deepEqual(await part(21, 30, true), []);
  });

  it('sorts few of many without an order of all', async () => {
    const model = new Model(6);
    await model.arrive(40);
    const few: Criteria = { op: 'set', isUid: true, isSaved: false, ranges: [3, 3, 7, 8] };
    const { uids, value } = await model.sorted(orders[0]!, null, few);
    assert.deepEqual(
      uids,
      model.expected(orders[0]!).filter((uid) => [3, 7, 8].includes(uid)),
    );
    assert.equal(value.count, 3);
    assert.equal(model.world.desk.orders.has({ account, mailbox: 1 }, orders[0]!), false);
  });

  it('lets the orders go that nobody asked for longest, where there is no room for more', async () => {
    const model = new Model(7);
    await model.arrive(200);
    const memory = new DerivedMemory(2_700);
    const orders3 = new SortOrders(model.world.desk, memory);
    const place = { account, mailbox: 1 };
    const [, modseq, uidNext] = model.world.now();
    const live = await model.world.desk.views.view({ ...place, modseq, uidNext });
    for (const order of orders) {
      await orders3.order(place, order, live, new Slices(model.world.clock));
    }
    assert.ok(memory.bytes > 2 * 200 * 4 && memory.bytes <= 2_700, `${memory.bytes} bytes`);
    assert.deepEqual(
      orders.map((order) => orders3.has(place, order)),
      [false, true, true],
    );
  });
});
