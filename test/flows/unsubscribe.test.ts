/**
 * Aim: a reader who wants no more gets no more, by one click, by a page or by mail. Method: the real server, a hop, and
 * what programs of readers do with the fields that it was given.
 */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type ApiWorld, startApiWorld } from '../support/api-world.ts';
import { smtpReplies } from '../support/small-mail.ts';
import { eventually } from '../support/test-server.ts';

const settings = {
  'feedback.bounceDomain': 'bounces.test',
  'feedback.unsubscribeUrl': 'https://127.0.0.1',
  'feedback.unsubscribeStreams': 'acme/news',
};
const from = 'shop@acme.test';

async function sent(world: ApiWorld, body: object): Promise<string> {
  const before = world.hop.messages.length;
  const { status, value } = await world.call({ body: { from, text: 'x', ...body } });
  assert.equal(status, 202, JSON.stringify(value));
  const message = await eventually('the message', () => world.hop.messages[before]);
  return message.content.slice(0, message.content.indexOf('\r\n\r\n')).replace(/\r\n[ \t]+/g, ' ');
}

function urlOf(world: ApiWorld, header: string): string {
  const path = /^List-Unsubscribe: <https:\/\/127\.0\.0\.1(\/u\/[A-Za-z0-9_-]+)>/m.exec(header)![1];
  return `http://127.0.0.1:${world.test.ports.http}${path}`;
}

async function eventOf({ test }: ApiWorld, kind: string, recipient: string) {
  return await eventually(kind, async () => {
    const { events } = await test.call('events', { after: 'start', limit: 1_000 });
    return events.find((each) => each.kind === kind && each.recipients[0] === recipient);
  });
}

it('RFC 8058: a message of the stream has both fields, signed and closed, and others have not', async () => {
  await using world = await startApiWorld(settings);
  const news = await sent(world, { to: 'ann@far.test', campaign: 'news' });
  assert.match(news, /^List-Unsubscribe-Post: List-Unsubscribe=One-Click$/m);
  assert.match(
    news,
    /^List-Unsubscribe: <https:[^>]+>, <mailto:unsubscribe@bounces\.test\?subject=[\w-]+>$/m,
  );
  assert.doesNotMatch(/^List-Unsubscribe: .*$/m.exec(news)![0], /ann|far\.test|news/);
  const signed = /^DKIM-Signature: .* h=([^;]+);/m.exec(news)![1]!.replace(/\s/g, '').split(':');
  for (const name of ['list-unsubscribe', 'list-unsubscribe-post']) {
    assert.equal(signed.filter((each) => each === name).length, 2, name);
  }
  const fields = /^List-Unsubscribe/m;
  assert.doesNotMatch(await sent(world, { to: 'ann@far.test', campaign: 'orders' }), fields);
  assert.doesNotMatch(
    await sent(world, { to: ['ann@far.test', 'bob@far.test'], campaign: 'news' }),
    fields,
  );
});

it('one click suppresses the reader for the stream; a GET does nothing', async () => {
  await using world = await startApiWorld(settings);
  const url = urlOf(world, await sent(world, { to: 'ann@far.test', campaign: 'news' }));
  const page = await fetch(url);
  assert.equal(page.status, 200);
  assert.match(await page.text(), /<form method="post">/);
  assert.equal(page.headers.get('set-cookie'), null);
  await sent(world, { to: 'ann@far.test', campaign: 'news' });

  const click = (body: string | FormData) => fetch(url, { method: 'POST', body });
  assert.equal((await click('something=else')).status, 400);
  assert.equal((await click('List-Unsubscribe=One-Click')).status, 200);
  const event = await eventOf(world, 'unsubscribe', 'ann@far.test');
  assert.deepEqual([event.why, event.stream], ['one-click', 'news']);
  const again = { from, text: 'x', to: 'ann@far.test', campaign: 'news' };
  assert.equal((await world.call({ body: again })).status, 403);
  await sent(world, { to: 'ann@far.test', campaign: 'orders' });
  const form = new FormData();
  form.set('List-Unsubscribe', 'One-Click');
  assert.equal((await click(form)).status, 200);
  const { events } = await world.test.call('events', { after: 'start', limit: 1_000 });
  assert.equal(events.filter(({ kind }) => kind === 'unsubscribe').length, 1);
  const bent = url.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'));
  assert.equal(
    (await fetch(bent, { method: 'POST', body: 'List-Unsubscribe=One-Click' })).status,
    404,
  );
});

