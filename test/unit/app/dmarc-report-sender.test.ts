/**
 * Aim:    each day's mail becomes one report to each place that asks for it, once it is over, and none is lost.
 * Method: the sender over a table in memory, a clock turned by hand and a DNS of the test.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DmarcCount } from '../../../src/actors/asks/dmarc-count-asks.ts';
import { MemoryIndex } from '../../../src/adapters/memory/memory-index.ts';
import { settlingMs, spreadMs, triedMs } from '../../../src/app/daily-reports.ts';
import {
  DmarcOutcomes,
  reportsPerDayMax,
  rowsPerDomainMax,
} from '../../../src/app/dmarc-outcomes.ts';
import { pendingMax, pendingReports } from '../../../src/app/dmarc-pending.ts';
import { DmarcReportSender } from '../../../src/app/dmarc-report-sender.ts';
import type { ReportMailToSend } from '../../../src/app/tls-report-sender.ts';
import { silentLog } from '../../../src/base/log.ts';
import { dayMs, hourMs, minuteMs } from '../../../src/base/units.ts';
import { readDmarcReports } from '../../../src/mail/formats/dmarc-report/read.ts';
import { SeededClock, SeededRandom, turns } from '../../support/seeded-clock.ts';
import { type Zone, ZoneDns } from '../../support/zone-dns.ts';

const startMs = Date.UTC(2026, 0, 1, 12);
const today = Date.UTC(2026, 0, 1);
const counted = (domain: string, sourceAddress = '192.0.2.1', count = 1): DmarcCount => ({
  published: {
    ...{ domain, p: 'reject', sp: 'reject', np: 'reject', adkim: 'r', aspf: 'r' },
    ...{ fo: '', isTesting: false, discovery: 'treewalk' },
  },
  record: {
    ...{ sourceAddress, count, disposition: 'pass', dkim: 'pass', spf: 'fail', reasons: [] },
    ...{ headerFrom: domain, envelopeFrom: '', envelopeTo: '', dkimResults: [], spfResults: [] },
  },
});
const fewRows = { domainsMax: 50, rowsMax: 3 };
const asking = (rua: string) => [{ TXT: `v=DMARC1; p=reject; rua=${rua}` }];

function world(zone: Zone, except: readonly string[] = []) {
  const clock = new SeededClock(startMs);
  const table = new MemoryIndex();
  const outcomes = new DmarcOutcomes(table, silentLog, new SeededRandom(2));
  const dns = new ZoneDns(zone);
  const mails: ReportMailToSend[] = [];
  const answers = { mailed: '', not: '' };
  const open = (of = outcomes) => {
    const sender = new DmarcReportSender({
      ...{ outcomes: of, dns, clock, random: new SeededRandom(1), log: silentLog, except },
      ...{ organization: 'Here', contact: 'dmarc@here.test' },
      mail: async (mail) => {
        mails.push(mail);
        return mail.to === answers.not ? 'store-busy' : answers.mailed;
      },
    });
    sender.start();
    return sender;
  };
  const pass = async (ms: number) => {
    for (let passedMs = 0; passedMs < ms; passedMs += 15 * minuteMs) {
      clock.jump(14 * minuteMs);
      clock.advance(minuteMs);
      // The sender sets its timer anew once its round is over, however long compressing takes.
      while (clock.timerCount === 0) await turns(1);
    }
  };
  return { clock, table, outcomes, dns, mails, answers, open, pass };
}

const untilSent = 12 * hourMs + settlingMs + spreadMs + hourMs;

test('RFC 9990 §3.5: a day is reported once it is over, once to each place, and then forgotten', async () => {
  const { clock, outcomes, mails, dns, open, pass } = world({
    '_dmarc.far.test': asking('mailto:a@far.test,mailto:b@far.test!10m'),
  });
  const rows = [counted('far.test'), counted('far.test', '192.0.2.2', 5), counted('mute.test')];
  await outcomes.add({ sinceMs: startMs, rows });
  await outcomes.add({ sinceMs: startMs + minuteMs, rows: [counted('far.test', '192.0.2.1', 3)] });
  const sender = open();
  await pass(11 * hourMs);
  assert.deepEqual([mails.length, dns.asked], [0, []]);
  await pass(untilSent);
  assert.deepEqual(mails.map(({ to }) => to).sort(), ['a@far.test', 'b@far.test']);
  const [report] = readDmarcReports(Buffer.from(mails[0]!.text)).reports;
  assert.deepEqual(
    report!.records.map(({ sourceAddress, count }) => [sourceAddress, count]),
    [
      ['192.0.2.2', 5],
      ['192.0.2.1', 4],
    ],
  );
  assert.deepEqual(outcomes.names(clock.nowMs()), []);
  assert.deepEqual(outcomes.records(today, 'far.test'), []);
  await pass(2 * dayMs);
  assert.equal(mails.length, 2);
  await sender.close();
});

test('killed between sending and noting it, a report is sent again under its key, and none is lost', async () => {
  const { outcomes, table, mails, answers, open, pass } = world({
    '_dmarc.far.test': asking('mailto:in@far.test'),
  });
  answers.mailed = 'store-busy';
  await outcomes.add({ sinceMs: startMs, rows: [counted('far.test')] });
  const first = open();
  await pass(untilSent);
  await first.close();
  const before = mails.length;
  assert.ok(before > 0);
  // As it is after a kill: the spool has it, and nothing of that was written here.
  const again = new DmarcOutcomes(table, silentLog, new SeededRandom(2));
  assert.deepEqual(again.get(today, 'far.test')!.sentTo, []);
  answers.mailed = '';
  const second = open(again);
  await pass(spreadMs + hourMs);
  assert.equal(mails.length, before + 1);
  assert.equal(new Set(mails.map(({ key }) => key)).size, 1);
  const ids = mails.map(({ text }) => readDmarcReports(Buffer.from(text)).reports[0]!.id);
  assert.equal(new Set(ids).size, 1);
  await second.close();
  const third = open(new DmarcOutcomes(table, silentLog, new SeededRandom(2)));
  await pass(spreadMs + hourMs);
  assert.equal(mails.length, before + 1);
  await third.close();
});

test('the clock goes back after a report was sent: the rest of that day is a report of its own', async () => {
  const { clock, outcomes, mails, open, pass } = world({
    '_dmarc.far.test': asking('mailto:in@far.test'),
  });
  await outcomes.add({ sinceMs: startMs, rows: [counted('far.test')] });
  const sender = open();
  await pass(untilSent);
  assert.equal(mails.length, 1);
  clock.jump(startMs - clock.nowMs());
  await outcomes.add({ sinceMs: startMs, rows: [counted('far.test', '192.0.2.1', 7)] });
  await pass(11 * hourMs);
  assert.equal(mails.length, 1);
  await pass(untilSent);
  const reports = mails.map(({ text }) => readDmarcReports(Buffer.from(text)).reports[0]!);
  assert.deepEqual(
    reports.map(({ startMs: begins, records }) => [begins, records.map(({ count }) => count)]),
    [
      [today, [1]],
      [today, [7]],
    ],
  );
  assert.equal(new Set(reports.map(({ id }) => id)).size, 2);
  assert.equal(new Set(mails.map(({ key }) => key)).size, 2);
  await sender.close();
});

test('what is told of a day while its report leaves is a report of its own, and no place misses it', async () => {
  const { outcomes, mails, answers, open, pass } = world({
    '_dmarc.far.test': asking('mailto:a@far.test,mailto:b@far.test'),
  });
  answers.not = 'b@far.test';
  await outcomes.add({ sinceMs: startMs, rows: [counted('far.test')] });
  const sender = open();
  await pass(untilSent);
  assert.deepEqual(outcomes.get(today, 'far.test')!.sentTo, ['a@far.test']);
  await outcomes.add({ sinceMs: startMs, rows: [counted('far.test', '192.0.2.1', 7)] });
  assert.deepEqual(outcomes.names(today + dayMs), [
    { dayMs: today, domain: 'far.test' },
    { dayMs: today, domain: 'far.test#2' },
  ]);
  answers.not = '';
  await pass(dayMs + spreadMs);
  const counts = new Map<string, Set<string>>();
  for (const { to, text } of mails) {
    const { id, records } = readDmarcReports(Buffer.from(text)).reports[0]!;
    const said = counts.get(to) ?? new Set();
    counts.set(to, said.add(`${id} ${records.map(({ count }) => count).join()}`));
  }
  const [ofA, ofB] = [[...counts.get('a@far.test')!], [...counts.get('b@far.test')!]];
  assert.deepEqual([ofA, ofA.map((each) => each.slice(-1))], [ofB, ['1', '7']]);
  assert.deepEqual(outcomes.names(today + 9 * dayMs), []);
  await sender.close();
});

test('of one day so many reports wait at once, and the rest is counted', async () => {
  const { outcomes } = world({});
  for (let number = 1; number <= reportsPerDayMax; number++) {
    await outcomes.add({ sinceMs: startMs, rows: [counted('far.test')] });
    await outcomes.seal(today, number === 1 ? 'far.test' : `far.test#${number}`);
  }
  assert.equal(outcomes.droppedCount, 0);
  await outcomes.add({ sinceMs: startMs, rows: [counted('far.test', '192.0.2.1', 3)] });
  assert.deepEqual([outcomes.names(today + dayMs).length, outcomes.droppedCount], [20, 3]);
});

test('what is pending is listed with its size, what is tried next first, and some rows are measured', async () => {
  const { clock, outcomes, mails, answers, open, pass } = world({
    '_dmarc.far.test': asking('mailto:in@far.test'),
  });
  answers.mailed = 'store-busy';
  const rows = [counted('far.test'), counted('far.test', '192.0.2.2', 5)];
  await outcomes.add({ sinceMs: startMs, rows });
  const sender = open();
  await pass(untilSent);
  await outcomes.add({ sinceMs: clock.nowMs(), rows: [counted('a.test')] });
  const { total, reports } = await sender.pending();
  const { bytes, dueMs, ...first } = reports[0]!;
  assert.deepEqual([total, reports.map(({ domain }) => domain)], [2, ['far.test', 'a.test']]);
  assert.deepEqual(first, {
    ...{ domain: 'far.test', dayMs: today, messages: 6, rows: 2, droppedMessages: 0 },
    ...{ isLeaving: true, sentTo: [] },
  });
  assert.ok(dueMs > clock.nowMs());
  assert.ok(Math.abs(bytes - mails[0]!.text.length) < 50, `${bytes}, ${mails[0]!.text.length}`);
  assert.deepEqual([reports[1]!.dueMs, reports[1]!.isLeaving], [0, false]);
  const parts = { outcomes, dueMs: () => undefined, measure: async () => 7 };
  const measured = (await pendingReports(parts, 2)).reports.map((each) => each.bytes);
  assert.deepEqual(measured, [7, 0]);
  const many = Array.from({ length: pendingMax + 5 }, (_, i) => counted(`d${i}.test`));
  await outcomes.add({ sinceMs: clock.nowMs(), rows: many });
  const listed = await pendingReports(parts);
  assert.deepEqual([listed.total, listed.reports.length], [pendingMax + 7, pendingMax]);
  await sender.close();
});

test('a place that has its report gets it no more while another is tried', async () => {
  const { outcomes, mails, answers, open, pass } = world({
    '_dmarc.far.test': asking('mailto:a@far.test,mailto:b@far.test'),
  });
  answers.not = 'b@far.test';
  await outcomes.add({ sinceMs: startMs, rows: [counted('far.test')] });
  const sender = open();
  await pass(untilSent);
  assert.deepEqual(outcomes.get(today, 'far.test')!.sentTo, ['a@far.test']);
  const tries = mails.filter(({ to }) => to === 'b@far.test').length;
  assert.deepEqual([tries > 1, mails.length - tries], [true, 1]);
  await sender.close();
});

test('a DNS that does not answer is waited for, a day long', async () => {
  const { outcomes, mails, open, pass } = world({ '_dmarc.far.test': ['TIMEOUT'] });
  await outcomes.add({ sinceMs: startMs, rows: [counted('far.test')] });
  const sender = open();
  await pass(untilSent);
  assert.notEqual(outcomes.get(today, 'far.test'), undefined);
  await pass(triedMs + spreadMs);
  assert.deepEqual([outcomes.get(today, 'far.test'), mails.length], [undefined, 0]);
  await sender.close();
});

test('places that take less, domains that opted out and strangers get nothing', async () => {
  const { outcomes, mails, open, pass } = world(
    {
      '_dmarc.small.test': asking('mailto:in@small.test!1k'),
      '_dmarc.out.test': asking('mailto:in@out.test'),
      '_dmarc.far.test': asking('mailto:x@out.far.test,mailto:in@victim.test'),
    },
    ['out.test', 'out.far.test'],
  );
  const rows = ['small.test', 'out.test', 'far.test'].map((domain) => counted(domain));
  await outcomes.add({ sinceMs: startMs, rows });
  const sender = open();
  await pass(untilSent);
  assert.deepEqual([mails.length, outcomes.names(startMs + 9 * dayMs)], [0, []]);
  await sender.close();
});

test('a day has room for so many domains and a domain for so many rows, and the rest is counted', async () => {
  const table = new MemoryIndex();
  const limits = { domainsMax: 50, rowsMax: 10_000 };
  const outcomes = new DmarcOutcomes(table, silentLog, new SeededRandom(2), limits);
  const rows = Array.from({ length: rowsPerDomainMax + 2 }, (_, i) =>
    counted('far.test', `a${i}`, 2),
  );
  await outcomes.add({ sinceMs: startMs, rows });
  const { rowCount, droppedCount } = outcomes.get(today, 'far.test')!;
  assert.deepEqual([rowCount, droppedCount, outcomes.droppedCount], [rowsPerDomainMax, 4, 4]);
  assert.equal(outcomes.records(today, 'far.test').length, rowsPerDomainMax);
  const domains = Array.from({ length: limits.domainsMax }, (_, i) => counted(`d${i}.test`));
  await outcomes.add({ sinceMs: startMs, rows: domains });
  assert.equal(outcomes.droppedCount, 5);
  const again = new DmarcOutcomes(table, silentLog, new SeededRandom(2), limits);
  await again.add({ sinceMs: startMs, rows: [counted('over.test'), counted('far.test', 'a0')] });
  assert.deepEqual([again.droppedCount, again.get(today, 'over.test')], [1, undefined]);
  await again.remove(today, 'd0.test');
  await again.add({ sinceMs: startMs, rows: [counted('over.test')] });
  assert.equal(again.get(today, 'over.test')!.rowCount, 1);
});

test('one batch may hold a row twice, under a policy that changed', async () => {
  const { outcomes } = world({});
  const { record, published } = counted('far.test');
  const changed = { record, published: { ...published, p: 'none' } };
  await outcomes.add({ sinceMs: startMs, rows: [{ record, published }, changed] });
  assert.equal(outcomes.records(today, 'far.test')[0]!.count, 2);
  assert.equal(outcomes.get(today, 'far.test')!.policy.p, 'none');
});

test('a day has room for so many rows of all domains, also after a restart, and gets it back', async () => {
  const table = new MemoryIndex();
  const outcomes = new DmarcOutcomes(table, silentLog, new SeededRandom(2), fewRows);
  const rows = ['a.test', 'b.test', 'c.test', 'd.test'].map((domain) => counted(domain));
  await outcomes.add({ sinceMs: startMs, rows });
  assert.deepEqual([outcomes.droppedCount, outcomes.records(today, 'd.test')], [1, []]);
  const again = new DmarcOutcomes(table, silentLog, new SeededRandom(2), fewRows);
  await again.add({ sinceMs: startMs, rows: [counted('a.test'), counted('b.test', '192.0.2.2')] });
  assert.equal(again.droppedCount, 1);
  assert.equal(again.records(today, 'a.test')[0]!.count, 2);
  await again.remove(today, 'a.test');
  await again.add({ sinceMs: startMs, rows: [counted('d.test')] });
  assert.equal(again.records(today, 'd.test').length, 1);
});
