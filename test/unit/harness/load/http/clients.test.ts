/**
 * Aim: an HTTP load tells the truth about each request, whatever the server does, and whichever client sends it.
 * Method: Node's own server, and servers by hand, over loopback; each test by both clients.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { httpClients } from '../../../../../src/harness/load/http/client-choice.ts';
import { playHttp, startHttp, startRaw } from '../../../../support/http-load.ts';

const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

for (const client of httpClients) {
  test(`${client}: requests come by their weights, with their bodies, headers and names`, async (context) => {
    const heard: string[] = [];
    const target = await startHttp(context, async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      const { authorization, accept, 'content-type': type } = request.headers;
      heard.push(`${request.method} ${request.url} ${accept} ${type} ${body} ${authorization}`);
      response.end('x'.repeat(100_000));
    });
    const requests = [
      { weight: 3, path: '/a?x=1' },
      { weight: 1, path: '/b', body: '{"é":1}', headers: ['Accept: text/plain'], name: 'query' },
    ];
    const common = { user: 'ann', password: 'hush', headers: ['Accept: */*'] };
    const { group, totals } = await playHttp(target, { client, count: 8, requests, ...common });
    assert.equal(group.client, client);
    assert.deepEqual([group.operations['GET /a']!.ok, group.operations.query!.ok], [6, 2]);
    assert.deepEqual([...new Set(heard)].sort(), [
      'GET /a?x=1 */* undefined  Basic YW5uOmh1c2g=',
      'POST /b text/plain application/json {"é":1} Basic YW5uOmh1c2g=',
    ]);
    assert.equal(heard.length, 8);
    assert.deepEqual([totals.connections, totals.closings], [1, { done: 1 }]);
    assert.ok(group.bytesReceived > 800_000 && group.bytesReceived < 900_000);
    assert.ok(group.bytesSent > 800 && group.bytesSent < 8_000, `${group.bytesSent}`);
    assert.equal(group.operations.session!.phases.connect!.count, 1);
    assert.equal(group.operations['GET /a']!.phases.head!.count, 6);
  });

  test(`${client}: a bearer token is sent, and a POST without a body says so`, async (context) => {
    const heard: unknown[] = [];
    const target = await startHttp(context, ({ headers }, response) => {
      heard.push([headers.authorization, headers['content-length'], headers['transfer-encoding']]);
      response.end();
    });
    await playHttp(target, { client, count: 1, token: 'abc.def', method: 'POST' });
    assert.deepEqual(heard, [['Bearer abc.def', '0', undefined]]);
  });

  test(`${client}: a status of 400 or more is a refusal, and is kept`, async (context) => {
    const target = await startHttp(context, (_, response) => void response.writeHead(503).end());
    const { totals } = await playHttp(target, { client, count: 2 });
    assert.deepEqual([totals.ok, totals.refused, totals.replies], [0, 2, { 'HTTP 503': 2 }]);
  });

  test(`${client}: answers without a body are whole with their head`, async (context) => {
    const statuses = [204, 304, 200];
    const target = await startHttp(context, ({ url }, response) => {
      response.writeHead(statuses[Number(url!.slice(1))]!);
      response.end();
    });
    const requests = [{ path: '/0' }, { path: '/1' }, { path: '/2', method: 'HEAD' }];
    const { totals } = await playHttp(target, { client, count: 9, requests });
    // Undici trusts no server to send none after HEAD, and connects anew.
    const connections = client === 'undici' ? 3 : 1;
    assert.deepEqual([totals.ok, totals.unknown, totals.connections], [9, 0, connections]);
    assert.ok(totals.latency.maxMs < 5_000, `${totals.latency.maxMs}`);
  });

  test(`${client}: a server that closes after each response costs a connection each, and nothing else`, async (context) => {
    let asked = 0;
    const target = await startHttp(context, (_, response) => {
      asked++;
      response.setHeader('connection', 'close').end('ok');
    });
    const { totals } = await playHttp(target, { client, count: 5 });
    assert.deepEqual([totals.ok, totals.unknown, totals.connections, asked], [5, 0, 5, 5]);
  });

  test(`${client}: an answer may end with its connection`, async (context) => {
    const target = await startRaw(context, (socket) => {
      socket.once('data', () => socket.end('HTTP/1.0 200 OK\r\n\r\nall that there is'));
    });
    const { totals } = await playHttp(target, { client, count: 3 });
    assert.deepEqual([totals.ok, totals.unknown, totals.connections], [3, 0, 3]);
  });

  test(`${client}: a request under way when the connection dies is unknown`, async (context) => {
    const target = await startRaw(context, (socket, index) => {
      socket.on('data', () => {
        if (index === 1) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nha');
        else if (index === 2) socket.resetAndDestroy();
        else socket.write(answer);
      });
      if (index === 0) socket.once('data', () => socket.end());
    });
    const { totals } = await playHttp(target, { client, count: 6, patience: '2s' });
    // The first ends between two requests, or with the second on its way: only the client knows.
    const lost = totals.unknown + totals.unsent;
    assert.ok(lost === 2 || lost === 3, `${lost} lost`);
    assert.equal(totals.ok + lost, 6);
  });

  test(`${client}: a server that refuses is no request: the run ends with its patience`, async () => {
    const { group, totals } = await playHttp('127.0.0.1:1', { client, sessions: 20, count: 50 });
    assert.deepEqual([totals.ok, totals.unknown, totals.unsent], [0, 0, 0]);
    assert.ok(group.connections > 20 && group.connections < 30, `${group.connections} connections`);
    assert.match(Object.keys(totals.closings).join(), /ECONNREFUSED/);
    assert.ok(group.gapMsMax >= 100, `${group.gapMsMax} ms: it never came back`);
  });

  test(`${client}: a server that takes connections and ends them is not stormed`, async (context) => {
    const target = await startRaw(context, (socket) => void socket.end());
    const { group, totals } = await playHttp(target, {
      client,
      sessions: 10,
      duration: '1s',
      patience: '5s',
    });
    assert.equal(totals.ok, 0);
    assert.ok(group.connections < 150, `${group.connections} connections`);
  });

  test(`${client}: a server that is reached through a proxy of the run is asked by its own name`, async (context) => {
    const heard = new Set<string>();
    const target = await startHttp(context, (request, response) => {
      heard.add(request.headers.host!);
      response.end();
    });
    const trouble = [{ at: '1ms', slow: 'target', rate: '1MB' }];
    const { totals } = await playHttp(target, { client, count: 3 }, { target, trouble });
    assert.equal(totals.ok, 3);
    assert.deepEqual([...heard], [target]);
  });

  test(`${client}: the end of a load waits for what is under way`, async (context) => {
    const target = await startHttp(context, (_, response) => {
      setTimeout(() => response.end('ok'), 50);
    });
    const { totals } = await playHttp(target, { client, sessions: 3, duration: '120ms' });
    assert.deepEqual([totals.unknown, totals.unsent], [0, 0]);
    // A busy machine begins fewer; those begun end.
    assert.ok(totals.ok >= 3 && totals.ok <= 9, `${totals.ok}`);
    assert.ok(totals.latency.minMs >= 45, `${totals.latency.minMs}`);
  });

  test(`${client}: a count is asked for exactly, by many sessions and threads`, async (context) => {
    let asked = 0;
    const target = await startHttp(context, (_, response) => {
      asked++;
      response.end('ok');
    });
    const load = { client, sessions: 7, count: 100 };
    const { totals } = await playHttp(target, load, { threads: 2 });
    assert.deepEqual([totals.ok, totals.unknown, asked], [100, 0, 100]);
  });
}
