/**
 * The audit log of the whole server: what is in it, what is never, and that a copy of it can be checked.
 */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import type { ControlResult } from '../../src/actors/asks/control.ts';
import { MailError } from '../../src/base/errors.ts';
import { startApiWorld } from '../support/api-world.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { WireClient } from '../support/wire-client.ts';

const run = promisify(execFile);
const chaski = join(import.meta.dirname, '../../src/cli/start.ts');

type Entry = ControlResult<'audit.list'>['entries'][number];

async function entriesOf(test: TestServer, tenant?: string): Promise<readonly Entry[]> {
  const given = tenant === undefined ? {} : { tenant };
  const { entries } = await test.call('audit.list', { ...given, limit: 1_000 });
  return entries;
}

const wordsOf = ({ principal, act, resource = '', outcome }: Entry) =>
  `${principal} ${act} [${resource}] ${outcome}`;

function textsUnder(folder: string): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((each) => each.isFile())
    .map((each) => readFileSync(join(each.parentPath, each.name), 'latin1'))
    .join('\n');
}

async function logInByImap({ ports }: TestServer, user: string, password: string) {
  const client = await WireClient.connect(ports.imap!);
  await client.line();
  client.send(Buffer.from(`a LOGIN "${user}" "${password}"\r\n`));
  const answer = await client.line();
  client.send(Buffer.from('b LOGOUT\r\n'));
  await client.closed();
  return answer;
}

async function logInByPop3({ ports }: TestServer, user: string, password: string) {
  const client = await WireClient.connect(ports.pop3!);
  await client.line();
  client.send(Buffer.from(`USER ${user}\r\nPASS ${password}\r\n`));
  const answers = [await client.line(), await client.line()];
  client.send(Buffer.from('QUIT\r\n'));
  await client.closed();
  return answers;
}

async function verify(folder: string, ...more: string[]) {
  const line = [chaski, 'audit', 'verify', folder, '--json', ...more];
  const done = await run(process.execPath, line).catch((error) => error);
  return { code: done.code ?? 0, verdict: JSON.parse(done.stdout) };
}

