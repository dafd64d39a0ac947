/**
 * Aim: people of a directory log in by IMAP, SMTP and the API with the password they have there, and by none that is
 *      kept here; while it is away nobody is told they are wrong; a server that stops leaves nothing open.
 * Method: the whole server and Debian's slapd; skipped, and said, without it.
 */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { ImapFlow } from 'imapflow';
import { createTransport } from 'nodemailer';
import { command } from '../support/account-mail.ts';
import { rest } from '../support/rest-client.ts';
import {
  baseDn,
  needsSlapd,
  type SlapdServer,
  serviceDn,
  startSlapd,
} from '../support/slapd-server.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const ann = 'ann@here.test';
const password = 'the word in the directory';
const tls = { rejectUnauthorized: false };

describe('log-in by a directory', needsSlapd(), () => {
  let slapd: SlapdServer;
  let server: TestServer;

  before(async () => {
    slapd = await startSlapd();
    await slapd.add({ uid: 'ann', password, attributes: { mail: [ann] } });
    await slapd.add({ uid: 'new', password, attributes: { mail: ['new@made.test'] } });
    const { url, caFile, passwordFile } = slapd;
    const row = { urls: [url], caFile, bindDn: serviceDn, passwordFile, baseDn };
    const any = '127.0.0.1:0';
    server = await startTestServer({
      ...{ 'listen.imaps': any, 'listen.submissions': any, 'listen.http': any },
      ...{ 'login.failuresMax': '100000', 'login.cacheMs': '1s', 'ldap.answerMsMax': '1s' },
      'ldap.sources': JSON.stringify({
        office: { ...row, domains: ['here.test'], enabled: 'employeeType' },
        made: { ...row, domains: ['made.test'], createsAccounts: true },
      }),
    });
    for (const name of ['here.test', 'made.test', 'kept.test'])
      await server.call('domain.create', { name });
    await server.call('account.create', { address: ann });
    await server.call('account.create', { address: 'bob@kept.test', password: 'correct horse 7' });
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    await slapd[Symbol.asyncDispose]();
  });

  async function byImap(user: string, pass: string): Promise<void> {
    const flow = new ImapFlow({
      ...{ host: '127.0.0.1', port: server.ports.imaps!, secure: true, tls, logger: false },
      auth: { user, pass },
    });
    flow.on('error', () => {});
    await flow.connect();
    await flow.logout();
  }

  async function bySmtp(user: string, pass: string): Promise<void> {
    const transport = createTransport({
      ...{ host: '127.0.0.1', port: server.ports.submissions!, secure: true, tls },
      auth: { user, pass },
    });
    try {
      await transport.verify();
    } finally {
      transport.close();
    }
  }

  async function byToken(user: string, pass: string): Promise<void> {
    const body = { name: user, password: pass };
    const { status, value } = await rest(server, 'POST /api/v1/token', { token: '', body });
    if (status !== 200) throw Object.assign(new Error(`status ${status}`), { status });
    assert.ok(value.accessToken);
  }

  for (const [name, logIn] of [
    ['IMAP', byImap],
    ['SMTP', bySmtp],
    ['the API', byToken],
  ] as const) {
    it(`${name}: the password of the directory opens, no other one does`, async () => {
      await logIn(ann, password);
      await logIn('Ann@HERE.test', password);
      await assert.rejects(logIn(ann, 'wrong'));
      await assert.rejects(logIn('*@here.test', password));
      await assert.rejects(logIn('new@here.test', password), 'of another domain');
      await logIn('bob@kept.test', 'correct horse 7');
    });
  }

  it('makes an account at its first log-in where that is asked for', async () => {
    await byImap('new@made.test', password);
    const { accounts } = await server.call('account.list', { domain: 'made.test' });
    assert.deepEqual(
      accounts.map(({ address }) => address),
      ['new@made.test'],
    );
    await bySmtp('new@made.test', password);
  });

  it('sets no password here, and says where', async () => {
    const set = server.call('account.password', { address: ann, password: 'correct horse 8' });
    await assert.rejects(set, { code: 'argument-invalid', message: /checked by office/ });
  });

  it('shows operators what it finds, and hands out all', async () => {
    const found = await server.call('ldap.find', { address: ann });
    assert.equal(found.kind, 'found');
    assert.equal(found.person?.id, `uid=ann,${baseDn}`);
    assert.equal((await server.call('ldap.find', { address: 'x@made.test' })).kind, 'missing');
    await assert.rejects(server.call('ldap.find', { address: 'x@y.test' }), { code: 'not-found' });
    assert.deepEqual(await server.call('ldap.people', { source: 'office' }), { count: 1 });
  });

  it('makes accounts of all its people when asked, as often as it is asked', async () => {
    const attributes = { mail: ['two@here.test'], employeeType: ['inactive'] };
    await slapd.add({ uid: 'two', password, attributes });
    for (const uid of ['three', 'four'])
      await slapd.add({ uid, attributes: { mail: ['twice@here.test'] } });
    const run = async (...options: string[]) => {
      const line = ['account', 'import', '--ldap', 'office', '--json', ...options];
      const { out } = await command(line, { CHASKI_DATA: server.settings.data.dir });
      const { errors, ...counts } = JSON.parse(out);
      assert.equal(errors.length, 1);
      assert.match(errors[0].reason, /twice@here.test: more than one entry/);
      return counts;
    };
    const counts = { created: 1, changed: 0, unchanged: 1, errorCount: 1 };
    assert.deepEqual(await run('--dry-run'), { isDry: true, ...counts });
    assert.deepEqual(await run(), { isDry: false, ...counts });
    assert.deepEqual(await run(), { isDry: false, ...counts, created: 0, unchanged: 2 });
    const { accounts } = await server.call('account.list', { domain: 'here.test' });
    assert.deepEqual(
      accounts.map(({ address, isEnabled, hasPassword }) => [address, isEnabled, hasPassword]),
      [
        [ann, true, false],
        ['two@here.test', false, false],
      ],
    );
  });

  it('while it is stopped, who was in lately gets in; others are put off, and are no guess', async () => {
    await delay(1_100);
    await byImap(ann, password);
    slapd.signal('SIGSTOP');
    await byImap(ann, password);
    await assert.rejects(byImap(ann, 'wrong'), { serverResponseCode: 'UNAVAILABLE' });
    await assert.rejects(bySmtp(ann, 'wrong'), { responseCode: 454 });
    await assert.rejects(byToken(ann, 'wrong'), { status: 503 });
    await byImap('bob@kept.test', 'correct horse 7');
    slapd.signal('SIGCONT');
    await delay(2_500);
    await byImap(ann, password);
  });

  it('stops while a log-in waits for a silent directory', async () => {
    await delay(1_100);
    slapd.signal('SIGSTOP');
    const waiting = assert.rejects(byImap(ann, password));
    await delay(200);
    await server.stop();
    await waiting;
    const open = process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap');
    assert.deepEqual(open, [], 'no connection is left');
    slapd.signal('SIGCONT');
  });
});
