/**
 * Aim: a proxy changes nothing until it is told to, does then what it is told, and afterwards nothing again.
 * Method: an echo server and clients on loopback; paces by a clock turned by hand.
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { nodeClock } from '../../../../src/adapters/node/clock.ts';
import { TcpProxy } from '../../../../src/harness/trouble/tcp-proxy.ts';
import type { Clock } from '../../../../src/ports/clock.ts';
import { SeededClock } from '../../../support/seeded-clock.ts';

async function start(context: TestContext, clock: Clock = nodeClock, linksMax?: number) {
  const served = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    served.add(socket);
    socket.on('error', () => {});
    socket.pipe(socket);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  const proxy = new TcpProxy({ host: '127.0.0.1', port }, clock, linksMax);
  const address = await proxy.start({ host: '127.0.0.1', port: 0 });
  context.after(() => {
    proxy.stop();
    for (const socket of served) socket.destroy();
    server.close();
  });
  return { proxy, address, server, served };
}

/** Resolves to what came when there are `length` bytes of it. */
async function read(socket: Socket, length: number): Promise<string> {
  let text = '';
  while (text.length < length) {
    const bytes = socket.read() as Buffer | null;
    if (bytes === null) await once(socket, 'readable');
    else text += bytes.toString('latin1');
  }
  return text;
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 30; turn++) await new Promise(setImmediate);
}

async function failure(socket: Socket): Promise<string> {
  const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
  return error.code ?? '';
}

test('bytes come out as they went in, and an end is an end on the other side', async (context) => {
  const { address } = await start(context);
  const socket = connect(address);
  const large = 'x'.repeat(3_000_000);
  socket.end(large);
  assert.equal(await read(socket, large.length), large);
  socket.resume();
  await once(socket, 'end');
});

test('a cut resets what is open, and who comes then is served', async (context) => {
  const { proxy, address } = await start(context);
  assert.deepEqual(proxy.apply({ kind: 'cut' }), {
    isDone: false,
    detail: 'no connection is open',
  });
  const socket = connect(address);
  socket.write('a');
  await read(socket, 1);
  const failed = failure(socket);
  assert.equal(proxy.apply({ kind: 'cut' }).detail, '1 connections');
  assert.equal(await failed, 'ECONNRESET');
  const next = connect(address);
  next.write('b');
  assert.equal(await read(next, 1), 'b');
  next.destroy();
});

test('a stall holds bytes, old and new, and loses none', async (context) => {
  const { proxy, address } = await start(context);
  const old = connect(address);
  old.write('a');
  await read(old, 1);
  const { undo } = proxy.apply({ kind: 'stall' });
  old.write('bc');
  const fresh = connect(address);
  fresh.write('d');
  await turns();
  assert.deepEqual([old.read(), fresh.read()], [null, null]);
  await undo!();
  assert.equal(await read(old, 2), 'bc');
  assert.equal(await read(fresh, 1), 'd');
  old.destroy();
  fresh.destroy();
});

test('a slow way moves so many bytes a second each way', async (context) => {
  const clock = new SeededClock();
  const { proxy, address } = await start(context, clock);
  const { undo } = proxy.apply({ kind: 'slow', bytesPerSecond: 1_000 });
  const socket = connect(address);
  socket.write('x'.repeat(500));
  let received = 0;
  socket.on('data', (bytes: Buffer) => {
    received += bytes.length;
  });
  while (received === 0) await turns();
  assert.equal(received, 50, 'the first slice goes at once');
  for (let slice = 0; slice < 4; slice++) {
    clock.advance(50);
    await turns();
  }
  assert.ok(received > 50 && received <= 250, `${received} bytes after 200 ms`);
  await undo!();
  while (received < 500) await turns();
  socket.destroy();
});

test('while connections are refused those that are open go on', async (context) => {
  const { proxy, address } = await start(context);
  const open = connect(address);
  open.write('a');
  await read(open, 1);
  const [one, two] = [proxy.apply({ kind: 'refuse' }), proxy.apply({ kind: 'refuse' })];
  assert.equal(await failure(connect(address)), 'ECONNREFUSED');
  open.write('b');
  assert.equal(await read(open, 1), 'b');
  await one.undo!();
  await turns();
  assert.equal(await failure(connect(address)), 'ECONNREFUSED');
  await two.undo!();
  await turns();
  const next = connect(address);
  next.write('c');
  assert.equal(await read(next, 1), 'c');
  open.destroy();
  next.destroy();
});

test('a port that somebody has meanwhile is asked for again', async (context) => {
  const clock = new SeededClock();
  const { proxy, address } = await start(context, clock);
  const { undo } = proxy.apply({ kind: 'refuse' });
  await turns();
  const other = createServer();
  await new Promise<void>((done) => other.listen(address.port, '127.0.0.1', done));
  await undo!();
  await turns();
  await new Promise((done) => other.close(done));
  clock.advance(100);
  await turns();
  const socket = connect(address);
  socket.write('a');
  assert.equal(await read(socket, 1), 'a');
  socket.destroy();
});

test('a server that is away, or resets, is that to the client', async (context) => {
  const { address, server, served } = await start(context);
  const socket = connect(address);
  socket.write('a');
  await read(socket, 1);
  const failed = failure(socket);
  for (const each of served) each.resetAndDestroy();
  assert.equal(await failed, 'ECONNRESET');
  await new Promise((done) => server.close(done));
  assert.equal(await failure(connect(address)), 'ECONNRESET');
});

test('connections above its bound are reset, and room is found again', async (context) => {
  const { address } = await start(context, nodeClock, 1);
  const first = connect(address);
  first.write('a');
  await read(first, 1);
  assert.equal(await failure(connect(address)), 'ECONNRESET');
  first.end();
  first.resume();
  await once(first, 'close');
  await turns();
  const next = connect(address);
  next.write('b');
  assert.equal(await read(next, 1), 'b');
  next.destroy();
});
