/**
 * Aim: a constant rate by autocannon is the rate that was asked for, and hides nothing of a stall; where autocannon
 *      would not do what was asked for, undici does.
 * Method: servers over loopback; plans by hand.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientOf } from '../../../../../src/harness/load/http/client-choice.ts';
import { Histogram } from '../../../../../src/harness/measure/histogram.ts';
import { readScenario } from '../../../../../src/harness/scenario/shape.ts';
import { playHttp, startHttp, startRaw } from '../../../../support/http-load.ts';

const constant = { arrival: 'constant', sessions: 200 };

test('a constant rate comes evenly, whatever the threads', async (context) => {
  for (const threads of [1, 2]) {
    const askedMs: number[] = [];
    const target = await startHttp(context, (_, response) => {
      askedMs.push(performance.now());
      response.end('ok');
    });
    const load = { ...constant, rate: 40, duration: '2s' };
    const { group, totals } = await playHttp(target, load, { threads });
    assert.equal(group.client, 'autocannon');
    assert.deepEqual([totals.unknown, totals.unsent], [0, 0]);
    assert.ok(totals.ok >= 76 && totals.ok <= 80, `${totals.ok}`);
    assert.equal(askedMs.length, totals.ok);
    const quarters = [0, 0, 0, 0];
    for (const ms of askedMs.slice(0, 40)) {
      quarters[Math.min(3, Math.floor((ms - askedMs[0]!) / 250))]!++;
    }
    // All in one quarter is how they would come unphased.
    assert.ok(Math.max(...quarters) <= 20, quarters.join());
  }
});

test('a stall is charged to what waited in it, and what autocannon leaves out is unstarted', async (context) => {
  let stalled: (() => void)[] | undefined;
  let isFirst = true;
  const begin = () => {
    stalled = [];
  };
  const end = () => {
    for (const answer of stalled ?? []) answer();
    stalled = undefined;
  };
  const target = await startHttp(context, (_, response) => {
    if (isFirst) {
      setTimeout(begin, 500).unref();
      setTimeout(end, 3_600).unref();
    }
    isFirst = false;
    const answer = () => void response.end('ok');
    if (stalled === undefined) answer();
    else stalled.push(answer);
  });
  // Ten connections of one request a second each.
  const { totals, group } = await playHttp(target, { ...constant, rate: 10, duration: '5s' });
  assert.equal(group.client, 'autocannon');
  // Each connection has one request in the stall, and leaves out what it cannot send late.
  assert.ok(totals.unstarted >= 10 && totals.unstarted <= 20, `${totals.unstarted} unstarted`);
  assert.ok(Math.abs(totals.ok + totals.unstarted - 50) <= 2, `${totals.ok} ok`);
  const { latency } = group.operations['GET /']!;
  const all = Histogram.decode(latency.histogram);
  assert.ok(latency.maxMs > 2_900 && latency.maxMs < 3_400, `max ${latency.maxMs} ms`);
  assert.ok(all.percentileMs(50) < 1_300, `p50 ${all.percentileMs(50)} ms`);
  assert.equal(latency.count, totals.ok, 'nothing made up');
});

test('a rate goes on after the server was away, and what was due meanwhile is unstarted', async (context) => {
  const target = await startRaw(context, (socket, index) => {
    // The first connections answer once and are gone, the next come to nothing.
    if (index >= 5 && index < 8) return void socket.resetAndDestroy();
    socket.on('data', () => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      if (index < 5) socket.end();
    });
  });
  const load = { ...constant, rate: 5, duration: '3s', patience: '5s' };
  const { totals } = await playHttp(target, load);
  assert.ok(totals.ok >= 10, `${totals.ok} ok`);
  assert.ok(
    Math.abs(totals.ok + totals.unknown + totals.unstarted - 15) <= 3,
    `${totals.unstarted}`,
  );
  assert.ok(totals.connections < 30, `${totals.connections} connections`);
});

test('a count ends a constant rate', async (context) => {
  const target = await startHttp(context, (_, response) => void response.end('ok'));
  const { totals } = await playHttp(target, { ...constant, rate: 500, count: 120, sessions: 10 });
  assert.deepEqual([totals.ok, totals.unknown, totals.unstarted], [120, 0, 0]);
});

test('what autocannon would not do as asked is sent by undici', () => {
  const choose = (load: object) => {
    const group = { protocol: 'http', target: 'h:1', duration: 1, ...load };
    const [plan] = readScenario({ groups: [group] }, { name: 'test', base: '.' }).groups;
    assert.ok(plan?.protocol === 'http');
    return clientOf(plan);
  };
  assert.equal(choose({ sessions: 5 }), 'autocannon');
  assert.equal(choose({ rate: 5, arrival: 'constant' }), 'autocannon');
  const odd = { requests: [{ weight: 3 }, { weight: Math.PI }] };
  for (const load of [
    { sessions: 5, client: 'undici' },
    { rate: 5 },
    { rate: 2.5, arrival: 'constant' },
    { stages: [{ rate: 5, for: '1s' }], arrival: 'constant' },
    { sessions: 5, perConnection: 3 },
    { sessions: 5, tls: 'implicit', verify: true },
    { sessions: 1_000, ...odd },
  ]) {
    assert.equal(choose(load), 'undici', JSON.stringify(load));
  }
  assert.equal(choose({ sessions: 10, ...odd }), 'autocannon');
  assert.throws(
    () => choose({ rate: 5, client: 'autocannon' }),
    /cannot be autocannon: it plays a closed loop, or one constant rate/,
  );
});
