/**
 * Aim: which certificate a client sees, and which versions and ciphers are spoken. Method: real handshakes, by Node's
 * client and by `openssl s_client`.
 * Specs: RFC 6066 §3, RFC 6125 §6.4.3, RFC 8996, RFC 9325 §4.2.
 */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { before, type TestContext, test } from 'node:test';
import { type ConnectionOptions, connect, TLSSocket } from 'node:tls';
import {
  contextsOf,
  ReloadableTls,
  type TlsMaterial,
  tlsSocketOptions,
} from '../../../../src/edge/listeners/tls.ts';
import { type MadeCertificate, TestAuthority } from '../../../support/certificate-maker.ts';

let authority: TestAuthority;
const made = new Map<string, MadeCertificate>();

before(async () => {
  authority = await TestAuthority.make();
  for (const names of ['mx.test', 'imap.one.test pop.one.test', '*.two.test'])
    made.set(names, await authority.issue({ dns: names.split(' ') }));
});

function material(): TlsMaterial {
  const named = [...made].map(([names, pair]) => ({ ...pair, names: names.split(' ') }));
  return { ...made.get('mx.test')!, named };
}

async function serve(context: TestContext, tls: ReloadableTls): Promise<number> {
  const server = createServer((socket) => {
    const secure = new TLSSocket(socket, tlsSocketOptions(tls));
    secure.on('error', () => socket.destroy());
    secure.on('close', () => socket.destroy());
    secure.resume();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => server.close());
  return (server.address() as { port: number }).port;
}

async function seen(port: number, options: ConnectionOptions): Promise<string> {
  const client = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  await once(client, 'secureConnect');
  const { subjectAltName = '' } = client.getPeerX509Certificate()!;
  client.destroy();
  return subjectAltName;
}

test('a client sees the certificate of the name it asks for, and the default one otherwise', async (context) => {
  const port = await serve(context, new ReloadableTls(material()));
  const ofName = (servername: string) => seen(port, { servername });
  assert.equal(await ofName('imap.one.test'), 'DNS:imap.one.test, DNS:pop.one.test');
  assert.equal(await ofName('POP.one.test'), 'DNS:imap.one.test, DNS:pop.one.test');
  assert.equal(await ofName('any.two.test'), 'DNS:*.two.test');
  // RFC 6125 §6.4.3: a wildcard is one label, and not none.
  assert.equal(await ofName('two.test'), 'DNS:mx.test');
  assert.equal(await ofName('a.b.two.test'), 'DNS:mx.test');
  assert.equal(await ofName('stranger.test'), 'DNS:mx.test');
  assert.equal(await seen(port, { servername: '' }), 'DNS:mx.test');
});

test('a name is asked for in TLS 1.2 as in TLS 1.3', async (context) => {
  const port = await serve(context, new ReloadableTls(material()));
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const options = { servername: 'x.two.test', minVersion: version, maxVersion: version };
    assert.equal(await seen(port, options), 'DNS:*.two.test');
  }
});

test('handshakes after a change see the new certificates, and no session goes on with the old', async (context) => {
  const tls = new ReloadableTls(material());
  const port = await serve(context, tls);
  assert.equal(await seen(port, { servername: 'x.two.test' }), 'DNS:*.two.test');
  tls.use(contextsOf(made.get('imap.one.test pop.one.test')!));
  assert.equal(
    await seen(port, { servername: 'x.two.test' }),
    'DNS:imap.one.test, DNS:pop.one.test',
  );
});

/** How `openssl s_client` ends, and what it says. */
async function openssl(port: number, ...options: string[]): Promise<string> {
  return await new Promise((resolve) => {
    const line = ['s_client', '-connect', `127.0.0.1:${port}`, ...options];
    const child = execFile('openssl', line, { timeout: 20_000 }, (_error, out, errors) =>
      resolve(`${out}${errors}`),
    );
    child.stdin!.end();
  });
}

test('TLS before 1.2 is refused, whatever ciphers are offered with it', async (context) => {
  const port = await serve(context, new ReloadableTls(made.get('mx.test')!));
  for (const version of ['-tls1', '-tls1_1']) {
    const told = await openssl(port, version, '-cipher', 'ALL:@SECLEVEL=0');
    assert.match(told, /alert protocol version|unsupported protocol/, told);
  }
  assert.match(await openssl(port, '-tls1_2'), /Protocol *: TLSv1\.2/);
  assert.match(await openssl(port, '-tls1_3'), /New, TLSv1\.3/);
});

test('TLS 1.2 is refused where settings ask for 1.3', async (context) => {
  const tls = new ReloadableTls({ ...made.get('mx.test')!, versionMin: 'TLSv1.3' });
  const port = await serve(context, tls);
  assert.match(await openssl(port, '-tls1_2'), /alert protocol version/);
  assert.match(await openssl(port, '-tls1_3'), /New, TLSv1\.3/);
});

test('ciphers without forward secrecy or AEAD are refused', async (context) => {
  const port = await serve(context, new ReloadableTls(made.get('mx.test')!));
  for (const cipher of ['ECDHE-ECDSA-AES128-SHA', 'ECDHE-ECDSA-AES256-SHA384']) {
    const told = await openssl(port, '-tls1_2', '-cipher', `${cipher}:@SECLEVEL=0`);
    assert.match(told, /alert handshake failure/, told);
  }
  const good = await openssl(port, '-tls1_2', '-cipher', 'ECDHE-ECDSA-CHACHA20-POLY1305');
  assert.match(good, /Cipher is ECDHE-ECDSA-CHACHA20-POLY1305/);
});
