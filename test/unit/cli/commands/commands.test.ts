/** Aim: each command asks what its words say and shows the answer. Method: handlers that note what they were asked. */

import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ControlHandlers } from '../../../../src/actors/asks/control.ts';
import { MailError } from '../../../../src/base/errors.ts';
import { withCrlf } from '../../../../src/cli/commands/send.ts';
import { asked } from '../asked.ts';
import { runCli } from '../run-cli.ts';

const account = {
  address: 'ann@example.org',
  id: 7,
  tenant: 0,
  shard: 3,
  isEnabled: true,
  hasPassword: true,
  isShared: false,
  inherits: [],
  quotaBytes: 0,
  quotaMessages: 0,
  sendAs: [],
  createdMs: 0,
};
const domain = { name: 'example.org', tenant: 0, createdMs: 0, accountCount: 1, aliasCount: 0 };
const records = [
  { name: 'example.org', type: 'MX', value: '10 mail.example.org', purpose: 'Brings mail.' },
] as const;

test('domain create asks with its catch-all and prints the records as zone lines', async () => {
  const line = ['domain', 'create', 'example.org', '--catch-all', 'ann@example.org'];
  const { code, out, params } = await asked(line, 'domain.create', { domain, records });
  assert.equal(code, 0);
  assert.deepEqual(params, { name: 'example.org', catchAll: 'ann@example.org' });
  assert.match(out, /^; Brings mail\.\nexample\.org\. IN MX 10 mail\.example\.org\.$/m);
});

test('domain create names its tenant', async () => {
  const line = ['domain', 'create', 'example.org', '--tenant', 'acme'];
  const { params } = await asked(line, 'domain.create', { domain, records });
  assert.deepEqual(params, { name: 'example.org', tenant: 'acme' });
});

test('with --json the answer is one line of JSON', async () => {
  const { out } = await asked(['domain', 'show', 'example.org', '--json'], 'domain.show', {
    domain,
    records,
  });
  assert.deepEqual(JSON.parse(out), { domain, records });
  assert.equal(out.split('\n').length, 2);
});

test('account create takes the password from the first line of standard input only', async () => {
  const line = [
    'account',
    'create',
    'ann@example.org',
    '--password-stdin',
    '--quota',
    '5GiB',
    '--quota-messages',
    '1000',
    '--send-as',
    '*@example.net',
  ];
  const options = { input: 'correct horse\nnot this\n' };
  const { code, params, out } = await asked(line, 'account.create', { account }, options);
  assert.equal(code, 0);
  assert.deepEqual(params, {
    address: 'ann@example.org',
    password: 'correct horse',
    quotaBytes: 5 * 1024 ** 3,
    quotaMessages: 1_000,
    sendAs: ['*@example.net'],
  });
  assert.doesNotMatch(out, /horse/);
});

test('an empty password, a bad quota, and no password option exit 2', async () => {
  for (const [line, input] of [
    [['account', 'create', 'a@b.example', '--password-stdin'], '\n'],
    [['account', 'create', 'a@b.example', '--quota', 'much'], ''],
    [['account', 'password', 'a@b.example'], 'x\n'],
    [['account', 'set', 'a@b.example'], ''],
    [['account', 'set', 'a@b.example', '--enable', '--disable'], ''],
    [['account', 'delete', 'a@b.example'], ''],
  ] as const) {
    assert.equal((await runCli(line, { handlers: {}, input })).code, 2, line.join(' '));
  }
});

test('account set sends what is to change and nothing else', async () => {
  const { params } = await asked(
    ['account', 'set', 'ann@example.org', '--disable'],
    'account.set',
    { account },
  );
  assert.deepEqual(params, { address: 'ann@example.org', isEnabled: false });
  const line = ['account', 'set', 'ann@example.org', '--quota', '0', '--send-as', ''];
  const cleared = await asked(line, 'account.set', { account });
  assert.deepEqual(cleared.params, { address: 'ann@example.org', quotaBytes: 0, sendAs: [] });
});

test('what was changed tells the quota, and what was looked up how much of it is used', async () => {
  const line = ['account', 'set', 'ann@example.org', '--disable'];
  const set = await asked(line, 'account.set', { account });
  assert.match(set.out, /^quota: +no limit$/m);
  assert.doesNotMatch(set.out, /^(used|messages):/m);
  const full = { ...account, usedBytes: 1_024, messageCount: 2 };
  const answer = { account: full, aliases: [], limits: [] };
  const shown = await asked(['account', 'show', 'ann@example.org'], 'account.show', answer);
  assert.match(shown.out, /^used: +1\.0 KiB of no limit$/m);
  assert.match(shown.out, /^messages: +2$/m);
});

