/**
 * Aim: what a webhook is answered 200 for is in the ledger; what cannot be read, or is too large, is refused, and the
 *      listener goes on.
 * Method: a listener on a port of its own, requests by fetch and by hand.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { eventMaps } from '../../../../src/harness/collect/event-map.ts';
import { WebhookListener } from '../../../../src/harness/collect/webhook-listener.ts';
import { LedgerWriter } from '../../../../src/harness/ledger/ledger-writer.ts';

async function start(context: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'ledger-'));
  const listener = new WebhookListener(eventMaps.generic, new LedgerWriter(folder));
  const { port } = await listener.start({ host: '127.0.0.1', port: 0 });
  context.after(async () => {
    await listener.stop();
    rmSync(folder, { recursive: true });
  });
  const post = (body: string, method = 'POST') =>
    fetch(`http://127.0.0.1:${port}/any/path`, { method, body: method === 'GET' ? null : body });
  const entries = () => readFileSync(join(folder, 'reported.jsonl'), 'utf8').trim().split('\n');
  return { listener, port, post, entries };
}

const event = { id: 'm1', to: 'ann@x', event: 'delivered', at: 1_769_851_800 };

test('an event that is answered stands in the ledger', async (context) => {
  const { post, entries, listener } = await start(context);
  const response = await post(
    JSON.stringify([event, { ...event, event: 'opened' }, { event: 'sent' }]),
  );
  assert.equal(response.status, 200);
  assert.deepEqual(await response.json(), { taken: 1, passedOver: 1, unmarked: 1 });
  assert.deepEqual(
    entries().map((line) => JSON.parse(line)),
    [{ id: 'm1', to: ['ann@x'], event: 'delivered', by: 'webhook', atMs: 1_769_851_800_000 }],
  );
  assert.partialDeepStrictEqual(listener.counts, { requests: 1, events: 1, refused: 0 });
});

test('what cannot be read, other methods and too long a body are refused; the next is taken', async (context) => {
  const { post, entries, listener } = await start(context);
  const broken = await post('{"id":');
  assert.equal(broken.status, 400);
  assert.match(((await broken.json()) as { fault: string }).fault, /no JSON/);
  assert.equal((await post('', 'GET')).status, 405);
  const long = await post('x'.repeat(1024 * 1024 + 1)).catch(() => undefined);
  if (long !== undefined) assert.equal(long.status, 413);
  assert.equal((await post(`${JSON.stringify(event).padEnd(1024 * 1024)}`)).status, 200);
  assert.equal(entries().length, 1);
  assert.partialDeepStrictEqual(listener.counts, { requests: 4, events: 1, refused: 3 });
});

test('a request that is cut off leaves nothing', async (context) => {
  const { port, post, entries, listener } = await start(context);
  await new Promise<void>((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\n\r\n{"id":"m9"', () =>
        socket.destroy(),
      );
    });
    socket.once('close', () => resolve());
  });
  assert.equal((await post(JSON.stringify(event))).status, 200);
  assert.equal(entries().length, 1);
  assert.equal(listener.counts.events, 1);
});
