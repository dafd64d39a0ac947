/**
 * The short form of `node test/simulation/internet/run.ts`.
 *
 * Aim:    a relay keeps its promises on an Internet of troubled providers.
 * Method: hours of a simulated day, from a seed; what a day shows is counted, so that an empty one fails.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DayOptions, simulateDay } from './internet.ts';

const seed = Number(process.env.INTERNET_SEED ?? 1);

const troubled: DayOptions = { seed, hours: 0.25, tenants: 10, domains: 50, messages: 1_600 };

test(`nothing is lost, doubled or over its limit (seed ${seed})`, async () => {
  const day = await simulateDay(troubled);
  assert.deepEqual(day.faults, []);
  const { accepted, delivered, failed, deferrals, reports } = day.counts;
  assert.ok(accepted > 1_400 && delivered > 1_000 && deferrals > 50, JSON.stringify(day.counts));
  assert.ok(failed > 0 && reports > 0, JSON.stringify(day.counts));
  assert.ok(day.eventsBytes > 60_000);
});

test(`a seed makes one day (seed ${seed})`, async () => {
  const short: DayOptions = { ...troubled, hours: 0.05, messages: 150 };
  const day = await simulateDay(short);
  assert.ok(day.eventsBytes > 20_000, `${day.eventsBytes} bytes of events`);
  assert.equal((await simulateDay(short)).eventsHash, day.eventsHash);
  const other = await simulateDay({ ...short, seed: seed + 1 });
  assert.notEqual(other.eventsHash, day.eventsHash);
});

const shared: readonly Partial<DayOptions>[] = [
  { threads: 2, connectionsPerSite: 3, messages: 2_600, hotMessages: 1_500 },
  { threads: 4, connectionsPerSite: 1, messages: 900, hotMessages: 450 },
  {
    threads: 2,
    connectionsPerSite: 2,
    messages: 2_000,
    hotMessages: 1_000,
    isBoundToThreads: true,
  },
];
for (const options of shared) {
  const { threads, connectionsPerSite, isBoundToThreads = false } = options;
  const where = `${connectionsPerSite} connections, ${threads} threads${isBoundToThreads ? ', a tenant in each' : ''}`;
  test(`tenants share a full site within 10 % of each minute: ${where} (seed ${seed})`, async () => {
    const calm = { seed, hours: 0.1, tenants: 3, domains: 2, messages: 0, isCalm: true };
    const day = await simulateDay({ ...calm, ...options });
    assert.deepEqual(day.faults, []);
    assert.equal(day.connectionsMost, connectionsPerSite);
    assert.ok(day.fairness.windows >= 3, `${day.fairness.windows} windows`);
    assert.deepEqual(day.fairness.worst, []);
  });
}

test(`tenants share a site fairly when more waits for it than its queue holds (seed ${seed})`, async () => {
  const day = await simulateDay({
    ...{ seed, hours: 0.1, tenants: 6, domains: 1, messages: 9_000, campaignShare: 1 },
    isCalm: true,
  });
  assert.deepEqual(day.faults, []);
  assert.ok(day.fairness.windows >= 4, `${day.fairness.windows} windows`);
  assert.deepEqual(day.fairness.worst, []);
});

for (const connectionsPerSite of [8, 1]) {
  test(`rates of a site of ${connectionsPerSite} connections hold over all threads, and tenants share them (seed ${seed})`, async () => {
    const day = await simulateDay({
      ...{ seed, hours: 0.1, tenants: 3, domains: 2, messages: 800, hotMessages: 400 },
      ...{ isCalm: true, threads: 3, messageRate: 2, connectionRate: 1 },
      ...{ connectionsPerSite, isBoundToThreads: connectionsPerSite === 1 },
    });
    assert.deepEqual(day.faults, []);
    assert.ok(day.fairness.windows >= 2, `${day.fairness.windows} windows`);
    assert.deepEqual(day.fairness.worst, []);
    // The rate was reached, and did not only bound what would not have come.
    assert.ok(day.counts.delivered >= 1_000, `${day.counts.delivered} delivered`);
    assert.ok(day.busiestMinute >= 100, `${day.busiestMinute} messages in a minute`);
  });
}

test(`a tenant that floods sites moves no other’s first attempts by more than 20 % (seed ${seed})`, async () => {
  const quiet: DayOptions = {
    ...{ seed, hours: 0.1, tenants: 3, domains: 6, messages: 1_000, campaignShare: 0 },
    isCalm: true,
  };
  const before = await simulateDay(quiet);
  const flooded = await simulateDay({ ...quiet, hotMessages: 2_000 });
  assert.deepEqual([...before.faults, ...flooded.faults], []);
  assert.equal(before.firstAttemptMs.size, 3);
  assert.equal(flooded.connectionsMost, 8);
  for (const [tenant, ms] of before.firstAttemptMs) {
    const floodedMs = flooded.firstAttemptMs.get(tenant)!;
    assert.ok(floodedMs <= 1.2 * ms, `tenant ${tenant}: ${ms} ms, flooded ${floodedMs} ms`);
  }
});
