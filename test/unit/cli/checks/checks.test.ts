/** Aim: `chaski check` finds what would stop a start or mail. Method: each check with a good and a bad world. */

import assert from 'node:assert/strict';
import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeSelfSigned } from '../../../../src/app/certificates/self-signed.ts';
import { dayMs } from '../../../../src/base/units.ts';
import { checkCertificates } from '../../../../src/cli/checks/certificates.ts';
import { checkDisk } from '../../../../src/cli/checks/disk.ts';
import { checkDomain, checkHostname, checkProofs } from '../../../../src/cli/checks/dns.ts';
import type { Finding } from '../../../../src/cli/checks/finding.ts';
import { checkPorts } from '../../../../src/cli/checks/ports.ts';
import { serviceOf } from '../../../../src/mail/formats/client-config/services.ts';
import { dnsRecordsFor } from '../../../../src/mail/trust/dns-records.ts';
import type { Dns, DnsAnswer } from '../../../../src/ports/dns.ts';
import { loadOrThrow } from '../../../../src/settings/load.ts';

const settingsWith = (...assignments: string[]) => loadOrThrow({ environment: {}, assignments });
const statuses = (findings: readonly Finding[]) => findings.map((each) => each.status);
const noneButSmtp = [
  'submission',
  'submissions',
  'lmtp',
  'http',
  'imap',
  'imaps',
  'pop3',
  'pop3s',
  'managesieve',
].map((name) => `listen.${name}=`);

async function temporary(t: { after(run: () => Promise<void>): void }): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'chaski-check-'));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

test('a taken port is a fault, unless the running server holds it', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const name = `127.0.0.1:${(taken.address() as AddressInfo).port}`;
  const settings = settingsWith(`listen.smtp=${name}`, ...noneButSmtp);
  assert.deepEqual(statuses(await checkPorts(settings, [])), ['fault']);
  assert.deepEqual(statuses(await checkPorts(settings, [name])), ['ok']);
  taken.close();
});

test('an address this machine does not have is a fault with its reason', async () => {
  const [finding] = await checkPorts(settingsWith('listen.smtp=192.0.2.1:0', ...noneButSmtp), []);
  assert.equal(finding?.status, 'fault');
  assert.match(finding?.what ?? '', /EADDRNOTAVAIL/);
});

test('a data folder for others to read, or on a disk too full, is a fault; nothing is left in it', async (t) => {
  const folder = await temporary(t);
  const good = await checkDisk(settingsWith(`data.dir=${folder}`, 'data.diskFreeBytesMin=16MiB'));
  assert.equal(statuses(good).includes('fault'), false);
  assert.equal(good.length, 3);
  await chmod(folder, 0o755);
  const bad = await checkDisk(settingsWith(`data.dir=${folder}`, 'data.diskFreeBytesMin=16384GiB'));
  assert.deepEqual(statuses(bad).slice(0, 2), ['fault', 'fault']);
  assert.deepEqual(await readdir(folder), []);
});

test('a data folder that is not made yet is measured where it will be', async (t) => {
  const folder = await temporary(t);
  const findings = await checkDisk(
    settingsWith(`data.dir=${folder}/a/b`, 'data.diskFreeBytesMin=16MiB'),
  );
  assert.equal(findings.length, 2);
  assert.match(findings[0]?.what ?? '', new RegExp(`at ${folder}$`));
});

