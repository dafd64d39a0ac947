/**
 * Aim: a report says what the run found, in every form, and what a server said cannot become markup.
 * Method: a small run entered by hand; charts by the points they draw.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LedgerJoin } from '../../../../src/harness/ledger/ledger-join.ts';
import { Histogram } from '../../../../src/harness/measure/histogram.ts';
import type { RunReport, TimedReport } from '../../../../src/harness/measure/run-report.ts';
import { chart } from '../../../../src/harness/report/chart.ts';
import { bytes, ms, perSecond, seconds } from '../../../../src/harness/report/figures.ts';
import { renderHtml } from '../../../../src/harness/report/html.ts';
import { renderMarkdown } from '../../../../src/harness/report/markdown.ts';
import { serverCharts } from '../../../../src/harness/report/server-charts.ts';

const hostile = '550 <script>alert("x")</script> | `code`';

function timed(...values: readonly number[]): TimedReport {
  const histogram = new Histogram();
  for (const value of values) histogram.record(value);
  return { ...histogram.summary(), histogram: histogram.encode() };
}

function runWith(more: Partial<RunReport> = {}, refused = 0): RunReport {
  const counts = { ok: 3, refused, unknown: 0, unsent: 0 };
  const second = { count: 3, p50Ms: 2, p99Ms: 30, maxMs: 30, bytesSent: 10, bytesReceived: 5 };
  return {
    format: 'chaski-load-report',
    version: 1,
    scenario: 'a <b> run',
    target: '127.0.0.1:25',
    seed: 7,
    machine: { host: 'h', cpu: 'c', cores: 2, kernel: 'k', runtime: 'r' },
    generator: { threads: 1, cpuSeconds: 0.5 },
    beganAt: '2026-01-01T00:00:00.000Z',
    seconds: 2,
    groups: [
      {
        name: 'smtp',
        protocol: 'smtp',
        target: '127.0.0.1:25',
        operations: {
          message: {
            ...counts,
            latency: timed(1, 2, 30),
            phases: { mail: timed(0.5), tls: timed() },
            replies: refused > 0 ? { [hostile]: refused } : {},
          },
        },
        copies: counts,
        closings: {},
        connections: 1,
        bytesSent: 3_200,
        bytesReceived: 100,
        unstarted: 0,
        gapMsMax: 1,
        seconds: 2,
      },
    ],
    series: [
      { second: 0, ...counts, ...second },
      { second: 1, ...counts, ...second },
    ],
    unstarted: 0,
    thresholds: [],
    ...more,
  };
}

test('figures are short and have their unit', () => {
  assert.deepEqual([0, 0.0123, 1.5, 12.34, 999.6, 12_000].map(ms), [
    '0 ms',
    '0.012 ms',
    '1.5 ms',
    '12.3 ms',
    '1000 ms',
    '12 s',
  ]);
  assert.equal(ms(undefined), '–');
  assert.deepEqual([999, 1_500, 2.5e9].map(bytes), ['999 B', '1.5 kB', '2.5 GB']);
  assert.deepEqual([1.5, 12_345].map(perSecond), ['1.5/s', '12,345/s']);
  assert.deepEqual([5, 150].map(seconds), ['5 s', '2 min 30 s']);
});

test('a page and a table tell each operation, its phases that were, and that all was well', () => {
  const html = renderHtml(runWith());
  const markdown = renderMarkdown(runWith());
  for (const text of [html, markdown]) {
    assert.match(text, /All was well/);
    assert.match(text, /30 ms/);
    assert.match(text, /3\.2 kB sent/);
    assert.doesNotMatch(text, /· tls|\| tls \|/);
  }
  assert.match(html, /· mail/);
  assert.match(markdown, /\| smtp \| message \| mail \| 1 \|/);
});

test('what went wrong stands first', () => {
  const thresholds = [{ text: 'p99 < 10 ms', isMet: false, value: 30 }];
  for (const text of [
    renderHtml(runWith({ thresholds, unstarted: 4 }, 2)),
    renderMarkdown(runWith({ thresholds, unstarted: 4 }, 2)),
  ]) {
    assert.doesNotMatch(text, /All was well/);
    assert.match(text, /message: 2 refused/);
    assert.match(text, /4 were due and never started/);
    assert.match(text, /not met: p99/);
  }
});

test('what a server or a scenario says is never markup', () => {
  const html = renderHtml(runWith({}, 1));
  assert.doesNotMatch(html, /<script|<b> run/);
  assert.match(html, /&#60;script&#62;/);
  assert.match(html, /default-src 'none'/);
  const markdown = renderMarkdown(runWith({}, 1));
  assert.ok(markdown.includes('\\<script\\>') && markdown.includes('\\| \\`code\\`'), markdown);
});

test('the page needs nothing from elsewhere, and leaves histograms to programs', () => {
  const html = renderHtml(runWith());
  assert.doesNotMatch(html, /(src|href)=|@import|url\(/);
  assert.ok(!html.includes(runWith().groups[0]!.operations.message!.latency.histogram));
});

test('the server is charted beside its clients where it was watched', () => {
  const { series } = runWith();
  const watched = series.map((each) => ({
    ...each,
    server: { cpuSeconds: each.second * 0.5, rssBytes: 1e6 },
  }));
  assert.match(renderHtml(runWith({ series: watched })), /CPU of the server/);
  assert.doesNotMatch(renderHtml(runWith()), /CPU of the server/);
});

test('what the server told is charted: counters as their growth a second, the rest as it is', () => {
  const told = [10, 30, 5].map((sent, second) => ({
    ...{ second, server: { metrics: { 'sent_total{to="<x>"}': sent, waiting: 7 } } },
  }));
  const [first] = runWith().series;
  const run = runWith({ series: told.map((each) => ({ ...first!, ...each })) });
  const charts = serverCharts(run);
  assert.deepEqual(
    charts.map(({ lines }) => lines[0]!.points),
    [
      // The server began anew before second 2.
      [
        [1, 20],
        [2, 5],
      ],
      [
        [0, 7],
        [1, 7],
        [2, 7],
      ],
    ],
  );
  assert.match(renderHtml(run), /sent_total\{to=&#34;&#60;x&#62;&#34;\}/);
});

test('what was done to the server is a mark in each chart over time, and told', () => {
  const marks = [
    { second: 0.5, text: 'SIGKILL to <7>', isDone: true },
    { second: 0.6, text: 'cut | hop', isDone: false },
    { second: 0.5, text: 'stall hop', isDone: true, endSecond: 0.75 },
  ];
  const html = renderHtml(runWith({ marks }));
  // From the middle of an axis of a second to three quarters of it.
  assert.equal(html.match(/<rect class="span" x="384\.0" y="14" width="161\.0"/g)?.length, 2);
  assert.match(html, /<td>0\.5 s to 0\.75 s<\/td><td>stall hop<\/td><td>done<\/td>/);
  assert.match(html, /<td>cut \| hop<\/td><td>not done<\/td>/);
  assert.match(renderMarkdown(runWith({ marks })), /\| 0\.6 s \| cut \\\| hop \| \*\*no\*\* \|/);
  assert.equal(html.match(/<line class="mark" x1="384\.0" x2="384\.0"/g)?.length, 4);
  assert.match(html, /<td>0\.5 s<\/td><td>SIGKILL to &#60;7&#62;<\/td><td>done<\/td>/);
});

test('what the ledger said after the run stands in every form, its faults first', () => {
  const account = { ...new LedgerJoin().account(), acknowledged: 1_234, unknownArrived: 5 };
  const recount = { account, waitedSeconds: 3, faults: ['lost: 2'] };
  const html = renderHtml(runWith({ recount }));
  const markdown = renderMarkdown(runWith({ recount }));
  for (const text of [html, markdown]) assert.match(text, /ledger: lost: 2/);
  assert.match(html, /<td>acknowledged<\/td><td class="number">1,234<\/td>/);
  assert.match(html, /Counted 3 s after the run/);
  assert.match(markdown, /\| unknown and arrived \| 5 \|/);
});

test('a chart of many points keeps every peak and few points', () => {
  const points = Array.from({ length: 10_000 }, (_, i): [number, number] => [
    i,
    i === 7_777 ? 50 : 1,
  ]);
  const axis = { title: '', write: String };
  const svg = chart({
    title: 't',
    x: axis,
    y: axis,
    lines: [{ name: 'n', style: 'line-1', points }],
  });
  const path = /<path class="line-1" d="([^"]*)"/.exec(svg)![1]!;
  const drawn = path
    .slice(1)
    .split(/[ML]/)
    .map((point) => Number(point.split(' ')[1]));
  assert.ok(drawn.length <= 600, `${drawn.length} points`);
  assert.equal(drawn.filter((y) => y < Math.max(...drawn)).length, 1);
});

test('a chart without points says so, and one of a single value is drawn', () => {
  const axis = { title: '', write: String };
  assert.match(chart({ title: 't', x: axis, y: axis, lines: [] }), /nothing was measured/);
  const one = chart({
    title: 't',
    x: axis,
    y: axis,
    lines: [{ name: 'n', style: 'line-1', points: [[3, 0]] }],
  });
  assert.doesNotMatch(one, /NaN|Infinity/);
});
