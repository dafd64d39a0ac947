/**
 * Aim: a server that says nothing is left in time, one that is merely owed nothing is not.
 * Method: a silent server over loopback; the deadlines on a clock turned by hand.
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import {
  type Connection,
  type ConnectionEvents,
  Connections,
} from '../../../../src/harness/load/connection.ts';
import { SeededClock } from '../../../support/seeded-clock.ts';

const replyMsMax = 60_000;

async function connect(context: TestContext) {
  const sockets: Socket[] = [];
  const server = createServer((socket) => sockets.push(socket.on('error', () => {}).resume()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const clock = new SeededClock();
  const options = { host: '127.0.0.1', port, tls: 'none' as const, isVerified: false };
  const connections = new Connections(options, clock, replyMsMax);
  const open = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<string>();
  const bytes = Promise.withResolvers<string>();
  const events: ConnectionEvents = {
    onConnect: open.resolve,
    onSecure: () => {},
    onBytes: (chunk, count) => bytes.resolve(chunk.toString('latin1', 0, count)),
    onClose: closed.resolve,
  };
  const connection: Connection = connections.open(events);
  await open.promise;
  return { clock, connection, sockets, closed: closed.promise, bytes: bytes.promise };
}

test('a server that owes a reply and stays silent is left', async (context) => {
  const { clock, connection, closed } = await connect(context);
  clock.advance(replyMsMax - 1_000);
  assert.equal(connection.isClosed, false);
  clock.advance(3_000);
  assert.equal(await closed, 'no reply in time');
});

test('a connection at rest has no deadline, and a command begins one anew', async (context) => {
  const { clock, connection, closed } = await connect(context);
  connection.rest();
  clock.advance(10 * replyMsMax);
  connection.write('NOOP\r\n');
  clock.advance(replyMsMax - 2_000);
  assert.equal(connection.isClosed, false);
  clock.advance(5_000);
  assert.equal(await closed, 'no reply in time');
});

test('bytes that come hold the deadline off, and both ways are counted', async (context) => {
  const { clock, connection, sockets, closed, bytes } = await connect(context);
  connection.writeAll(['MAIL', Buffer.from(' and body')]);
  clock.advance(replyMsMax - 3_000);
  sockets[0]!.write('250 Ok\r\n');
  assert.equal(await bytes, '250 Ok\r\n');
  clock.advance(replyMsMax - 3_000);
  assert.equal(connection.isClosed, false);
  assert.deepEqual([connection.sentBytes, connection.receivedBytes], [13, 8]);
  connection.end('done');
  sockets[0]!.end();
  assert.equal(await closed, 'done');
});
