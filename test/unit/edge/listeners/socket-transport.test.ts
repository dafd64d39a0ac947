/**
 * Aim: what was sent before a connection ends arrives, however it ends.
 * Method: sockets of the system, a peer that reads, one that reads late, one that says no more.
 */

import assert from 'node:assert/strict';
import { connect, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { SocketTransport } from '../../../../src/edge/listeners/socket-transport.ts';
import { SeededClock } from '../../../support/seeded-clock.ts';

interface Pair extends AsyncDisposable {
  readonly transport: SocketTransport;
  readonly peer: Socket;
  readonly closed: Promise<void>;
}

async function openPair(): Promise<Pair> {
  const accepted = Promise.withResolvers<Socket>();
  const server = createServer((socket) => accepted.resolve(socket)).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  const peer = connect(address.port, '127.0.0.1');
  peer.pause();
  const socket = await accepted.promise;
  socket.on('error', () => {});
  const closed = Promise.withResolvers<void>();
  const transport = new SocketTransport(socket, undefined, new SeededClock(), {
    onData() {},
    onDrain() {},
    onClose: () => closed.resolve(),
    onTlsStarted() {},
    onTlsFailed() {},
  });
  return {
    transport,
    peer,
    closed: closed.promise,
    async [Symbol.asyncDispose]() {
      peer.destroy();
      transport.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function readAll(peer: Socket): Promise<number> {
  let count = 0;
  for await (const chunk of peer) count += (chunk as Buffer).length;
  return count;
}

test('an agreed end sends the last words and closes at once, though the peer keeps its side open', async () => {
  await using pair = await openPair();
  pair.transport.write(Buffer.from('250 ok\r\n'));
  pair.transport.end(Buffer.from('221 bye\r\n'), true);
  await pair.closed;
  assert.equal(await readAll(pair.peer), 17);
});

for (const isAgreed of [true, false]) {
  const kind = isAgreed ? 'an agreed' : 'any other';
  test(`${kind} end loses nothing that the peer has not taken yet`, async () => {
    await using pair = await openPair();
    const bytes = Buffer.alloc(16 * 1024 * 1024);
    pair.transport.write(bytes);
    pair.transport.end(Buffer.from('221 bye\r\n'), isAgreed);
    assert.ok(pair.transport.unsentBytes > 0, 'the system took all of it: the test shows nothing');
    assert.equal(await readAll(pair.peer), bytes.length + 9);
    await pair.closed;
  });
}
