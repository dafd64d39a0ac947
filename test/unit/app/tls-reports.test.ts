/** Aim: reports of strangers are kept once, of our domains alone, and never more than there is room for (RFC 8460). */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { MemoryIndex } from '../../../src/adapters/memory/memory-index.ts';
import {
  keptMs,
  keptPerDomainMax,
  perMinuteMax,
  TlsReports,
} from '../../../src/app/tls-reports.ts';
import { Counter } from '../../../src/base/metrics.ts';
import { dayMs, minuteMs } from '../../../src/base/units.ts';
import { reportBytesMax } from '../../../src/mail/formats/tls-report/parse.ts';
import { SeededClock } from '../../support/seeded-clock.ts';

function world() {
  const clock = new SeededClock();
  const table = new MemoryIndex();
  const open = () =>
    new TlsReports({ table, clock, isDomainOurs: async (name) => name.endsWith('ours.test') });
  const reports = open();
  const sessions = { success: new Counter(), failure: new Counter() };
  reports.sessions = sessions;
  return { clock, reports, open, sessions };
}

function report(id: string, endMs: number, domains = ['ours.test']): Buffer {
  const instant = (ms: number) => new Date(ms).toISOString();
  return Buffer.from(
    JSON.stringify({
      'organization-name': 'far.test',
      'date-range': {
        'start-datetime': instant(endMs - dayMs),
        'end-datetime': instant(endMs),
      },
      'report-id': id,
      policies: domains.map((domain) => ({
        policy: { 'policy-type': 'sts', 'policy-domain': domain, 'mx-host': [] },
        summary: { 'total-successful-session-count': 7, 'total-failure-session-count': 2 },
      })),
    }),
  );
}

test('RFC 8460 §5.4: a report comes with gzip or without, and twice is once', async () => {
  const { reports, clock, sessions, open } = world();
  const nowMs = clock.nowMs();
  assert.equal(await reports.take(gzipSync(report('a', nowMs))), 'taken');
  assert.equal(await reports.take(report('a', nowMs)), 'known');
  assert.equal(await reports.take(report('b', nowMs - dayMs)), 'taken');
  assert.deepEqual([sessions.success.value, sessions.failure.value], [14, 4]);
  const again = open();
  const ids = (sinceMs: number) => again.list('ours.test', sinceMs).map(({ id }) => id);
  assert.deepEqual(ids(0), ['a', 'b']);
  assert.deepEqual(ids(nowMs), ['a']);
});

test('only what it says of our domains is kept', async () => {
  const { reports, clock } = world();
  const nowMs = clock.nowMs();
  assert.equal(await reports.take(report('a', nowMs, ['far.test', ''])), 'not-ours');
  assert.equal(await reports.take(report('b', nowMs, ['far.test', 'too.ours.test'])), 'taken');
  assert.deepEqual(reports.list('far.test', 0), []);
  assert.equal(reports.list('too.ours.test', 0).length, 1);
  assert.deepEqual(reports.list('ours.test', 0), []);
});

test('a bomb, broken gzip and reports of another time are refused', async () => {
  const { reports, clock } = world();
  const bomb = gzipSync(Buffer.alloc(reportBytesMax + 1, ' '));
  const nowMs = clock.nowMs();
  for (const wrong of [
    bomb,
    gzipSync(report('a', nowMs)).subarray(0, -9),
    Buffer.from('{}'),
    report('b', nowMs + 3 * dayMs),
    report('c', nowMs - keptMs - 1),
  ]) {
    assert.equal(await reports.take(wrong), 'invalid');
  }
});

test('so many a minute, and no more', async () => {
  const { reports, clock } = world();
  for (let count = 0; count < perMinuteMax; count++) await reports.take(Buffer.from('x'));
  assert.equal(await reports.take(report('a', clock.nowMs())), 'too-many');
  clock.advance(minuteMs);
  assert.equal(await reports.take(report('a', clock.nowMs())), 'taken');
});

test('a domain keeps so many, the oldest go first, and none past its time', async () => {
  const { reports, clock } = world();
  const startMs = clock.nowMs();
  for (let count = 0; count <= keptPerDomainMax; count++) {
    if (count % perMinuteMax === 0) clock.advance(minuteMs);
    await reports.take(report(`r${count}`, startMs + count));
  }
  const kept = reports.list('ours.test', 0);
  assert.equal(kept[0]!.id, `r${keptPerDomainMax}`);
  assert.equal(reports.list('ours.test', startMs + 1).length, kept.length);
  const first = reports.list('ours.test', 0).some(({ id }) => id === 'r0');
  assert.equal(first, false);
  clock.advance(keptMs + dayMs);
  await reports.take(report('late', clock.nowMs()));
  assert.deepEqual(
    reports.list('ours.test', 0).map(({ id }) => id),
    ['late'],
  );
});
