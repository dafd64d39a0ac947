/**
 * Aim: a client that takes no replies is not read, so that they gather nowhere.
 * Method: a connection over a stream whose writes are let go by hand.
 */

import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { SeededRandom } from '../../../../src/harness/seeded-random.ts';
import { FaultSource } from '../../../../src/harness/sink/fault-source.ts';
import { SinkConnection } from '../../../../src/harness/sink/sink-connection.ts';
import { SeededClock } from '../../../support/seeded-clock.ts';

test('replies that are not taken stop the reading until they are', async () => {
  const writes: (() => void)[] = [];
  const socket = new Duplex({
    writableHighWaterMark: 200,
    read: () => {},
    write: (_bytes, _encoding, done) => void writes.push(done),
  });
  const faults = new FaultSource({ name: 'test', rules: [] }, new SeededRandom(1), () => 0);
  const options = { hostName: 'sink.test', lmtp: false, chunking: true, tls: undefined };
  new SinkConnection(
    socket as unknown as Socket,
    faults.visit('192.0.2.1'),
    false,
    { ...options, clock: new SeededClock() },
    { arrived: () => {}, closed: () => {} },
  );
  await nextTurn();
  assert.equal(socket.isPaused(), false);
  socket.push('NOOP\r\n'.repeat(50));
  await nextTurn();
  assert.equal(socket.isPaused(), true);
  while (writes.length > 0) {
    writes.shift()!();
    await nextTurn();
  }
  assert.equal(socket.isPaused(), false);
});
