/**
 * Aim: each kind of certificate fails in a client for its own reason, and each TLS fault breaks where it says.
 * Method: Node's TLS client, trusting the sink's root, over loopback.
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectPlain, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type ConnectionOptions, connect } from 'node:tls';
import { nodeClock } from '../../../../src/adapters/node/clock.ts';
import { SeededRandom } from '../../../../src/harness/seeded-random.ts';
import { Certificates } from '../../../../src/harness/sink/certificates.ts';
import { FaultSource } from '../../../../src/harness/sink/fault-source.ts';
import {
  type CertificateKind,
  certificateKinds,
  type FaultRule,
} from '../../../../src/harness/sink/model.ts';
import { Sink } from '../../../../src/harness/sink/sink.ts';
import { TlsStage } from '../../../../src/harness/sink/tls-stage.ts';

const certificates = new Certificates(nodeClock.nowMs());
const anyPort = { host: '127.0.0.1', port: 0 };

/** Ports of a sink: with STARTTLS, and with TLS from the first byte. */
async function start(
  context: TestContext,
  kind: CertificateKind,
  rules: readonly FaultRule[] = [],
  source: Pick<Certificates, 'of'> = certificates,
): Promise<readonly [starttls: number, implicit: number]> {
  const stage = new TlsStage({
    certificates: source,
    kind,
    hostName: 'sink.test',
    clock: nodeClock,
  });
  const faults = new FaultSource({ name: 'test', rules }, new SeededRandom(1), () => 0);
  const sink = new Sink({
    ...{ listen: [anyPort], listenTls: [anyPort], hostName: 'sink.test', lmtp: false },
    ...{ chunking: true, tls: () => stage, starttls: true, faults, clock: nodeClock },
    ledger: undefined,
  });
  const [plain, implicit] = await sink.start();
  context.after(() => sink.stop());
  return [plain!.port, implicit!.port];
}

/** How a handshake ends: the reason it failed for, or what was said first. */
function shake(options: ConnectionOptions): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(options);
    socket.once('data', (bytes) => {
      resolve(bytes.toString('latin1'));
      socket.destroy();
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.once('close', () => resolve('closed'));
  });
}

/** A connection on which STARTTLS was answered; with what stood behind the 220. */
async function upgraded(port: number): Promise<{ socket: Socket; said: string }> {
  const socket = connectPlain(port, '127.0.0.1');
  await once(socket, 'data');
  socket.write('EHLO me.test\r\n');
  const [extensions] = (await once(socket, 'data')) as [Buffer];
  assert.match(extensions.toString(), /STARTTLS/);
  socket.write('STARTTLS\r\n');
  const [said] = (await once(socket, 'data')) as [Buffer];
  return { socket, said: said.toString() };
}

const reasons: Readonly<Record<CertificateKind, RegExp>> = {
  valid: /^220 sink\.test /,
  expired: /^CERT_HAS_EXPIRED$/,
  'not-yet-valid': /^CERT_NOT_YET_VALID$/,
  'wrong-name': /^ERR_TLS_CERT_ALTNAME_INVALID$/,
  'self-signed': /^DEPTH_ZERO_SELF_SIGNED_CERT$/,
  'unknown-ca': /^UNABLE_TO_(?:VERIFY_LEAF_SIGNATURE|GET_ISSUER_CERT_LOCALLY)$/,
  revoked: /^CERT_REVOKED$/,
  'wrong-order': /^220 sink\.test /,
  'no-intermediate': /^UNABLE_TO_(?:VERIFY_LEAF_SIGNATURE|GET_ISSUER_CERT_LOCALLY)$/,
};

for (const kind of certificateKinds) {
  test(`a client that checks finds a certificate ${kind}`, async (context) => {
    const [, port] = await start(context, kind);
    const ca = await certificates.root();
    // Node takes one list a text.
    const lists = (await certificates.revocations()).split(/(?<=-----END X509 CRL-----)\s+/);
    const crl = kind === 'revoked' ? { crl: lists } : {};
    const said = await shake({ host: '127.0.0.1', port, ca, servername: 'mx.good.test', ...crl });
    assert.match(said, reasons[kind]);
  });
}

test('the name a client asks for can say what is wrong with its certificate', async (context) => {
  const [, port] = await start(context, 'valid');
  const ca = await certificates.root();
  const servername = 'mx.cert-expired.sink.test';
  assert.equal(await shake({ host: '127.0.0.1', port, ca, servername }), 'CERT_HAS_EXPIRED');
});

test('chain and key as they are sent: leaf first, then the intermediate, or the wrong way round', async () => {
  const count = (pem: string) => pem.match(/BEGIN CERTIFICATE/g)?.length;
  assert.equal(count((await certificates.of('valid', 'a.test')).cert), 2);
  assert.equal(count((await certificates.of('wrong-order', 'a.test')).cert), 3);
  assert.equal(count((await certificates.of('no-intermediate', 'a.test')).cert), 1);
  const once = await certificates.of('valid', 'a.test');
  assert.equal(
    await certificates.of('valid', 'a.test'),
    once,
    'a name keeps its key: TLSA fits it',
  );
});

