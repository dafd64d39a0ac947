/**
 * Aim: certificates ordered by ACME: proven by both challenges, kept over a restart, never half. Method: the whole
 * server against an authority in this process that comes for the proofs itself.
 * Specs: RFC 8555, RFC 8737.
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { AcmeServer, type AcmeServerOptions } from '../support/acme-server.ts';
import { eventually, startTestServer, type TestServer } from '../support/test-server.ts';

const any = '127.0.0.1:0';
const names = ['mx.test', 'imap.test'];

class Place implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'chaski-acme-'));
  readonly acme: AcmeServer;

  private constructor(acme: AcmeServer) {
    this.acme = acme;
    writeFileSync(join(this.folder, 'ca.pem'), acme.caPem);
  }

  static async make(options: AcmeServerOptions = {}): Promise<Place> {
    return new Place(await AcmeServer.start(options));
  }

  start(more: Record<string, string> = {}): Promise<TestServer> {
    const settings = {
      ...{ 'listen.imaps': any, 'listen.http': any, 'listen.https': any },
      'acme.directory': this.acme.directory,
      'acme.agreesToTerms': 'true',
      'acme.email': 'postmaster@mx.test',
      'acme.ca': join(this.folder, 'ca.pem'),
      'acme.certificates': JSON.stringify({ mail: { names } }),
      ...more,
    };
    return startTestServer(settings, { folder: this.folder });
  }

  /** What it keeps of authorities. */
  files(): readonly string[] {
    const folder = join(this.folder, 'data', 'tls', 'acme');
    const [hash] = readdirSync(folder);
    return readdirSync(join(folder, hash!)).sort();
  }

  path(name: string): string {
    const folder = join(this.folder, 'data', 'tls', 'acme');
    return join(folder, readdirSync(folder)[0]!, name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.acme[Symbol.asyncDispose]();
    rmSync(this.folder, { recursive: true });
  }
}

async function shownAt(port: number, ca: string): Promise<string> {
  const client = connectTls({ port, host: '127.0.0.1', servername: 'imap.test', ca });
  await once(client, 'secureConnect');
  const { serialNumber } = client.getPeerX509Certificate()!;
  client.destroy();
  return serialNumber;
}

async function mail(server: TestServer) {
  const { certificates } = await server.call('certificate.list', {});
  return certificates.find(({ name }) => name === 'mail')!;
}

async function come(server: TestServer) {
  return await eventually('a certificate', async () => {
    const found = await mail(server);
    return found.notAfterMs === undefined ? undefined : found;
  });
}

for (const challenge of ['http-01', 'tls-alpn-01']) {
  test(`a certificate is ordered by ${challenge}, shown, kept, and used after a restart`, async () => {
    await using place = await Place.make();
    const server = await place.start({ 'acme.challenge': challenge });
    place.acme.reach(server.ports);
    const found = await come(server);
    assert.deepEqual([found.source, found.issuer, found.isDefault], ['acme', 'Mock Root', true]);
    assert.deepEqual(found.names.toSorted(), names.toSorted());
    assert.deepEqual(
      place.acme.proofs.toSorted(),
      names.map((name) => `${challenge} ${name}`).sort(),
    );
    const serial = await shownAt(server.ports.imaps!, place.acme.caPem);
    assert.equal(serial, await shownAt(server.ports.https!, place.acme.caPem));
    // Two thirds of 90 days, less a spread of at most 3 % of them.
    const leftDays = (found.nextOrderMs! - Date.now()) / 86_400_000;
    assert.ok(leftDays > 57 && leftDays <= 60, String(leftDays));
    await server.stop();
    assert.deepEqual(place.files(), ['account.key', 'mail.pem']);
    for (const name of place.files()) assert.equal(statSync(place.path(name)).mode & 0o777, 0o600);
    await using again = await place.start({ 'acme.challenge': challenge });
    assert.equal(await shownAt(again.ports.imaps!, place.acme.caPem), serial);
    assert.equal(place.acme.orders.length, 1, 'nothing was ordered again');
  });
}

test('an operator has a certificate ordered anew, by the same account', async () => {
  await using place = await Place.make();
  await using server = await place.start();
  place.acme.reach(server.ports);
  await come(server);
  const before = await shownAt(server.ports.imaps!, place.acme.caPem);
  await server.call('certificate.renew', { name: 'mail' });
  assert.notEqual(await shownAt(server.ports.imaps!, place.acme.caPem), before);
  assert.equal(place.acme.accounts.size, 1);
  assert.equal(place.acme.orders.length, 2);
});