describe('the audit log', () => {
  it('has each act before and after it is done, with whose it is, and lets a tenant see its own', async () => {
    await using test = await startTestServer();
    await test.call('tenant.create', { name: 'acme' });
    await test.call('domain.create', { name: 'acme.test', tenant: 'acme' });
    await test.call('account.create', { address: 'ann@acme.test', password: 'correct-horse-9' });
    await assert.rejects(test.call('domain.delete', { name: 'acme.test' }), MailError);
    await test.call('mailbox.export', { account: 'ann@acme.test' });
    await test.call('tenant.list', {});
    const entries = await entriesOf(test);
    assert.deepEqual(entries.map(wordsOf), [
      'server server.start [] done',
      'operator tenant.create [tenant acme] begun',
      'operator tenant.create [tenant acme] done',
      'operator domain.create [domain acme.test] begun',
      'operator domain.create [domain acme.test] done',
      'operator account.create [account ann@acme.test] begun',
      'operator account.create [account ann@acme.test] done',
      'operator domain.delete [domain acme.test] begun',
      'operator domain.delete [domain acme.test] failed',
      'operator mailbox.export [account ann@acme.test] begun',
      'operator mailbox.export [account ann@acme.test] done',
    ]);
    assert.equal(entries[8]!.reason, 'not-possible-now');
    assert.equal(entries[8]!.of, entries[7]!.seq);
    const own = await entriesOf(test, 'acme');
    assert.deepEqual(
      own.map(({ seq }) => seq),
      // Before they were made, tenant and domain were nobody's.
      [3, 5, 6, 7, 8, 9, 10, 11],
    );
    assert.deepEqual(await entriesOf(test, 'default'), []);
    await assert.rejects(entriesOf(test, 'nobody'), /not-found/);
  });

  it('holds no secret of any act or log-in, and nothing of a message', async () => {
    await using world = await startApiWorld({
      ...{ 'listen.imap': '127.0.0.1:0', 'listen.pop3': '127.0.0.1:0' },
      'login.clearNetworks': '127.0.0.1',
    });
    const { test } = world;
    const secrets = ['hunter2-first-secret', 'hunter2-second-secret', 'hunter2-wrong-secret'];
    await test.call('account.create', { address: 'ann@acme.test', password: secrets[0]! });
    await test.call('account.password', { address: 'ann@acme.test', password: secrets[1]! });
    const made = await test.call('key.create', { tenant: 'acme', scopes: ['webhooks'] });
    const url = 'https://hooks.acme.test/token-in-a-path-7f3a';
    const hook = await test.call('webhook.add', { tenant: 'acme', url });
    const rotated = await test.call('webhook.rotate', { id: hook.webhook.id });
    await logInByImap(test, 'ann@acme.test', secrets[2]!);
    // A password in the place of the name.
    await logInByImap(test, secrets[2]!, 'ann@acme.test');
    await logInByImap(test, 'ann@acme.test', secrets[1]!);
    await logInByPop3(test, 'ann@acme.test', secrets[1]!);
    const told = await world.call({ key: 'chaski_1_'.padEnd(52, 'x'), body: {} });
    assert.equal(told.status, 401);
    const asked = await world.call({
      key: made.secret,
      body: { from: 'ann@acme.test', to: ['bob@far.test'], text: 'a body nobody else reads' },
    });
    assert.equal(asked.status, 403);
    await test.stop();
    const text = textsUnder(join(test.folder, 'data/audit'));
    const given = [...secrets, made.secret, hook.secret, rotated.secret, url, 'a body nobody else'];
    for (const secret of given) assert.ok(!text.includes(secret), secret);
    assert.match(text, /"act":"account.password","outcome":"done"/);
    assert.match(text, /"act":"webhook.rotate","outcome":"done"/);
    assert.match(text, /"act":"log-in","outcome":"refused","principal":"nobody"/);
    assert.match(text, /"outcome":"done","principal":"account ann@acme.test".*"listener":"imap"/);
    assert.match(text, /"outcome":"done","principal":"account ann@acme.test".*"listener":"pop3"/);
    assert.match(text, /"act":"permission","outcome":"refused","principal":"key \d"/);
  });

  it('is found whole by chaski audit verify, and not whole once a tail is cut', async () => {
    const seen = { 'audit.heads.everyMs': '1s' };
    await using test = await startTestServer({ ...seen, 'audit.heads.file': '' });
    const outside = join(test.folder, 'heads.jsonl');
    await test.call('tenant.create', { name: 'acme' });
    await test.call('tenant.create', { name: 'beta' });
    await test.stop();
    const folder = join(test.folder, 'data/audit');
    const copy = join(test.folder, 'copy');
    cpSync(folder, copy, { recursive: true });
    cpSync(join(folder, 'heads.jsonl'), outside);
    const whole = await verify(copy, '--heads', outside);
    assert.deepEqual([whole.code, whole.verdict.isSound, whole.verdict.entryCount], [0, true, 6]);
    assert.equal(whole.verdict.sealedTo, 6);
    const segment = join(copy, '0000000000000001.jsonl');
    const lines = readFileSync(segment, 'utf8').split('\n');
    writeFileSync(segment, `${lines.slice(0, 4).join('\n')}\n`);
    const cut = await verify(copy, '--heads', outside);
    assert.equal(cut.code, 1);
    assert.equal(cut.verdict.firstBad, 5);
    assert.deepEqual(
      cut.verdict.findings.map(({ kind }: { kind: string }) => kind),
      ['tail-cut'],
    );
  });

  it('is written by commands on a stopped store, too, in the same chain', async () => {
    await using test = await startTestServer();
    await test.call('tenant.create', { name: 'acme' });
    await test.stop();
    const set = ['--set', `data.dir=${test.folder}/data`, '--set', 'hostname=mx.test'];
    await run(process.execPath, [chaski, 'tenant', 'create', 'beta', ...set]);
    const { stdout } = await run(process.execPath, [chaski, 'audit', 'list', '--json', ...set]);
    const entries = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Entry);
    assert.deepEqual(
      entries.map(({ act, outcome }) => `${act} ${outcome}`),
      [
        ...['server.start done', 'tenant.create begun', 'tenant.create done', 'server.stop done'],
        ...['tenant.create begun', 'tenant.create done'],
      ],
    );
    const { verdict } = await verify(join(test.folder, 'data/audit'));
    assert.equal(verdict.isSound, true);
    assert.equal(verdict.sealedTo, 6);
  });
});
