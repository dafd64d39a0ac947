/**
 * Aim: each variant of a domain is answered as it says, over UDP and TCP, and policies are served likewise.
 * Method: questions by dns-packet and HTTPS by Node to real sockets on loopback.
 */

import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { get } from 'node:https';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import * as packet from 'dns-packet';
import { nodeClock } from '../../../../src/adapters/node/clock.ts';
import { Certificates } from '../../../../src/harness/sink/certificates.ts';
import { dnsVariants } from '../../../../src/harness/sink/dns-variants.ts';
import { DnsZone } from '../../../../src/harness/sink/dns-zone.ts';
import type { DnsModel } from '../../../../src/harness/sink/model.ts';
import { NameServer } from '../../../../src/harness/sink/name-server.ts';
import { PolicyServer } from '../../../../src/harness/sink/policy-server.ts';

const certificates = new Certificates(nodeClock.nowMs());
const anyPort = { host: '127.0.0.1', port: 0 };

function zoneOf(model: DnsModel = {}): DnsZone {
  const certificateOf = (host: string) => certificates.of('valid', host);
  return new DnsZone({ model, address: '192.0.2.25', mxPort: 2525, certificateOf });
}

async function start(context: TestContext, model?: DnsModel): Promise<number> {
  const server = new NameServer(zoneOf(model), nodeClock, false);
  const { port } = await server.start(anyPort);
  context.after(() => server.stop());
  return port;
}

type Type = packet.RecordType;

function query(name: string, type: Type): Buffer {
  return packet.encode({ type: 'query', id: 7, flags: 0x100, questions: [{ name, type }] });
}

async function overUdp(port: number, name: string, type: Type): Promise<packet.DecodedPacket> {
  const socket = createSocket('udp4');
  socket.send(query(name, type), port, '127.0.0.1');
  const [bytes] = (await once(socket, 'message')) as [Buffer];
  socket.close();
  return packet.decode(bytes);
}

async function overTcp(port: number, name: string, type: Type): Promise<packet.DecodedPacket> {
  const socket = connect(port, '127.0.0.1');
  const bytes = query(name, type);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.length);
  // Byte by byte: a question may come in any pieces.
  for (const byte of Buffer.concat([length, bytes])) socket.write(Buffer.of(byte));
  const chunks: Buffer[] = [];
  for await (const chunk of socket) {
    chunks.push(chunk as Buffer);
    const whole = Buffer.concat(chunks);
    if (whole.length > 2 && whole.length === 2 + whole.readUInt16BE(0)) break;
  }
  socket.destroy();
  return packet.decode(Buffer.concat(chunks).subarray(2));
}

const rcodeOf = (reply: packet.DecodedPacket) => (reply as { rcode?: string }).rcode;
const mxOf = (reply: packet.DecodedPacket) =>
  (reply.answers ?? []).flatMap((each) => (each.type === 'MX' ? [each.data.exchange] : []));

test('a good domain leads to the sink, and so does every domain nobody named', async (context) => {
  const port = await start(context);
  for (const domain of ['ok.sink.test', 'gmail.com', 'a.b.example.co.uk']) {
    const reply = await overUdp(port, domain, 'MX');
    assert.deepEqual(mxOf(reply), [`mx.${domain}`]);
    assert.equal(reply.flag_aa, true);
    assert.equal(reply.id, 7);
    const address = await overUdp(port, `mx.${domain}`, 'A');
    assert.partialDeepStrictEqual(address.answers, [{ type: 'A', data: '192.0.2.25' }]);
    const other = await overUdp(port, `mx.${domain}`, 'AAAA');
    assert.deepEqual([other.answers, rcodeOf(other)], [[], 'NOERROR']);
    assert.equal(other.authorities?.[0]?.type, 'SOA');
  }
});

