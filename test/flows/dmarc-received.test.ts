/**
 * Aim:    reports of others that come to the address for them are added up before their mail is taken, those that DMARC
 *         vouches for apart from those it does not, and the mail is delivered as any.
 * Method: a real server, a name server, and mail by SMTP.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import nodemailer from 'nodemailer';
import { dayMs } from '../../src/base/units.ts';
import { writeDmarcReport } from '../../src/mail/formats/dmarc-report/write.ts';
import { command, heldMail } from '../support/account-mail.ts';
import { type DnsBehaviour, DnsServer } from '../support/dns-server.ts';
import { startTestServer } from '../support/test-server.ts';

const today = Math.floor(Date.now() / dayMs) * dayMs;

function reportOf(serial: string, count: number): Buffer {
  const domain = 'here.test';
  const report = {
    ...{ organization: 'Far', contact: 'dmarc@far.test', dayMs: today - dayMs, serial, error: '' },
    policy: {
      ...{ domain, p: 'reject', sp: 'reject', np: 'reject', adkim: 'r', aspf: 'r' },
      ...{ fo: '', isTesting: false, discovery: 'treewalk' },
    },
    records: [
      {
        ...{ sourceAddress: '192.0.2.1', count, disposition: 'none', dkim: 'pass', spf: 'fail' },
        ...{ reasons: [], headerFrom: domain, envelopeFrom: '', envelopeTo: '' },
        ...{ dkimResults: [], spfResults: [] },
      },
    ],
  };
  return gzipSync(writeDmarcReport(report));
}

test('RFC 9990: reports that come by mail are added up once, and the mail is delivered', async () => {
  const zone = new Map<string, DnsBehaviour>();
  const answer = (name: string, data: string) =>
    zone.set(`TXT ${name}`, { answers: [{ type: 'TXT', name, ttl: 60, data } as never] });
  answer('far.test', 'v=spf1 ip4:127.0.0.1 -all');
  answer('_dmarc.far.test', 'v=DMARC1; p=none');
  await using dns = await new DnsServer(
    (question) => zone.get(question) ?? { rcode: 'NXDOMAIN' },
  ).start();
  const settings = {
    ...{ 'dns.servers': `127.0.0.1:${dns.port}`, hostname: 'here.test' },
    ...{ 'relay.networks': '', 'dmarcReport.receivedAt': 'DMARC@here.test' },
  };
  await using here = await startTestServer(settings);
  await here.call('domain.create', { name: 'here.test' });
  for (const name of ['dmarc', 'bob']) {
    await here.call('account.create', { address: `${name}@here.test`, password: 'correct horse' });
  }
  const transport = nodemailer.createTransport({
    ...{ host: '127.0.0.1', port: here.ports.smtp!, ignoreTLS: true },
  });
  const send = async (serial: string, count: number, by = 'far.test', to = 'dmarc') => {
    await transport.sendMail({
      ...{ from: 'noreply@far.test', to: `${to}@here.test`, subject: 'Report Domain: here.test' },
      envelope: { from: `x@${by}`, to: `${to}@here.test` },
      attachments: [{ filename: 'r.xml.gz', content: reportOf(serial, count) }],
    });
  };
  await send('a', 5);
  await send('a', 5);
  await send('b', 700, 'evil.test');
  await send('c', 9_000, 'far.test', 'bob');
  const { isOn, proven, unproven } = await here.call('dmarc.summary', {
    ...{ domain: 'here.test', sinceMs: 0 },
  });
  assert.ok(isOn);
  assert.deepEqual([proven.reports, proven.messages, proven.passed], [1, 5, 5]);
  assert.deepEqual(proven.reporters, [{ domain: 'far.test', messages: 5 }]);
  assert.deepEqual([proven.days[0]!.dayMs, proven.sources.length], [today - dayMs, 1]);
  assert.deepEqual([unproven.reports, unproven.messages], [1, 700]);
  assert.equal((await heldMail(here, 'dmarc@here.test')).INBOX!.length, 3);
  const environment = { CHASKI_DATA: here.settings.data.dir };
  const line = ['dmarc', 'summary', '--domain', 'here.test', '--json'];
  const shown = await command(line, environment);
  assert.equal(shown.code, 0, shown.error);
  assert.deepEqual(JSON.parse(shown.out).proven, JSON.parse(JSON.stringify(proven)));
});
