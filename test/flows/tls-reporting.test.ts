/**
 * Aim:    RFC 8460: a handshake that failed is told to the other domain, by HTTPS and by mail.
 * Method: two real servers, a name server with a TLSA record that does not fit, and a clock of reports turned by hand.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import nodemailer from 'nodemailer';
import { openLmdbTable } from '../../src/adapters/lmdb/shard-index.ts';
import { TlsOutcomes } from '../../src/app/tls-outcomes.ts';
import { silentLog } from '../../src/base/log.ts';
import { dayMs, hourMs, minuteMs } from '../../src/base/units.ts';
import { Certificates } from '../../src/harness/sink/certificates.ts';
import { heldMail } from '../support/account-mail.ts';
import { type DnsBehaviour, DnsServer } from '../support/dns-server.ts';
import { SeededClock } from '../support/seeded-clock.ts';
import { eventually, startTestServer, type TestServer } from '../support/test-server.ts';

/** What a proxy before `listen.http` is. */
async function httpsFront(cert: string, key: string, portOf: () => number) {
  const front = createServer({ cert, key }, async (incoming, outgoing) => {
    const body = await buffer(incoming);
    const { method, url: path, headers } = incoming;
    const to = { host: '127.0.0.1', port: portOf(), method, path };
    const host = String(headers.host).split(':')[0]!;
    const sent = httpRequest({ ...to, headers: { ...headers, host } }, (response) => {
      outgoing.statusCode = response.statusCode!;
      response.pipe(outgoing);
    });
    sent.end(body);
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  front.listen(0, '127.0.0.1', resolve);
  await promise;
  const close = async () => void front.close();
  return { port: (front.address() as AddressInfo).port, [Symbol.asyncDispose]: close };
}

async function send(from: TestServer, to: string): Promise<void> {
  const transport = nodemailer.createTransport({
    ...{ host: '127.0.0.1', port: from.ports.smtp!, ignoreTLS: true },
  });
  await transport.sendMail({ from: 'ann@here.test', to, subject: 'hello', text: 'hello' });
}

test('RFC 8460 §5: a failed handshake is reported by HTTPS and by signed mail, whatever TLS does', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'chaski-tlsrpt-'));
  const certificates = new Certificates(Date.now());
  const mx = await certificates.of('valid', 'far.test');
  const web = await certificates.of('valid', 'web.far.test');
  const files = {
    cert: join(folder, 'c.pem'),
    key: join(folder, 'k.pem'),
    ca: join(folder, 'a.pem'),
  };
  writeFileSync(files.cert, mx.cert);
  writeFileSync(files.key, mx.key);
  writeFileSync(files.ca, await certificates.root());
  const zone = new Map<string, DnsBehaviour>();
  const answer = (type: 'MX' | 'A' | 'TXT' | 'TLSA', name: string, data: unknown) =>
    zone.set(`${type} ${name}`, {
      answers: [{ type, name, ttl: 60, data } as never],
      secure: true,
    });
  await using dns = await new DnsServer(
    (question) => zone.get(question) ?? { rcode: 'NXDOMAIN' },
  ).start();
  const names = { 'dns.servers': `127.0.0.1:${dns.port}` };
  await using far = await startTestServer({
    ...{ ...names, hostname: 'far.test', 'tls.cert': files.cert, 'tls.key': files.key },
    ...{ 'listen.http': '127.0.0.1:0', 'public.url': 'https://web.far.test' },
    // A stranger's signatures are looked at.
    'relay.networks': '',
  });
  await using front = await httpsFront(web.cert, web.key, () => far.ports.http!);
  await far.call('domain.create', { name: 'far.test' });
  await far.call('account.create', { address: 'reports@far.test', password: 'correct horse' });
  answer('MX', 'far.test', { preference: 10, exchange: 'far.test' });
  for (const name of ['far.test', 'web.far.test']) answer('A', name, '127.0.0.1');
  const record = { usage: 3, selector: 1, matchingType: 1, certificate: Buffer.alloc(32, 7) };
  answer('TLSA', `_${far.ports.smtp}._tcp.far.test`, record);
  const url = `https://web.far.test:${front.port}/tls-report`;
  answer('TXT', '_smtp._tls.far.test', `v=TLSRPTv1; rua=${url},mailto:reports@far.test`);

  const clock = new SeededClock(Date.now());
  await using here = await startTestServer(
    {
      ...{ ...names, hostname: 'here.test', 'tlsReport.contact': 'tls@here.test' },
      ...{ 'relay.mxPort': String(far.ports.smtp), 'relay.privateTargets': 'true' },
      'relay.caFile': files.ca,
    },
    { reportClock: clock },
  );
  const { records } = await here.call('domain.create', { name: 'here.test' });
  for (const { type, name, value } of records) {
    // A string of a TXT record has 255 bytes at most.
    if (type === 'TXT') answer('TXT', name, value.match(/.{1,255}/g));
  }
  await send(here, 'reports@far.test');
  const [pending] = await eventually('the count', async () => {
    const { reports } = await here.call('tls-report.pending', {});
    return reports.length > 0 ? reports : undefined;
  });
  assert.equal(pending!.domain, 'far.test');
  assert.equal(pending!.policies[0]!.failures[0]!.resultType, 'validation-failure');

  const received = async () => {
    const { reports } = await far.call('tls-report.list', { domain: 'far.test', sinceMs: 0 });
    return reports.length > 0 ? reports : undefined;
  };
  // The day ends; hours later all reports have left.
  clock.jump(dayMs);
  clock.advance(minuteMs);
  const [report] = await eventually('the report', async () => {
    clock.jump(4 * hourMs);
    clock.advance(minuteMs);
    return await received();
  });
  assert.deepEqual(
    [report!.type, report!.organization, report!.successes, report!.failures > 0],
    ['tlsa', 'here.test', 0, true],
  );
  assert.equal(report!.details[0]!.host, 'far.test');
  // RFC 8460 §5.3: despite the TLSA record that holds all other mail up.
  const mail = await eventually('the report by mail', async () => {
    const [found] = (await heldMail(far, 'reports@far.test')).INBOX ?? [];
    return found;
  });
  const { text } = mail;
  assert.match(text, /^Return-Path: <>/im);
  assert.match(text, /dkim=pass/);
  assert.match(text, /^TLS-Report-Domain: far\.test\r$/m);
  const base64 = /filename="here\.test!far\.test![^"]*"\r\n\r\n([^-]+)--/.exec(text)![1]!;
  const json = JSON.parse(gunzipSync(Buffer.from(base64, 'base64')).toString());
  assert.equal(json['contact-info'], 'tls@here.test');
  assert.equal(json['report-id'], report!.id);
  // Its own session, which TLS did not hold up, is in no report.
  await here.stop();
  const table = openLmdbTable({ path: join(here.folder, 'data', 'tls-sessions') });
  const after = new TlsOutcomes(table, silentLog).list(0, Number.MAX_SAFE_INTEGER, 10);
  await table.close();
  const sessions = after.flatMap(({ policies }) => policies.map(({ successes }) => successes));
  assert.deepEqual(
    sessions.filter((count) => count > 0),
    [],
  );
  rmSync(folder, { recursive: true });
});
