/**
 * Aim: the certificates of a running server: by name on every listener, replaced while it runs, kept where new ones are
 * broken, and told of. Method: the whole server, real handshakes, files of openssl's form.
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { get as getClear } from 'node:http';
import { get } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { type MadeCertificate, TestAuthority } from '../support/certificate-maker.ts';
import { eventually, startTestServer, type TestServer } from '../support/test-server.ts';

const any = '127.0.0.1:0';
const listeners = {
  'listen.submissions': any,
  'listen.imap': any,
  'listen.imaps': any,
  'listen.pop3': any,
  'listen.pop3s': any,
  'listen.http': any,
  'listen.https': any,
};

let authority: TestAuthority;
before(async () => {
  authority = await TestAuthority.make();
});

class Files implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'chaski-certificates-'));

  path(name: string): string {
    return join(this.folder, name);
  }

  put(name: string, { cert, key }: MadeCertificate): void {
    writeFileSync(this.path(`${name}.pem`), cert);
    writeFileSync(this.path(`${name}.key`), key, { mode: 0o600 });
  }

  settings(first: string, ...further: string[]): Record<string, string> {
    const row = (name: string) => ({
      cert: this.path(`${name}.pem`),
      key: this.path(`${name}.key`),
    });
    const { cert, key } = row(first);
    const rows = Object.fromEntries(further.map((name) => [name, row(name)]));
    return { 'tls.cert': cert, 'tls.key': key, 'tls.certificates': JSON.stringify(rows) };
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true });
  }
}

/** What TLS from the first octet shows. */
async function shownAt(port: number, servername: string): Promise<string> {
  const client = connectTls({ port, host: '127.0.0.1', servername, rejectUnauthorized: false });
  await once(client, 'secureConnect');
  const { subjectAltName = '', serialNumber } = client.getPeerX509Certificate()!;
  client.destroy();
  return `${subjectAltName} ${serialNumber}`;
}

const startWords = {
  smtp: ['EHLO c', 'STARTTLS'],
  submission: ['EHLO c', 'STARTTLS'],
  lmtp: ['LHLO c', 'STARTTLS'],
  imap: ['a STARTTLS'],
  pop3: ['STLS'],
} as const;

async function shownAfterStart(
  port: number,
  protocol: keyof typeof startWords,
  servername: string,
): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'data');
  for (const word of startWords[protocol]) {
    socket.write(`${word}\r\n`);
    await once(socket, 'data');
  }
  const secure = connectTls({ socket, servername, rejectUnauthorized: false });
  await once(secure, 'secureConnect');
  const { subjectAltName = '' } = secure.getPeerX509Certificate()!;
  secure.destroy();
  return subjectAltName;
}

async function listed(server: TestServer) {
  return (await server.call('certificate.list', {})).certificates;
}

async function measured(server: TestServer): Promise<string> {
  return await textOf(`http://127.0.0.1:${server.ports.http}/metrics`);
}

function textOf(url: string, ca?: string, servername = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const read = (response: import('node:http').IncomingMessage) => {
      let text = `${response.statusCode} `;
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve(text));
    };
    const request =
      ca === undefined ? getClear(url, read) : get(url, { ca, servername, agent: false }, read);
    request.on('error', reject);
  });
}

test('each listener shows the certificate of the name that is asked for', async () => {
  using files = new Files();
  files.put('one', await authority.issue({ dns: ['mx.test'] }));
  files.put('two', await authority.issue({ dns: ['*.two.test'] }));
  await using server = await startTestServer({ ...listeners, ...files.settings('one', 'two') });
  const { ports } = server;
  for (const protocol of ['submissions', 'imaps', 'pop3s', 'https'] as const) {
    assert.match(await shownAt(ports[protocol]!, 'mail.two.test'), /^DNS:\*\.two\.test/, protocol);
    assert.match(await shownAt(ports[protocol]!, 'x.test'), /^DNS:mx\.test/, protocol);
  }
  for (const protocol of Object.keys(startWords) as (keyof typeof startWords)[]) {
    const port = ports[protocol]!;
    assert.equal(await shownAfterStart(port, protocol, 'a.two.test'), 'DNS:*.two.test', protocol);
    assert.equal(await shownAfterStart(port, protocol, 'mx.test'), 'DNS:mx.test', protocol);
  }
  const names = (await listed(server)).map(({ name, source, isDefault, issuer }) => ({
    ...{ name, source, isDefault, issuer },
  }));
  assert.deepEqual(names, [
    { name: 'default', source: 'file', isDefault: true, issuer: 'Test CA' },
    { name: 'two', source: 'file', isDefault: false, issuer: 'Test CA' },
  ]);
});

