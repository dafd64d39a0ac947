/**
 * Aim: a sink's models react to rate, connections, history and address as they say, and a seed replays them.
 * Method: steps of a few clients on a clock turned by hand; random rows of steps, played twice.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SeededRandom } from '../../../../src/harness/seeded-random.ts';
import { type Fault, FaultSource, type Visit } from '../../../../src/harness/sink/fault-source.ts';
import { globPattern } from '../../../../src/harness/sink/glob.ts';
import type { FaultRule, ReputationRules, SinkModel } from '../../../../src/harness/sink/model.ts';
import { sinkModels } from '../../../../src/harness/sink/shipped-models.ts';

const reputation: ReputationRules = {
  ...{ start: 50, perAccepted: 1, perInvalid: -10, perLimited: -1, perComplaint: -20 },
  ...{ perHour: 10, complaintShare: 0, complainers: 'complain*' },
};

class Play {
  nowMs = 0;
  readonly source: FaultSource;

  constructor(rules: readonly FaultRule[], more: Partial<SinkModel> = {}, seed = 1) {
    const model = { name: 'test', rules, ...more };
    this.source = new FaultSource(model, new SeededRandom(seed), () => this.nowMs);
  }

  visit(address = '192.0.2.1'): Visit {
    return this.source.visit(address);
  }
}

const code = (fault: Fault | undefined) => fault?.reply?.slice(0, 3) ?? 'ok';
const bytes = (count: number) => [new Uint8Array(count)];

test('a rate lets so many through in its time, each client for itself, and comes back evenly', () => {
  const play = new Play([
    { at: 'mail', limit: { per: 'address', countMax: 10, seconds: 1 }, reply: '421 4.7.0 Rate' },
  ]);
  const one = play.visit('192.0.2.1');
  const other = play.visit('192.0.2.2');
  const round = (visit: Visit) =>
    Array.from({ length: 15 }, () => code(visit.strike('mail'))).filter((each) => each === 'ok');
  assert.equal(round(one).length, 10);
  assert.equal(round(other).length, 10);
  play.nowMs = 100;
  assert.equal(round(one).length, 1);
  play.nowMs = 10_000;
  assert.equal(round(one).length, 10);
});

test('a network shares its limit: /24 for IPv4, /64 for IPv6, an IPv4 address in IPv6 is itself', () => {
  const pairs = [
    ['192.0.2.1', '192.0.2.200', true],
    ['192.0.2.1', '192.0.3.1', false],
    ['2001:db8::1', '2001:db8:0:0:ffff::2', true],
    ['2001:db8::1', '2001:db8:0:1::1', false],
    ['192.0.2.1', '::ffff:192.0.2.9', true],
  ] as const;
  for (const [first, second, isShared] of pairs) {
    const play = new Play([
      { at: 'connect', limit: { per: 'network', countMax: 1, seconds: 1 }, reply: '421 4.7.0 No' },
    ]);
    assert.equal(code(play.visit(first).strike('connect')), 'ok');
    const expected = isShared ? '421' : 'ok';
    assert.equal(code(play.visit(second).strike('connect')), expected, `${first} ${second}`);
  }
});

test('connections at once are counted until they end, messages of a connection until it does', () => {
  const play = new Play([
    { at: 'connect', limit: { per: 'address', countMax: 2 }, reply: '421 4.7.0 Too many' },
    { at: 'mail', limit: { per: 'connection', countMax: 3 }, reply: '421 4.4.2 Enough' },
  ]);
  const visits = [play.visit(), play.visit(), play.visit()];
  assert.deepEqual(
    visits.map((visit) => code(visit.strike('connect'))),
    ['ok', 'ok', '421'],
  );
  visits[2]!.leave();
  assert.equal(code(play.visit().strike('connect')), '421', 'one refused held no place');
  visits[0]!.leave();
  visits[0]!.leave();
  assert.equal(code(play.visit().strike('connect')), 'ok');
  assert.equal(code(play.visit().strike('connect')), '421');
  const codes = Array.from({ length: 4 }, () => code(visits[1]!.strike('mail')));
  assert.deepEqual(codes, ['ok', 'ok', 'ok', '421']);
  assert.equal(code(play.visit().strike('mail')), 'ok');
});

test('a greylist puts a triple off, lets it pass in its window, and then the whole network', () => {
  const play = new Play([
    {
      at: 'rcpt',
      reply: '451 4.7.1 Later',
      greylist: { afterSeconds: 300, withinSeconds: 3_600, keepSeconds: 86_400, autoAllow: 2 },
    },
  ]);
  const ask = (address: string, sender: string, recipient: string) =>
    code(play.visit(address).strike('rcpt', sender, recipient));
  assert.equal(ask('192.0.2.1', 'a@a', 'b@b'), '451');
  play.nowMs = 299_000;
  assert.equal(ask('192.0.2.1', 'a@a', 'b@b'), '451');
  play.nowMs = 300_000;
  assert.equal(ask('192.0.2.9', 'A@a', 'b@B'), 'ok', 'another address of the network');
  assert.equal(ask('198.51.100.1', 'a@a', 'b@b'), '451', 'another network');
  assert.equal(ask('192.0.2.1', 'a@a', 'c@b'), '451');
  play.nowMs = 5_000_000;
  assert.equal(ask('192.0.2.1', 'a@a', 'c@b'), '451', 'too late: it starts again');
  play.nowMs += 300_000;
  assert.equal(ask('192.0.2.1', 'a@a', 'c@b'), 'ok');
  assert.equal(ask('192.0.2.1', 'new@a', 'new@b'), 'ok', 'two triples passed: the network may');
  assert.equal(ask('198.51.100.1', 'new@a', 'new@b'), '451');
});

test('a triple that passed is forgotten when no message came for long', () => {
  const play = new Play([
    { at: 'rcpt', reply: '451 4.7.1 Later', greylist: { afterSeconds: 1, keepSeconds: 100 } },
  ]);
  const visit = play.visit();
  visit.strike('rcpt', 'a@a', 'b@b');
  for (const atMs of [1_000, 101_000]) {
    play.nowMs = atMs;
    assert.equal(code(visit.strike('rcpt', 'a@a', 'b@b')), 'ok');
  }
  play.nowMs = 202_000;
  assert.equal(code(visit.strike('rcpt', 'a@a', 'b@b')), '451');
});

test('a mailbox fills by messages or bytes and is emptied with time', () => {
  const quota = { messagesMax: 2, bytesMax: 1_000, emptiedSeconds: 60 };
  const play = new Play([{ at: 'rcpt', quota, reply: '452 4.2.2 Full' }]);
  const visit = play.visit();
  visit.taken('a@a', ['small@b', 'large@b'], bytes(10));
  assert.equal(code(visit.strike('rcpt', 'a@a', 'small@b')), 'ok');
  visit.taken('a@a', ['SMALL@b'], bytes(10));
  assert.equal(code(visit.strike('rcpt', 'a@a', 'small@b')), '452');
  visit.taken('a@a', ['large@b'], bytes(990));
  assert.equal(code(visit.strike('rcpt', 'a@a', 'large@b')), '452');
  assert.equal(code(visit.strike('rcpt', 'a@a', 'other@b')), 'ok');
  play.nowMs = 60_000;
  assert.equal(code(visit.strike('rcpt', 'a@a', 'small@b')), 'ok');
});

test('unknown addresses are always the same ones, others for another seed', () => {
  const rule: FaultRule = { at: 'rcpt', recipientShare: 0.1, reply: '550 5.1.1 Unknown' };
  const unknown = (seed: number) => {
    const visit = new Play([rule], {}, seed).visit();
    const names = Array.from({ length: 1_000 }, (_, at) => `user${at}@example.com`);
    return names.filter((name) => code(visit.strike('rcpt', '', name)) === '550');
  };
  const first = unknown(1);
  assert.ok(first.length > 60 && first.length < 140, `${first.length} of 1000`);
  assert.deepEqual(unknown(1), first);
  assert.notDeepEqual(unknown(2), first);
});

test('who sends to unknown addresses and is complained of is blocked, and let in again with time', () => {
  const play = new Play(
    [
      { at: 'connect', reputation: { below: 20, until: 40 }, reply: '554 5.7.1 Blocked' },
      { at: 'rcpt', recipient: 'nobody*', counts: 'invalid', reply: '550 5.1.1 Unknown' },
    ],
    { reputation },
  );
  const visit = play.visit();
  for (let at = 0; at < 2; at++) visit.strike('rcpt', 'a@a', 'nobody@b');
  assert.equal(code(play.visit().strike('connect')), 'ok');
  visit.taken('a@a', ['complainer@b'], bytes(1));
  assert.equal(code(play.visit().strike('connect')), '554');
  assert.equal(code(play.visit('198.51.100.1').strike('connect')), 'ok');
  // 50 - 20 + 1 - 20 = 11; ten points an hour.
  play.nowMs = 2 * 3_600_000;
  assert.equal(code(play.visit().strike('connect')), '554', '31 is not 40 yet');
  play.nowMs = 3 * 3_600_000;
  assert.equal(code(play.visit().strike('connect')), 'ok');
  assert.equal(code(play.visit().strike('connect')), 'ok');
});

test('a limit that is scaled grows with a good name and shrinks with a bad one', () => {
  const limit = { per: 'network', countMax: 100, seconds: 1, isScaled: true } as const;
  const play = new Play([{ at: 'message', limit, reply: '421 4.7.28 Rate' }], { reputation });
  const through = () => {
    play.nowMs += 1_000;
    const visit = play.visit();
    const codes = Array.from({ length: 120 }, () => code(visit.strike('message')));
    return codes.filter((each) => each === 'ok').length;
  };
  assert.equal(through(), 50, 'half of it for half a name');
  const kept = play.visit('198.51.100.1');
  for (let at = 0; at < 50; at++) kept.taken('a@a', ['b@b'], bytes(1));
  assert.ok(through() < 50, 'being limited costs some name');
  play.nowMs += 1_000;
  const codes = Array.from({ length: 120 }, () => code(kept.strike('message')));
  assert.ok(codes.filter((each) => each === 'ok').length >= 100);
});

test('what is remembered is bounded: who was not seen for very long starts again', () => {
  const play = new Play([
    { at: 'rcpt', reply: '451 4.7.1 Later', greylist: { afterSeconds: 1 } },
    { at: 'mail', limit: { per: 'sender', countMax: 1, seconds: 1e6 }, reply: '421 4.7.0 Rate' },
  ]);
  const visit = play.visit();
  visit.strike('rcpt', 'a@a', 'first@b');
  visit.strike('mail', 'first@a');
  play.nowMs = 1_000;
  assert.equal(code(visit.strike('rcpt', 'a@a', 'first@b')), 'ok');
  assert.equal(code(visit.strike('mail', 'first@a')), '421');
  for (let at = 0; at <= 100_000; at++) {
    visit.strike('rcpt', 'a@a', `${at}@b`);
    visit.strike('mail', `${at}@a`);
  }
  assert.equal(code(visit.strike('rcpt', 'a@a', 'first@b')), '451');
  assert.equal(code(visit.strike('mail', 'first@a')), 'ok');
});

test('rules of a client, a sender and a recipient strike those only', () => {
  const play = new Play([
    { at: 'mail', client: '10.0.0.0/8', reply: '550 5.7.1 Not from there' },
    { at: 'mail', sender: '*@bulk.example', reply: '451 4.7.0 Later' },
  ]);
  assert.equal(code(play.visit('10.1.2.3').strike('mail', 'a@b')), '550');
  assert.equal(code(play.visit('192.0.2.1').strike('mail', 'x@BULK.example')), '451');
  assert.equal(code(play.visit('192.0.2.1').strike('mail', 'x@bulk.example.org')), 'ok');
});

test('a tarpit is slower with each refusal, up to its bound, and does not decide', () => {
  const play = new Play([
    { at: 'rcpt', tarpit: { perRefusalMs: 100, delayMsMax: 250 } },
    { at: 'rcpt', reply: '550 5.1.1 No' },
  ]);
  const visit = play.visit();
  const delays = Array.from({ length: 5 }, () => visit.strike('rcpt')?.delayMs);
  assert.deepEqual(delays, [0, 100, 200, 250, 250]);
});

test('each tenth step of all connections is struck, wherever it comes', () => {
  const play = new Play([{ at: 'mail', every: 10, reply: '451 4.3.0 Tenth' }]);
  const codes = Array.from({ length: 30 }, () => code(play.visit().strike('mail')));
  assert.deepEqual(
    codes.flatMap((each, at) => (each === '451' ? [at + 1] : [])),
    [10, 20, 30],
  );
});

/** One step of a random play. */
const act = fc.record({
  what: fc.constantFrom('connect', 'mail', 'rcpt', 'message', 'taken', 'leave'),
  client: fc.nat(3),
  name: fc.constantFrom('a', 'b', 'nobody1', 'complain', 'unknown7', 'x'),
  passMs: fc.constantFrom(0, 0, 0, 1, 40, 900, 60_000, 7_200_000),
});
interface Act {
  readonly what: string;
  readonly client: number;
  readonly name: string;
  readonly passMs: number;
}

