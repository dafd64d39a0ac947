/**
 * Aim:    mail leaves by the pool its rules say, by the sources' weights, by the same source each time; a source that
 *         may not be used, does not reach the site or has its day behind it is passed over, and the reply says why.
 * Method: many message ids, and a clock turned by hand.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TenantId } from '../../../../../src/base/ids.ts';
import { dayMs, hourMs } from '../../../../../src/base/units.ts';
import type { OutboundMessage } from '../../../../../src/engine/delivery/message.ts';
import type { Resolved } from '../../../../../src/engine/delivery/route.ts';
import { dayOf } from '../../../../../src/engine/delivery/sources/allowances.ts';
import { suspensionsMax } from '../../../../../src/engine/delivery/sources/source-states.ts';
import { outboundMessage } from '../../../../support/outbound.ts';
import { turns } from '../../../../support/seeded-clock.ts';
import { snapshotOf, sourceWorld } from '../../../../support/source-world.ts';

const site: Resolved = {
  ...{ site: 'mx:mx.test', key: 'mx:mx.test', validMs: 1_000 },
  targets: [{ host: 'mx.test', address: '192.0.2.1', port: 25 }],
  handshake: { helloName: 'relay.test', tls: 'off' },
};
const six: Resolved = { ...site, targets: [{ host: 'mx.test', address: '2001:db8::1', port: 25 }] };
const abc = [{ name: 'a' }, { name: 'b' }, { name: 'c' }];

function messages(count: number): OutboundMessage[] {
  return Array.from({ length: count }, () => outboundMessage());
}

type World = ReturnType<typeof sourceWorld>;

function chosen({ chooser }: World, message: OutboundMessage, to = site, domain = 'x.test') {
  const choice = chooser.choose(message, domain, to);
  if (choice.do === 'leave') return choice.source.name;
  return choice.do === 'ask' ? 'ask' : `${choice.reply.code} ${choice.reply.text}`;
}

describe('a pool', () => {
  it('shares messages by the weights of its sources', () => {
    const world = sourceWorld({
      sources: abc,
      pools: { main: { a: 6, b: 3, c: 1 } },
      pool: 'main',
    });
    const counts: Record<string, number> = { a: 0, b: 0, c: 0 };
    for (const message of messages(10_000)) counts[chosen(world, message)]!++;
    for (const [name, share] of [
      ['a', 6_000],
      ['b', 3_000],
      ['c', 1_000],
    ] as const) {
      assert.ok(Math.abs(counts[name]! - share) < 300, `${name}: ${counts[name]}`);
    }
  });

  it('gives a message to the same source each time, on every thread', () => {
    const [one, other] = [sourceWorld({ sources: abc }), sourceWorld({ sources: abc })];
    for (const message of messages(200)) {
      const first = chosen(one, message);
      assert.equal(chosen(one, message), first);
      assert.equal(chosen(other, message), first);
    }
  });

  it('moves only the messages of a source that is gone', () => {
    const [before, after] = [sourceWorld({ sources: abc }), sourceWorld({ sources: abc.slice(1) })];
    let moved = 0;
    for (const message of messages(500)) {
      const first = chosen(before, message);
      const second = chosen(after, message);
      if (first === 'a') moved++;
      else assert.equal(second, first);
    }
    assert.ok(moved > 100);
  });

  it('is chosen by the first rule that fits, else by what the message asked for, else as usual', () => {
    const world = sourceWorld({
      sources: abc,
      pools: { one: { a: 1 }, two: { b: 1 }, three: { c: 1 } },
      pool: 'three',
      tenants: ['acme'],
      poolRules: [
        { tenant: 'acme', campaign: 'news', pool: 'one' },
        { domain: '.example.org', pool: 'two' },
        { tenant: 'ghost', pool: 'one' },
      ],
    });
    world.chooser.apply(snapshotOf({ tenants: { acme: 7 as TenantId } }));
    const news = outboundMessage({ tenantNumber: 7, terms: { campaign: 'news' } });
    assert.equal(chosen(world, news), 'a');
    assert.equal(chosen(world, news, site, 'sub.example.org'), 'a');
    const plain = outboundMessage();
    assert.equal(chosen(world, plain, site, 'sub.example.org'), 'b');
    assert.equal(chosen(world, plain, site, 'example.org'), 'c');
    const asking = (pool: string, tenantNumber: number) =>
      chosen(world, outboundMessage({ terms: { pool }, tenantNumber }));
    assert.equal(asking('two', 7), 'b');
    assert.equal(asking('unknown', 7), 'c');
    // Of a tenant that may not.
    assert.equal(asking('two', 8), 'c');
    assert.notEqual(world.chooser.groupOf('sub.example.org'), world.chooser.groupOf('x.test'));
    assert.equal(world.chooser.groupOf('y.test'), world.chooser.groupOf('x.test'));
  });
});

describe('a source', () => {
  it('is passed over where it has no address of the family, and nobody is blamed but us', () => {
    const world = sourceWorld({
      sources: [
        { name: 'four', ipv4: '192.0.2.9' },
        { name: 'both', ipv4: '192.0.2.8', ipv6: '2001:db8::8' },
      ],
    });
    for (const message of messages(50)) assert.equal(chosen(world, message, six), 'both');
    const four = sourceWorld({ sources: [{ name: 'four', ipv4: '192.0.2.9' }] });
    assert.match(chosen(four, outboundMessage(), six), /^451 No source of pool all .* family$/);
  });

  it('that an operator suspended is not used, and comes back when it is resumed', () => {
    const world = sourceWorld({ sources: abc });
    const all = messages(200);
    const before = all.map((message) => chosen(world, message));
    world.chooser.apply(snapshotOf({ suspended: ['a'] }));
    for (const message of all) assert.notEqual(chosen(world, message), 'a');
    world.chooser.apply(snapshotOf({ suspended: ['a', 'b', 'c'] }));
    assert.match(chosen(world, all[0]!), /^451 All sources of pool all are suspended$/);
    world.chooser.apply(snapshotOf());
    assert.deepEqual(
      all.map((message) => chosen(world, message)),
      before,
    );
  });

  it('that a rule suspended towards a site is used for others, and again when its time is over', () => {
    const world = sourceWorld({ sources: [{ name: 'a' }] });
    const untilMs = world.clock.nowMs() + hourMs;
    world.states.suspend('a', 'mx:mx.test|a', untilMs);
    assert.deepEqual(world.told, [['a', 'mx:mx.test', untilMs]]);
    const choice = world.chooser.choose(outboundMessage(), 'x.test', site);
    assert.ok(choice.do === 'defer');
    assert.equal(choice.notBeforeMs, untilMs);
    assert.equal(chosen(world, outboundMessage(), { ...site, site: 'mx:other.test' }), 'a');
    world.clock.advance(hourMs);
    assert.equal(chosen(world, outboundMessage()), 'a');
  });

  it(`is kept from ${suspensionsMax} sites at most: the oldest goes`, () => {
    const { states, clock } = sourceWorld({ sources: [{ name: 'a' }] });
    const untilMs = clock.nowMs() + hourMs;
    for (let i = 0; i <= suspensionsMax; i++) states.suspend('a', `mx:${i}`, untilMs);
    assert.equal(states.hindrance('a', 'mx:0'), undefined);
    assert.deepEqual(states.hindrance('a', 'mx:1'), { is: 'suspended', untilMs });
  });

  it('that failed by itself is left alone, longer each time, until it works', () => {
    const world = sourceWorld({ sources: [{ name: 'a' }] });
    const reply = { code: 451, enhanced: '4.4.1', text: 'a: proxy refused' };
    const downMs = () => {
      world.states.failed('a', reply);
      // Others that failed by the same cause count once.
      world.states.failed('a', reply);
      let passedMs = 0;
      for (; chosen(world, outboundMessage()) !== 'a'; passedMs += 1_000)
        world.clock.advance(1_000);
      return passedMs;
    };
    assert.deepEqual([downMs(), downMs(), downMs()], [30_000, 60_000, 120_000]);
    for (let i = 0; i < 10; i++) assert.ok(downMs() <= 600_000);
    world.states.worked('a');
    assert.equal(downMs(), 30_000);
    world.states.failed('a', reply);
    assert.match(chosen(world, outboundMessage()), /^451 Source a is down: a: proxy refused$/);
  });
});

describe('a source that warms up', () => {
  const cold = { name: 'cold', warmsUp: true };
  const pools = { main: { cold: 1_000, warm: 1 } };

  it('is asked for, counted, and then passed over for warm ones', async () => {
    const blocks = [3];
    const world = sourceWorld({
      ...{ sources: [cold, { name: 'warm' }], pools, pool: 'main' },
      lend: async () => [blocks.pop() ?? 0, dayOf(world.clock)],
    });
    const [first] = messages(1);
    const choice = world.chooser.choose(first!, 'x.test', site);
    assert.ok(choice.do === 'ask');
    await new Promise<void>((known) => assert.equal(choice.allowance.wait(known), true));
    const names = messages(6).map((message) => chosen(world, message));
    await turns(2);
    names.push(chosen(world, outboundMessage()));
    assert.equal(names.filter((name) => name === 'cold').length, 3);
    assert.equal(names.at(-1), 'warm');
    assert.equal(world.asked[0]![0], 'cold');
  });

  it('alone keeps mail till after midnight, and says so', async () => {
    const world = sourceWorld({ sources: [cold], lend: async () => [0, dayOf(world.clock)] });
    world.clock.advance(13 * hourMs);
    const asked = world.chooser.choose(outboundMessage(), 'x.test', site);
    assert.ok(asked.do === 'ask');
    await new Promise<void>((known) => asked.allowance.wait(known));
    const choice = world.chooser.choose(outboundMessage(), 'x.test', site);
    assert.ok(choice.do === 'defer');
    assert.match(choice.reply.text, /day’s plan to mx:mx.test/);
    const midnightMs = (dayOf(world.clock) + 1) * dayMs;
    assert.ok(choice.notBeforeMs! >= midnightMs && choice.notBeforeMs! < midnightMs + hourMs);
  });

  it('is warm when its plan is over', () => {
    const world = sourceWorld({ sources: [cold], warmupPlan: [1, 2] });
    const today = dayOf(world.clock);
    world.chooser.apply(snapshotOf({ warmingFrom: { cold: today - 1 } }));
    assert.equal(chosen(world, outboundMessage()), 'ask');
    world.chooser.apply(snapshotOf({ warmingFrom: { cold: today - 2 } }));
    assert.equal(chosen(world, outboundMessage()), 'cold');
  });
});
