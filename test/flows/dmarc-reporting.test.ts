/**
 * Aim:    RFC 9990: a domain that asks for it is told how mail in its name fared here, by signed mail, the day after,
 *         and once, wherever a kill falls.
 * Method: two real servers, a name server, and a clock of reports turned by hand.
 */

import assert from 'node:assert/strict';
import { cpSync, rmSync } from 'node:fs';
import { test } from 'node:test';
import nodemailer from 'nodemailer';
import { openLmdbTable } from '../../src/adapters/lmdb/shard-index.ts';
import { nodeRandom } from '../../src/adapters/node/random.ts';
import { DmarcOutcomes } from '../../src/app/dmarc-outcomes.ts';
import { silentLog } from '../../src/base/log.ts';
import { dayMs, hourMs, minuteMs } from '../../src/base/units.ts';
import { readDmarcReports } from '../../src/mail/formats/dmarc-report/read.ts';
import { heldMail } from '../support/account-mail.ts';
import { type DnsBehaviour, DnsServer } from '../support/dns-server.ts';
import { SeededClock } from '../support/seeded-clock.ts';
import { eventually, startTestServer, type TestServer } from '../support/test-server.ts';

async function send(to: TestServer, from: string, envelopeFrom = from): Promise<void> {
  const transport = nodemailer.createTransport({
    ...{ host: '127.0.0.1', port: to.ports.smtp!, ignoreTLS: true },
  });
  await transport.sendMail({
    ...{ from, to: 'bob@here.test', subject: 'hello', text: 'hello' },
    envelope: { from: envelopeFrom, to: 'bob@here.test' },
  });
}

test('RFC 9990 §3.5: mail that passed and mail that failed is reported the day after, once', async () => {
  const zone = new Map<string, DnsBehaviour>();
  const answer = (type: 'MX' | 'A' | 'TXT', name: string, data: unknown) =>
    zone.set(`${type} ${name}`, { answers: [{ type, name, ttl: 60, data } as never] });
  await using dns = await new DnsServer(
    (question) => zone.get(question) ?? { rcode: 'NXDOMAIN' },
  ).start();
  const names = { 'dns.servers': `127.0.0.1:${dns.port}` };
  await using far = await startTestServer({
    ...{ ...names, hostname: 'far.test' },
    // A stranger's signatures are looked at.
    'relay.networks': '',
  });
  await far.call('domain.create', { name: 'far.test' });
  await far.call('account.create', { address: 'dmarc@far.test', password: 'correct horse' });
  answer('MX', 'far.test', { preference: 10, exchange: 'far.test' });
  answer('A', 'far.test', '127.0.0.1');
  answer('TXT', 'far.test', 'v=spf1 ip4:127.0.0.1 -all');
  answer('TXT', '_dmarc.far.test', 'v=DMARC1; p=quarantine; rua=mailto:dmarc@far.test!10m');
  // Nobody asks for reports of this one.
  answer('TXT', '_dmarc.mute.test', 'v=DMARC1; p=reject');

  const clock = new SeededClock(Date.now());
  const settings = {
    ...{ ...names, hostname: 'here.test', 'dmarcReport.contact': 'dmarc@here.test' },
    ...{ 'relay.networks': '', 'relay.mxPort': String(far.ports.smtp) },
    'relay.privateTargets': 'true',
  };
  await using here = await startTestServer(settings, { reportClock: clock });
  const { records } = await here.call('domain.create', { name: 'here.test' });
  for (const { type, name, value } of records) {
    // A string of a TXT record has 255 bytes at most.
    if (type === 'TXT') answer('TXT', name, value.match(/.{1,255}/g));
  }
  await here.call('account.create', { address: 'bob@here.test', password: 'correct horse' });
  await send(here, 'ann@far.test');
  await send(here, 'ann@far.test');
  await send(here, 'ann@far.test', 'eve@evil.test');
  await send(here, 'ann@mute.test');
  // Counts reach the main thread within seconds.
  const pending = await eventually('the counts', async () => {
    const { reports } = await here.call('dmarc.pending', {});
    return reports[0]?.messages === 3 ? reports : undefined;
  });
  assert.deepEqual(
    pending.map(({ domain, rows, sentTo, dueMs }) => [domain, rows, sentTo, dueMs]),
    [['far.test', 2, [], 0]],
  );
  assert.ok(pending[0]!.bytes > 500, `${pending[0]!.bytes}`);

  const path = `${here.folder}/data/dmarc-outcomes`;
  const before = `${here.folder}/before`;
  cpSync(path, before, { recursive: true });
  clock.jump(dayMs);
  clock.advance(minuteMs);
  const { text } = await eventually('the report', async () => {
    clock.jump(4 * hourMs);
    clock.advance(minuteMs);
    const [found] = (await heldMail(far, 'dmarc@far.test')).INBOX ?? [];
    return found;
  });
  assert.match(text, /^Return-Path: <>/im);
  assert.match(text, /dkim=pass/);
  assert.match(text, /dmarc=pass/);
  const [report] = readDmarcReports(Buffer.from(text, 'latin1')).reports;
  assert.deepEqual(
    [report!.organization, report!.contact, report!.policy.domain, report!.policy.p],
    ['here.test', 'dmarc@here.test', 'far.test', 'quarantine'],
  );
  const rows = report!.records.map((row) => [
    ...[row.sourceAddress, row.count, row.disposition, row.spf, row.dkim, row.envelopeFrom],
    row.reasons.map(({ type }) => type).join(),
  ]);
  assert.deepEqual(rows, [
    ['127.0.0.1', 2, 'pass', 'pass', 'fail', 'far.test', ''],
    ['127.0.0.1', 1, 'none', 'fail', 'fail', 'evil.test', 'local_policy'],
  ]);
  await here.stop();
  // Nothing waits: neither what was sent nor what nobody asked for.
  assert.deepEqual(await waiting(path), []);

  // As a kill leaves it between a report's way into the spool and its note: the spool has it, the table does not say so.
  rmSync(path, { recursive: true });
  cpSync(before, path, { recursive: true });
  assert.equal((await waiting(path)).length, 1);
  const place = { folder: here.folder, reportClock: clock };
  await using again = await startTestServer(settings, place);
  await eventually('the report to be noted', async () => {
    clock.jump(hourMs);
    clock.advance(minuteMs);
    const { total } = await again.call('dmarc.pending', {});
    return total === 0 ? true : undefined;
  });
  await again.stop();
  // Told of twice, it is taken by the spool once; else receivers would know it by its id.
  const received = (await heldMail(far, 'dmarc@far.test')).INBOX ?? [];
  const ids = received.flatMap((mail) =>
    readDmarcReports(Buffer.from(mail.text, 'latin1')).reports.map(({ id }) => id),
  );
  assert.deepEqual(ids, [report!.id]);
});

async function waiting(path: string) {
  const table = openLmdbTable({ path });
  const names = new DmarcOutcomes(table, silentLog, nodeRandom).names(Number.MAX_SAFE_INTEGER);
  await table.close();
  return names;
}
