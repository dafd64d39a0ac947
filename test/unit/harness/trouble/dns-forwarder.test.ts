/**
 * Aim: questions pass a forwarder as if it were not there, until it is told to be late, silent or broken.
 * Method: the sink's name server behind it; questions by dns-packet over UDP and TCP.
 */

import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import * as packet from 'dns-packet';
import { nodeClock } from '../../../../src/adapters/node/clock.ts';
import { DnsListener } from '../../../../src/harness/sink/dns-listener.ts';
import { DnsForwarder } from '../../../../src/harness/trouble/dns-forwarder.ts';

const anyPort = { host: '127.0.0.1', port: 0 };

/** Answers each question with its own bytes, marked as a reply. */
async function start(context: TestContext) {
  const asked = { count: 0 };
  const resolver = new DnsListener(
    async (query) => {
      asked.count++;
      const bytes = Buffer.from(query);
      bytes[2]! |= 0x80;
      return { bytes, delayMs: 0 };
    },
    nodeClock,
    false,
  );
  const to = await resolver.start(anyPort);
  const forwarder = new DnsForwarder(to, nodeClock, false);
  const { port } = await forwarder.start(anyPort);
  context.after(async () => {
    await forwarder.stop();
    await resolver.stop();
  });
  return { forwarder, port, asked };
}

const query = packet.encode({
  ...{ type: 'query', id: 7, flags: 0x100 },
  questions: [{ name: 'a.test', type: 'MX' }],
});

/** Undefined: no answer within `waitMs`. */
async function overUdp(port: number, waitMs = 2_000): Promise<Buffer | undefined> {
  const socket = createSocket('udp4');
  socket.send(query, port, '127.0.0.1');
  const answer = await Promise.race([
    once(socket, 'message').then(([bytes]) => bytes as Buffer),
    new Promise<undefined>((done) => setTimeout(() => done(undefined), waitMs)),
  ]);
  socket.close();
  return answer;
}

async function overTcp(port: number): Promise<Buffer> {
  const socket = connect(port, '127.0.0.1');
  const length = Buffer.alloc(2);
  length.writeUInt16BE(query.length);
  socket.write(Buffer.concat([length, query]));
  let received = Buffer.alloc(0);
  for await (const bytes of socket) {
    received = Buffer.concat([received, bytes as Buffer]);
    if (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) break;
  }
  return received.subarray(2);
}

test('an answer is the resolver’s, byte for byte, over UDP and TCP', async (context) => {
  const { port, asked } = await start(context);
  const expected = Buffer.from(query);
  expected[2]! |= 0x80;
  assert.deepEqual(await overUdp(port), expected);
  assert.deepEqual(await overTcp(port), expected);
  assert.equal(asked.count, 2);
});

test('answers are late while that is told', async (context) => {
  const { forwarder, port } = await start(context);
  const { undo } = forwarder.apply({ kind: 'delay', delayMs: 120 });
  const beganMs = performance.now();
  assert.ok((await overUdp(port)) !== undefined);
  assert.ok(performance.now() - beganMs >= 120);
  await undo!();
  const againMs = performance.now();
  await overUdp(port);
  assert.ok(performance.now() - againMs < 120);
});

test('questions vanish, or fail, while that is told; the last told is in force', async (context) => {
  const { forwarder, port, asked } = await start(context);
  const drop = forwarder.apply({ kind: 'drop' });
  assert.equal(await overUdp(port, 40), undefined);
  const servfail = forwarder.apply({ kind: 'servfail' });
  for (const answer of [await overUdp(port), await overTcp(port)]) {
    const { id, rcode, questions } = packet.decode(answer!) as packet.DecodedPacket & {
      readonly rcode: string;
    };
    assert.deepEqual([id, rcode, questions?.[0]?.name], [7, 'SERVFAIL', 'a.test']);
  }
  assert.equal(asked.count, 0, 'the resolver is not asked');
  await servfail.undo!();
  assert.equal(await overUdp(port, 40), undefined);
  await drop.undo!();
  assert.ok((await overUdp(port)) !== undefined);
});

test('a resolver that is away is silence, and a stop ends what waits', async () => {
  const forwarder = new DnsForwarder({ host: '127.0.0.1', port: 1 }, nodeClock, false);
  const { port } = await forwarder.start(anyPort);
  assert.equal(await overUdp(port, 40), undefined);
  await forwarder.stop();
});

test('questions above its bound are dropped until others are answered', async (context) => {
  const held = Promise.withResolvers<void>();
  let asked = 0;
  const respond = async (bytes: Buffer) => {
    asked++;
    await held.promise;
    return { bytes, delayMs: 0 };
  };
  const resolver = new DnsListener(respond, nodeClock, false);
  const forwarder = new DnsForwarder(await resolver.start(anyPort), nodeClock, false, 1);
  const { port } = await forwarder.start(anyPort);
  context.after(async () => {
    await forwarder.stop();
    await resolver.stop();
  });
  const first = overUdp(port);
  while (asked === 0) await new Promise(setImmediate);
  assert.equal(await overUdp(port, 40), undefined);
  held.resolve();
  assert.ok((await first) !== undefined);
  assert.ok((await overUdp(port)) !== undefined);
  assert.equal(asked, 2);
});
