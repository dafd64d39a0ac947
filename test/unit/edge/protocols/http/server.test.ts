/** Aim: probes answer, and nothing else does. Method: real requests, some of them raw, on a free port. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { type Log, type LogFields, silentLog } from '../../../../../src/base/log.ts';
import { probeRoutes } from '../../../../../src/edge/protocols/http/routes.ts';
import { listenHttp, type Routes } from '../../../../../src/edge/protocols/http/server.ts';

const host = '127.0.0.1';

async function listening(routes: Routes, log: Log = silentLog) {
  const options = {
    addresses: [{ host, port: 0 }],
    hosts: ['Mail.example.org'],
    routes,
    log,
  };
  const listener = await listenHttp(options);
  const port = listener.addresses[0]!.port;
  return { port, [Symbol.asyncDispose]: () => listener.close() };
}

/** Sends text as it is, and gives all that came until the end. */
async function raw(port: number, text: string): Promise<string> {
  const socket = connect({ host, port });
  socket.write(text);
  let answer = '';
  socket.on('data', (bytes) => {
    answer += bytes.toString('latin1');
  });
  await once(socket, 'close');
  return answer;
}

const get = (path: string, hostHeader: string, extra = '') =>
  `GET ${path} HTTP/1.1\r\nHost: ${hostHeader}\r\nConnection: close\r\n${extra}\r\n`;

const sources = {
  metrics: async () => 'up 1\n',
  isAlive: () => true,
  readiness: () => ({ isReady: true, faults: [] }),
};

test('metrics and probes answer', async () => {
  await using server = await listening(probeRoutes(sources));
  const base = `http://${host}:${server.port}`;
  const metrics = await fetch(`${base}/metrics?x=1`);
  assert.equal(metrics.status, 200);
  assert.match(metrics.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
  assert.equal(await metrics.text(), 'up 1\n');
  assert.equal((await fetch(`${base}/healthz`)).status, 200);
  assert.deepEqual(await (await fetch(`${base}/readyz`)).json(), { isReady: true, faults: [] });
  const head = await fetch(`${base}/healthz`, { method: 'HEAD' });
  assert.deepEqual([head.status, await head.text()], [200, '']);
});

test('a server that is not ready or not alive says 503 and why', async () => {
  const faults = ['shard 3 is read-only'];
  await using server = await listening(
    probeRoutes({
      ...sources,
      isAlive: () => false,
      readiness: () => ({ isReady: false, faults }),
    }),
  );
  const ready = await fetch(`http://${host}:${server.port}/readyz`);
  assert.equal(ready.status, 503);
  assert.deepEqual(await ready.json(), { isReady: false, faults });
  assert.equal((await fetch(`http://${host}:${server.port}/healthz`)).status, 503);
});

test('a Host that is neither an address nor a name of ours gets 421 and runs no route', async () => {
  let calls = 0;
  const route = () => {
    calls++;
    return { status: 200, type: 'text/plain', body: 'secret' };
  };
  await using server = await listening({ '/x': route });
  for (const foreign of [
    'evil.example',
    'mail.example.org.evil.example',
    '',
    '[evil]',
    'a b',
    '127.0.0.1.nip.io:80',
  ]) {
    const answer = await raw(server.port, get('/x', foreign));
    assert.match(answer, /^HTTP\/1\.1 4(21|00) /, foreign);
  }
  assert.equal(calls, 0);
  for (const own of [
    '127.0.0.1',
    `127.0.0.1:${server.port}`,
    '[::1]:80',
    'localhost',
    'mail.EXAMPLE.org',
    'mail.example.org.:8080',
  ]) {
    assert.match(await raw(server.port, get('/x', own)), /^HTTP\/1\.1 200 /, own);
  }
  assert.equal(calls, 6);
});

test('other paths, methods and bodies are refused', async () => {
  await using server = await listening(probeRoutes(sources));
  const base = `http://${host}:${server.port}`;
  for (const path of ['/', '/nothing', '/constructor', '/metrics/']) {
    assert.equal((await fetch(base + path)).status, 404, path);
  }
  const posted = await fetch(`${base}/healthz`, { method: 'POST' });
  assert.deepEqual([posted.status, posted.headers.get('allow')], [405, 'GET, HEAD']);
  const withBody = await fetch(`${base}/healthz`, { method: 'POST', body: 'x' });
  assert.equal(withBody.status, 413);
});

test('a route that throws gives 500 and no detail', async () => {
  await using server = await listening({
    '/x': () => {
      throw new Error('detail');
    },
  });
  const answer = await fetch(`http://${host}:${server.port}/x`);
  assert.equal(answer.status, 500);
  assert.equal(await answer.text(), 'internal error\n');
});

test('what failed is logged by its route, for a path may end in a secret', async () => {
  const logged: LogFields[] = [];
  const log: Log = { ...silentLog, error: (fields) => void logged.push(fields) };
  const fails = () => {
    throw new Error('detail');
  };
  await using server = await listening({ '/reset/*': fails }, log);
  const answer = await fetch(`http://${host}:${server.port}/reset/s3cret?x=s3cret`);
  assert.equal(answer.status, 500);
  assert.deepEqual(logged, [{ route: '/reset/*', error: 'Error: detail' }]);
});

test('a taken port is told by name, and no other address stays bound', async () => {
  await using taken = await listening({});
  const free = { host, port: 0 };
  const addresses = [free, { host, port: taken.port }];
  await assert.rejects(
    listenHttp({ addresses, hosts: [], routes: {}, log: silentLog }),
    new RegExp(`cannot listen on 127.0.0.1:${taken.port}: EADDRINUSE`),
  );
});
