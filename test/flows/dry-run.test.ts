/**
 * Aim: a dry run by HTTP is judged as the message would be, and leaves nothing behind. Method: the real server, a next
 * hop that must get nothing, and the queue, events and keys looked at afterwards.
 */

import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { type ApiWorld, startApiWorld } from '../support/api-world.ts';

const from = 'Shop <shop@acme.test>';
const plain = { from, to: 'ann@far.test', subject: 'Hello', text: 'text' };
const whole = '/api/v1/messages?from=shop%40acme.test&to=ann%40far.test';

let world: ApiWorld;
before(async () => {
  world = await startApiWorld({ 'smtp.messageBytesMax': '2MiB' });
  const { test } = world;
  await test.call('account.create', { address: 'bob@acme.test' });
  await test.call('alias.set', {
    address: 'all@acme.test',
    targets: ['bob@acme.test', 'cy@far.test'],
    mustBeNew: true,
  });
  const entries = [{ address: 'gone@far.test', stream: '', reason: 'manual' as const }];
  await test.call('suppression.add', { tenant: 'acme', entries });
});
after(async () => {
  await world[Symbol.asyncDispose]();
});

const dry = (body: object) => world.call({ body: { ...plain, ...body, dryRun: true } });

async function leftBehind() {
  const { messageCount } = await world.test.call('queue.list', { limit: 10 });
  const { events } = await world.test.call('events', { after: 'start', limit: 1_000 });
  const { mailboxes } = await world.test.call('mailbox.list', { account: 'bob@acme.test' });
  const stored = mailboxes.reduce((sum, { messageCount: count }) => sum + count, 0);
  const mail = events.filter(({ kind }) => kind !== 'admin');
  return [messageCount, mail.length, stored, world.hop.messages.length];
}

it('says what would be sent, and to whom', async () => {
  const { status, value } = await dry({ to: ['ann@far.test', 'all@acme.test'] });
  assert.equal(status, 200, JSON.stringify(value));
  const [message] = value.messages as readonly { readonly bytes: number }[];
  assert.ok(message!.bytes > 100 && message!.bytes < 1_000, `${message!.bytes}`);
  assert.deepEqual(value, {
    dryRun: true,
    messages: [
      {
        from: 'shop@acme.test',
        to: ['ann@far.test', 'bob@acme.test', 'cy@far.test'],
        bytes: message!.bytes,
      },
    ],
  });
  const large = 'x'.repeat(70).concat('\r\n').repeat(10_000);
  const raw = `From: shop@acme.test\r\n\r\n${large}`;
  const answer = await world.call({ path: `${whole}&dryRun=true`, body: raw });
  assert.deepEqual(answer.value.messages, [
    { from: 'shop@acme.test', to: ['ann@far.test'], bytes: raw.length },
  ]);
  assert.equal((await world.call({ path: `${whole}&dryRun=true`, body: plain })).status, 200);
  assert.deepEqual(await leftBehind(), [0, 0, 0, 0]);
});

it('tells of each message of a batch: suppressed, too large, or to be sent', async () => {
  const text = '{{text}}';
  const copy = (to: string, value: string) => ({ to, variables: { text: value } });
  const recipients = [copy('ann@far.test', 'a'), copy('gone@far.test', 'b')];
  const { to: _, ...shared } = plain;
  const answer = await world.call({ body: { ...shared, text, recipients, dryRun: true } });
  assert.equal(answer.status, 200);
  const { messages, failures, suppressed } = answer.value;
  assert.deepEqual(
    (messages as readonly ({ readonly to: unknown } | null)[]).map((each) => each?.to ?? null),
    [['ann@far.test'], null],
  );
  const told = (failures as readonly { readonly index: number; readonly code: string }[]).map(
    ({ index, code }) => [index, code],
  );
  assert.deepEqual(told, [[1, 'recipient-suppressed']]);
  assert.deepEqual(suppressed, [{ index: 1, address: 'gone@far.test', reason: 'manual' }]);
  assert.deepEqual(await leftBehind(), [0, 0, 0, 0]);
});

it('is refused where the message would be, for what the server’s threads refuse, too', async () => {
  const cases: readonly (readonly [object, number, string])[] = [
    [{ to: 'nobody@acme.test' }, 400, 'account-missing'],
    [{ to: 'gone@far.test' }, 403, 'recipient-suppressed'],
    [{ from: 'a@other.test' }, 403, 'sender-not-allowed'],
    [{ text: 'x'.repeat(2_200_000) }, 413, 'message-too-large'],
    [{ dryRun: 'yes' }, 400, 'argument-invalid'],
  ];
  for (const [body, status, code] of cases) {
    const answer = await world.call({ body: { ...plain, dryRun: true, ...body } });
    assert.deepEqual([answer.status, answer.value.error?.code], [status, code], code);
  }
  const looping = 'Received: x\r\n'.repeat(51).concat('From: shop@acme.test\r\n\r\nx\r\n');
  for (const path of [whole, `${whole}&dryRun=true`]) {
    const { status, value } = await world.call({ path, body: looping });
    assert.deepEqual([status, value.error.code], [400, 'message-loops'], path);
  }
  assert.deepEqual(await leftBehind(), [0, 0, 0, 0]);
});

it('keeps no idempotency key', async () => {
  const headers = { 'idempotency-key': 'order 17' };
  const first = await world.call({ body: { ...plain, dryRun: true }, headers });
  assert.equal(first.status, 200);
  const sent = await world.call({ body: plain, headers });
  const again = await world.call({ body: plain, headers });
  assert.deepEqual([sent.status, again.value.ids], [202, sent.value.ids]);
});