test('account password sends it and prints none', async () => {
  const line = ['account', 'password', 'ann@example.org', '--password-stdin'];
  const { params, out } = await asked(line, 'account.password', {}, { input: 's3cret\r\n' });
  assert.deepEqual(params, { address: 'ann@example.org', password: 's3cret' });
  assert.doesNotMatch(out, /s3cret/);
});

test('alias create refuses to replace unless told', async () => {
  const alias = {
    address: 's@example.org',
    tenant: 0,
    targets: ['a@example.org', 'b@example.net'],
  };
  const line = ['alias', 'create', alias.address, ...alias.targets];
  const made = await asked(line, 'alias.set', { alias });
  assert.deepEqual(made.params, {
    address: alias.address,
    targets: alias.targets,
    mustBeNew: true,
  });
  assert.equal(made.out, 's@example.org -> a@example.org, b@example.net\n');
  const replaced = await asked([...line, '--replace'], 'alias.set', { alias });
  assert.equal((replaced.params as { mustBeNew: boolean }).mustBeNew, false);
});

const entry = {
  id: '01JQ5Z8N3K7M0ABC',
  tenant: 0,
  sender: 'ann@example.org',
  bytes: 2_048,
  acceptedMs: Date.UTC(2026, 0, 2, 3, 4, 5),
  expiresMs: 0,
  shard: 1,
  recipients: [
    {
      address: 'bob@example.net',
      state: 'waiting',
      attemptCount: 2,
      nextAttemptMs: Date.UTC(2026, 0, 2, 4),
      lastReply: '451 4.3.0 Later',
      why: 'system',
    },
    {
      address: 'cy@example.net',
      state: 'delivered',
      attemptCount: 1,
      nextAttemptMs: 0,
      lastReply: '250 ok',
    },
  ],
} as const;

test('queue list shows what is open of each message, and how to go on', async () => {
  const line = ['queue', 'list', '--domain', 'example.net', '--limit', '1'];
  const scannedTo = entry.id;
  const answer = { entries: [entry], messageCount: 9, isComplete: false, scannedTo };
  const { out, params } = await asked(line, 'queue.list', answer);
  assert.deepEqual(params, { domain: 'example.net', limit: 1 });
  assert.equal(
    out,
    [
      'ID                STATE    SIZE     ACCEPTED              NEXT TRY              SENDER             TO',
      '01JQ5Z8N3K7M0ABC  waiting  2.0 KiB  2026-01-02T03:04:05Z  2026-01-02T04:00:00Z  <ann@example.org>  1 recipient',
      '9 messages in the queue. Go on with --after 01JQ5Z8N3K7M0ABC.',
      '',
    ].join('\n'),
  );
});

test('what a remote said cannot steer the terminal', async () => {
  const evil = {
    ...entry,
    recipients: [{ ...entry.recipients[0], lastReply: '550 \u001b]0;x\u0007 \u009b2J' }],
  };
  const { out } = await asked(['queue', 'show', entry.id], 'queue.show', {
    entry: evil,
    header: 'Subject: \u001b[31m\r\n',
  });
  assert.doesNotMatch(out, /[\u001b\u0007\u009b]/);
});

test('queue commands act on ids, filters or --all, and never on all by leaving all out', async () => {
  const retried = await asked(['queue', 'retry', 'A', 'B'], 'queue.retry', { count: 2 });
  assert.deepEqual([retried.params, retried.out], [{ ids: ['A', 'B'] }, 'Trying 2 messages.\n']);
  const held = await asked(['queue', 'hold', '--sender', ''], 'queue.hold', { count: 1 });
  assert.deepEqual([held.params, held.out], [{ sender: '' }, 'Holding 1 message.\n']);
  const words = [
    '--campaign',
    '',
    '--recipient',
    'b@x.test',
    '--why',
    'block',
    '--older-than',
    '2d',
  ];
  const filtered = await asked(['queue', 'hold', ...words], 'queue.hold', { count: 1 });
  assert.deepEqual(filtered.params, {
    ...{ recipient: 'b@x.test', campaign: '', why: 'block' },
    olderThanMs: 2 * 24 * 3_600_000,
  });
  const released = await asked(['queue', 'release', '--all'], 'queue.release', { count: 0 });
  assert.deepEqual(released.params, { all: true });
  const deleted = await asked(['queue', 'delete', 'A', '--bounce'], 'queue.delete', { count: 1 });
  assert.deepEqual(deleted.params, { ids: ['A'], withBounce: true });
  for (const line of [
    ['queue', 'delete'],
    ['queue', 'hold', '--all', 'A'],
    ['queue', 'retry', '--all', '--state', 'held'],
    ['queue', 'hold', '--why', 'whim'],
    ['queue', 'hold', '--older-than', 'long'],
  ]) {
    assert.equal((await runCli(line, { handlers: {} })).code, 2, line.join(' '));
  }
});