test('codes, truncation, referrals and strange MX come as their variants say', async (context) => {
  const port = await start(context);
  const ask = (variant: string, type: Type = 'MX') => overUdp(port, `${variant}.sink.test`, type);
  assert.equal(rcodeOf(await ask('servfail')), 'SERVFAIL');
  assert.equal(rcodeOf(await ask('refused')), 'REFUSED');
  assert.equal(rcodeOf(await ask('nxdomain')), 'NXDOMAIN');
  assert.deepEqual(mxOf(await ask('null-mx')), ['.']);
  assert.deepEqual(mxOf(await ask('literal-mx')), ['192.0.2.25']);
  assert.deepEqual(mxOf(await ask('no-mx')), []);
  assert.equal((await ask('no-mx', 'A')).answers?.length, 1);
  assert.deepEqual(mxOf(await ask('nowhere')), ['gone.nowhere.sink.test']);
  assert.equal(rcodeOf(await overUdp(port, 'gone.nowhere.sink.test', 'A')), 'NXDOMAIN');
  const lame = await ask('lame');
  assert.deepEqual([lame.flag_aa, lame.authorities?.[0]?.type], [false, 'NS']);
  const loop = ['loop1', 'loop2'].map((name) => overUdp(port, `${name}.alias-loop.sink.test`, 'A'));
  const [one, two] = await Promise.all(loop);
  assert.partialDeepStrictEqual(one!.answers, [{ data: 'loop2.alias-loop.sink.test' }]);
  assert.partialDeepStrictEqual(two!.answers, [{ data: 'loop1.alias-loop.sink.test' }]);
  const short = await ask('truncated');
  assert.deepEqual([short.flag_tc, short.answers], [true, []]);
  assert.deepEqual(mxOf(await overTcp(port, 'truncated.sink.test', 'MX')), [
    'mx.truncated.sink.test',
  ]);
  assert.equal((await overTcp(port, 'truncated-always.sink.test', 'MX')).flag_tc, true);
});

test('an answer too large for UDP is cut there and whole over TCP', async (context) => {
  const port = await start(context);
  assert.equal((await overUdp(port, 'many-mx.sink.test', 'MX')).flag_tc, true);
  assert.equal(mxOf(await overTcp(port, 'many-mx.sink.test', 'MX')).length, 40);
});

test('a model makes domains of the real world wrong, and all others by a star', async (context) => {
  const domains = { 'example.com': 'servfail', '*': 'nxdomain' };
  const port = await start(context, { domains, suffix: 'bad.test' });
  assert.equal(rcodeOf(await overUdp(port, 'Example.COM', 'MX')), 'SERVFAIL');
  assert.equal(rcodeOf(await overUdp(port, 'mx.example.com', 'A')), 'SERVFAIL');
  assert.equal(rcodeOf(await overUdp(port, 'example.org', 'MX')), 'NXDOMAIN');
  assert.deepEqual(mxOf(await overUdp(port, 'ok.bad.test', 'MX')), ['mx.ok.bad.test']);
});

test('a silent domain is not answered, a slow one late, and garbage not at all', async () => {
  const zone = zoneOf();
  assert.equal((await zone.answer('timeout.sink.test', 'MX')).isSilent, true);
  assert.equal((await zone.answer('slow.sink.test', 'MX')).delayMs, 2_000);
});

test('what is no question gets no answer, and the next question does', async (context) => {
  const port = await start(context);
  const socket = createSocket('udp4');
  for (const bytes of [Buffer.alloc(0), Buffer.alloc(3), Buffer.alloc(500, 0xff)]) {
    socket.send(bytes, port, '127.0.0.1');
  }
  socket.send(packet.encode({ type: 'response', id: 9 }), port, '127.0.0.1');
  socket.send(query('ok.sink.test', 'MX'), port, '127.0.0.1');
  const [bytes] = (await once(socket, 'message')) as [Buffer];
  assert.equal(packet.decode(bytes).id, 7);
  socket.close();
});

