/** What the owner of a path makes of reports: fewer connections, marks, and limits that follow. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ArrivedAsk } from '../../../../../src/actors/ask.ts';
import {
  anyTenant,
  isAbout,
  type Mark,
  type PathReport,
  type RuleHits,
  type ShapingFindings,
} from '../../../../../src/actors/asks/shaping-asks.ts';
import type { ShardId, TenantId } from '../../../../../src/base/ids.ts';
import { PathOwners } from '../../../../../src/engine/delivery/shaping/path-owners.ts';
import { PathShape } from '../../../../../src/engine/delivery/shaping/path-shape.ts';
import { ShapingState } from '../../../../../src/engine/delivery/shaping/shaping-state.ts';
import { mergedShaping } from '../../../../../src/settings/shaping/merge.ts';
import { readShaping } from '../../../../../src/settings/shaping/read.ts';
import { noShaping } from '../../../../../src/settings/shaping/rules.ts';
import { SeededClock } from '../../../../support/seeded-clock.ts';

const path = 'mx:a.example';
const shard = 3 as ShardId;

function world(rules: string, tenants: Record<string, number> = {}) {
  const clock = new SeededClock();
  const state = new ShapingState(clock);
  const file = readShaping(rules, 'f');
  assert.deepEqual(file.faults, []);
  state.setRules({ rules: mergedShaping(noShaping, file), tenants });
  const found: ShapingFindings[] = [];
  const left: string[] = [];
  const counted: string[] = [];
  const owners = new PathOwners({
    ...{ clock, state, connectionsMax: 20 },
    findings: (findings) => found.push(findings),
    counters: {
      fell: (provider) => counted.push(`fell ${provider}`),
      acted: (rule) => counted.push(rule),
    },
  });
  owners.onSourceLeft = (source, of) => left.push(`${source} ${of}`);
  const report = (row: {
    readonly path?: string;
    readonly inUse?: number;
    readonly taken?: number;
    readonly refused?: number;
    readonly domains?: readonly string[];
    readonly hits?: readonly RuleHits[];
  }) => {
    const { inUse = 10, taken = 0, refused = 0, domains = [], hits = [] } = row;
    const line: PathReport = [row.path ?? path, inUse, taken, refused, 10, 'no', domains, hits];
    const answer = owners.take({ shard, meta: ['thread', [line]] } as unknown as ArrivedAsk);
    assert.ok(answer.ok);
    return answer.value as unknown[];
  };
  const marks = (): Mark[] => found.flatMap((findings) => [...findings.marks]);
  return { clock, state, owners, found, left, counted, report, marks };
}

test('refusals halve the connections of a path, and whoever reports hears how it stands', () => {
  const { owners, report, found, counted } = world('');
  assert.equal(owners.limitsOf(path).connectionsMax, 20);
  assert.deepEqual(report({ taken: 5 }), [null]);
  const [stand] = report({ refused: 3 }) as [[number, number, number, string]];
  assert.equal(stand[0], 5);
  assert.equal(stand[3], 'no');
  assert.equal(owners.limitsOf(path).connectionsMax, 5);
  assert.deepEqual(found[0]!.held, [[path, 5, 10]]);
  assert.deepEqual(counted, ['fell ']);
  assert.equal(owners.heldBackCount, 1);
});

test('another owner goes on where the last one was, and forgets what he gave away', () => {
  const { owners, report } = world('');
  owners.learn([[path, 4, 8]]);
  assert.equal(owners.limitsOf(path).connectionsMax, 4);
  report({ taken: 1 });
  assert.equal(owners.limitsOf(path).connectionsMax, 4);
  owners.close(shard);
  assert.equal(owners.count, 0);
  owners.learn([[path, 0, 0]]);
  assert.equal(owners.limitsOf(path).connectionsMax, 20);
});

test('a rule acts once it has its hits, with all it says', () => {
  const { report, marks, left, counted, clock } = world(`
[[responses]]
name = "busy"
codes = 421
hits = 3
within = "1m"
suspend = "1h"
suspendTenant = "2h"
slowBy = 4
slowFor = "30m"
switchSource = "1d"
`);
  const hits = (count: number, tenant: number) =>
    report({ path: `${path}|s1`, hits: [['busy', tenant, count, '421 no', '']] });
  hits(2, 0);
  clock.advance(61_000);
  hits(2, 0);
  assert.deepEqual(marks(), []);
  hits(1, 0);
  assert.deepEqual(
    marks().map(({ kind, tenant, untilMs, sinceMs }) => [kind, tenant, untilMs - sinceMs]),
    [
      ['suspend', anyTenant, 3_600_000],
      ['suspend', 0, 7_200_000],
      ['slow', anyTenant, 1_800_000],
      ['source', anyTenant, 86_400_000],
    ],
  );
  assert.deepEqual(left, [`s1 ${path}|s1`]);
  assert.deepEqual(counted, ['busy']);
});

test('a slowed path has a part of its connections and of its pace; slowed again, of that', () => {
  const { clock, state, owners, report, marks } = world(`
[[responses]]
name = "slow"
codes = 421
slowBy = 4
slowFor = "30m"
`);
  for (let i = 0; i < 200; i++) {
    clock.advance(1_000);
    report({ taken: 40 });
  }
  const slow = () => {
    report({ hits: [['slow', anyTenant, 1, '421 no', '']] });
    state.setMarks(marks().slice(-1));
    return owners.limitsOf(path);
  };
  const first = slow();
  assert.equal(first.connectionsMax, 5);
  assert.ok(Math.abs(first.messagesPerSecond - 10) < 0.5, `${first.messagesPerSecond}`);
  const second = slow();
  assert.equal(second.connectionsMax, 1);
  assert.ok(Math.abs(second.messagesPerSecond - 2.5) < 0.2);
  for (let i = 0; i < 20; i++) slow();
  assert.equal(slow().messagesPerSecond, 1 / 60);
  clock.advance(1_800_001);
  assert.equal(owners.limitsOf(path).messagesPerSecond, Number.POSITIVE_INFINITY);
  assert.equal(owners.limitsOf(path).connectionsMax, 20);
});

test('limits by domain hold once a thread told that the domain leads there', () => {
  const { owners, report } = world('[[limits]]\ndomain = "d.example"\nconnectionsMax = 2\n');
  const told: string[] = [];
  owners.onLimits = (of) => told.push(of);
  assert.equal(owners.limitsOf(path).connectionsMax, 20);
  report({ domains: ['d.example'] });
  assert.equal(owners.limitsOf(path).connectionsMax, 2);
  assert.deepEqual(told, [path]);
});

test('tenants and providers have limits of their own', () => {
  const { owners, state } = world(
    `
[providers.p]
mx = ".example"
[[limits]]
provider = "p"
providerConnectionsMax = 7
[[limits]]
tenant = ["shop", "nobody"]
messageRate = "120/min"
`,
    { shop: 5 },
  );
  assert.deepEqual(owners.limitsOf(path).shares, [
    { tenant: 5, campaign: '', messagesPerSecond: 2 },
  ]);
  const buckets = state.bucketsOf(path)!;
  assert.deepEqual(buckets(5, 'any'), ['tenant 5']);
  assert.deepEqual(buckets(6, 'any'), []);
  assert.equal(state.providerPath(`${path}|s1`, 'a.example'), 'provider:p|s1');
  assert.equal(owners.limitsOf('provider:p|s1').connectionsMax, 7);
  assert.equal(state.providerPath('mx:a.other', 'a.other'), '');
  assert.equal(state.providerPath('mx:a.other,b.example', 'a.other'), '');
  assert.equal(state.providerPath('mx:a.other,b.example', 'b.example'), 'provider:p');
});

test('paths are bounded: past it one has the limits of its rules and no feedback', () => {
  const { owners, report, clock } = world('');
  for (let i = 0; i < 20_000; i++) report({ path: `mx:h${i}.example`, taken: 1 });
  assert.deepEqual(report({ path: 'mx:more.example', refused: 1 }), [null]);
  assert.equal(owners.limitsOf('mx:more.example').connectionsMax, 20);
  clock.advance(601_000);
  report({ path: 'mx:more.example', refused: 1 });
  assert.equal(owners.limitsOf('mx:more.example').connectionsMax, 5);
  assert.equal(owners.count, 1);
});

test('a rule suspends a campaign of a tenant on a path, and nothing else', () => {
  const { state, clock, marks, report } = world(
    `
[[responses]]
name = "content"
codes = 554
hits = 2
suspendCampaign = "1h"
`,
    { shop: 7 },
  );
  const shape = new PathShape({ path, state, clock, onHit: () => {} });
  const refuse = (campaign: string) => {
    shape.refused({ code: 554, enhanced: '5.7.1', text: 'spam' }, 7, campaign);
    report({ hits: shape.report()![7] });
  };
  refuse('news');
  refuse('other');
  // Mail of no campaign is nobody's part.
  refuse('');
  refuse('');
  assert.deepEqual(marks(), []);
  refuse('news');
  const [mark, ...more] = marks();
  assert.deepEqual(more, []);
  assert.deepEqual([mark!.kind, mark!.tenant, mark!.campaign], ['suspend', 7, 'news']);
  assert.equal(shape.hasShares, false);
  state.setMarks(marks());
  const until = (tenant: number, campaign: string) =>
    shape.shareUntilMs(tenant as TenantId, campaign) - clock.nowMs();
  assert.equal(until(7, 'news'), 3_600_000);
  assert.ok(until(7, 'other') < 0 && until(7, '') < 0 && until(8, 'news') < 0);
  assert.equal(shape.suspendedUntilMs, 0);
  const about = [isAbout(mark!, 7, 'news'), isAbout(mark!, 7, ''), isAbout(mark!, 8, 'news')];
  assert.deepEqual(about, [true, false, false]);
  clock.advance(3_600_001);
  assert.ok(until(7, 'news') <= 0 && shape.shareUntilMs(7 as TenantId, 'news') === 0);
});
