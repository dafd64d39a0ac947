/**
 * Aim: scripts run on all mail that comes into accounts, by SMTP, LMTP and submission, small and large; what they send
 *      leaves; what they refuse, the peer hears; a restart forgets nothing.
 * Method: a real server with a next hop that takes what leaves.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { NextHop } from '../support/next-hop.ts';
import {
  eventually,
  type SettingsGiven,
  startTestServer,
  type TestServer,
} from '../support/test-server.ts';
import { WireClient } from '../support/wire-client.ts';

const small =
  'From: ann@far.test\r\nTo: bob@here.test\r\nSubject: hi\r\nMessage-ID: <1@far.test>\r\n\r\ntext\r\n';
const large = small.replace('text\r\n', `${'x'.repeat(70)}\r\n`.repeat(6_000));

interface World extends AsyncDisposable {
  readonly server: TestServer;
  readonly hop: NextHop;
}

async function world(settings: SettingsGiven = {}, folder?: string): Promise<World> {
  const hop = await new NextHop({}).start();
  const starting = startTestServer(
    {
      'relay.networks': '',
      'relay.route': `smtp://127.0.0.1:${hop.port}`,
      'verification.isOn': 'false',
      ...settings,
    },
    folder === undefined ? {} : { folder },
  );
  const server = await starting.catch(async (error: unknown) => {
    await hop[Symbol.asyncDispose]();
    throw error;
  });
  return {
    server,
    hop,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await hop[Symbol.asyncDispose]();
    },
  };
}

async function withAccounts(play: World): Promise<void> {
  await play.server.call('domain.create', { name: 'here.test' });
  for (const name of ['bob', 'eve']) {
    await play.server.call('account.create', { address: `${name}@here.test` });
  }
}

async function script(play: World, source: string, account = 'bob@here.test'): Promise<void> {
  const put = { account, name: 'main', source, activate: true };
  const { faults } = await play.server.call('script.put', put);
  assert.deepEqual(faults, []);
}

/** The replies to the end of the message, one for each recipient by LMTP. */
async function send(
  play: World,
  to: readonly string[],
  data = small,
  listener: 'smtp' | 'lmtp' = 'smtp',
): Promise<string[]> {
  const client = await WireClient.connect(play.server.ports[listener]!);
  await client.line();
  const hello = listener === 'smtp' ? 'HELO far.test' : 'LHLO far.test';
  const recipients = to.map((each) => `RCPT TO:<${each}>`);
  for (const line of [hello, 'MAIL FROM:<ann@far.test>', ...recipients, 'DATA']) {
    client.send(Buffer.from(`${line}\r\n`));
    let reply = await client.line();
    while (reply?.[3] === '-') reply = await client.line();
    assert.match(reply!, /^[23]/, line);
  }
  client.send(Buffer.from(`${data}.\r\n`));
  const count = listener === 'smtp' ? 1 : to.length;
  const replies: string[] = [];
  for (let i = 0; i < count; i++) replies.push((await client.line())!);
  client.destroy();
  return replies;
}

async function counts(play: World, account = 'bob@here.test'): Promise<Record<string, number>> {
  const { mailboxes } = await play.server.call('mailbox.list', { account });
  const filled = mailboxes.filter(({ messageCount }) => messageCount > 0);
  return Object.fromEntries(filled.map(({ name, messageCount }) => [name, messageCount]));
}

for (const [size, data] of [
  ['small', small],
  ['large', large],
] as const) {
  test(`a ${size} message is filed, edited and sent on as the script wants`, async () => {
    await using play = await world();
    await withAccounts(play);
    await script(
      play,
      `require ["fileinto", "mailbox", "copy", "editheader", "imap4flags"];
       fileinto :create :flags "\\\\Seen" :copy "Lists/far";
       addheader "X-Filed" "yes";
       deleteheader "Subject";
       redirect "carl@there.test";
       keep;`,
    );
    assert.match((await send(play, ['bob@here.test'], data))[0]!, /^250 /);
    assert.deepEqual(await counts(play), { 'Lists/far': 1, INBOX: 1 });
    const sent = await eventually('what goes on', () => play.hop.messages[0]);
    assert.deepEqual(sent.recipients, ['carl@there.test']);
    assert.match(sent.content, /^Delivered-To: bob@here\.test\r\nX-Filed: yes\r\n/);
    assert.doesNotMatch(sent.content, /^Subject:/m);
    assert.ok(Math.abs(sent.content.length - data.length) < 1_000);
  });

  test(`RFC 5429 §2: a ${size} message is refused in words, to all or to one by LMTP`, async () => {
    await using play = await world();
    await withAccounts(play);
    await script(play, 'require "reject"; reject "No mail\r\nof yours, please.";');
    assert.deepEqual(await send(play, ['bob@here.test'], data), [
      '550 5.7.1 No mail of yours, please.',
    ]);
    const [toBob, toEve] = await send(play, ['bob@here.test', 'eve@here.test'], data, 'lmtp');
    assert.equal(toBob, '550 5.7.1 No mail of yours, please.');
    assert.match(toEve!, /^250 /);
    // One answer for both: what one of them refuses comes back as a report.
    assert.match((await send(play, ['bob@here.test', 'eve@here.test'], data))[0]!, /^250 /);
    const report = await eventually('the report', () => play.hop.messages[0]);
    assert.deepEqual([report.sender, report.recipients], ['', ['ann@far.test']]);
    assert.match(report.content, /550 5\.7\.1 No mail of yours, please\./);
    assert.deepEqual(await counts(play), {});
    assert.deepEqual(await counts(play, 'eve@here.test'), { INBOX: 2 });
  });

  test(`a ${size} message is answered once, and discarded`, async () => {
    await using play = await world();
    await withAccounts(play);
    await script(play, 'require "vacation"; vacation "Away."; discard;');
    for (let i = 0; i < 3; i++) {
      assert.match((await send(play, ['bob@here.test'], data))[0]!, /^250 /);
    }
    const answer = await eventually('the answer', () => play.hop.messages[0]);
    assert.deepEqual([answer.sender, answer.recipients], ['', ['ann@far.test']]);
    assert.match(answer.content, /^DKIM-Signature: /);
    assert.match(answer.content, /Auto-Submitted: auto-replied\r\n/);
    assert.deepEqual(await counts(play), {});
    assert.equal(play.hop.messages.length, 1);
  });
}

