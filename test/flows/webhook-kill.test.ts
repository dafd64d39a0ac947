/**
 * Aim: a webhook's cursor outlives the server: after a kill and a restart it goes on where it was, tells all there is
 *      of mail that was acknowledged, and what it tells twice has the same id and the same words.
 * Method: a server process of its own, SIGKILL between requests and answers, the receiver in this process.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { type Environment, relayEnvironment, serve } from '../../bench/servers/chaski.ts';
import { freePort, untilGreets } from '../../bench/servers/free-port.ts';
import type { EventView } from '../../src/actors/asks/control.ts';
import { commandOut } from '../support/account-mail.ts';
import { NextHop } from '../support/next-hop.ts';
import { eventually } from '../support/test-server.ts';
import { WebhookReceiver } from '../support/webhook-receiver.ts';

async function made(environment: Environment, url: string): Promise<string> {
  const run = (...args: string[]) => commandOut(args, environment);
  await run('tenant', 'create', 'acme');
  await run('domain', 'create', 'acme.test', '--tenant', 'acme');
  const key = await run('key', 'create', '--tenant', 'acme', '--scope', 'send', '--json');
  await run('webhook', 'add', url, '--tenant', 'acme');
  return JSON.parse(key).secret as string;
}

async function send(httpPort: number, key: string): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${httpPort}/api/v1/messages`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ from: 'shop@acme.test', to: 'ann@far.test', text: 'x' }),
  });
  assert.equal(response.status, 202);
  return ((await response.json()) as { ids: string[] }).ids[0]!;
}

it('a webhook goes on after a kill: nothing is lost, and what comes twice has its id', async () => {
  await using hop = await new NextHop().start();
  await using receiver = await new WebhookReceiver().start();
  const folder = mkdtempSync(join(tmpdir(), 'chaski-webhook-'));
  const [port, httpPort] = [await freePort(), await freePort()];
  const environment = {
    ...relayEnvironment(join(folder, 'data'), port, hop.port),
    CHASKI_LISTEN__HTTP: `127.0.0.1:${httpPort}`,
    CHASKI_WEBHOOK__REQUIRE_HTTPS: 'false',
    CHASKI_WEBHOOK__ALLOW_NETWORKS: '127.0.0.0/8',
    CHASKI_WEBHOOK__BATCH_COUNT_MAX: '3',
  };
  let server = serve(environment, folder);
  const told = () => receiver.of('/all').flatMap(({ events }) => events);
  const isTold = (id: string) =>
    told().some(({ message, kind }) => message === id && kind === 'delivered') || undefined;
  try {
    await untilGreets(port, 90_000, () => server.isRunning);
    const key = await made(environment, receiver.url('/all'));
    const ids: string[] = [];
    for (let kill = 0; kill < 2; kill++) {
      ids.push(await send(httpPort, key));
      await eventually('the first', () => isTold(ids.at(-1)!));
      // From here on what is told is not taken: the cursor must not pass it.
      receiver.answers.set('/all', 500);
      for (let i = 0; i < 5; i++) ids.push(await send(httpPort, key));
      await server.stop('SIGKILL');
      receiver.answers.delete('/all');
      server = serve(environment, folder);
      await untilGreets(port, 90_000, () => server.isRunning);
    }
    for (const id of ids) await eventually(`all of ${id}`, () => isTold(id));
    checkTold(told(), ids);
    // The cursor moved on over both: what was taken long ago is not told again.
    const beforeCount = told().filter(({ message }) => message === ids[0]).length;
    assert.ok(beforeCount <= 4, `${beforeCount} events of the first message`);
  } finally {
    await server.stop('SIGKILL');
    rmSync(folder, { recursive: true });
  }
});

function checkTold(events: readonly EventView[], ids: readonly string[]): void {
  const byId = new Map<string, EventView>();
  for (const event of events) {
    const before = byId.get(event.id);
    if (before !== undefined) assert.deepEqual(event, before);
    byId.set(event.id, event);
  }
  for (const id of ids) {
    const kinds = [...byId.values()].filter(({ message }) => message === id);
    // An attempt the kill cut short may be made again; what was decided is told in order.
    assert.equal(kinds[0]?.kind, 'accepted');
    assert.equal(kinds.filter(({ kind }) => kind === 'accepted').length, 1);
    assert.equal(kinds.filter(({ kind }) => kind === 'delivered').length, 1);
  }
}