/** What a model answers to a row of steps, delays and all. */
function answers(model: SinkModel, seed: number, acts: readonly Act[]): readonly string[] {
  let nowMs = 0;
  const source = new FaultSource(model, new SeededRandom(seed), () => nowMs);
  const visits = new Map<number, Visit>();
  return acts.map(({ what, client, name, passMs }) => {
    nowMs += passMs;
    let visit = visits.get(client);
    let said = '';
    if (visit === undefined || what === 'connect') {
      visit?.leave();
      visit = source.visit(`192.0.${client}.1`);
      visits.set(client, visit);
      said = `${visit.greeting('plain')} ${JSON.stringify(visit.strike('connect') ?? null)} `;
    }
    const recipient = `${name}@example.com`;
    if (what === 'leave') {
      visit.leave();
      visits.delete(client);
    } else if (what === 'taken') {
      visit.taken('s@example.org', [recipient], bytes(500));
      said += visit.accepted('plain', 's@example.org', recipient);
    } else if (what !== 'connect') {
      const at = what as 'mail' | 'rcpt' | 'message';
      said += JSON.stringify(visit.strike(at, 's@example.org', recipient, 500) ?? null);
    }
    return said;
  });
}

test('the same seed and the same row of steps give the same answers, for every shipped model', () => {
  let refusals = 0;
  fc.assert(
    fc.property(
      fc.constantFrom(...Object.keys(sinkModels)),
      fc.integer({ min: 1, max: 1_000 }),
      fc.array(act, { minLength: 20, maxLength: 300, size: 'max' }),
      (name, seed, acts) => {
        const first = answers(sinkModels[name]!, seed, acts);
        assert.deepEqual(answers(sinkModels[name]!, seed, acts), first);
        refusals += first.filter((each) => /"reply":"[45]/.test(each)).length;
      },
    ),
    { numRuns: 200 },
  );
  assert.ok(refusals > 100, `only ${refusals} refusals were compared`);
});

test('another seed plays another row', () => {
  const acts = Array.from({ length: 50 }, (_, at) => ({
    ...{ what: 'rcpt', client: at % 4, name: `user${at}`, passMs: 10 },
  }));
  const model = sinkModels['gmail-like']!;
  assert.notDeepEqual(answers(model, 1, acts), answers(model, 2, acts));
});

test('the providers answer in their own words: haste, unknown users, a full mailbox, a lost name', () => {
  const expected = {
    'gmail-like': { at: 'message', haste: /^421-4\.7\.28 .*gsmtp$/s, unknown: /^550-5\.1\.1 /s },
    'outlook-like': { at: 'mail', haste: /^421 RP-001 /, unknown: /^550 5\.5\.0 .*S2017062302/ },
    'yahoo-like': { at: 'mail', haste: /^421 4\.7\.0 \[TSS04\] /, unknown: /^554 5\.1\.1 /s },
  } as const;
  for (const [name, { at, haste, unknown }] of Object.entries(expected)) {
    const source = new FaultSource(sinkModels[name]!, new SeededRandom(1), () => 0);
    const replies: string[] = [];
    for (let count = 0; count < 1_000; count++) {
      const visit = source.visit('192.0.2.1');
      const reply = visit.strike(at, 'a@a', `user${count}@b`)?.reply;
      if (reply !== undefined) replies.push(reply);
      visit.leave();
    }
    assert.ok(
      replies.some((reply) => haste.test(reply)),
      `${name}: ${replies[0]}`,
    );
    assert.match(source.visit('198.51.100.1').strike('rcpt', 'a@a', 'nobody@b')!.reply!, unknown);
    const bad = source.visit('203.0.113.1');
    for (let count = 0; count < 60; count++) bad.strike('rcpt', 'a@a', 'nobody@b');
    const points = ['connect', 'mail', 'message'] as const;
    const lost = points.map((point) => {
      let reply: string | undefined;
      for (let count = 0; count < 10; count++) reply = bad.strike(point)?.reply ?? reply;
      return reply ?? '';
    });
    assert.match(lost.join('\n'), /^5[0-9]{2}[- ]5\.7\.1/m, name);
  }
});

test('patterns fit as they read, and quickly whatever a client says', () => {
  for (const [glob, yes, no] of [
    ['a@b', 'A@B', 'a@bc'],
    ['*@example.com', 'x@EXAMPLE.com', 'x@example.com.org'],
    ['a*b*b', 'abxb', 'ab'],
    ['no*', 'nobody', 'anobody'],
    ['*', '', undefined],
    ['a.c', 'a.c', 'abc'],
  ] as const) {
    assert.equal(globPattern(glob).test(yes), true, glob);
    if (no !== undefined) assert.equal(globPattern(glob).test(no), false, glob);
  }
  // By backtracking this would take longer than anybody lives.
  assert.equal(globPattern('*a*a*a*a*a*a*a*a*b').test('a'.repeat(4_000)), false);
});
