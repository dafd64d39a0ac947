/**
 * The contract of a suppression list, run against each table it can stand on.
 *
 * Aim:    what is suppressed is found, for as long as it holds and for what it holds; writes are whole.
 * Method: small lists through the port alone, and opened again where the adapter keeps them.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { defaultTenant, type TenantId, tenantId } from '../../src/base/ids.ts';
import {
  type Suppression,
  type SuppressionList,
  suppressionsPerAddressMax,
} from '../../src/ports/suppressions.ts';

export interface OpenedSuppressions extends AsyncDisposable {
  readonly list: SuppressionList;
  /** What `onTenant` said, in order. */
  readonly heard: readonly string[];
  /** Absent: nothing outlives it. */
  reopen?(): Promise<SuppressionList>;
}

const acme = tenantId(7);
const nowMs = 1_000_000;

function entry(address: string, more: Partial<Suppression> = {}): Suppression {
  return {
    ...{
      tenant: acme,
      address,
      stream: '',
      reason: 'manual',
      sinceMs: nowMs,
      untilMs: 0,
      note: '',
    },
    ...more,
  };
}

function all(list: SuppressionList, tenant: TenantId = acme) {
  return list.page({ tenant, limit: 1_000, nowMs }).entries;
}

export function suppressionsContract(
  name: string,
  opened: () => Promise<OpenedSuppressions>,
): void {
  describe(`suppressions in ${name}`, () => {
    it('finds an address in any spelling, for its tenant alone, and after a restart', async () => {
      await using one = await opened();
      const { list } = one;
      assert.equal(list.find(acme, '', 'ann@far.test', nowMs), undefined);
      const answer = await list.add([entry('Ann@FAR.test', { reason: 'complaint', note: 'x' })]);
      assert.deepEqual(answer, { added: 1, unchanged: 0, invalid: [] });
      const holds = (seen: SuppressionList) => {
        assert.equal(seen.find(acme, 'news', '"ann"@far.TEST', nowMs), 'complaint');
        assert.equal(seen.find(defaultTenant, '', 'ann@far.test', nowMs), undefined);
        assert.equal(seen.count(acme), 1);
        const kept = entry('ann@far.test', { reason: 'complaint', note: 'x' });
        assert.deepEqual(all(seen), [kept]);
      };
      holds(list);
      const again = await one.reopen?.();
      if (again !== undefined) holds(again);
    });

    it('counts an entry of a stream for that stream only', async () => {
      await using one = await opened();
      const { list } = one;
      await list.add([entry('a@far.test', { stream: 'news', reason: 'unsubscribe' })]);
      assert.equal(list.find(acme, 'news', 'a@far.test', nowMs), 'unsubscribe');
      assert.equal(list.find(acme, 'orders', 'a@far.test', nowMs), undefined);
      assert.equal(list.find(acme, '', 'a@far.test', nowMs), undefined);
    });

    it('forgets an entry that ran out, and removes it when it is swept', async () => {
      await using one = await opened();
      const { list } = one;
      await list.add([
        entry('a@far.test', { untilMs: nowMs + 10 }),
        entry('a@far.test', { reason: 'complaint' }),
        entry('b@far.test', { untilMs: nowMs + 10 }),
      ]);
      assert.equal(list.find(acme, '', 'b@far.test', nowMs + 9), 'manual');
      assert.equal(list.find(acme, '', 'b@far.test', nowMs + 10), undefined);
      assert.equal(await list.sweep(nowMs + 9, 10), 0);
      assert.equal(list.count(acme), 2);
      assert.equal(await list.sweep(nowMs + 10, 10), 2);
      assert.equal(list.count(acme), 1);
      assert.deepEqual(all(list), [entry('a@far.test', { reason: 'complaint' })]);
      assert.equal(await list.sweep(nowMs + 10, 10), 0);
    });

    it('lets a longer word hold, and keeps it when the shorter one would have run out', async () => {
      await using one = await opened();
      const { list } = one;
      await list.add([entry('a@far.test', { untilMs: nowMs + 10 })]);
      const longer = await list.add([entry('a@far.test', { untilMs: nowMs + 20 })]);
      assert.equal(longer.added, 1);
      const shorter = await list.add([entry('a@far.test', { untilMs: nowMs + 5 })]);
      assert.deepEqual([shorter.added, shorter.unchanged], [0, 1]);
      assert.equal(await list.sweep(nowMs + 10, 10), 0);
      assert.equal(list.find(acme, '', 'a@far.test', nowMs + 15), 'manual');
      await list.add([entry('a@far.test')]);
      await list.sweep(nowMs + 30, 10);
      assert.equal(list.find(acme, '', 'a@far.test', nowMs + 30), 'manual');
    });

    it('changes nothing when it is told the same again, in one write or two', async () => {
      await using one = await opened();
      const { list } = one;
      const same = [entry('a@far.test'), entry('A@far.test'), entry('b@far.test')];
      assert.deepEqual(await list.add(same), { added: 2, unchanged: 1, invalid: [] });
      assert.deepEqual(await list.add(same), { added: 0, unchanged: 3, invalid: [] });
      assert.equal(list.count(acme), 2);
    });

    it('names what is no address, and takes the rest', async () => {
      await using one = await opened();
      const long = 'x'.repeat(65);
      const given = ['none', 'a@far.test', `${long}@far.test`].map((each) => entry(each));
      const more = [entry('b@far.test', { stream: long }), entry('c@far.test', { stream: 'a b' })];
      const answer = await one.list.add([...given, ...more]);
      assert.deepEqual(answer, { added: 1, unchanged: 0, invalid: [0, 2, 3, 4] });
    });

    it('removes by stream and reason, and says when a tenant has none any more', async () => {
      await using one = await opened();
      const { list, heard } = one;
      await list.add([
        entry('a@far.test'),
        entry('a@far.test', { stream: 'news' }),
        entry('a@far.test', { stream: 'news', reason: 'complaint' }),
      ]);
      assert.equal(await list.remove(acme, 'A@far.test', { stream: 'news', reason: 'manual' }), 1);
      assert.equal(await list.remove(acme, 'a@far.test', { stream: 'gone' }), 0);
      assert.equal(list.count(acme), 1);
      assert.equal(await list.remove(acme, 'a@far.test', {}), 2);
      assert.equal(list.count(acme), 0);
      assert.deepEqual(heard, ['7 true', '7 false']);
      assert.throws(() => list.remove(acme, 'none', {}), { code: 'argument-invalid' });
    });

    it('counts an entry past the bound of an address for all streams, so that none is lost', async () => {
      await using one = await opened();
      const { list } = one;
      const many = Array.from({ length: suppressionsPerAddressMax + 5 }, (_, i) =>
        entry('a@far.test', { stream: `s${i}`, reason: 'unsubscribe' }),
      );
      await list.add(many);
      assert.equal(all(list).length, suppressionsPerAddressMax + 1);
      assert.equal(list.find(acme, 'other', 'a@far.test', nowMs), 'unsubscribe');
    });

    it('gives pages by domain, each from where the last ended', async () => {
      await using one = await opened();
      const { list } = one;
      const names = ['b@b.test', 'z@a.test', 'a@b.test', 'ü@b.test', '𝄞@b.test'];
      await list.add(names.map((name) => entry(name)));
      await list.add([entry('a@a.test', { tenant: tenantId(8) })]);
      const seen: string[] = [];
      let after: string | undefined;
      do {
        const place = after === undefined ? {} : { after };
        const page = list.page({ tenant: acme, limit: 2, nowMs, ...place });
        seen.push(...page.entries.map(({ address }) => address));
        after = page.next;
      } while (after !== undefined);
      assert.deepEqual(seen, ['z@a.test', 'a@b.test', 'b@b.test', 'ü@b.test', '𝄞@b.test']);
      const [only] = list.page({ tenant: acme, address: 'B@b.test', limit: 9, nowMs }).entries;
      assert.equal(only?.address, 'b@b.test');
    });

    it('keeps facts in their order until they are told, over a restart', async () => {
      await using one = await opened();
      let { list } = one;
      await list.add([entry('a@far.test')], [Buffer.from('one'), Buffer.from('two')]);
      list = (await one.reopen?.()) ?? list;
      await list.add([], [Buffer.from('three')]);
      const untold = list.untold(10);
      assert.deepEqual(
        untold.map(({ fact }) => Buffer.from(fact).toString()),
        ['one', 'two', 'three'],
      );
      await list.told([untold[0]!.place, untold[2]!.place]);
      assert.deepEqual(
        list.untold(10).map(({ place }) => place),
        [untold[1]!.place],
      );
    });

    it('counts each bounce once, and those of the time asked for', async () => {
      await using one = await opened();
      const { list } = one;
      const counted = (bounce: string, atMs: number) =>
        list.countBounce(acme, 'a@far.test', bounce, atMs, atMs - 100);
      assert.equal(await counted('m1', 1_000), 1);
      assert.equal(await counted('m1', 1_010), 1);
      assert.equal(await counted('m2', 1_050), 2);
      assert.equal(await counted('m3', 1_101), 2);
      for (let i = 0; i < 100; i++) await counted(`n${i}`, 1_102);
      assert.equal(await counted('last', 1_103), 32);
    });

    it('keeps small values by name', async () => {
      await using one = await opened();
      const { list } = one;
      await list.putValue('key/1', Buffer.from('a'));
      await list.putValue('key/2', Buffer.from('b'));
      await list.putValue('other', Buffer.from('c'));
      const names = () => list.values('key/').map(({ name: each }) => each);
      assert.deepEqual(names(), ['key/1', 'key/2']);
      assert.equal(Buffer.from(list.value('key/2')!).toString(), 'b');
      await list.putValue('key/1', undefined);
      assert.deepEqual(names(), ['key/2']);
    });
  });
}
