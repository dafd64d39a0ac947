/** Listening addresses over real sockets: caps, allow lists, implicit TLS, reload, drain. */

import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { noNetworks } from '../../../../src/base/networks.ts';
import { ListenerTable } from '../../../../src/edge/listeners/listener-table.ts';
import type { SmtpListenerOptions } from '../../../../src/edge/listeners/smtp-listener.ts';
import { contextsOf, ReloadableTls } from '../../../../src/edge/listeners/tls.ts';
import { testCertificate } from '../../../support/certificate.ts';
import { networksOf } from '../../../support/networks.ts';
import { SeededClock } from '../../../support/seeded-clock.ts';
import { FakeReception, fakeService } from '../../../support/smtp-fakes.ts';
import { WireClient } from '../../../support/wire-client.ts';

const roomy = { connectionsMax: 100, connectionsPerAddressMax: 100 };

function spec(options: Partial<SmtpListenerOptions> = {}): SmtpListenerOptions {
  return {
    host: '127.0.0.1',
    port: 0,
    service: fakeService(),
    limits: roomy,
    proxyNetworks: noNetworks,
    ...options,
  };
}

function ended(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  socket.on('error', () => {});
  return new Promise((resolve) => socket.once('close', () => resolve(text)));
}

describe('caps', () => {
  test('connections past the cap get 421 and places come back', async () => {
    const table = new ListenerTable();
    const limits = { ...roomy, connectionsPerAddressMax: 1 };
    const [bound] = await table.open([spec({ limits })]);
    const first = await WireClient.connect(bound!.port);
    assert.match((await first.line())!, /^220 /);
    const second = await WireClient.connect(bound!.port);
    assert.equal(await second.line(), '421 4.7.0 Too many connections, try again later');
    await second.closed();
    first.send(Buffer.from('QUIT\r\n'));
    await first.line();
    await first.closed();
    // The place is free once the server has seen the end too.
    for (let isGreeted = false; !isGreeted; ) {
      const third = await WireClient.connect(bound!.port);
      isGreeted = (await third.line())!.startsWith('220 ');
      third.destroy();
    }
    await table.drain(0);
  });

  test('connections to all addresses of a table are counted together', async () => {
    const table = new ListenerTable();
    const limits = { ...roomy, connectionsMax: 1 };
    const bound = await table.open([spec({ limits }), spec({ limits })]);
    const first = await WireClient.connect(bound[0]!.port);
    assert.match((await first.line())!, /^220 /);
    const second = await WireClient.connect(bound[1]!.port);
    assert.equal(await second.line(), '421 4.7.0 Too many connections, try again later');
    first.destroy();
    await second.closed();
    await table.drain(0);
  });

  test('a peer that is not on the allow list is turned away', async () => {
    const table = new ListenerTable();
    const [bound] = await table.open([spec({ allowNetworks: networksOf('192.0.2.0/24') })]);
    assert.equal(await ended(connect(bound!.port, '127.0.0.1')), '554 5.7.1 Not for you\r\n');
    await table.drain(0);
  });

  test('behind a proxy only listed proxies may connect', async () => {
    const table = new ListenerTable();
    const [bound] = await table.open([spec({ proxyNetworks: networksOf('192.0.2.0/24') })]);
    assert.equal(await ended(connect(bound!.port, '127.0.0.1')), '554 5.7.1 Not for you\r\n');
    await table.drain(0);
  });

  test('a proxy that sends no header is cut off in time', async () => {
    const clock = new SeededClock();
    const table = new ListenerTable();
    const service = fakeService({ clock });
    const [bound] = await table.open([spec({ service, proxyNetworks: networksOf('127.0.0.1') })]);
    const socket = connect(bound!.port, '127.0.0.1');
    const end = ended(socket);
    socket.write('PROXY TC');
    await new Promise((resolve) => setTimeout(resolve, 20));
    clock.advance(31_000);
    assert.equal(await end, '');
    await table.drain(0);
  });
});