test('mail goes over STARTTLS and over TLS from the first byte', async (context) => {
  const [port, implicit] = await start(context, 'valid');
  const { socket, said } = await upgraded(port);
  assert.equal(said, '220 2.0.0 Ready\r\n');
  const secured = connect({ socket, ca: await certificates.root(), servername: 'sink.test' });
  await once(secured, 'secureConnect');
  secured.write('EHLO me.test\r\n');
  const [reply] = (await once(secured, 'data')) as [Buffer];
  assert.match(reply.toString(), /^250-sink\.test/);
  assert.doesNotMatch(reply.toString(), /STARTTLS/);
  secured.destroy();
  const options = { host: '127.0.0.1', port: implicit, rejectUnauthorized: false };
  assert.match(await shake(options), /^220 sink\.test/);
});

test('a client that goes on while the key is still being made is waited for', async (context) => {
  const slow: Pick<Certificates, 'of'> = {
    of: async (kind, name) => {
      await new Promise((resolve) => setTimeout(resolve, 40));
      return await certificates.of(kind, name);
    },
  };
  const [port, implicit] = await start(context, 'valid', [], slow);
  const { socket } = await upgraded(port);
  const secured = connect({ socket, rejectUnauthorized: false });
  await once(secured, 'secureConnect');
  secured.destroy();
  assert.match(
    await shake({ host: '127.0.0.1', port: implicit, rejectUnauthorized: false }),
    /^220 /,
  );
});

const handshake = (tls: FaultRule['tls']): readonly FaultRule[] => [{ at: 'handshake', tls: tls! }];

test('a handshake is reset, answered with garbage, or with nothing above TLS 1.1', async (context) => {
  const expected = {
    reset: /^ECONNRESET$/,
    garbage: /^ERR_SSL_/,
    'old-version': /^ERR_SSL_.*(?:PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL)/,
  } as const;
  for (const [fault, reason] of Object.entries(expected)) {
    const [port, implicit] = await start(context, 'valid', handshake(fault as FaultRule['tls']));
    const trusting = { rejectUnauthorized: false, host: '127.0.0.1' };
    assert.match(await shake({ ...trusting, port: implicit }), reason, fault);
    const { socket } = await upgraded(port);
    assert.match(await shake({ rejectUnauthorized: false, socket }), reason, fault);
  }
});

test('TLS 1.1 is spoken with who still does', async (context) => {
  const [, port] = await start(context, 'valid', handshake('old-version'));
  const old = {
    minVersion: 'TLSv1.1',
    maxVersion: 'TLSv1.1',
    ciphers: 'DEFAULT:@SECLEVEL=0',
  } as const;
  const said = await shake({ host: '127.0.0.1', port, rejectUnauthorized: false, ...old });
  assert.match(said, /^220 /);
});

test('a handshake that stalls is never answered', async (context) => {
  const [port] = await start(context, 'valid', handshake('stall'));
  const { socket } = await upgraded(port);
  const secured = connect({ socket, rejectUnauthorized: false });
  secured.on('error', () => {});
  const first = await Promise.race([
    once(secured, 'secureConnect').then(() => 'answered'),
    new Promise<string>((resolve) => setTimeout(resolve, 40, 'nothing')),
  ]);
  assert.equal(first, 'nothing');
  secured.destroy();
});

test('a reply in the clear stands behind the 220, and TLS begins all the same', async (context) => {
  const [port] = await start(context, 'valid', handshake('injection'));
  const { socket, said } = await upgraded(port);
  assert.equal(said, '220 2.0.0 Ready\r\n250 2.0.0 Injected in the clear\r\n');
  const secured = connect({ socket, rejectUnauthorized: false });
  await once(secured, 'secureConnect');
  secured.destroy();
});

test('STARTTLS is offered and then refused', async (context) => {
  const refusing = { at: 'starttls', reply: '454 4.7.0 TLS not available' } as const;
  const [port] = await start(context, 'valid', [refusing]);
  const { socket, said } = await upgraded(port);
  assert.equal(said, '454 4.7.0 TLS not available\r\n');
  socket.write('NOOP\r\n');
  assert.match(String((await once(socket, 'data'))[0]), /^250 /);
  socket.destroy();
});

test('a slow reader makes its client wait: the window fills', async (context) => {
  const rules: FaultRule[] = [{ at: 'connect', readBytesPerSecond: 1_000 }];
  const [port] = await start(context, 'valid', rules);
  const socket = connectPlain(port, '127.0.0.1');
  await once(socket, 'data');
  const size = 32 * 1024 * 1024;
  socket.write(Buffer.alloc(size, 'NOOP\r\n'));
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.ok(socket.writableLength > 0, 'all of it was taken');
  socket.destroy();
});