test('certificates: none, good, near its end, of another name, of another key, no PEM, open key', async (t) => {
  const folder = await temporary(t);
  const nowMs = Date.UTC(2026, 0, 1);
  const made = await makeSelfSigned('mail.example.org', nowMs);
  const other = await makeSelfSigned('mail.example.org', nowMs);
  const [cert, key] = [join(folder, 'c.pem'), join(folder, 'k.pem')];
  await writeFile(cert, made.cert);
  await writeFile(key, made.key, { mode: 0o600 });
  const check = async (name: string, atMs: number) => {
    const settings = settingsWith(`tls.cert=${cert}`, `tls.key=${key}`, `hostname=${name}`);
    return statuses(await checkCertificates(settings, atMs));
  };
  assert.deepEqual(statuses(await checkCertificates(settingsWith(), nowMs)), ['warning']);
  assert.deepEqual(await check('mail.example.org', nowMs), ['ok', 'ok', 'ok', 'ok']);
  const row = `tls.certificates=${JSON.stringify({ net: { cert, key } })}`;
  assert.deepEqual(statuses(await checkCertificates(settingsWith(row), nowMs)), ['ok', 'ok', 'ok']);
  const late = nowMs + 4_000 * dayMs;
  assert.equal(statuses(await checkCertificates(settingsWith(row), late))[0], 'fault');
  const ordered = settingsWith(
    'acme.directory=https://ca.example/directory',
    'acme.agreesToTerms=true',
    'acme.certificates={"mail":{"names":["mail.example.org"]}}',
  );
  assert.deepEqual(statuses(await checkCertificates(ordered, nowMs)), ['ok']);
  assert.deepEqual(await check('other.example', nowMs), ['ok', 'warning', 'ok', 'ok']);
  assert.equal((await check('mail.example.org', nowMs + 3_640 * dayMs))[0], 'warning');
  assert.equal((await check('mail.example.org', nowMs + 4_000 * dayMs))[0], 'fault');
  assert.equal((await check('mail.example.org', nowMs - 9 * dayMs))[0], 'fault');
  await writeFile(key, other.key);
  await chmod(key, 0o644);
  assert.deepEqual((await check('mail.example.org', nowMs)).slice(2), ['fault', 'fault']);
  await writeFile(cert, 'nonsense');
  assert.deepEqual(await check('mail.example.org', nowMs), ['fault']);
});

/** A DNS of a few rows: `TYPE name` → records. */
function dnsOf(rows: Readonly<Record<string, readonly string[]>>): Dns {
  const answer = (type: string, name: string): DnsAnswer<string> => {
    const records = rows[`${type} ${name}`];
    if (records === undefined) return { ok: false, reason: 'missing', detail: '' };
    return { ok: true, records, ttlSeconds: 60, secure: false };
  };
  return {
    a: async (name) => answer('A', name),
    aaaa: async (name) => answer('AAAA', name),
    txt: async (name) => answer('TXT', name),
    ptr: async (address) => answer('PTR', address),
    tlsa: async () => ({ ok: false, reason: 'empty', detail: '' }),
    cname: async () => ({ ok: false, reason: 'empty', detail: '' }),
    srv: async (name) => {
      const found = answer('SRV', name);
      if (!found.ok) return found;
      const records = found.records.map((each) => {
        const [priority = '', weight = '', port = '', target = ''] = each.split(' ');
        return { priority: +priority, weight: +weight, port: +port, target };
      });
      return { ...found, records };
    },
    mx: async (name) => {
      const found = answer('MX', name);
      if (!found.ok) return found;
      const records = found.records.map((each) => {
        const [preference = '', exchange = ''] = each.split(' ');
        return { preference: Number(preference), exchange };
      });
      return { ...found, records };
    },
  };
}

test('the server’s name must have an address that leads back', async () => {
  const name = 'mail.example.org';
  const good = dnsOf({ [`A ${name}`]: ['192.0.2.1'], 'PTR 192.0.2.1': ['Mail.Example.org'] });
  assert.deepEqual(statuses(await checkHostname(good, name)), ['ok', 'ok']);
  const oneWay = dnsOf({ [`AAAA ${name}`]: ['2001:db8::1'] });
  assert.deepEqual(statuses(await checkHostname(oneWay, name)), ['ok', 'warning']);
  assert.deepEqual(statuses(await checkHostname(dnsOf({}), name)), ['fault']);
  assert.deepEqual(statuses(await checkHostname(dnsOf({}), 'box')), ['warning']);
});

test('the resolver should prove what it answers', async () => {
  const answering = (answer: DnsAnswer<string>) =>
    checkProofs({ ...dnsOf({}), txt: async () => answer });
  const denied = { ok: false, reason: 'empty', detail: '' } as const;
  assert.equal((await answering({ ...denied, secure: true })).status, 'ok');
  assert.match((await answering({ ...denied, secure: false })).what, /DANE is not used/);
  const records = { ok: true, records: ['x'], ttlSeconds: 1 } as const;
  assert.equal((await answering({ ...records, secure: true })).status, 'ok');
  const silent = await answering({ ok: false, reason: 'failed', detail: 'no answer for org' });
  assert.deepEqual([silent.status, /does not answer/.test(silent.what)], ['warning', true]);
});

