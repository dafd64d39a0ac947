/**
 * Aim: no client keeps a listener from the others: not by many connections, nor by slow ones.
 * Method: real sockets on a free port, with bounds and times of the test.
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { silentLog } from '../../../../../src/base/log.ts';
import { networkSet, noNetworks } from '../../../../../src/base/networks.ts';
import {
  type HttpListenerOptions,
  listenHttp,
  plain,
} from '../../../../../src/edge/protocols/http/server.ts';

const host = '127.0.0.1';
const quick = {
  headMsMax: 300,
  requestMsMax: 600,
  mountedMsMax: 600,
  idleMsMax: 300,
  stallMsMax: 300,
  lookMs: 50,
};

async function listening(given: Partial<HttpListenerOptions>) {
  const listener = await listenHttp({
    ...{ addresses: [{ host, port: 0 }], hosts: [], routes: { '/x': () => plain(200, 'yes') } },
    ...{ log: silentLog, ...given },
  });
  const open: Socket[] = [];
  return {
    /** A client: its socket, and what came from the server. */
    async client(localAddress = host) {
      const socket = connect({ host, port: listener.addresses[0]!.port, localAddress });
      socket.on('error', () => {});
      open.push(socket);
      const heard = { text: '', isClosed: false };
      socket.on('data', (bytes) => (heard.text += bytes.toString('latin1')));
      socket.once('close', () => {
        heard.isClosed = true;
      });
      await once(socket, 'connect');
      return { socket, heard };
    },
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      await listener.close();
    },
  };
}

type Heard = { readonly text: string; readonly isClosed: boolean };
async function until(what: string, heard: Heard, isSo: (heard: Heard) => boolean): Promise<number> {
  const startMs = performance.now();
  while (!isSo(heard)) {
    assert.ok(performance.now() - startMs < 10_000, `waited in vain until ${what}`);
    await sleep(10);
  }
  return performance.now() - startMs;
}
const isClosed = ({ isClosed }: Heard) => isClosed;
const isAnswered = ({ text }: Heard) => text.includes('yes\n');
const request = 'GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n';

test('a client has so many connections and no more, and another one still gets in', async () => {
  let refused = 0;
  await using server = await listening({
    caps: {
      ...{ connectionsMax: 5, connectionsPerAddressMax: 3, uncountedNetworks: noNetworks },
      refused: () => refused++,
    },
  });
  const first = [];
  for (let i = 0; i < 3; i++) first.push(await server.client());
  const over = await server.client();
  await until('the fourth is closed', over.heard, isClosed);
  assert.equal(refused, 1);
  const other = await server.client('127.0.0.2');
  other.socket.write(request);
  await until('another is answered', other.heard, isAnswered);
  const last = await server.client('127.0.0.3');
  const tooMany = await server.client('127.0.0.4');
  await until('the sixth of all is closed', tooMany.heard, isClosed);
  assert.deepEqual([refused, last.heard.isClosed], [2, false]);
  first[0]!.socket.destroy();
  await sleep(50);
  const again = await server.client();
  again.socket.write(request);
  await until('a place that was given back is taken', again.heard, isAnswered);
});

test('proxies and our own machine count in all only', async () => {
  const uncountedNetworks = networkSet([{ family: 4, address: '127.0.0.0', prefixBits: 8 }]);
  await using server = await listening({
    caps: { connectionsMax: 4, connectionsPerAddressMax: 1, uncountedNetworks },
  });
  const clients = [];
  for (let i = 0; i < 4; i++) clients.push(await server.client());
  const over = await server.client();
  await until('the fifth is closed', over.heard, isClosed);
  assert.deepEqual(
    clients.map(({ heard }) => heard.isClosed),
    [false, false, false, false],
  );
});

test('who says nothing, or a head or a body word by word, is cut off in time', async () => {
  const route = {
    ...{ methods: { POST: () => plain(200, 'yes') }, bodyBytesMax: 100 },
    isHostOurs: () => false,
  };
  await using server = await listening({ times: quick, routes: { '/x': route } });
  const silent = await server.client();
  const slowHead = await server.client();
  const slowBody = await server.client();
  slowBody.socket.write('POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 90\r\n\r\n');
  slowHead.socket.write('GET /x HTTP/1.1\r\nHost: localhost\r\n');
  const drip = setInterval(() => {
    slowHead.socket.write('X-A: b\r\n');
    slowBody.socket.write('x');
  }, 50);
  try {
    for (const [what, { heard }] of Object.entries({ silent, slowHead, slowBody })) {
      await until(`${what} is closed`, heard, isClosed);
      assert.ok(!heard.text.includes('yes\n'), what);
    }
    assert.match(slowHead.heard.text, /^HTTP\/1\.1 408 /);
  } finally {
    clearInterval(drip);
  }
});

test('who takes no answer, or asks nothing more, is cut off in time', async () => {
  const large = { status: 200, type: 'text/plain', body: 'x'.repeat(32 * 1_048_576) };
  await using server = await listening({
    ...{ times: quick, routes: { '/x': () => plain(200, 'yes'), '/large': () => large } },
    caps: { connectionsMax: 2, connectionsPerAddressMax: 2, uncountedNetworks: noNetworks },
  });
  const stalled = await server.client();
  stalled.socket.pause();
  stalled.socket.write('GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n');
  // Where the machine is busy a connection is old before it asks.
  let idle = await server.client();
  for (let tries = 0; tries < 20 && !isAnswered(idle.heard); tries++) {
    if (tries > 0) idle = await server.client();
    idle.socket.write(request);
    await until('it ends', idle.heard, (heard) => isAnswered(heard) || isClosed(heard));
  }
  assert.ok(isAnswered(idle.heard));
  await until('the idle one is closed', idle.heard, isClosed);
  // The stalled one does not read, so it does not see its end: its place is free again.
  let taken = 0;
  for (let tries = 0; taken < 2 && tries < 100; tries++) {
    taken = 0;
    const both = [await server.client(), await server.client()];
    await sleep(50);
    for (const { socket, heard } of both) {
      if (!heard.isClosed) taken++;
      socket.destroy();
    }
    await sleep(20);
  }
  assert.equal(taken, 2);
});