test('RFC 7672: TLSA of the host’s key under AD, of another key, without AD, or failing', async (context) => {
  const port = await start(context);
  const tlsa = async (variant: string) => {
    const reply = await overTcp(port, `_2525._tcp.mx.${variant}.sink.test`, 'TLSA');
    const [record] = reply.answers ?? [];
    const digest = record?.type === 'TLSA' ? record.data.certificate.toString('hex') : undefined;
    const { keyDigest } = await certificates.of('valid', `mx.${variant}.sink.test`);
    return [reply.flag_ad, digest === keyDigest.toString('hex'), rcodeOf(reply)];
  };
  assert.deepEqual(await tlsa('dane-right'), [true, true, 'NOERROR']);
  assert.deepEqual(await tlsa('dane-wrong'), [true, false, 'NOERROR']);
  assert.deepEqual(await tlsa('dane-insecure'), [false, false, 'NOERROR']);
  assert.deepEqual(await tlsa('dane-servfail'), [true, false, 'SERVFAIL']);
  assert.deepEqual(await tlsa('ok'), [false, false, 'NXDOMAIN']);
});

interface Policy {
  readonly status: number;
  readonly text: string;
  readonly fault: string | undefined;
}

async function policyOf(port: number, variant: string): Promise<Policy> {
  const ca = await certificates.root();
  const host = `mta-sts.${variant}.sink.test`;
  return await new Promise((resolve) => {
    const options = {
      ...{ host: '127.0.0.1', port, ca, servername: host, headers: { host }, agent: false },
      path: '/.well-known/mta-sts.txt',
    };
    const asking = get(options, (response) => {
      let text = '';
      const done = () => {
        resolve({ status: response.statusCode ?? 0, text, fault: undefined });
        asking.destroy();
      };
      response.setEncoding('latin1').on('data', (chunk: string) => {
        text += chunk;
        // Half of it is all that ever comes.
        if (variant === 'sts-stall') done();
      });
      response.on('end', done);
    });
    asking.on('error', (error: NodeJS.ErrnoException) => {
      resolve({ status: 0, text: '', fault: error.code });
    });
  });
}

test('RFC 8461: policies are served as their variants say, with the record that announces them', async (context) => {
  const server = new PolicyServer(zoneOf(), certificates);
  const { port } = await server.start(anyPort);
  context.after(() => server.stop());
  const good = await policyOf(port, 'sts-enforce');
  assert.equal(
    good.text,
    'version: STSv1\r\nmode: enforce\r\nmx: mx.sts-enforce.sink.test\r\nmax_age: 86400\r\n',
  );
  assert.match((await policyOf(port, 'sts-testing')).text, /mode: testing\r\nmx: other\.test\r\n/);
  assert.match((await policyOf(port, 'sts-none')).text, /mode: none\r\n/);
  assert.match((await policyOf(port, 'sts-wrong-mx')).text, /mode: enforce\r\nmx: other\.test\r\n/);
  assert.equal((await policyOf(port, 'sts-expired')).fault, 'CERT_HAS_EXPIRED');
  assert.equal((await policyOf(port, 'sts-wrong-name')).fault, 'ERR_TLS_CERT_ALTNAME_INVALID');
  assert.equal((await policyOf(port, 'sts-redirect')).status, 301);
  assert.equal((await policyOf(port, 'sts-missing')).status, 404);
  assert.match((await policyOf(port, 'sts-garbage')).text, /^<h1>/);
  assert.ok((await policyOf(port, 'sts-oversized')).text.length > 1_000_000);
  assert.ok((await policyOf(port, 'sts-stall')).text.length < good.text.length);
  assert.equal((await policyOf(port, 'ok')).status, 404);
  for (const [variant, { policy }] of Object.entries(dnsVariants)) {
    const { answers } = await zoneOf().answer(`_mta-sts.${variant}.sink.test`, 'TXT');
    assert.equal(answers.length > 0, policy !== undefined, variant);
  }
});

test('a question that no answer can be made for does not end the sink', async (context) => {
  // A variant that is not there, as a model made without the schema may name it.
  const server = new NameServer(zoneOf({ domains: { 'odd.test': 'nonsense' } }), nodeClock, false);
  const { port } = await server.start(anyPort);
  context.after(() => server.stop());
  const socket = createSocket('udp4');
  socket.send(query('odd.test', 'MX'), port, '127.0.0.1');
  assert.deepEqual(mxOf(await overUdp(port, 'ok.sink.test', 'MX')), ['mx.ok.sink.test']);
  socket.close();
  assert.equal(server.unanswered, 1);
});
