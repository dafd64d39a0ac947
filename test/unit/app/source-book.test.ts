/**
 * Aim:    no day's plan is exceeded, whatever is asked, killed and restarted; what operators say outlives restarts.
 * Method: a clock turned by hand, a table in memory, and books opened on it again.
 */

import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, it } from 'node:test';
import { MemoryIndex } from '../../../src/adapters/memory/memory-index.ts';
import {
  blockMax,
  daysMax,
  othersName,
  pairsMax,
  SourceBook,
  suspensionsMax,
} from '../../../src/app/source-book.ts';
import { silentLog } from '../../../src/base/log.ts';
import { dayMs, hourMs } from '../../../src/base/units.ts';
import { load } from '../../../src/settings/load.ts';
import { SeededClock, SeededRandom } from '../../support/seeded-clock.ts';

class World {
  readonly clock = new SeededClock();
  readonly table = new MemoryIndex();
  changes = 0;
  book = this.open();

  open(): SourceBook {
    const loaded = load({
      environment: {},
      assignments: [
        'relay.sources={"old":{"ipv4":"192.0.2.1"},"new":{"warmup":true}}',
        'relay.warmupPlan=50,100',
      ],
    });
    assert.ok(loaded.ok);
    this.book = new SourceBook({
      ...{ relay: loaded.settings.relay, clock: this.clock, log: silentLog, table: this.table },
      onChange: () => this.changes++,
    });
    return this.book;
  }

  get today(): number {
    return Math.floor(this.clock.nowMs() / dayMs);
  }

  async ask(provider = 'p', back = 0, wants = true): Promise<number> {
    const [count] = await this.book.allowance(['new', provider, this.today, back, wants]);
    return count;
  }

  async askAll(provider = 'p'): Promise<number> {
    let sum = 0;
    for (let count = await this.ask(provider); count > 0; count = await this.ask(provider))
      sum += count;
    return sum;
  }
}

describe('a day’s plan', () => {
  it('is given out in blocks, once, to each provider', async () => {
    const world = new World();
    assert.equal(await world.ask(), 7);
    assert.equal(await world.askAll(), 43);
    assert.equal(await world.askAll('q'), 50);
    const [, standing] = world.book.standings();
    assert.deepEqual(standing!.today.map(({ provider, count }) => [provider, count]).sort(), [
      ['p', 50],
      ['q', 50],
    ]);
    assert.deepEqual(standing!.warmup, { day: 1, days: 2, plan: 50 });
  });

  it('is another the next day, and none when the source is warm', async () => {
    const world = new World();
    await world.askAll();
    world.clock.advance(dayMs);
    assert.equal(await world.askAll(), 100);
    world.clock.advance(dayMs);
    assert.equal(await world.ask(), blockMax);
    assert.equal(world.book.standings()[1]!.warmup!.day, 3);
  });

  it('is exceeded by no kill: what a killed process had borrowed is not lent again', async () => {
    const random = new SeededRandom(11);
    for (let run = 0; run < 20; run++) {
      const world = new World();
      let lent = 0;
      for (let i = 0; i < 100; i++) {
        if (random.below(5) === 0) world.open();
        lent += await world.ask();
      }
      assert.equal(lent, 50);
    }
  });

  it('has room again for what was given back, of that day only', async () => {
    const world = new World();
    await world.askAll();
    assert.equal(await world.ask('p', 5, false), 0);
    assert.equal(await world.askAll(), 5);
    world.open();
    assert.equal(await world.ask(), 0);
    const yesterday = world.today;
    world.clock.advance(dayMs);
    await world.book.allowance(['new', 'p', yesterday, 40, false]);
    assert.equal(await world.askAll(), 100);
  });

  it('is not begun anew by a clock that shows the day again', async () => {
    const world = new World();
    await world.askAll();
    world.clock.advance(dayMs);
    assert.equal(await world.askAll(), 100);
    world.clock.jump(-dayMs);
    assert.equal(await world.ask(), 0);
    world.open();
    assert.equal(await world.ask(), 0);
    world.clock.jump(dayMs);
    assert.equal(await world.ask(), 0);
  });

  it('is neither lost nor doubled by a clock that ran ahead and came back', async () => {
    const world = new World();
    for (const isRestarted of [false, true]) {
      for (const aheadMs of [dayMs, 400 * dayMs]) {
        const asked = (await world.ask()) + (await world.ask());
        assert.ok(asked > 0);
        world.clock.jump(aheadMs);
        if (isRestarted) world.open();
        world.book.standings();
        world.clock.jump(-aheadMs);
        if (isRestarted) world.open();
      }
    }
    // What the first rounds left of the day, and no more; then the next one as ever.
    const [, { today }] = world.book.standings() as [unknown, { today: [{ count: number }] }];
    assert.equal(today[0].count + (await world.askAll()), 50);
    world.clock.advance(dayMs);
    assert.equal(await world.askAll(), 100);
  });

  it('goes on from the first day again that a clock showed which had run ahead', async () => {
    const world = new World();
    world.clock.jump(400 * dayMs);
    await world.book.restartWarmup('new');
    world.clock.jump(-400 * dayMs);
    const dayOf = () => world.book.standings()[1]!.warmup!.day;
    assert.equal(dayOf(), 1);
    assert.equal(await world.askAll(), 50);
    world.open();
    world.clock.advance(dayMs);
    assert.equal(dayOf(), 2);
    assert.equal(await world.askAll(), 100);
    world.open();
    assert.equal(dayOf(), 2);
  });

  it('is not another because a clock is not set yet', async () => {
    const world = new World();
    const nowMs = world.clock.nowMs();
    world.clock.jump(-nowMs);
    world.open();
    world.clock.jump(nowMs);
    world.open();
    assert.equal(world.book.standings()[1]!.warmup!.day, 1);
    assert.equal(world.book.snapshot().warmingFrom.new, world.today);
  });

  it(`is counted for ${daysMax} days at most, those nearest to today`, async () => {
    const world = new World();
    const first = await world.ask();
    for (let i = 0; i < 5; i++) {
      world.clock.jump(-dayMs);
      await world.ask();
    }
    const rows = world.table.range({ from: Buffer.from('c'), to: Buffer.from('d') });
    assert.equal(rows.length, daysMax);
    world.clock.jump(5 * dayMs);
    assert.equal(await world.ask(), first);
  });

  it('lends nothing that could not be written down', async () => {
    const world = new World();
    world.table.commit = () => Promise.reject(new Error('disk'));
    assert.equal(await world.ask(), 0);
  });

  it(`is kept for ${pairsMax} pairs of source and provider; those past them share one`, async () => {
    const world = new World();
    for (let i = 0; i < pairsMax; i++) await world.ask(`p${i}`);
    let shared = await world.ask('one more');
    assert.equal(shared, 7);
    world.open();
    for (let i = 0; i < 20; i++) shared += await world.ask(`more ${i}`);
    assert.equal(shared + (await world.askAll('one more')), 50);
    assert.equal(await world.ask('another', 5, false), 0);
    assert.equal(await world.askAll('a third'), 5);
    // Who had one has it still.
    assert.ok((await world.ask('p7')) > 0);
    const [, { today }] = world.book.standings() as [unknown, { today: { provider: string }[] }];
    assert.equal(today.length, pairsMax + 1);
    assert.ok(today.some(({ provider }) => provider === othersName));
  });

  it('begins again when an operator says so', async () => {
    const world = new World();
    world.clock.advance(3 * dayMs);
    await world.book.restartWarmup('new');
    world.open();
    assert.equal(await world.askAll(), 50);
    assert.equal(world.book.snapshot().warmingFrom.new, world.today);
    await assert.rejects(world.book.restartWarmup('old'), /not-possible-now/);
  });
});