test('an authority that asks for an external account gets its key, and no other', async () => {
  const key = Buffer.from('thirty-two octets of shared keys').toString('base64url');
  await using place = await Place.make({ binding: { keyId: 'kid-1', key } });
  const file = join(place.folder, 'binding');
  writeFileSync(file, `${key}\n`);
  const bound = { 'acme.bindingKeyId': 'kid-1', 'acme.bindingKeyFile': file };
  const server = await place.start(bound);
  place.acme.reach(server.ports);
  await come(server);
  await server.stop();
  assert.equal(place.acme.accounts.size, 1);
  rmSync(join(place.folder, 'data', 'tls', 'acme'), { recursive: true });
  await using other = await place.start({ ...bound, 'acme.bindingKeyId': 'kid-2' });
  const { error } = await eventually('a refusal', async () => {
    const found = await mail(other);
    return found.error?.includes('binding') ? found : undefined;
  });
  assert.match(error!, /the binding is wrong/);
});

test('what the authority does not find proven is told of, and the old certificate stays', async () => {
  await using place = await Place.make();
  await using server = await place.start();
  // Nobody answers there.
  place.acme.reach({ http: 1, https: 1 });
  const found = await eventually('a failure', async () => {
    const seen = await mail(server);
    return seen.error?.includes('invalid') ? seen : undefined;
  });
  assert.match(found.error!, /is invalid: .*ECONNREFUSED/);
  assert.ok(found.nextOrderMs! - Date.now() > 55 * 60_000, 'it waits an hour');
  const client = connectTls({ port: server.ports.imaps!, rejectUnauthorized: false });
  await once(client, 'secureConnect');
  assert.equal(client.getPeerX509Certificate()!.subject, 'CN=mx.test');
  client.destroy();
});

test('an authority that says how long to wait is left alone for so long, by operators too', async () => {
  await using place = await Place.make();
  place.acme.refusal = { type: 'rateLimited', retryAfter: '7200' };
  await using server = await place.start();
  place.acme.reach(server.ports);
  const found = await eventually('a refusal', async () => {
    const seen = await mail(server);
    return seen.error?.includes('too many') ? seen : undefined;
  });
  const waitMs = found.nextOrderMs! - Date.now();
  assert.ok(waitMs > 7_100_000 && waitMs <= 7_200_000, String(waitMs));
  place.acme.refusal = undefined;
  await assert.rejects(
    server.call('certificate.renew', { name: 'mail' }),
    /the authority asks us to wait until/,
  );
  assert.equal(place.acme.orders.length, 0);
});

test('a server that ends in the middle of an order keeps its certificate, and waits before the next', async () => {
  await using place = await Place.make();
  const first = await place.start();
  place.acme.reach(first.ports);
  await come(first);
  const serial = await shownAt(first.ports.imaps!, place.acme.caPem);
  const reached = Promise.withResolvers<void>();
  place.acme.beforeIssue = async () => {
    reached.resolve();
    await new Promise(() => {});
  };
  const renewing = first.call('certificate.renew', { name: 'mail' }).catch(() => {});
  await reached.promise;
  const kept = readFileSync(place.path('mail.pem'), 'utf8');
  assert.deepEqual(place.files(), ['account.key', 'mail.pem', 'mail.tries']);
  await first.stop();
  await renewing;
  // A draft of a write that a kill cut off.
  writeFileSync(place.path('mail.pem.new'), 'half of a');
  place.acme.beforeIssue = async () => {};
  await using again = await place.start();
  assert.equal(readFileSync(place.path('mail.pem'), 'utf8'), kept);
  assert.equal(await shownAt(again.ports.imaps!, place.acme.caPem), serial);
  const found = await mail(again);
  assert.match(found.error!, /the server stopped during the order/);
  assert.ok(found.nextOrderMs! > Date.now() + 55 * 60_000, 'no order at once');
  assert.equal(place.acme.orders.length, 2);
  place.acme.reach(again.ports);
  await again.call('certificate.renew', { name: 'mail' });
  assert.notEqual(await shownAt(again.ports.imaps!, place.acme.caPem), serial);
  assert.deepEqual(place.files(), ['account.key', 'mail.pem']);
});
