/**
 * Aim: a message handed in again with its key is the same message: at once, after a kill, by HTTP and by SMTP.
 * Method: the real server, in this process and as one of its own; a next hop that counts.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { createTransport } from 'nodemailer';
import { relayEnvironment, serve } from '../../bench/servers/chaski.ts';
import { freePort, untilGreets } from '../../bench/servers/free-port.ts';
import { commandOut } from '../support/account-mail.ts';
import { type ApiWorld, startApiWorld } from '../support/api-world.ts';
import { NextHop } from '../support/next-hop.ts';
import { eventually } from '../support/test-server.ts';

const plain = { from: 'shop@acme.test', to: 'ann@far.test', subject: 'Order 17', text: 'text' };
const headers = { 'idempotency-key': 'order 17' };

async function emptyQueue(world: ApiWorld): Promise<void> {
  await eventually('an empty queue', async () => {
    const { messageCount } = await world.test.call('queue.list', { limit: 10 });
    return messageCount === 0 ? true : undefined;
  });
}

it('the same key answers the same ids, and sends once', async () => {
  await using world = await startApiWorld();
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => world.call({ body: plain, headers })),
  );
  const ids = new Set(answers.map(({ status, value }) => `${status} ${value.ids.join()}`));
  assert.equal(ids.size, 1, [...ids].join('\n'));
  const [id] = answers[0]!.value.ids;
  const path = '/api/v1/messages?from=shop%40acme.test&to=ann%40far.test';
  const whole = 'From: shop@acme.test\r\n\r\ntext\r\n';
  assert.deepEqual((await world.call({ path, body: whole, headers })).value.ids, [id]);
  const content = Buffer.alloc(400_000).toString('base64');
  const large = { ...plain, attachments: [{ filename: 'x', content }] };
  assert.deepEqual((await world.call({ body: large, headers })).value.ids, [id]);
  const other = { 'idempotency-key': 'order 18' };
  const [one, two] = await Promise.all([
    world.call({ body: large, headers: other }),
    world.call({ body: large, headers: other }),
  ]);
  assert.deepEqual(one.value.ids, two.value.ids);
  assert.notEqual(one.value.ids[0], id);
  const foreign = { ...plain, from: 'shop@other.test' };
  const theirs = await world.call({ key: world.otherKey, body: foreign, headers });
  assert.notEqual(theirs.value.ids[0], id);
  await eventually('all three', () => (world.hop.messages.length >= 3 ? true : undefined));
  await emptyQueue(world);
  assert.equal(world.hop.messages.length, 3);
  const bad = await world.call({ body: plain, headers: { 'idempotency-key': 'x'.repeat(256) } });
  assert.deepEqual([bad.status, bad.value.error.path], [400, '/header/Idempotency-Key']);
});

it('each message of a batch is the same again', async () => {
  await using world = await startApiWorld();
  const { to: _, ...shared } = plain;
  const recipients = Array.from({ length: 20 }, (_each, i) => ({ to: `u${i}@far.test` }));
  const first = await world.call({ body: { ...shared, recipients }, headers });
  const again = await world.call({ body: { ...shared, recipients }, headers });
  assert.equal(new Set(first.value.ids).size, 20);
  assert.deepEqual(again.value.ids, first.value.ids);
  await eventually('all', () => (world.hop.messages.length >= 20 ? true : undefined));
  await emptyQueue(world);
  assert.equal(world.hop.messages.length, 20);
});

it('a message for an account is stored once', async () => {
  await using world = await startApiWorld();
  const account = 'ann@acme.test';
  await world.test.call('account.create', { address: account });
  const body = { ...plain, to: account };
  const first = await world.call({ body, headers });
  assert.equal(first.status, 202, JSON.stringify(first.value));
  assert.deepEqual((await world.call({ body, headers })).value, first.value);
  const inbox = async () => {
    const { mailboxes } = await world.test.call('mailbox.list', { account });
    return mailboxes.find(({ name }) => name === 'INBOX')!.messageCount;
  };
  await eventually('the message', async () => ((await inbox()) > 0 ? true : undefined));
  assert.equal(await inbox(), 1);
});

it('a header field means the same by SMTP, and does not leave', async () => {
  await using world = await startApiWorld();
  const send = async (fields: Record<string, string>, text = 'text') => {
    const { smtp: port } = world.test.ports;
    const transport = createTransport({ host: '127.0.0.1', port: port!, ignoreTLS: true });
    const { response } = await transport.sendMail({
      ...{ from: 'a@far.test', to: 'b@far.test', text, headers: fields },
    });
    transport.close();
    return /queued as (\w+)/.exec(response)![1]!;
  };
  const first = await send({ 'X-Chaski-Idempotency-Key': 'k-1' });
  assert.equal(await send({ 'X-CHASKI-IDEMPOTENCY-KEY': 'k-1' }), first);
  assert.notEqual(await send({ 'X-Chaski-Idempotency-Key': 'k-2' }), first);
  await eventually('both', () => (world.hop.messages.length >= 2 ? true : undefined));
  await emptyQueue(world);
  assert.equal(world.hop.messages.length, 2);
  for (const { content } of world.hop.messages) assert.doesNotMatch(content, /idempotency/i);
  const large = 'x'.repeat(70).concat('\n').repeat(6_000);
  await assert.rejects(send({ 'X-Chaski-Idempotency-Key': 'k-3' }, large), /554 5\.6\.0/);
});

it('after a kill the same key answers the same id, and the message is sent once', async () => {
  let isOpen = false;
  const reply = (command: string) =>
    !isOpen && command.startsWith('RCPT') ? '451 4.7.1 Later' : undefined;
  await using hop = await new NextHop({ reply }).start();
  const folder = mkdtempSync(join(tmpdir(), 'chaski-once-'));
  const [port, httpPort] = [await freePort(), await freePort()];
  const environment = {
    ...relayEnvironment(join(folder, 'data'), port, hop.port),
    CHASKI_LISTEN__HTTP: `127.0.0.1:${httpPort}`,
  };
  const command = async (...args: string[]) => await commandOut(args, environment);
  let server = serve(environment, folder);
  try {
    await untilGreets(port, 90_000, () => server.isRunning);
    await command('tenant', 'create', 'acme');
    await command('domain', 'create', 'acme.test', '--tenant', 'acme');
    const made = await command('key', 'create', '--tenant', 'acme', '--scope', 'send', '--json');
    const { secret } = JSON.parse(made) as { secret: string };
    const send = async () => {
      const response = await fetch(`http://127.0.0.1:${httpPort}/api/v1/messages`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${secret}`,
          'content-type': 'application/json',
          ...headers,
        },
        body: JSON.stringify(plain),
      });
      assert.equal(response.status, 202);
      return ((await response.json()) as { ids: string[] }).ids[0]!;
    };
    const id = await send();
    await server.stop('SIGKILL');
    server = serve(environment, folder);
    await untilGreets(port, 90_000, () => server.isRunning);
    assert.equal(await send(), id);
    isOpen = true;
    await command('queue', 'flush');
    await eventually('the message', () => (hop.messages.length > 0 ? true : undefined));
    assert.equal(await send(), id);
    await eventually('an empty queue', async () => {
      const { messageCount } = JSON.parse(await command('queue', 'list', '--json'));
      return messageCount === 0 ? true : undefined;
    });
    assert.equal(hop.messages.length, 1);
  } finally {
    await server.stop('SIGKILL');
    rmSync(folder, { recursive: true });
  }
});
