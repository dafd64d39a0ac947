/**
 * Aim:    reports that came by mail are added up once, those that may be forged apart, and all of it has limits.
 * Method: mails of the writer's, read by the job itself, over a table in memory and a clock turned by hand.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { Answer } from '../../../src/actors/ask.ts';
import { MemoryIndex } from '../../../src/adapters/memory/memory-index.ts';
import {
  DmarcReceived,
  keptMs,
  mailBytesMax,
  perMinuteMax,
  provenLimits,
  unprovenLimits,
  waitingMax,
} from '../../../src/app/dmarc-received.ts';
import { dmarcTold } from '../../../src/app/dmarc-summary.ts';
import { silentLog } from '../../../src/base/log.ts';
import { dayMs, minuteMs } from '../../../src/base/units.ts';
import { dmarcReadHandlers } from '../../../src/engine/jobs/dmarc-read.ts';
import {
  writeDmarcReport,
  writeDmarcReportMail,
} from '../../../src/mail/formats/dmarc-report/write.ts';
import { SeededClock } from '../../support/seeded-clock.ts';

const today = Date.UTC(2026, 0, 20);

interface Row {
  readonly source?: string;
  readonly count?: number;
  readonly dkim?: string;
  readonly disposition?: string;
}

function mailOf(serial: string, rows: readonly Row[], domain = 'ours.test', day = today): Buffer {
  const report = {
    ...{ organization: 'Far', contact: 'dmarc@far.test', dayMs: day, serial, error: '' },
    policy: {
      ...{ domain, p: 'reject', sp: 'reject', np: 'reject', adkim: 'r', aspf: 'r' },
      ...{ fo: '', isTesting: false, discovery: 'treewalk' },
    },
    records: rows.map(
      ({ source = '192.0.2.1', count = 1, dkim = 'pass', disposition = 'none' }) => ({
        ...{ sourceAddress: source, count, disposition, dkim, spf: 'fail', reasons: [] },
        ...{
          headerFrom: domain,
          envelopeFrom: '',
          envelopeTo: '',
          dkimResults: [],
          spfResults: [],
        },
      }),
    ),
  };
  const gzip = gzipSync(writeDmarcReport(report));
  const facts = { report, gzip, to: 'dmarc@ours.test', nowMs: day, boundary: 'b' };
  return Buffer.from(writeDmarcReportMail(facts));
}

function world(table = new MemoryIndex()) {
  const clock = new SeededClock(today + dayMs);
  const jobs = {
    run: async ({ name, body = [] }: { name: string; body?: readonly Uint8Array[] }) => {
      const handled = dmarcReadHandlers[name]!(
        { body: Buffer.concat(body) } as never,
        undefined as never,
      );
      return ('pending' in handled ? await handled.pending : handled) as Answer;
    },
  };
  const received = new DmarcReceived({
    ...{ table, clock, log: silentLog, jobs: () => jobs },
    isDomainOurs: async (name) => name.startsWith('ours'),
  });
  const take = (body: Uint8Array, isProven = true, reporter = 'far.test') =>
    received.take({ meta: { reporter, isProven }, body: [body] });
  const told = (isProven = true, domain = 'ours.test') => dmarcTold(received, domain, 0, isProven);
  return { table, clock, received, take, told };
}

test('reports are added up by day and address, and each counts once', async () => {
  const { table, take, told } = world();
  const first = [
    { source: '192.0.2.1', count: 3 },
    { source: '192.0.2.1', count: 2, dkim: 'fail', disposition: 'reject' },
    { source: '192.0.2.2', count: 9, dkim: 'fail', disposition: 'quarantine' },
  ];
  assert.deepEqual(await take(mailOf('a', first)), { ok: true, value: undefined });
  await take(mailOf('a', first));
  await take(mailOf('b', [{ count: 4 }]), true, 'other.test');
  await take(mailOf('c', [{ count: 5 }], 'ours.test', today - dayMs));
  await take(mailOf('d', [{ count: 5 }], 'strange.test'));
  const { days, sources, reporters, ...sums } = await told();
  assert.deepEqual(sums, { reports: 3, messages: 23, passed: 12, omittedMessages: 0 });
  assert.deepEqual(
    days.map((day) => [day.dayMs, day.reports, day.messages]),
    [
      [today - dayMs, 1, 5],
      [today, 2, 18],
    ],
  );
  const none = { dkim: 0, spf: 0, quarantined: 0, rejected: 0 };
  assert.deepEqual(sources, [
    { ...none, sourceAddress: '192.0.2.1', messages: 14, passed: 12, dkim: 12, rejected: 2 },
    { ...none, sourceAddress: '192.0.2.2', messages: 9, passed: 0, quarantined: 9 },
  ]);
  assert.deepEqual(reporters, [
    { domain: 'far.test', messages: 19 },
    { domain: 'other.test', messages: 4 },
  ]);
  // The same table after a kill: what is on disk is whole reports.
  const again = world(table);
  await again.take(mailOf('a', first));
  assert.equal((await again.told()).messages, 23);
  assert.equal((await again.told(true, 'strange.test')).reports, 0);
});

test('a report that nobody vouches for stands apart, and does not keep the real one out', async () => {
  const { take, told } = world();
  await take(mailOf('a', [{ count: 1_000 }]), false);
  assert.deepEqual([(await told()).reports, (await told(false)).messages], [0, 1_000]);
  await take(mailOf('a', [{ count: 7 }]), true);
  await take(mailOf('a', [{ count: 50 }]), true, 'evil.test');
  assert.deepEqual([(await told()).messages, (await told(false)).messages], [57, 1_000]);
  assert.deepEqual((await told()).reporters[0], { domain: 'evil.test', messages: 50 });
});

test('a domain’s day has room for so many addresses and reports', async () => {
  const { clock, take, told } = world();
  const { sourcesPerDomainMax, reportsPerDomainMax } = unprovenLimits;
  const rows = Array.from({ length: sourcesPerDomainMax + 5 }, (_, i) => ({ source: `a${i}` }));
  await take(mailOf('a', rows), false);
  assert.deepEqual(
    [
      (await told(false)).sources.length,
      (await told(false)).messages,
      (await told(false)).omittedMessages,
    ],
    [sourcesPerDomainMax, sourcesPerDomainMax + 5, 5],
  );
  for (let number = 1; number < reportsPerDomainMax + 3; number++) {
    clock.advance(minuteMs);
    await take(mailOf(`b${number}`, [{ source: 'a0' }]), false);
  }
  assert.equal((await told(false)).reports, reportsPerDomainMax);
  await take(mailOf('a', rows));
  assert.ok(provenLimits.sourcesPerDomainMax > rows.length);
  assert.deepEqual(
    [(await told()).sources.length, (await told()).omittedMessages],
    [rows.length, 0],
  );
});

test('what is too old, or of days to come, is not kept, and what was kept goes in time', async () => {
  const { table, clock, take, told } = world();
  await take(mailOf('a', [{}], 'ours.test', today - keptMs - dayMs));
  await take(mailOf('b', [{}], 'ours.test', today + 5 * dayMs));
  assert.equal((await told()).reports, 0);
  await take(mailOf('c', [{}]));
  clock.jump(keptMs - dayMs);
  assert.equal((await told()).reports, 1);
  clock.jump(dayMs);
  assert.equal((await told()).reports, 0);
  await take(mailOf('d', [{}], 'ours.test', today + keptMs));
  const left = table.range({ from: Buffer.alloc(1), to: Buffer.alloc(20, 0xff) });
  // An address, a report, a day, and the rows of that day.
  assert.equal(left.length, 4);
});

test('so many mails are read, so large ones, and so many wait', async () => {
  const { clock, take, told } = world();
  const codes = (answers: readonly Answer[]) => answers.filter((each) => !each.ok).length;
  const large = await take(Buffer.alloc(mailBytesMax + 1, 32));
  assert.equal(large.ok, false);
  const mail = mailOf('a', [{}]);
  const all = await Promise.all(Array.from({ length: waitingMax + 4 }, () => take(mail)));
  assert.equal(codes(all), 4);
  for (let number = waitingMax; number < perMinuteMax; number++) await take(mail);
  assert.equal(codes([await take(mail)]), 1);
  clock.advance(minuteMs);
  assert.equal(codes([await take(Buffer.from('no report'))]), 0);
  assert.equal((await told()).reports, 1);
});

test('counts of strangers never leave the numbers that JSON keeps', async () => {
  const { take, told } = world();
  const rows = [{ count: Number.MAX_SAFE_INTEGER }, { count: Number.MAX_SAFE_INTEGER }];
  await take(mailOf('a', rows));
  await take(mailOf('b', rows));
  assert.equal((await told()).messages, Number.MAX_SAFE_INTEGER);
  assert.equal((await told()).sources[0]!.messages, Number.MAX_SAFE_INTEGER);
});
