/** Aim: messages reach a receiver whole and in order; a batch counts as sent only where nothing speaks against it. */

import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { after, test } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { datagramBytesMax } from '../../../../src/adapters/audit/syslog.ts';
import { sendSyslog } from '../../../../src/adapters/node/syslog-line.ts';
import { testCertificate } from '../../../support/certificate.ts';

const messages = ['<110>1 one', '<110>1 two é'].map((text) => Buffer.from(text));
const never = new AbortController().signal;

const sockets = new Set<Socket>();
after(() => {
  for (const socket of sockets) socket.destroy();
});

async function listening(server: Server): Promise<number> {
  server.on('connection', (socket: Socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function receiver(transport: 'tcp' | 'tls' | 'udp', port: number, roots = '', host = '127.0.0.1') {
  return { receiver: { transport, host, port }, roots, closeMsMax: 50 };
}

function gathering(texts: string[]) {
  return (socket: Socket) => {
    const chunks: Buffer[] = [];
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('end', () => texts.push(Buffer.concat(chunks).toString()));
  };
}

test('by TCP each message has its length before it', async () => {
  const texts: string[] = [];
  const server = createServer(gathering(texts));
  const port = await listening(server);
  await sendSyslog(receiver('tcp', port), messages, never);
  assert.deepEqual(texts, ['10 <110>1 one13 <110>1 two é']);
  server.close();
});

test('by TLS the receiver shows a certificate that is trusted, or gets nothing', async () => {
  const texts: string[] = [];
  const certificate = testCertificate();
  const server = createTlsServer({ ...certificate }, gathering(texts));
  server.on('tlsClientError', () => {});
  const port = await listening(server);
  await assert.rejects(sendSyslog(receiver('tls', port), messages, never), /self-signed/i);
  assert.deepEqual(texts, []);
  // Its certificate is for mx.test, so by its address it is somebody else.
  const named = sendSyslog(receiver('tls', port, certificate.cert), messages, never);
  await assert.rejects(named, /altnames|match/i);
  assert.deepEqual(texts, []);
  server.close();
});

test('a receiver that keeps silent has taken it, one that resets or is not there has not', async () => {
  const silent = createServer({ allowHalfOpen: true }, (socket) => {
    socket.resume();
    socket.on('error', () => {});
  });
  const silentPort = await listening(silent);
  await sendSyslog(receiver('tcp', silentPort), messages, never);
  silent.close();
  const rude = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.resetAndDestroy());
  });
  const rudePort = await listening(rude);
  await assert.rejects(sendSyslog(receiver('tcp', rudePort), messages, never), /ECONNRESET/);
  await new Promise((resolve) => rude.close(resolve));
  await assert.rejects(sendSyslog(receiver('tcp', rudePort), messages, never), /ECONNREFUSED/);
});

test('stopping ends what is under way', async () => {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.pause();
    socket.on('error', () => {});
  });
  const port = await listening(server);
  const stop = new AbortController();
  const large = [Buffer.alloc(32 * 1_048_576, 'x')];
  const sending = sendSyslog(receiver('tcp', port), large, stop.signal);
  await once(server, 'connection');
  stop.abort();
  await assert.rejects(sending, /stopped/);
  server.close();
});

test('by UDP each message is a datagram, cut where it is too long', async () => {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const got: Buffer[] = [];
  const { promise: all, resolve } = Promise.withResolvers<void>();
  socket.on('message', (message) => {
    got.push(message);
    if (got.length === 3) resolve();
  });
  const long = Buffer.alloc(datagramBytesMax + 1, 'x');
  await sendSyslog(receiver('udp', socket.address().port), [...messages, long], never);
  await all;
  assert.deepEqual(got.slice(0, 2), messages);
  assert.equal(got[2]!.byteLength, datagramBytesMax);
  socket.close();
});