it('a mail to the address of the field, and the page’s button, do the same', async () => {
  await using world = await startApiWorld(settings);
  const header = await sent(world, { to: 'ann@far.test', campaign: 'news' });
  const [, address, token] = /<mailto:([^?]+)\?subject=([\w-]+)>/.exec(header)!;
  const lines = ['MAIL FROM:<ann@far.test>', `RCPT TO:<${address}>`, 'DATA'];
  const replies = await smtpReplies(world.test, [...lines, `Subject: Re: ${token}\r\n\r\n.`]);
  assert.match(replies[3]!, /^250 /);
  assert.equal((await eventOf(world, 'unsubscribe', 'ann@far.test')).why, 'mail');

  const url = urlOf(world, await sent(world, { to: 'bob@far.test', campaign: 'news' }));
  const button = await fetch(url, { method: 'POST', body: 'confirm=yes' });
  assert.match(await button.text(), /no more of these messages/);
  assert.equal((await eventOf(world, 'unsubscribe', 'bob@far.test')).why, 'page');
});

it('by SMTP a header field names the stream, and does not leave', async () => {
  await using world = await startApiWorld(settings);
  const before = world.hop.messages.length;
  const lines = ['MAIL FROM:<a@acme.test>', 'RCPT TO:<ann@far.test>', 'DATA'];
  await smtpReplies(world.test, [...lines, 'X-Chaski-Campaign: news\r\nSubject: x\r\n\r\nx\r\n.']);
  const { content } = await eventually('the message', () => world.hop.messages[before]);
  assert.match(content, /^List-Unsubscribe: /m);
  assert.doesNotMatch(content, /X-Chaski-Campaign/i);
  const entries = [{ address: 'ann@far.test', stream: 'news', reason: 'unsubscribe' }];
  await world.test.call('suppression.add', { tenant: 'acme', entries });
  await smtpReplies(world.test, [...lines, 'X-Chaski-Campaign: news\r\nSubject: x\r\n\r\nx\r\n.']);
  await eventOf(world, 'suppressed', 'ann@far.test');
  assert.equal(world.hop.messages.length, before + 1);
});

it('RFC 5965: a complaint suppresses who complained, by what we signed, for all mail of the tenant', async () => {
  await using world = await startApiWorld(settings);
  const { test } = world;
  const header = await sent(world, { to: 'ann@far.test', campaign: 'news' });
  const unsubscribe = /^List-Unsubscribe: .*$/m.exec(header)![0];
  const { complaints } = await test.call('feedback.addresses', { tenant: 'acme' });
  const report = (type: string, original: string) =>
    [
      'From: fbl@provider.test',
      'Content-Type: multipart/report; report-type=feedback-report; boundary=b',
      ...['', '--b', 'Content-Type: message/feedback-report', ''],
      ...[`Feedback-Type: ${type}`, 'User-Agent: Provider/1', 'Version: 1'],
      ...['--b', 'Content-Type: message/rfc822', '', original, '', 'text', '--b--', '.'],
    ].join('\r\n');
  const lines = ['MAIL FROM:<fbl@provider.test>', `RCPT TO:<${complaints}>`, 'DATA'];
  await smtpReplies(world.test, [...lines, report('not-spam', 'To: bob@far.test')]);
  assert.equal((await eventOf(world, 'complaint', 'bob@far.test')).why, 'not-spam');
  await smtpReplies(world.test, [
    ...lines,
    report('abuse', `To: redacted@far.test\r\n${unsubscribe}`),
  ]);
  const event = await eventOf(world, 'complaint', 'ann@far.test');
  assert.deepEqual([event.why, event.stream, event.from], ['abuse', 'news', 'Provider/1']);
  const { entries } = await test.call('suppression.list', { tenant: 'acme', limit: 9 });
  assert.deepEqual(
    entries.map(({ address, stream, reason }) => [address, stream, reason]),
    [['ann@far.test', '', 'complaint']],
  );
});
