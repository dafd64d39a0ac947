/**
 * Aim: a request whose messages are made after its answer sends each of them once, whenever the server is killed.
 * Method: the real server, in this process and killed as one of its own; a next hop that takes nothing until the end.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { relayEnvironment, serve } from '../../bench/servers/chaski.ts';
import { freePort, untilGreets } from '../../bench/servers/free-port.ts';
import { commandOut } from '../support/account-mail.ts';
import { type ApiWorld, startApiWorld } from '../support/api-world.ts';
import { NextHop } from '../support/next-hop.ts';
import { eventually } from '../support/test-server.ts';

const kills = 4;
const batchCount = 3;
const copies = 200;

function batchOf(count: number, name = 'u') {
  const recipients = Array.from({ length: count }, (_, i) => ({
    to: `${name}${i}@far.test`,
    variables: { name: `${name}${i}` },
  }));
  const text = 'Dear {{name}}, hello.';
  return { from: 'shop@acme.test', subject: 'News', text, recipients, deferGeneration: true };
}

async function ended(world: ApiWorld, batch: unknown, key?: string) {
  return await eventually('the end of a batch', async () => {
    const path = `/api/v1/batches/${batch}`;
    const { value } = await world.call({ method: 'GET', path, ...(key ? { key } : {}) });
    return value.state === 'generating' ? undefined : value;
  });
}

it('answers with the batch, and makes its messages', async () => {
  await using world = await startApiWorld();
  const entries = [{ address: 'u1@far.test', stream: '', reason: 'manual' as const }];
  await world.test.call('suppression.add', { tenant: 'acme', entries });
  const { status, value } = await world.call({ body: batchOf(3) });
  assert.deepEqual([status, value.count, value.ids], [202, 3, undefined]);
  const { state, taken, failed, ids, failures } = await ended(world, value.batch);
  assert.deepEqual([state, taken, failed], ['done', 2, 1], JSON.stringify(failures));
  const [first, refused] = ids as readonly (string | null)[];
  assert.equal(refused, null);
  assert.equal((failures as { index: number; code: string }[])[0]!.code, 'recipient-suppressed');
  await eventually('both', () => (world.hop.messages.length >= 2 ? true : undefined));
  const message = world.hop.messages.find(({ recipients }) => recipients[0] === 'u0@far.test')!;
  assert.match(message.content, /Dear u0, hello\./);
  assert.match(message.content, /^Message-ID: <\S+>\r$/m);
  const found = await world.call({ method: 'GET', path: `/api/v1/messages/${first}` });
  assert.equal(found.status, 200);
  const theirs = { method: 'GET', path: `/api/v1/batches/${value.batch}`, key: world.otherKey };
  assert.equal((await world.call(theirs)).status, 404);
  const list = await world.call({ method: 'GET', path: '/api/v1/batches' });
  assert.equal((list.value.batches as unknown[]).length, 1);
  const { batches } = await world.test.call('batch.list', { tenant: 'acme' });
  assert.deepEqual(
    batches.map(({ id, tenant }) => [id, tenant]),
    [[value.batch, 'acme']],
  );
  assert.equal((await world.test.call('batch.list', { tenant: 'other' })).batches.length, 0);
  const id = String(value.batch);
  const { batch } = await world.test.call('batch.stop', { tenant: 'acme', id });
  assert.equal(batch.state, 'done');
  const foreign = world.test.call('batch.stop', { tenant: 'other', id });
  await assert.rejects(foreign, { code: 'not-found' });
  const stopped = await world.call({ method: 'DELETE', path: `/api/v1/batches/${value.batch}` });
  assert.deepEqual([stopped.status, stopped.value.state], [200, 'done']);
});

it('what can be told of the request is told before it is answered', async () => {
  await using world = await startApiWorld();
  const { recipients: _, ...rest } = batchOf(1);
  const missing = { ...rest, recipients: [{ to: 'a@far.test' }] };
  const bad = await world.call({ body: missing });
  assert.deepEqual([bad.status, bad.value.error.path], [400, '/recipients/0/variables/name']);
  const foreign = await world.call({ body: { ...batchOf(1), from: 'a@other.test' } });
  assert.deepEqual([foreign.status, foreign.value.error.path], [403, '/from']);
  const dry = await world.call({ body: { ...batchOf(1), dryRun: true } });
  assert.deepEqual([dry.status, dry.value.dryRun], [200, true]);
  const list = await world.call({ method: 'GET', path: '/api/v1/batches' });
  assert.deepEqual(list.value.batches, []);
});

it('is made at once where mail under way is encrypted on disk', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'chaski-batches-'));
  const key = join(folder, 'transit.key');
  writeFileSync(key, `${'5a'.repeat(32)}\n`, { mode: 0o600 });
  try {
    await using world = await startApiWorld({ 'store.transitKey': `file:${key}` });
    const { status, value } = await world.call({ body: batchOf(2) });
    assert.deepEqual([status, value.ids?.length, value.batch], [202, 2, undefined]);
    const list = await world.call({ method: 'GET', path: '/api/v1/batches' });
    assert.deepEqual(list.value.batches, []);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it(`each message is sent once over ${kills} kills`, async () => {
  let isOpen = false;
  const reply = (command: string) =>
    !isOpen && command.startsWith('RCPT') ? '451 4.7.1 Later' : undefined;
  await using hop = await new NextHop({ reply }).start();
  const folder = mkdtempSync(join(tmpdir(), 'chaski-batches-'));
  const [port, httpPort] = [await freePort(), await freePort()];
  const environment = {
    ...relayEnvironment(join(folder, 'data'), port, hop.port),
    CHASKI_LISTEN__HTTP: `127.0.0.1:${httpPort}`,
  };
  const command = async (...args: string[]) => await commandOut(args, environment);
  let server = serve(environment, folder);
  const greets = () => untilGreets(port, 90_000, () => server.isRunning);
  try {
    await greets();
    await command('tenant', 'create', 'acme');
    await command('domain', 'create', 'acme.test', '--tenant', 'acme');
    const made = await command('key', 'create', '--tenant', 'acme', '--scope', 'send', '--json');
    const { secret } = JSON.parse(made) as { secret: string };
    const api = async (path: string, init: RequestInit = {}) => {
      const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' };
      const response = await fetch(`http://127.0.0.1:${httpPort}/api/v1/${path}`, {
        headers: init.method === 'POST' ? headers : { authorization: headers.authorization },
        ...init,
      });
      assert.ok(response.ok, `${response.status}`);
      return (await response.json()) as { batch: string; state: string; taken: number };
    };
    const ids: string[] = [];
    for (let batch = 0; batch < batchCount; batch++) {
      const body = JSON.stringify(batchOf(copies, `b${batch}-`));
      ids.push((await api('messages', { method: 'POST', body })).batch);
    }
    const takens: number[] = [];
    for (let kill = 0; kill < kills; kill++) {
      await sleep(100 * kill);
      await server.stop('SIGKILL');
      server = serve(environment, folder);
      await greets();
      const batches = await Promise.all(ids.map((id) => api(`batches/${id}`)));
      takens.push(batches.reduce((sum, { taken }) => sum + taken, 0));
    }
    assert.ok(
      takens.some((taken) => taken < batchCount * copies),
      'a kill came while they were made',
    );
    for (const id of ids) {
      for (let [isDone, before] = [false, -1]; !isDone; ) {
        await eventually(`more of ${id} than ${before}`, async () => {
          const { state, taken } = await api(`batches/${id}`);
          isDone = state === 'done';
          if (!isDone && taken <= before) return undefined;
          before = taken;
          return true;
        });
      }
    }
    isOpen = true;
    await command('queue', 'flush');
    await eventually('an empty queue', async () => {
      const { messageCount } = JSON.parse(await command('queue', 'list', '--json'));
      return messageCount === 0 ? true : undefined;
    });
    const sent = hop.messages.map(({ recipients }) => recipients[0]);
    assert.deepEqual([sent.length, new Set(sent).size], [batchCount * copies, batchCount * copies]);
  } finally {
    await server.stop('SIGKILL');
    rmSync(folder, { recursive: true });
  }
});
