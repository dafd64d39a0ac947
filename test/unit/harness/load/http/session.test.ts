/**
 * Aim: the HTTP load tells the truth about each request, whatever the server does.
 * Method: Node's own server, over loopback.
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createRawServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { nodeClock } from '../../../../../src/adapters/node/clock.ts';
import { nodeRandom } from '../../../../../src/adapters/node/random.ts';
import { createHttp } from '../../../../../src/harness/load/http/http-plan.ts';
import { RunRecorder } from '../../../../../src/harness/measure/recorder.ts';
import { Series } from '../../../../../src/harness/measure/series.ts';
import { totalsOf } from '../../../../../src/harness/measure/totals.ts';
import { LoadRun } from '../../../../../src/harness/run/load-run.ts';
import { readScenario } from '../../../../../src/harness/scenario/shape.ts';
import { wholeShare } from '../../../../../src/harness/schedule/arrivals.ts';

async function play(context: TestContext, listener: RequestListener, group: object) {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const whole = { protocol: 'http', target: `127.0.0.1:${port}`, sessions: 1, patience: '100ms' };
  const plan = readScenario({ groups: [{ ...whole, ...group }] }, { name: 'test', base: '.' });
  const adapters = { clock: nodeClock, random: nodeRandom, epochMs: 0 };
  const report = await new LoadRun(plan, adapters).run();
  return { group: report.groups[0]!, totals: totalsOf(report) };
}

test('requests come by their weights, with their bodies and names', async (context) => {
  const heard: string[] = [];
  const requests = [
    { weight: 3, path: '/a?x=1' },
    { weight: 1, method: 'POST', path: '/b', body: 'é', type: 'text/plain' },
  ];
  const { group, totals } = await play(
    context,
    async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      const { authorization, 'content-type': type } = request.headers;
      heard.push(`${request.method} ${request.url} ${type} ${body} ${authorization}`);
      response.end('x'.repeat(100_000));
    },
    { count: 8, requests, user: 'ann', password: 'hush' },
  );
  assert.deepEqual([group.operations['GET /a']!.ok, group.operations['POST /b']!.ok], [6, 2]);
  assert.ok(heard.includes('POST /b text/plain é Basic YW5uOmh1c2g='), heard.join());
  assert.deepEqual([totals.connections, totals.closings], [1, { done: 1 }]);
  assert.ok(group.bytesReceived > 800_000 && group.bytesReceived < 900_000);
  assert.equal(group.operations.session!.phases.connect!.count, 1);
});

test('a status of 400 or more is a refusal, and is kept', async (context) => {
  const { totals } = await play(context, (_, response) => void response.writeHead(503).end(), {
    count: 2,
  });
  assert.deepEqual([totals.ok, totals.refused, totals.replies], [0, 2, { 'HTTP 503': 2 }]);
});

test('a server that closes after each response costs a connection each, and nothing else', async (context) => {
  const { totals } = await play(
    context,
    (_, response) => void response.setHeader('connection', 'close').end('ok'),
    { count: 5 },
  );
  assert.deepEqual([totals.ok, totals.unknown, totals.connections], [5, 0, 5]);
});

test('a request under way when the connection dies is unknown', async (context) => {
  const { totals } = await play(context, (request) => void request.socket.destroy(), { count: 1 });
  assert.deepEqual([totals.ok, totals.unknown, totals.unsent], [0, 1, 0]);
});

test('a server that refuses is no request: the run ends with its patience', async (context) => {
  const { group, totals } = await play(context, () => {}, { count: 1, target: '127.0.0.1:1' });
  assert.deepEqual([totals.ok, totals.unknown, totals.unsent], [0, 0, 0]);
  assert.ok(group.connections >= 2 && group.connections < 10, `${group.connections} connections`);
  assert.match(Object.keys(totals.closings).join(), /ECONNREFUSED/);
  assert.ok(group.gapMsMax >= 100, `${group.gapMsMax} ms: it never came back`);
});

test('a server that goes away between two requests costs each session one', async (context) => {
  let left = 5;
  const { totals } = await play(
    context,
    (request, response) => {
      const { server } = request.socket as unknown as { server: { close(): void } };
      if (--left === 0) server.close();
      response.setHeader('connection', 'close').end('ok');
    },
    { count: 100 },
  );
  assert.deepEqual([totals.ok, totals.unknown, totals.unsent], [5, 0, 1]);
});

test('a session ends when the server closes before its first request', async (context) => {
  const server = createRawServer((socket) => void socket.destroy()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const group = { protocol: 'http', target: `127.0.0.1:${port}`, sessions: 1, count: 1 };
  const [plan] = readScenario({ groups: [group] }, { name: 'test', base: '.' }).groups;
  assert.ok(plan?.protocol === 'http');
  const recorder = new RunRecorder({ name: 'g', protocol: 'http', target: 't' }, new Series());
  const protocol = createHttp(plan.options, {
    ...{ target: plan.target, clock: nodeClock, random: nodeRandom, chance: nodeRandom, recorder },
    ...{ ledger: undefined, epochMs: 0, share: wholeShare },
  });
  const told: string[] = [];
  await new Promise<void>((resolve) => {
    protocol.open({
      onIdle: () => told.push('idle'),
      onFinished: () => told.push('finished'),
      onClose: (_, detail) => resolve(void told.push(detail)),
    });
  });
  assert.deepEqual(told, ['idle', 'closed by the server']);
});

test('a server that is reached through a proxy of the run is asked by its own name', async (context) => {
  const heard = new Set<string>();
  const server = createServer((request, response) => {
    heard.add(request.headers.host!);
    response.end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => server.close());
  const target = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const group = { protocol: 'http', sessions: 1, count: 3, requests: [{ path: '/' }] };
  const trouble = [{ at: '1ms', slow: 'target', rate: '1MB' }];
  const plan = readScenario({ target, groups: [group], trouble }, { name: 'test', base: '.' });
  const adapters = { clock: nodeClock, random: nodeRandom, epochMs: 0 };
  const report = await new LoadRun(plan, adapters).run();
  assert.equal(totalsOf(report).ok, 3);
  assert.deepEqual([...heard], [target]);
});
