/** Aim: settings that do not go together are faults. Method: each pair, wrong and mended. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { load } from '../../../src/settings/load.ts';

function faultPaths(...assignments: string[]): readonly string[] {
  const loaded = load({ environment: {}, assignments });
  return loaded.ok ? [] : loaded.faults.map((fault) => fault.path);
}

test('two listeners on one address and port are a fault, two on port 0 are none', () => {
  assert.deepEqual(faultPaths('listen.smtp=127.0.0.1:2587'), ['listen.smtp']);
  assert.deepEqual(faultPaths('listen.smtp=127.0.0.1:25,127.0.0.1:25'), ['listen.smtp']);
  assert.deepEqual(faultPaths('metrics.listen=127.0.0.1:2080'), ['metrics.listen']);
  assert.deepEqual(faultPaths('listen.smtp=127.0.0.1:0', 'listen.lmtp=127.0.0.1:0'), []);
  assert.deepEqual(faultPaths('listen.smtp=[::1]:2587'), []);
});

test('a listener on all addresses takes the port from those on one', () => {
  assert.deepEqual(faultPaths('listen.smtp=0.0.0.0:2587'), ['listen.smtp']);
  assert.deepEqual(faultPaths('listen.smtp=[::]:25,[::1]:25'), ['listen.smtp']);
  assert.deepEqual(faultPaths('listen.smtp=0.0.0.0:25,[::]:25'), []);
});

test('LMTP off loopback needs an allow list', () => {
  assert.deepEqual(faultPaths('listen.lmtp=0.0.0.0:24'), ['listen.lmtp']);
  assert.deepEqual(faultPaths('listen.lmtp=0.0.0.0:24', 'lmtp.networks=10.0.0.0/8'), []);
  assert.deepEqual(faultPaths('listen.lmtp=127.0.0.2:24,[::1]:24'), []);
});

test('certificate and key go together and must be readable files', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'chaski-rules-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'x.pem');
  writeFileSync(file, '');
  assert.deepEqual(faultPaths(`tls.cert=${file}`), ['tls.cert']);
  assert.deepEqual(faultPaths(`tls.key=${file}`), ['tls.key']);
  assert.deepEqual(faultPaths(`tls.cert=${file}`, `tls.key=${file}`), []);
  assert.deepEqual(faultPaths(`tls.cert=${file}.no`, `tls.key=${folder}`), ['tls.cert', 'tls.key']);
});

test('pools name sources, rules name pools, and proxies can be used as they are set', (t) => {
  const sources = (table: unknown) => `relay.sources=${JSON.stringify(table)}`;
  const pools = (table: unknown) => `relay.pools=${JSON.stringify(table)}`;
  const one = { a: { sources: { x: 1 } } };
  assert.deepEqual(faultPaths(sources({ x: {} }), pools(one), 'relay.pool=a'), []);
  assert.deepEqual(faultPaths(sources({ y: {} }), pools(one)), ['relay.pools']);
  assert.deepEqual(faultPaths(sources({ x: {} }), 'relay.pool=a'), ['relay.pool']);
  assert.deepEqual(faultPaths('relay.poolRules=[{"pool":"a"}]'), ['relay.poolRules']);
  assert.deepEqual(faultPaths(sources({ x: { proxy: 'proxy-v2://192.0.2.1:1' } })), [
    'relay.sources',
  ]);
  const user = { proxy: 'socks5://ann@192.0.2.1:1080' };
  assert.deepEqual(faultPaths(sources({ x: user })), ['relay.sources']);
  const folder = mkdtempSync(join(tmpdir(), 'chaski-rules-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const passwordFile = join(folder, 'password');
  assert.deepEqual(faultPaths(sources({ x: { ...user, passwordFile } })), ['relay.sources']);
  writeFileSync(passwordFile, 'secret\n');
  assert.deepEqual(faultPaths(sources({ x: { ...user, passwordFile } })), []);
});

test('log-in at the next server needs user, password file and encryption', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'chaski-rules-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'password');
  writeFileSync(file, 'secret\n');
  assert.deepEqual(faultPaths('relay.user=u'), ['relay.user', 'relay.user']);
  assert.deepEqual(faultPaths(`relay.passwordFile=${file}`), ['relay.passwordFile']);
  const login = ['relay.user=u', `relay.passwordFile=${file}`];
  assert.deepEqual(faultPaths(...login, 'relay.tls=required'), []);
  assert.deepEqual(faultPaths(...login, 'relay.tls=off'), ['relay.tls']);
  assert.deepEqual(faultPaths(...login, 'relay.tls=opportunistic'), ['relay.tls']);
});

test('a policy of our own needs a place where others can fetch it', () => {
  const url = 'public.url=https://web.example.org';
  const http = 'listen.http=127.0.0.1:8080';
  assert.deepEqual(faultPaths('mtaSts.mode=enforce', http), ['mtaSts.mode']);
  assert.deepEqual(faultPaths('mtaSts.mode=testing', 'listen.http=', url), ['mtaSts.mode']);
  assert.deepEqual(faultPaths('mtaSts.mode=enforce', http, url), []);
  assert.deepEqual(faultPaths('mtaSts.mode=off'), []);
});

test('the shortest retry wait is not longer than the longest', () => {
  assert.deepEqual(faultPaths('relay.retryMsMin=2h', 'relay.retryMsMax=1h'), ['relay.retryMsMin']);
  for (const why of ['greylist', 'rate', 'overQuota', 'block']) {
    const least = `retry.${why}MsMin`;
    assert.deepEqual(faultPaths(`${least}=12h`), [least]);
  }
});

test('more threads than shards, and messages larger than their memory, are faults', () => {
  assert.deepEqual(faultPaths('workers=5', 'shards=4'), ['workers']);
  assert.deepEqual(faultPaths('workers=5'), []);
  assert.deepEqual(faultPaths('smtp.messageBytesMax=1GiB'), ['smtp.messageBytesMax']);
  assert.deepEqual(faultPaths('memory.bytesMax=200MiB'), ['memory.bytesMax']);
});

test('a limit of messages a command is none, or large enough to work with', () => {
  assert.deepEqual(faultPaths('imap.messagesPerCommandMax=999'), ['imap.messagesPerCommandMax']);
  const saved = 'imap.savedMessagesPerCommandMax';
  assert.deepEqual(faultPaths(`${saved}=1`), [saved]);
  assert.deepEqual(faultPaths('imap.messagesPerCommandMax=1000', `${saved}=0`), []);
});

test('a rule is not asked about a setting that is a fault already', () => {
  assert.deepEqual(faultPaths('workers=5', 'shards=-4'), ['shards']);
});

test('an authority needs its terms agreed to, names, and a listener for its proofs', () => {
  const on = 'acme.directory=https://ca.example/directory';
  const agreed = 'acme.agreesToTerms=true';
  const named = 'acme.certificates={"mail":{"names":["mx.example.org"]}}';
  assert.deepEqual(faultPaths(on, agreed, named), []);
  assert.deepEqual(faultPaths(on, named), ['acme.directory']);
  assert.deepEqual(faultPaths(on, agreed), ['acme.directory']);
  assert.deepEqual(faultPaths(on, agreed, named, 'listen.http='), ['listen.http']);
  const byTls = 'acme.challenge=tls-alpn-01';
  assert.deepEqual(faultPaths(on, agreed, named, byTls), ['acme.challenge']);
  assert.deepEqual(faultPaths(on, agreed, named, byTls, 'listen.https=127.0.0.1:0'), []);
  assert.deepEqual(faultPaths(on, agreed, named, 'acme.bindingKeyId=k'), ['acme.bindingKeyId']);
  assert.deepEqual(faultPaths('acme.directory=http://ca.example/'), ['acme.directory']);
  const wild = 'acme.certificates={"mail":{"names":["*.example.org"]}}';
  assert.deepEqual(faultPaths(wild), ['acme.certificates']);
  const reserved = 'acme.certificates={"default":{"names":["mx.example.org"]}}';
  assert.deepEqual(faultPaths(reserved), ['acme.certificates']);
});

test('rows of client certificates say by what they go, and lists of revoked ones need a CA', () => {
  const rows = (text: string) => faultPaths(`clientCertificate.accounts=${text}`);
  assert.deepEqual(rows('[{"account":"a@b.example","subject":"CN=a"}]'), []);
  assert.deepEqual(rows('[{"account":"a@b.example"}]'), ['clientCertificate.accounts']);
  const short = '[{"account":"a@b.example","fingerprint":"9f86"}]';
  assert.deepEqual(rows(short), ['clientCertificate.accounts']);
  const crl = `clientCertificate.crl=${import.meta.filename}`;
  assert.deepEqual(faultPaths(crl), ['clientCertificate.crl']);
  assert.deepEqual(faultPaths('clientCertificate.listeners=smtp'), ['clientCertificate.listeners']);
});

test('an issuer of tokens says where it is, whom its tokens are for, and whose accounts they open', () => {
  const row = (changes: object) => {
    const whole = { url: 'https://id.example', audiences: ['mail'], domains: ['example.org'] };
    return faultPaths(`oidc.issuers=${JSON.stringify({ company: { ...whole, ...changes } })}`);
  };
  const wrong = ['oidc.issuers'];
  assert.deepEqual(row({}), []);
  assert.deepEqual(row({ url: 'http://127.0.0.1:8080/realms/a' }), []);
  for (const url of ['http://id.example', 'https://id.example/?a=b', 'https://u@id.example', 'id'])
    assert.deepEqual(row({ url }), wrong, url);
  assert.deepEqual(row({ audiences: [] }), wrong);
  assert.deepEqual(row({ domains: [] }), wrong);
  assert.deepEqual(row({ domains: ['*'] }), wrong);
  assert.deepEqual(row({ claim: 'nickname' }), wrong);
  const accounts = { 17: 'ann@example.org' };
  assert.deepEqual(row({ accounts }), wrong, 'by email nobody looks at them');
  assert.deepEqual(row({ claim: 'sub', accounts }), []);
  assert.deepEqual(row({ claim: 'sub', accounts: { 17: '' } }), wrong);
  assert.deepEqual(row({ secondFactor: ['mfa'] }), []);
  assert.deepEqual(row({ algorithm: 'none' }), wrong);
});

test('an issuer that opens the web knows this server by a name, and where browsers come back to', () => {
  const secret = import.meta.filename;
  const row = (changes: object, ...more: string[]) => {
    const whole = { url: 'https://id.example', audiences: ['mail'], domains: ['example.org'] };
    const rows = { company: { ...whole, ...changes } };
    return faultPaths(`oidc.issuers=${JSON.stringify(rows)}`, ...more);
  };
  const wrong = ['oidc.issuers'];
  const url = 'public.url=https://mail.example.org';
  assert.deepEqual(row({ clientId: 'a', web: true }, url), []);
  assert.deepEqual(row({ clientId: 'a', web: true }), wrong, 'no way back');
  assert.deepEqual(row({ web: true }, url), wrong);
  assert.deepEqual(row({ web: 'yes', clientId: 'a' }, url), wrong);
  assert.deepEqual(row({ clientId: 'a', clientSecretFile: secret, introspection: true }), []);
  assert.deepEqual(row({ clientId: 'a', introspection: true }), wrong);
  assert.deepEqual(row({ clientSecretFile: secret }), wrong);
  assert.deepEqual(row({ clientId: 'a', clientSecretFile: '/nowhere/secret' }), wrong);
  assert.deepEqual(row({ scopes: ['openid', 'email', 'offline_access'] }), []);
  for (const scopes of [['email'], ['openid', 'two words'], []])
    assert.deepEqual(row({ scopes }), wrong);
});

test('a directory that checks passwords is named whole, and each domain has one', () => {
  const row = { urls: ['ldaps://dc.example.org'], domains: ['a.test'], baseDn: 'dc=a,dc=test' };
  const faults = (rows: unknown) => faultPaths(`ldap.sources=${JSON.stringify(rows)}`);
  const wrong = ['ldap.sources'];
  assert.deepEqual(faults({ office: row }), []);
  for (const changes of [
    ...[{ urls: [] }, { urls: ['https://x'] }, { urls: ['ldap://u:p@x'] }, { urls: ['ldapi://x'] }],
    ...[{ domains: [] }, { domains: ['no domain'] }, { baseDn: '' }, { baseDn: 'office' }],
    ...[{ filter: '(uid=ann)' }, { filter: '(mail={adress})' }, { filter: 'mail={address}' }],
    ...[{ filter: '(mail={address}' }, { filter: ')mail={address}(' }, { startTls: 'maybe' }],
    ...[{ bindDn: 'cn=x' }, { passwordFile: '/none' }, { address: 'a=b' }, { caFile: '/none' }],
    ...[{ createsAccounts: 'yes' }, { other: 1 }, { createsAccounts: true, address: '' }],
  ])
    assert.deepEqual(faults({ office: { ...row, ...changes } }), wrong, JSON.stringify(changes));
  assert.deepEqual(faults({ office: { ...row, createsAccounts: true } }), []);
  assert.deepEqual(faults({ office: { ...row, address: '' } }), []);
  assert.deepEqual(faults({ office: row, other: { ...row, domains: ['A.test'] } }), wrong);
  assert.deepEqual(faults({ office: row, other: { ...row, domains: ['b.test'] } }), []);
});