test("the server's own score marks spam of strangers, and it goes to Junk", async () => {
  await using play = await world({
    'scanners.list': JSON.stringify([{ name: 'score', kind: 'own', address: 'rules', points: 2 }]),
  });
  await withAccounts(play);
  const scam = small
    .replace('From: ann@far.test', 'From: "service@bank.test" <x@far.test>\r\nX-Spam-Flag: NO')
    .replace('hi', 'URGENT: VERIFY YOUR ACCOUNT NOW!!!')
    .replace('text\r\n', 'Dear customer, verify your account: http://192.0.2.1/login\r\n');
  assert.match((await send(play, ['bob@here.test'], scam))[0]!, /^250 /);
  assert.match((await send(play, ['bob@here.test'], small))[0]!, /^250 /);
  assert.deepEqual(await counts(play), { Junk: 1, INBOX: 1 });
});

test('two accounts that redirect to each other end with the mail in one of them', async () => {
  await using play = await world();
  await withAccounts(play);
  await script(play, 'redirect "eve@here.test";');
  await script(play, 'redirect "bob@here.test";', 'eve@here.test');
  assert.match((await send(play, ['bob@here.test']))[0]!, /^250 /);
  await eventually('the mail', async () => ((await counts(play)).INBOX === 1 ? true : undefined));
  assert.deepEqual(await counts(play, 'eve@here.test'), {});
});

test('a script that sends mail to its own account is kept with a warning, and mail comes back; an empty one is not', async () => {
  await using play = await world();
  await withAccounts(play);
  const put = { account: 'bob@here.test', name: 'main', activate: true };
  const answer = await play.server.call('script.put', {
    ...put,
    source: 'redirect "Bob@here.test";',
  });
  assert.equal(answer.isKept, true);
  assert.match(answer.warnings[0]!.message, /^bob@here\.test is this account/);
  const empty = await play.server.call('script.put', { ...put, source: '' });
  assert.deepEqual([empty.isKept, empty.faults.length], [false, 1]);
  assert.match((await send(play, ['bob@here.test']))[0]!, /^250 /);
  await eventually('the mail', async () => ((await counts(play)).INBOX === 1 ? true : undefined));
});

test("the server's scripts stand around an account's own, and live through a restart", async () => {
  const folder = mkdtempSync(join(tmpdir(), 'chaski-test-'));
  const before = join(folder, 'before.sieve');
  writeFileSync(
    before,
    'require "fileinto"; if header :contains "Subject" "viagra" { fileinto "Junk"; }',
  );
  try {
    const settings = { 'sieve.beforeFile': before };
    const spam = small.replace('hi', 'viagra');
    {
      await using play = await world(settings, folder);
      await withAccounts(play);
      await script(play, 'require "fileinto"; fileinto "Archive";');
      await send(play, ['bob@here.test'], spam);
      await send(play, ['bob@here.test']);
      assert.deepEqual(await counts(play), { Junk: 1, Archive: 1 });
    }
    await using play = await world(settings, folder);
    await send(play, ['bob@here.test'], spam);
    await send(play, ['bob@here.test']);
    assert.deepEqual(await counts(play), { Junk: 2, Archive: 2 });
    const { scripts } = await play.server.call('script.list', { account: 'bob@here.test' });
    assert.deepEqual(scripts, [{ name: 'main', isActive: true, bytes: 39 }]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a server's script with faults is told of before the server starts", async () => {
  const folder = mkdtempSync(join(tmpdir(), 'chaski-test-'));
  const after = join(folder, 'after.sieve');
  writeFileSync(after, 'keep;\nfileinto "Junk";\n');
  try {
    await assert.rejects(world({ 'sieve.afterFile': after }), /after\.sieve:2:1: /);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a snoozed message lies apart until its time, over a restart, and is back after it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'chaski-test-'));
  try {
    {
      await using play = await world({}, folder);
      await withAccounts(play);
      const soon = new Date(Date.now() + 4_000).toISOString().slice(11, 19);
      await script(play, `require "snooze"; snooze "${soon}";`);
      await send(play, ['bob@here.test']);
      assert.deepEqual(await counts(play), { Snoozed: 1 });
    }
    await using play = await world({}, folder);
    await eventually('the message', async () => (await counts(play)).INBOX);
    assert.deepEqual(await counts(play), { INBOX: 1 });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
