/**
 * Aim: the name and protocols a client asks for are read before TLS begins, from whatever pieces they come in, and
 * nothing else is taken for them. Method: hellos of Node's and openssl's making, cut at every octet, and spoilt ones.
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { type ConnectionOptions, connect } from 'node:tls';
import { type ClientHello, parseClientHello } from '../../../../src/edge/listeners/client-hello.ts';

async function helloOf(options: ConnectionOptions): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const { port } = server.address() as { port: number };
  const client = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  client.on('error', () => {});
  const [socket] = await accepted;
  let octets = Buffer.alloc(0);
  while (parseClientHello(octets) === 'more')
    octets = Buffer.concat([octets, ((await once(socket, 'data')) as [Buffer])[0]]);
  client.destroy();
  socket.destroy();
  server.close();
  return octets;
}

const wanted: ClientHello = { serverName: 'mx.test', protocols: ['acme-tls/1', 'http/1.1'] };
const options = { servername: 'MX.test', ALPNProtocols: ['acme-tls/1', 'http/1.1'] };

test('name and protocols are read, of TLS 1.2 and 1.3', async () => {
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const)
    assert.deepEqual(parseClientHello(await helloOf({ ...options, maxVersion })), wanted);
  const bare = parseClientHello(await helloOf({ servername: '' }));
  assert.deepEqual(bare, { serverName: '', protocols: [] });
});

test('a hello that is cut anywhere is waited for', async () => {
  const octets = await helloOf(options);
  for (let length = 0; length < octets.length; length++)
    assert.equal(parseClientHello(octets.subarray(0, length)), 'more', String(length));
});

test('a hello in many records is one', async () => {
  const octets = await helloOf(options);
  const message = octets.subarray(5);
  const records: Buffer[] = [];
  for (let at = 0; at < message.length; at += 7) {
    const part = message.subarray(at, at + 7);
    records.push(Buffer.from([22, 3, 1, 0, part.length]), part);
  }
  assert.deepEqual(parseClientHello(Buffer.concat(records)), wanted);
});

test('what is no hello is bad, and so is one whose lengths lie', async () => {
  assert.equal(parseClientHello(Buffer.from('GET / HTTP/1.1\r\n')), 'bad');
  assert.equal(parseClientHello(Buffer.from([22, 3, 1, 0, 0])), 'bad');
  assert.equal(parseClientHello(Buffer.from([22, 3, 1, 0, 4, 2, 0, 0, 0])), 'bad');
  const octets = await helloOf(options);
  // The session id, longer than all there is.
  octets[5 + 4 + 34] = 0xff;
  octets.fill(0xff, 5 + 4 + 35);
  assert.equal(parseClientHello(octets), 'bad');
});

test('a hello that promises more than its limit is not waited for', () => {
  assert.equal(parseClientHello(Buffer.from([22, 3, 1, 0, 4, 1, 0, 0x40, 0x00])), 'bad');
  const slow = Buffer.concat(Array.from({ length: 4_096 }, () => Buffer.from([22, 3, 1, 0, 1, 1])));
  assert.equal(parseClientHello(slow), 'bad');
});