test('lines end with CRLF after send, the last one too, and bare CR stays', () => {
  const through = (text: string) => Buffer.from(withCrlf(Buffer.from(text))).toString();
  assert.equal(through('a\nb'), 'a\r\nb\r\n');
  assert.equal(through('a\r\nb\r\n'), 'a\r\nb\r\n');
  assert.equal(through('\n\na'), '\r\n\r\na\r\n');
  assert.equal(through('a\rb\n'), 'a\rb\r\n');
  assert.equal(through('a\r'), 'a\r\r\n');
});

test('send injects a file or standard input with its envelope', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'chaski-send-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'm.eml');
  await writeFile(file, 'Subject: x\n\nfile\n');
  const bodies: string[] = [];
  const handlers: ControlHandlers = {
    'message.send': (params, call) => {
      bodies.push(`${params.sender} ${params.recipients} ${Buffer.from(call.body)}`);
      return { id: 'ID', recipients: params.recipients };
    },
  };
  const envelope = ['--from', 'a@example.org', '--to', 'b@example.net', '--to', 'c@example.net'];
  const sent = await runCli(['send', file, ...envelope], { handlers });
  assert.equal(sent.out, 'Accepted as ID. Follow it with: chaski trace ID\n');
  await runCli(['send', '--from', '', '--to', 'b@example.net'], {
    handlers,
    input: 'Subject: y\n\nin\n',
  });
  assert.deepEqual(bodies, [
    'a@example.org b@example.net,c@example.net Subject: x\r\n\r\nfile\r\n',
    ' b@example.net Subject: y\r\n\r\nin\r\n',
  ]);
});

test('send needs an envelope and a message', async () => {
  const to = ['--to', 'b@example.net'];
  const from = ['--from', 'a@example.org'];
  assert.equal((await runCli(['send', ...to], { handlers: {} })).code, 2);
  assert.equal((await runCli(['send', ...from], { handlers: {} })).code, 2);
  assert.equal((await runCli(['send', ...from, ...to], { handlers: {} })).code, 1);
  assert.equal((await runCli(['send', '/nowhere.eml', ...from, ...to], { handlers: {} })).code, 1);
});

test('trace prints events, and exits 1 where nothing is known', async () => {
  const event = {
    id: 'ID',
    instantMs: 1_000,
    kind: 'deferred',
    recipient: 'b@example.net',
    detail: '451 later',
  };
  const known = await asked(['trace', 'ID'], 'trace', { events: [event], isComplete: true });
  assert.deepEqual([known.code, known.params], [0, { of: 'ID', limit: 200 }]);
  assert.equal(known.out, '1970-01-01T00:00:01Z ID deferred to=<b@example.net> 451 later\n');
  const unknown = await asked(['trace', 'X'], 'trace', { events: [], isComplete: true });
  assert.deepEqual([unknown.code, unknown.out], [1, 'Nothing is known of X.\n']);
});

test('store verify lists findings as they come and exits 1 with any', async () => {
  const finding = {
    shard: 3,
    segment: '000007',
    offset: 4_096,
    reason: 'bad seal',
    messages: ['ID'],
  };
  const sum = { shardCount: 8, recordCount: 10, bytes: 1_024, findingCount: 1 };
  const handlers: ControlHandlers = {
    'store.verify': async ({ shards }, call) => {
      assert.deepEqual(shards, [3]);
      await call.emit(finding);
      return sum;
    },
  };
  const plain = await runCli(['store', 'verify', '--shard', '3'], { handlers });
  assert.equal(plain.code, 1);
  assert.equal(
    plain.out,
    'shard 3, 000007 at 4096: bad seal; messages: ID\n10 records (1.0 KiB) in 8 shards: 1 finding.\n',
  );
  const json = await runCli(['store', 'verify', '--shard', '3', '--json'], { handlers });
  assert.deepEqual(
    json.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
    [finding, sum],
  );
});

