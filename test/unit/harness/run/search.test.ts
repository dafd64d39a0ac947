/**
 * Aim: the search ends at the highest rate a server holds, whatever noise there is, and never blames the server for
 * the generator.
 * Method: a server that is a function of the rate.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunReport } from '../../../../src/harness/measure/run-report.ts';
import {
  isGeneratorBusy,
  isRate,
  type Probe,
  type SearchOptions,
  searchRate,
} from '../../../../src/harness/run/search.ts';

const tooSlow = 'p99 above 50 ms';

function server(capacity: number, generatorMax = Number.POSITIVE_INFINITY) {
  return async (rate: number): Promise<Probe> => ({
    rate,
    faults: rate > capacity ? [tooSlow] : [],
    isMade: rate <= generatorMax,
  });
}

const options: Omit<SearchOptions, 'probe'> = {
  rateFirst: 100,
  rateMax: 100_000,
  tolerance: 0.05,
  probesMax: 40,
};

for (const capacity of [3, 99, 100, 1_000, 1_337, 54_321]) {
  test(`a server of ${capacity} a second is found within the tolerance`, async () => {
    const found = await searchRate({ ...options, probe: server(capacity) });
    assert.equal(found.end, 'found');
    assert.ok(found.rate <= capacity && found.rate >= capacity / 1.06, `${found.rate}`);
    const last = found.probes.findLast(({ rate }) => rate === found.rate);
    assert.deepEqual(last?.faults, []);
  });
}

test('one stall does not make a rate fail, and two do', async () => {
  let stalls = 0;
  const steady = server(1_000);
  const probe = async (rate: number): Promise<Probe> => {
    const isStalled = rate === 400 && stalls++ === 0;
    return isStalled ? { rate, faults: ['a stall'], isMade: true } : steady(rate);
  };
  const found = await searchRate({ ...options, probe });
  assert.ok(found.rate > 900, `${found.rate}`);
  assert.equal(found.probes.filter(({ rate }) => rate === 400).length, 2);
});

test('a server that holds the highest rate is asked no further', async () => {
  const found = await searchRate({ ...options, rateMax: 700, probe: server(1e9) });
  assert.deepEqual([found.rate, found.end, found.probes.length], [700, 'rate-max', 4]);
});

test('a rate that the generator cannot make ends the search, and is not told as found', async () => {
  const found = await searchRate({ ...options, probe: server(1e9, 3_000) });
  assert.deepEqual([found.rate, found.end], [1_600, 'generator']);
});

test('probes are bounded', async () => {
  const found = await searchRate({ ...options, probesMax: 5, probe: server(1_337) });
  assert.deepEqual([found.end, found.probes.length], ['probes-max', 5]);
});

test('a server that holds nothing ends the search with nothing', async () => {
  const found = await searchRate({ ...options, probe: server(0) });
  assert.deepEqual([found.rate, found.end], [0, 'found']);
});

test('a rate is made where only chance is missing', () => {
  assert.ok(isRate(186, 100, 2));
  assert.ok(!isRate(120, 100, 2));
  assert.ok(!isRate(95_000, 10_000, 10));
  assert.ok(isRate(98_000, 10_000, 10));
});

test('a rate that fails once and then cannot be made is not held against the server', async () => {
  let probes = 0;
  const probe = async (rate: number): Promise<Probe> => ({
    ...{ rate, faults: rate > 200 ? [tooSlow] : [] },
    isMade: rate <= 200 || ++probes % 2 === 1,
  });
  const found = await searchRate({ ...options, probe });
  assert.deepEqual([found.rate, found.end], [200, 'generator']);
});

test('a generator without time to spare is known by its CPU, for each of its threads', () => {
  const busy = (cpuSeconds: number, threads: number) =>
    isGeneratorBusy({ generator: { cpuSeconds, threads }, seconds: 10 } as RunReport);
  assert.deepEqual(
    [busy(9.8, 1), busy(5, 1), busy(9.8, 2), busy(19, 2)],
    [true, false, false, true],
  );
});