test('a file that changes is shown to new connections; a broken one is not, and is told of', async () => {
  using files = new Files();
  files.put('one', await authority.issue({ dns: ['mx.test'] }));
  await using server = await startTestServer({ ...listeners, ...files.settings('one') });
  const port = server.ports.imaps!;
  const old = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
  await once(old, 'secureConnect');
  const before = await shownAt(port, '');
  files.put('one', await authority.issue({ dns: ['mx.test'] }));
  const after = await eventually('the new certificate', async () => {
    const now = await shownAt(port, '');
    return now === before ? undefined : now;
  });
  assert.equal(old.destroyed, false, 'who was connected stays so');
  old.destroy();
  writeFileSync(files.path('one.pem'), 'no certificate');
  await eventually('word of it', async () =>
    (await listed(server)).some(({ error }) => error !== undefined) ? true : undefined,
  );
  assert.equal(await shownAt(port, ''), after);
  assert.match(await measured(server), /chaski_certificate_failures\{certificate="default"\} 1/);
  const ready = await textOf(`http://127.0.0.1:${server.ports.http}/readyz`);
  assert.match(ready, /^200 .*"isReady":true.*"warnings":\["certificate default: .*one\.pem/);
  await assert.rejects(server.call('certificate.renew', { name: 'default' }), /one\.pem/);
  files.put('one', await authority.issue({ dns: ['mx.test'] }));
  const [mended] = (await server.call('certificate.renew', { name: 'default' })).certificates;
  assert.equal(mended!.error, undefined);
  assert.notEqual(await shownAt(port, ''), after);
  await assert.rejects(server.call('certificate.renew', { name: 'two' }), /not-found/);
});

test('a certificate that ends soon is measured and warned of', async () => {
  using files = new Files();
  const notAfterMs = Date.now() + 3 * 86_400_000;
  files.put('one', await authority.issue({ dns: ['mx.test'], notAfterMs }));
  const wide = { 'tls.expiryWarnMs': '14d' };
  await using server = await startTestServer({ ...listeners, ...files.settings('one'), ...wide });
  const metrics = await measured(server);
  const seconds = /chaski_certificate_expiry_seconds\{certificate="default",source="file"\} (\d+)/;
  const left = Number(seconds.exec(metrics)?.[1]);
  assert.ok(left > 2.9 * 86_400 && left <= 3 * 86_400, String(left));
  const ready = await textOf(`http://127.0.0.1:${server.ports.http}/readyz`);
  // It lives for four days: its last sixth has not come.
  assert.doesNotMatch(ready, /warnings/);
  const ended = Date.now() - 1_000;
  files.put('one', await authority.issue({ dns: ['mx.test'], notAfterMs: ended }));
  await server.call('certificate.renew', { name: 'default' });
  const worse = await textOf(`http://127.0.0.1:${server.ports.http}/readyz`);
  assert.match(worse, /"warnings":\["certificate default: it ended at /);
});

test('HTTP over TLS has the API and no measurements', async () => {
  using files = new Files();
  files.put('one', await authority.issue({ dns: ['mx.test'] }));
  await using server = await startTestServer({ ...listeners, ...files.settings('one') });
  const url = `https://127.0.0.1:${server.ports.https}`;
  const named = (path: string) => textOf(`${url}${path}`, authority.pem, 'mx.test');
  assert.match(await named('/api/openapi.json'), /^200 \{"openapi":"3\.1/);
  assert.match(await named('/metrics'), /^404/);
  assert.match(await named('/readyz'), /^404/);
});

test('one who has no certificate gets the same self-signed one at each start', async () => {
  const first = await startTestServer(listeners);
  const [made] = await listed(first);
  await first.stop();
  await using again = await startTestServer(listeners, { folder: first.folder });
  assert.equal(made!.source, 'self-signed');
  assert.deepEqual(await listed(again), [made]);
});
