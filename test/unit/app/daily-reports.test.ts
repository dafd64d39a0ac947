/**
 * Aim: a report that throws is tried again in its time and holds up no other; one of long ago is dropped untried.
 * Method: a clock turned by hand.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DailyReports, settlingMs, spreadMs } from '../../../src/app/daily-reports.ts';
import { silentLog } from '../../../src/base/log.ts';
import { dayMs, hourMs, minuteMs } from '../../../src/base/units.ts';
import { SeededClock, SeededRandom, turns } from '../../support/seeded-clock.ts';

const today = Date.UTC(2026, 0, 10);

function world(days: readonly (readonly [dayMs: number, domain: string])[]) {
  const clock = new SeededClock(today + settlingMs);
  const left = new Map(days.map(([day, domain]) => [domain, day]));
  const tried: string[] = [];
  const faulty = new Set<string>();
  const daily = new DailyReports({
    ...{ kind: 'test', clock, random: new SeededRandom(1), log: silentLog },
    names: (toMs) =>
      Array.from(left, ([domain, day]) => ({ dayMs: day, domain })).filter(
        (each) => each.dayMs < toMs,
      ),
    report: async (_day, domain) => {
      tried.push(domain);
      if (faulty.has(domain)) throw new Error('no disk');
      return [];
    },
    remove: async (_day, domain) => void left.delete(domain),
  });
  daily.start();
  const pass = async (ms: number) => {
    for (let passedMs = 0; passedMs < ms; passedMs += minuteMs) {
      clock.advance(minuteMs);
      await turns(10);
    }
  };
  return { clock, daily, left, tried, faulty, pass };
}

test('a report that throws is tried again after a pause, and the others go', async () => {
  const yesterday = today - dayMs;
  const { daily, left, tried, faulty, pass } = world([
    [yesterday, 'bad.test'],
    [yesterday, 'good.test'],
  ]);
  faulty.add('bad.test');
  await pass(spreadMs + hourMs);
  assert.deepEqual([...left.keys()], ['bad.test']);
  const tries = tried.filter((domain) => domain === 'bad.test').length;
  assert.ok(tries >= 2 && tries <= 6, `${tries} tries`);
  faulty.clear();
  await pass(5 * hourMs);
  assert.deepEqual([...left.keys()], []);
  await daily.close();
});

test('the clock goes back into a day: it is reported once it is over again, and what waited waits no longer', async () => {
  const { clock, daily, left, tried, pass } = world([
    [today - dayMs, 'back.test'],
    [today - 3 * dayMs, 'older.test'],
  ]);
  await pass(minuteMs);
  clock.jump(-12 * hourMs - spreadMs);
  await pass(spreadMs + hourMs);
  assert.deepEqual([tried, [...left.keys()]], [['older.test'], ['back.test']]);
  await pass(12 * hourMs + spreadMs);
  assert.deepEqual([tried, [...left.keys()]], [['older.test', 'back.test'], []]);
  await daily.close();
});

test('a report of more than a week ago is dropped untried', async () => {
  const { daily, left, tried, pass } = world([
    [today - 9 * dayMs, 'old.test'],
    [today - 6 * dayMs, 'late.test'],
  ]);
  await pass(spreadMs + 2 * minuteMs);
  assert.deepEqual([tried, [...left.keys()]], [['late.test'], []]);
  await daily.close();
});
