/**
 * Aim: what a log-in is bound to is what the client at the other end of this TLS session has, and of none other.
 * Specs: RFC 5929, RFC 9266; RFC 5280 §6 (a client's certificate).
 */

import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer, connect as dial, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type ConnectionOptions, connect, TLSSocket } from 'node:tls';
import { makeSelfSigned } from '../../../../src/app/certificates/self-signed.ts';
import { ReloadableTls, tlsSocketOptions } from '../../../../src/edge/listeners/tls.ts';
import { SocketFacts } from '../../../../src/edge/listeners/tls-facts.ts';
import { TestAuthority } from '../../../support/certificate-maker.ts';

async function pair(
  context: TestContext,
  options: ConnectionOptions,
  clientCa?: string,
  clientCrl?: string,
) {
  const tls = new ReloadableTls({
    ...(await makeSelfSigned('mx.test', Date.now())),
    ...(clientCa === undefined ? {} : { clientCa }),
    ...(clientCrl === undefined ? {} : { clientCrl }),
  });
  return await joined(context, options, tls);
}

async function joined(context: TestContext, options: ConnectionOptions, tls: ReloadableTls) {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as { port: number };
  context.after(() => listener.close());
  const accepted = once(listener, 'connection') as Promise<[Socket]>;
  const plain = dial(port, '127.0.0.1');
  const [socket] = await accepted;
  const secure = new TLSSocket(socket, tlsSocketOptions(tls));
  const client = connect({ ...options, socket: plain, rejectUnauthorized: false });
  const session = new Promise<Buffer>((resolve) => client.once('session', resolve));
  await Promise.all([once(secure, 'secure'), once(client, 'secureConnect')]);
  context.after(() => client.destroy());
  context.after(() => secure.destroy());
  return { client, secure, facts: new SocketFacts(secure), session };
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
  const authority = await TestAuthority.make();
  const own = await authority.issue({ email: ['ann@here.test'], isClient: true });
  const without = await pair(context, {}, authority.pem);
  assert.equal(without.facts.clientCertificate(), undefined);
  const shown = await pair(context, own, authority.pem);
  const unasked = await pair(context, own);
  assert.equal(unasked.facts.clientCertificate(), undefined);
  assert.deepEqual(
    Buffer.from(shown.facts.clientCertificate()!),
    new X509Certificate(own.cert).raw,
  );
});

test("a client's certificate counts as none where no CA of ours, no time and no purpose of it fits", async (context) => {
  const authority = await TestAuthority.make();
  const email = ['ann@here.test'];
  const unfit = {
    stranger: await (await TestAuthority.make()).issue({ email, isClient: true }),
    sameName: await (await TestAuthority.make('Test CA')).issue({ email, isClient: true }),
    selfSigned: await makeSelfSigned('ann.test', Date.now()),
    ended: await authority.issue({ email, isClient: true, notAfterMs: Date.now() - 1_000 }),
    early: await authority.issue({ email, isClient: true, notBeforeMs: Date.now() + 3_600_000 }),
    server: await authority.issue({ email }),
  };
  for (const [why, certificate] of Object.entries(unfit)) {
    const { facts } = await pair(context, certificate, authority.pem);
    assert.equal(facts.clientCertificate(), undefined, why);
  }
});

test('a revoked certificate counts as none, and its CA is to say so', async (context) => {
  const authority = await TestAuthority.make();
  const [good, bad] = [
    await authority.issue({ email: ['ann@here.test'], isClient: true }),
    await authority.issue({ email: ['bob@here.test'], isClient: true }),
  ];
  const crl = await authority.revoked([new X509Certificate(bad.cert).serialNumber]);
  const shown = async (own: ConnectionOptions) =>
    (await pair(context, own, authority.pem, crl)).facts.clientCertificate();
  assert.notEqual(await shown(good), undefined);
  assert.equal(await shown(bad), undefined);
});

test('a session that is resumed has the certificate it began with, and one of another listener has none', async (context) => {
  const authority = await TestAuthority.make();
  const own = await authority.issue({ email: ['ann@here.test'], isClient: true });
  const asking = new ReloadableTls({
    ...(await makeSelfSigned('mx.test', Date.now())),
    clientCa: authority.pem,
  });
  const first = await joined(context, own, asking);
  first.client.resume();
  first.secure.write('x');
  const session = await first.session;
  const again = await joined(context, { session }, asking);
  assert.equal(again.secure.isSessionReused(), true);
  assert.deepEqual(again.facts.clientCertificate(), first.facts.clientCertificate());
  const plain = new ReloadableTls(await makeSelfSigned('mx.test', Date.now()));
  const other = await joined(context, { session }, plain);
  assert.equal(other.secure.isSessionReused(), false);
  assert.equal(other.facts.clientCertificate(), undefined);
});
