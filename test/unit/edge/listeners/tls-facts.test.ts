/**
 * Aim: what a log-in is bound to is what the client at the other end of this TLS session has, and of none other.
 * Specs: RFC 5929, RFC 9266.
 */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, connect as dial, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type ConnectionOptions, connect, TLSSocket } from 'node:tls';
import { makeSelfSigned } from '../../../../src/app/certificate.ts';
import { ReloadableTls, tlsSocketOptions } from '../../../../src/edge/listeners/tls.ts';
import { SocketFacts } from '../../../../src/edge/listeners/tls-facts.ts';

async function pair(context: TestContext, options: ConnectionOptions, clientCa?: string) {
  const tls = new ReloadableTls({
    ...(await makeSelfSigned('mx.test', Date.now())),
    ...(clientCa === undefined ? {} : { clientCa }),
  });
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as { port: number };
  context.after(() => listener.close());
  const accepted = once(listener, 'connection') as Promise<[Socket]>;
  const plain = dial(port, '127.0.0.1');
  const [socket] = await accepted;
  const secure = new TLSSocket(socket, tlsSocketOptions(tls));
  const client = connect({ ...options, socket: plain, rejectUnauthorized: false });
  await Promise.all([once(secure, 'secure'), once(client, 'secureConnect')]);
  context.after(() => client.destroy());
  context.after(() => secure.destroy());
  return { client, facts: new SocketFacts(secure) };
}

function endPointSeenBy(client: TLSSocket): Buffer {
  return createHash('sha256').update(client.getPeerX509Certificate()!.raw).digest();
}

test('TLS 1.3 has the exporter and the end point, and never tls-unique', async (context) => {
  const { client, facts } = await pair(context, { minVersion: 'TLSv1.3' });
  assert.deepEqual(facts.bindings, ['tls-exporter', 'tls-server-end-point']);
  const seen = client.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0));
  assert.deepEqual(Buffer.from(facts.channelBinding('tls-exporter')!), seen);
  const endPoint = facts.channelBinding('tls-server-end-point')!;
  assert.deepEqual(Buffer.from(endPoint), endPointSeenBy(client));
  assert.equal(facts.channelBinding('tls-unique'), undefined);
  const other = await pair(context, { minVersion: 'TLSv1.3' });
  assert.notDeepEqual(Buffer.from(other.facts.channelBinding('tls-exporter')!), seen);
});

test('TLS 1.2 has tls-unique and the end point, and no exporter', async (context) => {
  const { client, facts } = await pair(context, { maxVersion: 'TLSv1.2' });
  assert.deepEqual(facts.bindings, ['tls-unique', 'tls-server-end-point']);
  assert.deepEqual(Buffer.from(facts.channelBinding('tls-unique')!), client.getFinished());
  const endPoint = facts.channelBinding('tls-server-end-point')!;
  assert.deepEqual(Buffer.from(endPoint), endPointSeenBy(client));
  assert.equal(facts.channelBinding('tls-exporter'), undefined);
});

test("a client's certificate is asked for where a CA is known, and nobody is refused for want of one", async (context) => {
  const ca = await makeSelfSigned('ca.test', Date.now());
  const without = await pair(context, {}, ca.cert);
  assert.equal(without.facts.clientCertificate(), undefined);
  const own = await makeSelfSigned('ann.test', Date.now());
  const shown = await pair(context, own, ca.cert);
  const unasked = await pair(context, own);
  assert.equal(unasked.facts.clientCertificate(), undefined);
  assert.ok((shown.facts.clientCertificate()?.length ?? 0) > 0);
});
