/** Aim: real sockets keep the dialer's contract, and real mail goes over them, in clear and by TLS. */

import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { X509Certificate } from 'node:crypto';
import { createServer } from 'node:net';
import { describe, it } from 'node:test';
import { nodeClock } from '../../../../src/adapters/node/clock.ts';
import { createDialer } from '../../../../src/adapters/node/dialer.ts';
import { nodeRandom } from '../../../../src/adapters/node/random.ts';
import type { RecipientOutcome } from '../../../../src/engine/delivery/message.ts';
import type { RelayWays } from '../../../../src/engine/delivery/route.ts';
import { Certificates } from '../../../../src/harness/sink/certificates.ts';
import { type Connection, DialError } from '../../../../src/ports/dialer.ts';
import { testCertificate } from '../../../support/certificate.ts';
import type { NextHopOptions } from '../../../support/next-hop.ts';
import { NextHop } from '../../../support/next-hop.ts';
import { deliveriesFor, outboundMessage } from '../../../support/outbound.ts';

const silent = { onData() {}, onDrain() {}, onClose() {} };

async function relay(
  hopOptions: NextHopOptions,
  tls: RelayWays['tls'],
  text = 'Subject: hi\r\n\r\n.hello\r\n',
) {
  await using hop = await new NextHop(hopOptions).start();
  const deliveries = deliveriesFor({
    clock: nodeClock,
    random: nodeRandom,
    dialer: createDialer(),
    relay: { route: { kind: 'host', host: '127.0.0.1', port: hop.port }, tls },
  });
  const results: RecipientOutcome[] = [];
  for (let i = 0; i < 5; i++) {
    const { promise, resolve } = Promise.withResolvers<RecipientOutcome>();
    deliveries.submit(outboundMessage({ text }), 'example.org', ({ outcomes }) =>
      resolve(outcomes[0]!),
    );
    results.push(await promise);
  }
  deliveries.close();
  return { hop, results };
}

describe('the dialer', () => {
  it('tells a refused, a forbidden and a silent target apart', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    const { port } = await new Promise<{ port: number }>((resolve) =>
      server.on('listening', () => resolve(server.address() as { port: number })),
    );
    server.close();
    const fault = async (
      dialer: ReturnType<typeof createDialer>,
      address: string,
      timeoutMs = 500,
    ) => {
      try {
        await dialer.dial({ address, port, timeoutMs }, silent);
        return 'connected';
      } catch (error) {
        return error instanceof DialError ? error.fault : String(error);
      }
    };
    assert.equal(await fault(createDialer(), '127.0.0.1'), 'refused');
    assert.equal(await fault(createDialer({ isForbidden: () => true }), '127.0.0.1'), 'forbidden');
  });

  it('says once that the connection is closed, and why', async () => {
    for (const how of ['end', 'reset', 'ours'] as const) {
      const server = createServer((socket) => {
        if (how === 'end') socket.end();
        // Not at once: that would fail the dialling itself.
        if (how === 'reset') setTimeout(() => socket.resetAndDestroy(), 20);
      }).listen(0, '127.0.0.1');
      await new Promise((resolve) => server.on('listening', resolve));
      const { port } = server.address() as { port: number };
      const closed = Promise.withResolvers<string | undefined>();
      let times = 0;
      const connection = await createDialer().dial(
        { address: '127.0.0.1', port, timeoutMs: 1_000 },
        {
          ...silent,
          onClose(fault) {
            times++;
            closed.resolve(fault?.fault);
          },
        },
      );
      if (how === 'ours') connection.destroy();
      assert.equal(await closed.promise, how === 'reset' ? 'reset' : undefined);
      connection.destroy();
      await new Promise(setImmediate);
      assert.equal(times, 1);
      server.close();
    }
  });

  it('carries mail in clear, whatever the next hop can', async () => {
    for (const capabilities of [[], ['PIPELINING'], ['PIPELINING', 'CHUNKING'], ['CHUNKING']]) {
      const { hop, results } = await relay({ capabilities }, 'off');
      assert.deepEqual(
        results.map(({ status }) => status),
        new Array(5).fill('delivered'),
      );
      assert.deepEqual(
        new Set(hop.messages.map(({ content }) => content)),
        new Set(['Subject: hi\r\n\r\n.hello\r\n']),
      );
      assert.equal(hop.connections, 1);
    }
  });

  it('carries a message of many blocks whole', async () => {
    const text = `A: b\r\n\r\n${`.${Buffer.alloc(96, 'x')}\r\n`.repeat(8_000)}`;
    for (const capabilities of [['PIPELINING'], ['PIPELINING', 'CHUNKING']]) {
      const { hop, results } = await relay({ capabilities }, 'off', text);
      assert.equal(results[0]!.status, 'delivered');
      assert.ok(hop.messages.every(({ content }) => content === text));
    }
  });

  it('encrypts where STARTTLS is offered, with whoever answers', async () => {
    const certificate = testCertificate();
    const capabilities = ['STARTTLS', 'PIPELINING'];
    const { hop, results } = await relay({ capabilities, certificate }, 'opportunistic');
    assert.deepEqual(
      results.map(({ status }) => status),
      new Array(5).fill('delivered'),
    );
    assert.ok(hop.messages.every(({ isEncrypted }) => isEncrypted));
    assert.equal(hop.connections, 1);
  });

  it('defers rather than trust a certificate nobody vouches for, where it must fit', async () => {
    const certificate = testCertificate();
    const { hop, results } = await relay({ capabilities: ['STARTTLS'], certificate }, 'verified');
    assert.equal(results[0]!.reply.enhanced, '4.7.5');
    assert.equal(hop.messages.length, 0);
  });

  it('trusts authorities of its own besides the system’s, and shows certificates where wanted', async () => {
    const certificates = new Certificates(Date.now());
    const certificate = await certificates.of('valid', 'hop.test');
    await using hop = await new NextHop({ capabilities: ['STARTTLS'], certificate }).start();
    const shown = async (roots: string, wantsChain: boolean) => {
      const dialer = createDialer({ roots });
      const target = { address: '127.0.0.1', port: hop.port, timeoutMs: 1_000 };
      const ready = Promise.withResolvers<void>();
      let heard = 0;
      const onData = (bytes: Uint8Array) => {
        for (const byte of bytes) if (byte === 10) heard++;
        if (heard === 1) connection?.write([Buffer.from('STARTTLS\r\n')]);
        if (heard === 2) ready.resolve();
      };
      let connection: Connection | undefined;
      connection = await dialer.dial(target, { ...silent, onData });
      await ready.promise;
      const request = { serverName: 'hop.test', verify: false, timeoutMs: 1_000 };
      const { verified, chain } = await connection.startTls({ ...request, wantsChain });
      connection.destroy();
      return { verified, chain: chain?.map((der) => new X509Certificate(der).subject) };
    };
    const chain = ['CN=hop.test', 'CN=Chaski Sink Intermediate', 'CN=Chaski Sink Root'];
    assert.deepEqual(await shown(await certificates.root(), true), { verified: true, chain });
    const stranger = await shown('', true);
    assert.deepEqual(stranger, { verified: false, chain: chain.slice(0, 2) });
    assert.deepEqual(await shown('', false), { verified: false, chain: undefined });
  });

  it('goes on in clear where TLS fails and need not be', async () => {
    const { hop, results } = await relay({ capabilities: ['STARTTLS'] }, 'opportunistic');
    assert.equal(results[0]!.status, 'delivered');
    assert.equal(hop.messages[0]!.isEncrypted, false);
    assert.equal(hop.connections, 2);
  });
});