test('a domain’s records: published, missing, and its own SPF and DMARC', async () => {
  const records = dnsRecordsFor({
    domain: 'example.org',
    hostname: 'mail.example.org',
    keys: [{ selector: 's1', recordText: 'v=DKIM1; k=rsa; p=AAAA' }],
    ...{ services: [], webHost: '', policyId: '' },
  });
  const answer = {
    domain: { name: 'example.org', tenant: 0, createdMs: 0, accountCount: 0, aliasCount: 0 },
    records,
  };
  const published = dnsOf({
    'MX example.org': ['20 Mail.example.org', '5 other.example'],
    'TXT example.org': ['unrelated', 'v=spf1 include:other.example ~all'],
    'TXT s1._domainkey.example.org': ['v=DKIM1;k=rsa;p=AA AA'],
    'TXT _dmarc.example.org': ['v=DMARC1; p=none'],
  });
  assert.deepEqual(statuses(await checkDomain(published, answer)), ['ok', 'ok', 'ok', 'ok']);
  const missing = await checkDomain(dnsOf({ 'MX example.org': ['5 other.example'] }), answer);
  assert.deepEqual(statuses(missing), ['fault', 'warning', 'warning', 'warning']);
  assert.match(missing[0]?.advice ?? '', /Publish: example\.org\. IN MX 10 mail\.example\.org\./);
});

test('the record of a policy must say which, that of reports only that there is one', async () => {
  const records = dnsRecordsFor({
    ...{ domain: 'example.org', hostname: 'mail.example.org', keys: [], services: [] },
    ...{ webHost: 'web.example.org', policyId: '0a1b' },
  }).filter(({ type, name }) => type === 'TXT' && name.startsWith('_') && !/^_dmarc/.test(name));
  const answer = {
    domain: { name: 'example.org', tenant: 0, createdMs: 0, accountCount: 0, aliasCount: 0 },
    records,
  };
  const published = (id: string) =>
    dnsOf({
      'TXT _mta-sts.example.org': [`v=STSv1; id=${id}`],
      'TXT _smtp._tls.example.org': ['v=TLSRPTv1; rua=https://reports.example'],
    });
  assert.deepEqual(statuses(await checkDomain(published('0a1b'), answer)), ['ok', 'ok']);
  assert.deepEqual(statuses(await checkDomain(published('old'), answer)), ['warning', 'ok']);
});

test('services and where programs find their configuration, in whatever records', async () => {
  const records = dnsRecordsFor({
    domain: 'example.org',
    hostname: 'mail.example.org',
    keys: [],
    services: [serviceOf('imaps', 'mail.example.org', 993)],
    ...{ webHost: 'web.example.org', policyId: '' },
  }).slice(3);
  const answer = {
    domain: { name: 'example.org', tenant: 0, createdMs: 0, accountCount: 0, aliasCount: 0 },
    records,
  };
  const published = {
    'SRV _imaps._tcp.example.org': ['5 7 993 Mail.example.org'],
    'SRV _autodiscover._tcp.example.org': ['0 0 443 web.example.org'],
    'A web.example.org': ['192.0.2.1'],
    'A autoconfig.example.org': ['192.0.2.1'],
    'A autodiscover.example.org': ['192.0.2.9', '192.0.2.1'],
  };
  assert.deepEqual(statuses(await checkDomain(dnsOf(published), answer)), Array(4).fill('ok'));
  const wrong = {
    ...published,
    'SRV _imaps._tcp.example.org': ['5 7 143 mail.example.org'],
    'A autoconfig.example.org': ['192.0.2.2'],
  };
  assert.deepEqual(statuses(await checkDomain(dnsOf(wrong), answer)), [
    ...['warning', 'warning', 'ok', 'ok'],
  ]);
  assert.deepEqual(statuses(await checkDomain(dnsOf({}), answer)), Array(4).fill('warning'));
});
