/**
 * Aim:    each day's counts become one report to each place that asks for it, once it is over, and no more.
 * Method: the sender over a table in memory, a clock turned by hand and a DNS of the test.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { MemoryIndex } from '../../../src/adapters/memory/memory-index.ts';
import { settlingMs, spreadMs, triedMs } from '../../../src/app/daily-reports.ts';
import { domainsPerDayMax, TlsOutcomes } from '../../../src/app/tls-outcomes.ts';
import { type ReportMailToSend, TlsReportSender } from '../../../src/app/tls-report-sender.ts';
import { silentLog } from '../../../src/base/log.ts';
import { dayMs, hourMs, minuteMs } from '../../../src/base/units.ts';
import type { Posted } from '../../../src/ports/web-poster.ts';
import { SeededClock, SeededRandom, turns } from '../../support/seeded-clock.ts';
import { type Zone, ZoneDns } from '../../support/zone-dns.ts';

const startMs = Date.UTC(2026, 0, 1, 12);
const today = Date.UTC(2026, 0, 1);
const policy = { type: 'no-policy-found', domain: 'far.test', strings: [], hosts: [] } as const;
const counted = (domain: string, successes = 1) => ({
  ...{ domain, policies: [{ policy: { ...policy, domain }, successes, failures: [] }] },
});
const record = (rua: string) => [{ TXT: `v=TLSRPTv1; rua=${rua}` }];

function world(zone: Zone) {
  const clock = new SeededClock(startMs);
  const table = new MemoryIndex();
  const outcomes = new TlsOutcomes(table, silentLog);
  const dns = new ZoneDns(zone);
  const posts: { url: string; type: string; body: Uint8Array; atMs: number }[] = [];
  const mails: ReportMailToSend[] = [];
  const answers = { posted: { ok: true, status: 201 } as Posted, mailed: '' };
  const open = () => {
    const sender = new TlsReportSender({
      ...{ outcomes, dns, clock, random: new SeededRandom(1), log: silentLog },
      ...{ organization: 'Here', contact: 'tls@here.test' },
      poster: {
        post: async (url, headers, body) => {
          posts.push({ url, type: headers['content-type']!, body, atMs: clock.nowMs() });
          return answers.posted;
        },
      },
      mail: async (mail) => {
        mails.push(mail);
        return answers.mailed;
      },
    });
    sender.start();
    return sender;
  };
  /** In minutes, each with time for the reports of its tick (gzip takes a thread's turn). */
  const pass = async (ms: number) => {
    for (let passedMs = 0; passedMs < ms; passedMs += 15 * minuteMs) {
      clock.jump(14 * minuteMs);
      clock.advance(minuteMs);
      await new Promise((resolve) => setTimeout(resolve, 3));
      await turns(5);
    }
  };
  return { clock, table, outcomes, dns, posts, mails, answers, open, pass };
}

test('RFC 8460 §4.1: a day is reported once it is over, within hours, and its records are asked for then alone', async () => {
  const { clock, outcomes, dns, posts, open, pass } = world({
    '_smtp._tls.far.test': record('https://far.test/in'),
  });
  await outcomes.add({ sinceMs: startMs, domains: [counted('far.test'), counted('mute.test')] });
  await outcomes.add({ sinceMs: startMs + minuteMs, domains: [counted('far.test', 4)] });
  const sender = open();
  await pass(11 * hourMs);
  assert.deepEqual([posts.length, dns.asked], [0, []]);
  await pass(hourMs + settlingMs + spreadMs);
  assert.equal(posts.length, 1);
  const [{ type, body, atMs }] = posts as [(typeof posts)[0]];
  assert.equal(type, 'application/tlsrpt+gzip');
  assert.equal(atMs >= today + dayMs + settlingMs, true);
  const json = JSON.parse(gunzipSync(body).toString());
  assert.equal(json.policies[0].summary['total-successful-session-count'], 5);
  assert.deepEqual(dns.asked.sort(), ['TXT _smtp._tls.far.test', 'TXT _smtp._tls.mute.test']);
  assert.deepEqual(outcomes.names(clock.nowMs()), []);
  await sender.close();
});

test('RFC 8460 §5.5: what fails is tried again for a day, and places that have it get it no more', async () => {
  const { outcomes, posts, mails, answers, open, pass } = world({
    '_smtp._tls.far.test': record('https://far.test/in,mailto:in@far.test'),
  });
  answers.posted = { ok: true, status: 503 };
  await outcomes.add({ sinceMs: startMs, domains: [counted('far.test')] });
  const sender = open();
  await pass(12 * hourMs + spreadMs + settlingMs + 2 * hourMs);
  assert.deepEqual([posts.length > 1, mails.length], [true, 1]);
  assert.equal(mails[0]!.to, 'in@far.test');
  assert.deepEqual(outcomes.get(today, 'far.test')!.sentTo, ['in@far.test']);
  await pass(triedMs + spreadMs);
  assert.equal(outcomes.get(today, 'far.test'), undefined);
  const tries = posts.length;
  assert.equal(tries <= 12, true, String(tries));
  await pass(dayMs);
  assert.deepEqual([posts.length, mails.length], [tries, 1]);
  await sender.close();
});

test('a restart goes on with what is not sent, under the same ids', async () => {
  const { outcomes, table, mails, answers, open, pass } = world({
    '_smtp._tls.far.test': record('mailto:in@far.test'),
  });
  answers.mailed = 'store-busy';
  await outcomes.add({ sinceMs: startMs, domains: [counted('far.test')] });
  const first = open();
  await pass(12 * hourMs + spreadMs + settlingMs);
  await first.close();
  const before = mails.length;
  assert.equal(before > 0, true);
  assert.equal(new TlsOutcomes(table, silentLog).names(today + dayMs).length, 1);
  answers.mailed = '';
  const second = open();
  await pass(spreadMs + hourMs);
  assert.equal(mails.length, before + 1);
  assert.deepEqual(new Set(mails.map(({ key }) => key)).size, 1);
  await second.close();
});

test('a day has room for so many domains, and counts those it has no room for', async () => {
  const { outcomes, table } = world({});
  const domains = Array.from({ length: domainsPerDayMax }, (_, i) => counted(`d${i}.test`));
  await outcomes.add({ sinceMs: startMs, domains });
  await outcomes.add({ sinceMs: startMs, domains: [counted('over.test'), counted('d0.test')] });
  assert.deepEqual([outcomes.droppedCount, outcomes.get(today, 'over.test')], [1, undefined]);
  assert.equal(outcomes.get(today, 'd0.test')!.policies[0]!.successes, 2);
  const again = new TlsOutcomes(table, silentLog);
  await again.add({ sinceMs: startMs, domains: [counted('over.test')] });
  assert.equal(again.droppedCount, 1);
  await again.remove(today, 'd0.test');
  await again.add({ sinceMs: startMs, domains: [counted('over.test')] });
  assert.equal(again.get(today, 'over.test')!.policies[0]!.successes, 1);
});
