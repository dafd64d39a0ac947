/**
 * Aim:    once a day an account is told of what was kept apart, once of each message, and a link releases one.
 * Method: the real server with a scripted scanner beside it, and a clock of reports turned by hand.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dayMs, hourMs, minuteMs } from '../../src/base/units.ts';
import { heldMail } from '../support/account-mail.ts';
import { type RestCall, rest } from '../support/rest-client.ts';
import { badMark, ScanPeer } from '../support/scan-peer.ts';
import { SeededClock } from '../support/seeded-clock.ts';
import { eventually, startTestServer, type TestServer } from '../support/test-server.ts';
import { WireClient } from '../support/wire-client.ts';

const user = 'ann@a.test';
const host = { host: 'mail.a.test' };

async function send(server: TestServer, subject: string): Promise<void> {
  const client = await WireClient.connect(server.ports.smtp!);
  await client.line();
  for (const line of [
    ...['HELO far.test', 'MAIL FROM:<bob@far.test>', `RCPT TO:<${user}>`, 'DATA'],
    `From: bob@far.test\r\nSubject: ${subject}\r\n\r\n${badMark}\r\n.`,
  ]) {
    client.send(Buffer.from(`${line}\r\n`));
    assert.match((await client.line())!, /^[23]/);
  }
}

async function inboxOf(server: TestServer): Promise<string[]> {
  return ((await heldMail(server, user)).INBOX ?? []).map(({ text }) => text);
}

test('a digest tells of each message once, and its link releases one', async () => {
  await using peer = await ScanPeer.start('rspamd');
  const clock = new SeededClock(Math.floor(Date.now() / dayMs) * dayMs + 12 * hourMs);
  await using server = await startTestServer(
    {
      'listen.http': '127.0.0.1:0',
      'public.url': 'https://mail.a.test',
      'http.trustedProxies': '127.0.0.1',
      'spam.quarantinePercent': '200',
      // Its own mail is shown to nobody.
      'scanners.list': JSON.stringify([
        { name: 'spam', kind: 'rspamd', address: peer.address, when: 'all' },
      ]),
    },
    { reportClock: clock },
  );
  await server.call('domain.create', { name: 'a.test' });
  await server.call('account.create', { address: user });
  await send(server, `one ${badMark}`);
  await send(server, 'two');
  /** A minute passes, each timer in its turn. */
  const tick = async () => {
    clock.advance(minuteMs);
    await new Promise((resolve) => setTimeout(resolve, 50));
    clock.advance(minuteMs);
  };
  await tick();
  const digest = await eventually('the digest', async () => (await inboxOf(server))[0]);
  assert.match(digest, /^Subject: 2 messages kept apart\r$/m);
  assert.match(digest, /^Auto-Submitted: auto-generated\r$/m);
  assert.match(digest, /^Subject: one /m);
  assert.match(digest, /^Why: spam \(spam, score 250%\)\r$/m);
  const links = [...digest.matchAll(/https:\/\/mail\.a\.test(\/release\/\S+)/g)].map(
    ([, at]) => at!,
  );
  assert.equal(links.length, 2);

  const ask = (place: string, call: RestCall = {}) =>
    rest(server, place, { token: '', headers: host, ...call });
  const confirm = { bytes: 'confirm=yes', headers: { ...host, 'content-length': '11' } };
  const page = await ask(`GET ${links[1]}`);
  assert.deepEqual([page.status, page.text.includes(links[1]!)], [200, false]);
  assert.equal((await inboxOf(server)).length, 1);
  assert.equal((await ask(`GET ${links[1]}A`)).status, 404);
  assert.equal((await ask(`POST ${links[1]}x`, confirm)).status, 404);
  const released = await ask(`POST ${links[1]}`, confirm);
  assert.match(released.text, /is in your inbox/);
  assert.match((await ask(`POST ${links[1]}`, confirm)).text, /not in quarantine any more/);
  const [, second, ...others] = await inboxOf(server);
  assert.match(second!, /^Subject: two\r$/m);
  assert.deepEqual(others, []);

  await send(server, 'three');
  clock.jump(dayMs);
  await tick();
  const next = await eventually('the next digest', async () => (await inboxOf(server))[2]);
  assert.match(next, /^Subject: 1 message kept apart\r$/m);
  assert.match(next, /^Subject: three\r$/m);
  clock.jump(dayMs);
  await tick();
  assert.equal((await inboxOf(server)).length, 3);
});