test('mailbox export writes a folder per mailbox, never outside of it, never over a file', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'chaski-export-'));
  t.after(() => rm(folder, { recursive: true }));
  const arrivedMs = Date.UTC(2020, 1, 2);
  const names = ['INBOX', 'a/b', '../../x', '.', 'n\u0000l\\'];
  const empty = { id: 1, role: '', messageCount: 1, unseenCount: 1, bytes: 1, uidValidity: 7 };
  const asked: unknown[] = [];
  const handlers: ControlHandlers = {
    'mailbox.list': () => ({ mailboxes: names.map((name) => ({ ...empty, name })) }),
    'mailbox.export': async ({ mailbox = '', fromUid = 1 }, call) => {
      asked.push(fromUid);
      const size = mailbox.length;
      const item = { mailbox, uid: 1, internalMs: arrivedMs, flags: [], size, offset: 0 };
      if (fromUid === 1) await call.emit(item, Buffer.from(mailbox));
      return { count: 1 };
    },
  };
  const line = ['mailbox', 'export', 'ann@example.org', '--to', folder];
  assert.equal((await runCli(line, { handlers })).code, 0);
  const made = (await readdir(folder, { recursive: true })).sort();
  assert.deepEqual(
    made.filter((path) => !path.endsWith('messages.jsonl')),
    [
      ...['%2E', '%2E.', '%2E./%2E.', '%2E./%2E./x', '%2E./%2E./x/1.eml', '%2E/1.eml'],
      ...['INBOX', 'INBOX/1.eml', 'a', 'a/b', 'a/b/1.eml', 'n%00l%5C', 'n%00l%5C/1.eml'],
    ],
  );
  assert.equal(await readFile(join(folder, 'a/b/1.eml'), 'utf8'), 'a/b');
  assert.equal((await stat(join(folder, 'INBOX/1.eml'))).mtimeMs, arrivedMs);
  asked.length = 0;
  assert.equal((await runCli(line, { handlers })).code, 0);
  assert.deepEqual(asked, [2, 2, 2, 2, 2], 'it goes on behind what is there');
  await rm(join(folder, 'INBOX/messages.jsonl'));
  const foreign = await runCli(line, { handlers });
  assert.equal(foreign.code, 1);
  assert.match(foreign.error, /INBOX is there, and not from an export/);
});

test('tenant create and key create ask for what their words say', async () => {
  const tenant = { id: 1, name: 'acme', createdMs: 0 };
  const made = await asked(['tenant', 'create', 'acme', '--json'], 'tenant.create', { tenant });
  assert.deepEqual([made.params, JSON.parse(made.out)], [{ name: 'acme' }, tenant]);
  const gone = await asked(['tenant', 'delete', 'acme', '--json'], 'tenant.delete', {});
  assert.deepEqual([gone.params, JSON.parse(gone.out)], [{ name: 'acme' }, { deleted: 'acme' }]);
  const listed = await asked(['tenant', 'list', '--json'], 'tenant.list', { tenants: [tenant] });
  assert.deepEqual(JSON.parse(listed.out), [tenant]);
  const key = {
    ...{ id: 3, tenant: 'acme', name: 'shop', scopes: ['send'] },
    ...{ messagesPerMinuteMax: 60, createdMs: 0 },
  };
  const line = 'key create --tenant acme --scope send --name shop --rate 60'.split(' ');
  const given = await asked(line, 'key.create', { key, secret: 'chaski_3_x' });
  assert.deepEqual(given.params, {
    ...{ tenant: 'acme', scopes: ['send'], name: 'shop', messagesPerMinuteMax: 60 },
  });
  assert.match(given.out, /^secret: +chaski_3_x$/m);
  const keys = await asked(['key', 'list', '--tenant', 'acme'], 'key.list', { keys: [key] });
  assert.deepEqual(keys.params, { tenant: 'acme' });
  assert.match(keys.out, /^ *3 +acme +shop +send +60\/min/m);
});

test('key commands without a tenant, a scope or a number are not understood', async () => {
  const bare = ['key', 'create', '--scope', 'send'];
  for (const line of [bare, ['key', 'create', '--tenant', 'a'], ['key', 'delete', 'x', '--json']]) {
    assert.equal((await runCli(line)).code, 2, line.join(' '));
  }
});

test('init makes domain and postmaster, and prints a password it made once', async () => {
  const made: unknown[] = [];
  const handlers: ControlHandlers = {
    'domain.create': ({ name }) => ({ domain: { ...domain, name }, records }),
    'account.create': (params) => {
      made.push(params);
      return { account };
    },
  };
  const { code, out } = await runCli(['init', 'example.org', '--json'], { handlers });
  assert.equal(code, 0);
  const value = JSON.parse(out);
  assert.equal(value.password.length, 20);
  assert.deepEqual(made, [{ address: 'postmaster@example.org', password: value.password }]);
  const given = await runCli(['init', 'example.org', '--password-stdin'], {
    handlers,
    input: 'mine\n',
  });
  assert.doesNotMatch(given.out, /mine/);
});

test('init run again changes nothing', async () => {
  const there = () => {
    throw new MailError('already-exists');
  };
  const handlers: ControlHandlers = {
    'domain.create': there,
    'domain.show': () => ({ domain, records }),
    'account.create': there,
  };
  const { code, out } = await runCli(['init', 'example.org'], { handlers });
  assert.equal(code, 0);
  assert.match(out, /password: +unchanged/);
});

test('version tells Chaski’s and Node’s', async () => {
  const { code, out } = await runCli(['version', '--json']);
  assert.equal(code, 0);
  assert.equal(JSON.parse(out).node, process.versions.node);
});
