/** Aim: reports of strangers are kept once, of our domains alone, and never more than there is room for (RFC 8460). */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { MemoryIndex } from '../../../src/adapters/memory/memory-index.ts';
import {
  keptMs,
  keptPerDomainMax,
  perMinuteMax,
  perNetworkMax,
  TlsReports,
} from '../../../src/app/tls-reports.ts';
import { Counter } from '../../../src/base/metrics.ts';
import { dayMs, minuteMs } from '../../../src/base/units.ts';
import { reportBytesMax } from '../../../src/mail/formats/tls-report/parse.ts';
import { SeededClock } from '../../support/seeded-clock.ts';

const from = '192.0.2.1';

function world() {
  const clock = new SeededClock();
  const table = new MemoryIndex();
  const open = () =>
    new TlsReports({
      ...{ table, clock, hostname: 'mx.host.test' },
      isDomainOurs: async (name) => name.endsWith('ours.test'),
    });
  const reports = open();
  const sessions = { success: new Counter(), failure: new Counter() };
  reports.sessions = sessions;
  return { clock, reports, open, sessions };
}

function report(id: string, endMs: number, domains = ['ours.test'], type = 'sts'): Buffer {
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
        policy: { 'policy-type': type, 'policy-domain': domain, 'mx-host': [] },
        summary: { 'total-successful-session-count': 7, 'total-failure-session-count': 2 },
      })),
    }),
  );
}

test('RFC 8460 §5.4: a report comes with gzip or without, and twice is once', async () => {
  const { reports, clock, sessions, open } = world();
  const nowMs = clock.nowMs();
  assert.equal(await reports.take(gzipSync(report('a', nowMs)), from), 'taken');
  assert.equal(await reports.take(report('a', nowMs), from), 'known');
  assert.equal(await reports.take(report('b', nowMs - dayMs), from), 'taken');
  assert.deepEqual([sessions.success.value, sessions.failure.value], [14, 4]);
  const again = open();
  const ids = (sinceMs: number) => again.list('ours.test', sinceMs).map(({ id }) => id);
  assert.deepEqual(ids(0), ['a', 'b']);
  assert.deepEqual(ids(nowMs), ['a']);
});

test('only what it says of our domains is kept', async () => {
  const { reports, clock } = world();
  const nowMs = clock.nowMs();
  assert.equal(await reports.take(report('a', nowMs, ['far.test', '']), from), 'not-ours');
  assert.equal(
    await reports.take(report('b', nowMs, ['far.test', 'too.ours.test']), from),
    'taken',
  );
  assert.deepEqual(reports.list('far.test', 0), []);
  assert.equal(reports.list('too.ours.test', 0).length, 1);
  assert.deepEqual(reports.list('ours.test', 0), []);
});

test('RFC 8460 §4.4: what it says of DANE at our host is kept under the host’s name', async () => {
  const { reports, clock } = world();
  const nowMs = clock.nowMs();
  assert.equal(await reports.take(report('a', nowMs, ['mx.host.test']), from), 'not-ours');
  assert.equal(await reports.take(report('b', nowMs, ['mx.host.test'], 'tlsa'), from), 'taken');
  assert.equal(await reports.take(report('c', nowMs, ['mx.far.test'], 'tlsa'), from), 'not-ours');
  assert.equal(reports.list('mx.host.test', 0).length, 1);
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
    assert.equal(await reports.take(wrong, from), 'invalid');
  }
});

test('so many a minute, of a network and of all together, and no more', async () => {
  const { reports, clock } = world();
  for (let count = 0; count < perNetworkMax; count++) await reports.take(Buffer.from('x'), from);
  assert.equal(await reports.take(report('a', clock.nowMs()), '192.0.2.255'), 'too-many');
  assert.equal(await reports.take(report('b', clock.nowMs()), '2001:db8::1'), 'taken');
  for (let count = perNetworkMax + 1; count < perMinuteMax; count++) {
    await reports.take(Buffer.from('x'), `10.0.${count % 50}.1`);
  }
  assert.equal(await reports.take(report('a', clock.nowMs()), '198.51.100.1'), 'too-many');
  clock.advance(minuteMs);
  assert.equal(await reports.take(report('a', clock.nowMs()), from), 'taken');
});

test('a domain keeps so many, the oldest go first, and none past its time', async () => {
  const { reports, clock } = world();
  const startMs = clock.nowMs();
  for (let count = 0; count <= keptPerDomainMax; count++) {
    if (count % perNetworkMax === 0) clock.advance(minuteMs);
    await reports.take(report(`r${count}`, startMs + count), from);
  }
  const kept = reports.list('ours.test', 0);
  assert.equal(kept[0]!.id, `r${keptPerDomainMax}`);
  assert.equal(reports.list('ours.test', startMs + 1).length, kept.length);
  const first = reports.list('ours.test', 0).some(({ id }) => id === 'r0');
  assert.equal(first, false);
  clock.advance(keptMs + dayMs);
  await reports.take(report('late', clock.nowMs()), from);
  assert.deepEqual(
    reports.list('ours.test', 0).map(({ id }) => id),
    ['late'],
  );
});