describe('tls', () => {
  test('implicit TLS comes before the greeting and stands in the message', async () => {
    const table = new ListenerTable();
    const reception = new FakeReception();
    const service = fakeService({ name: 'submission', reception });
    const implicitTls = new ReloadableTls(testCertificate());
    const [bound] = await table.open([spec({ service, implicitTls })]);
    assert.ok(bound!.isImplicitTls);
    const socket = connectTls({ port: bound!.port, host: '127.0.0.1', rejectUnauthorized: false });
    const heard = ended(socket);
    const login = Buffer.from('\0alice@local.test\0secret').toString('base64');
    socket.write(`EHLO c\r\nAUTH PLAIN ${login}\r\nMAIL FROM:<alice@local.test>\r\n`);
    socket.write('RCPT TO:<bob@local.test>\r\nDATA\r\nx\r\n.\r\nQUIT\r\n');
    const text = await heard;
    assert.match(text, /^220 /);
    assert.match(text, /250-AUTH PLAIN LOGIN\r\n/);
    assert.doesNotMatch(text, /STARTTLS/);
    assert.match(text, /235 [\s\S]*queued as/);
    assert.match(reception.messages[0]!.arrival.tls!.version, /^TLSv1/);
    await table.drain(0);
  });

  test('octets that are no handshake end the connection, and others go on', async () => {
    const table = new ListenerTable();
    const [bound] = await table.open([spec({ implicitTls: new ReloadableTls(testCertificate()) })]);
    const clear = connect(bound!.port, '127.0.0.1');
    const end = ended(clear);
    clear.write('EHLO c\r\n\r\n\r\n');
    await end;
    const secure = connectTls({ port: bound!.port, host: '127.0.0.1', rejectUnauthorized: false });
    await new Promise((resolve) => secure.once('secureConnect', resolve));
    secure.destroy();
    await table.drain(0);
  });

  test('a bad certificate is refused and the old one kept', () => {
    const tls = new ReloadableTls(testCertificate());
    const { context } = tls;
    assert.throws(() => tls.use(contextsOf({ cert: 'nonsense', key: 'nonsense' })));
    assert.equal(tls.context, context);
    tls.use(contextsOf(testCertificate()));
    assert.notEqual(tls.context, context);
  });
});

describe('life', () => {
  test('a listener that cannot be bound takes the others down with it', async () => {
    const table = new ListenerTable();
    const other = new ListenerTable();
    const [bound] = await other.open([spec()]);
    await assert.rejects(table.open([spec(), spec({ port: bound!.port })]), /EADDRINUSE/);
    await other.drain(0);
  });

  test('drain ends idle sessions at once', async () => {
    const table = new ListenerTable();
    const [bound] = await table.open([spec()]);
    const client = await WireClient.connect(bound!.port);
    await client.line();
    const drained = table.drain(10_000);
    assert.equal(await client.line(), '421 4.3.2 Going down, try again later');
    await client.closed();
    await drained;
  });

  test('drain cuts off who does not end in time', async () => {
    const clock = new SeededClock();
    const table = new ListenerTable();
    const [bound] = await table.open([spec({ service: fakeService({ clock }) })]);
    const client = await WireClient.connect(bound!.port);
    client.send(
      Buffer.from('HELO c\r\nMAIL FROM:<a@far.test>\r\nRCPT TO:<alice@local.test>\r\nDATA\r\n'),
    );
    for (let i = 0; i < 5; i++) await client.line();
    const drained = table.drain(5_000);
    clock.advance(5_001);
    await drained;
    assert.equal(await client.closed(), '');
  });

  test('the sweep ends idle sessions', async () => {
    const clock = new SeededClock();
    const table = new ListenerTable();
    const service = fakeService({ clock, limits: { idleMsMax: 3_000 } });
    const [bound] = await table.open([spec({ service })]);
    const client = await WireClient.connect(bound!.port);
    await client.line();
    clock.advance(5_000);
    assert.equal(await client.line(), '421 4.4.2 Idle for too long, bye');
    await client.closed();
    await table.drain(0);
  });
});
