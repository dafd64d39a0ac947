/**
 * Aim: a bounce that comes by mail finds the message it is about, and nothing else is taken at its domain. Method: the
 * real server, a next hop, and mail to the return path that the hop was given.
 */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { NextHop } from '../support/next-hop.ts';
import { smtpReplies } from '../support/small-mail.ts';
import { eventually, startTestServer, type TestServer } from '../support/test-server.ts';

const settings = (hop: NextHop) => ({
  'relay.route': `smtp://127.0.0.1:${hop.port}`,
  'feedback.bounceDomain': 'bounces.test',
  'feedback.hardBounceMs': '30d',
});

async function eventOf(test: TestServer, kind: string) {
  return await eventually(kind, async () => {
    const { events } = await test.call('events', { after: 'start', limit: 1_000 });
    return events.find((event) => event.kind === kind);
  });
}

const report = (recipient: string, status: string) =>
  [
    'From: MAILER-DAEMON@mx.far.test',
    'Content-Type: multipart/report; report-type=delivery-status; boundary=b',
    '',
    '--b',
    'Content-Type: message/delivery-status',
    '',
    'Reporting-MTA: dns; mx.far.test',
    '',
    `Final-Recipient: rfc822; ${recipient}`,
    'Action: failed',
    `Status: ${status}`,
    '--b--',
    '.',
  ].join('\r\n');

it('each recipient gets a return path of its own, whose bounce is told and suppresses', async () => {
  await using hop = await new NextHop().start();
  await using test = await startTestServer(settings(hop));
  const [, , , , queued] = await smtpReplies(test, [
    'MAIL FROM:<news@here.test>',
    'RCPT TO:<ann@far.test>',
    'RCPT TO:<bob@far.test>',
    'DATA',
    'Subject: x\r\n\r\nx\r\n.',
  ]);
  const id = /queued as (\w+)/.exec(queued!)![1];
  await eventually('both copies', () => (hop.messages.length === 2 ? true : undefined));
  const [ann, bob] = ['ann@far.test', 'bob@far.test'].map(
    (name) => hop.messages.find(({ recipients }) => recipients[0] === name)!,
  );
  assert.match(ann!.sender, /^b-[0-9a-z]{48}@bounces\.test$/);
  assert.notEqual(ann!.sender, bob!.sender);

  // Somebody else's address in the report changes nothing: the return path was Ann's.
  const replies = await smtpReplies(test, [
    'MAIL FROM:<>',
    `RCPT TO:<${ann!.sender}>`,
    'DATA',
    report('bob@far.test', '5.1.1'),
  ]);
  assert.match(replies[3]!, /^250 /);
  const event = await eventOf(test, 'bounce');
  assert.deepEqual([event.message, event.recipients, event.why], [id, ['ann@far.test'], 'address']);
  const { entries } = await test.call('suppression.list', { tenant: 'default', limit: 10 });
  assert.deepEqual(
    entries.map(({ address, reason }) => [address, reason]),
    [['ann@far.test', 'hard-bounce']],
  );
  assert.ok(entries[0]!.untilMs > Date.now() + 29 * 86_400_000);
});

it('at the bounce domain only what we signed is taken, and only from the null sender', async () => {
  await using hop = await new NextHop().start();
  await using test = await startTestServer(settings(hop));
  await smtpReplies(test, ['MAIL FROM:<a@here.test>', 'RCPT TO:<ann@far.test>', 'DATA', 'x\r\n.']);
  await eventually('the copy', () => hop.messages[0]);
  const path = hop.messages[0]!.sender;
  const bent = path.replace(
    /^(b-.{20})./,
    (_, head: string) => `${head}${path[22] === '7' ? '8' : '7'}`,
  );
  const replies = await smtpReplies(test, [
    'MAIL FROM:<spam@else.test>',
    `RCPT TO:<${path}>`,
    'RSET',
    'MAIL FROM:<>',
    `RCPT TO:<${bent}>`,
    'RCPT TO:<anybody@bounces.test>',
    `RCPT TO:<${path.toUpperCase()}>`,
  ]);
  assert.match(replies[1]!, /^550 5\.7\.1 /);
  assert.match(replies[4]!, /^550 5\.1\.1 /);
  assert.match(replies[5]!, /^550 5\.1\.1 /);
  assert.match(replies[6]!, /^250 /);
});

it('a server that refuses a recipient for good has it suppressed; reports go to the sender as ever', async () => {
  const reply = (command: string) =>
    /^RCPT.*<gone@/.test(command) ? '550 5.1.1 No such user' : undefined;
  await using hop = await new NextHop({ reply }).start();
  await using test = await startTestServer(settings(hop));
  await test.call('domain.create', { name: 'here.test' });
  await test.call('account.create', { address: 'ann@here.test' });
  await smtpReplies(test, [
    'MAIL FROM:<ann@here.test>',
    'RCPT TO:<gone@far.test>',
    'DATA',
    'x\r\n.',
  ]);
  await eventually('the report', async () => {
    const { account } = await test.call('account.show', { address: 'ann@here.test' });
    return account.messageCount === 1 ? true : undefined;
  });
  const replies = await smtpReplies(test, ['MAIL FROM:<ann@here.test>', 'RCPT TO:<gone@far.test>']);
  assert.match(replies[1]!, /^550 5\.7\.1 Recipient is on your suppression list/);
});

it('who asked for reports keeps a return path of its own', async () => {
  await using hop = await new NextHop({ capabilities: ['DSN'] }).start();
  await using test = await startTestServer(settings(hop));
  await smtpReplies(test, [
    'MAIL FROM:<a@here.test>',
    'RCPT TO:<ann@far.test> NOTIFY=FAILURE',
    'DATA',
    'x\r\n.',
  ]);
  await eventually('the copy', () => hop.messages[0]);
  assert.equal(hop.messages[0]!.sender, 'a@here.test');
});

it('a tenant’s mail leaves with return paths at its own bounce domain, and bounces there find it', async () => {
  await using hop = await new NextHop().start();
  await using test = await startTestServer({
    'relay.route': `smtp://127.0.0.1:${hop.port}`,
    'feedback.tenantBounceDomains': 'acme=bounces.acme.test',
  });
  for (const tenant of ['acme', 'other']) {
    await test.call('tenant.create', { name: tenant });
    await test.call('domain.create', { name: `${tenant}.test`, tenant });
  }
  for (const tenant of ['other', 'acme']) {
    const sender = `MAIL FROM:<news@${tenant}.test>`;
    await smtpReplies(test, [sender, 'RCPT TO:<ann@far.test>', 'DATA', 'x\r\n.']);
  }
  await eventually('both', () => (hop.messages.length === 2 ? true : undefined));
  const senders = hop.messages.map(({ sender }) => sender).sort();
  assert.equal(senders[1], 'news@other.test');
  assert.match(senders[0]!, /^b-[0-9a-z]{48}@bounces\.acme\.test$/);
  const replies = await smtpReplies(test, [
    'MAIL FROM:<>',
    `RCPT TO:<${senders[0]}>`,
    'DATA',
    report('ann@far.test', '5.1.1'),
  ]);
  assert.match(replies[3]!, /^250 /);
  const { recipients } = await eventOf(test, 'bounce');
  assert.deepEqual(recipients, ['ann@far.test']);
  const { complaints } = await test.call('feedback.addresses', { tenant: 'acme' });
  assert.match(complaints, /@bounces\.acme\.test$/);
  await assert.rejects(test.call('feedback.addresses', { tenant: 'other' }), {
    code: 'not-possible-now',
  });
});