describe('a source', () => {
  it('that is suspended stays so after a restart, until it is resumed', async () => {
    const world = new World();
    await world.book.suspend('old', true);
    assert.deepEqual(world.open().snapshot().suspended, ['old']);
    await world.book.suspend('old', false);
    assert.deepEqual(world.open().snapshot().suspended, []);
    await assert.rejects(world.book.suspend('ghost', true), /not-found/);
    assert.equal(world.changes, 2);
  });

  it('is kept from sites by rules for their time, and resuming it ends that', async () => {
    const world = new World();
    const untilMs = world.clock.nowMs() + hourMs;
    world.book.suspendPath(['old', 'mx:a', untilMs]);
    world.book.suspendPath(['old', 'mx:b', untilMs + hourMs]);
    assert.equal(world.book.snapshot().paths.length, 2);
    world.clock.advance(hourMs);
    assert.deepEqual(world.book.snapshot().paths, [['old', 'mx:b', untilMs + hourMs]]);
    await world.book.suspend('old', false);
    assert.deepEqual(world.book.snapshot().paths, []);
  });

  it(`is kept from ${suspensionsMax} sites at most: the oldest goes`, () => {
    const world = new World();
    const untilMs = world.clock.nowMs() + hourMs;
    for (let i = 0; i <= suspensionsMax; i++) world.book.suspendPath(['old', `mx:${i}`, untilMs]);
    const { paths } = world.book.snapshot();
    assert.equal(paths.length, suspensionsMax);
    assert.equal(paths[0]![1], 'mx:1');
  });

  it('that is down is shown so, with why, until it works or its time is over', () => {
    const world = new World();
    const stateOf = () => world.book.standings()[0]!.down?.reason;
    world.book.noteDown(['old', world.clock.nowMs() + hourMs, 'proxy gone']);
    assert.equal(stateOf(), 'proxy gone');
    world.book.noteDown(['old', 0, '']);
    assert.equal(stateOf(), undefined);
    world.book.noteDown(['old', world.clock.nowMs() + hourMs, 'again']);
    world.clock.advance(hourMs);
    assert.equal(stateOf(), undefined);
  });
});
