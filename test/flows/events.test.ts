/**
 * Aim: events of all shards come in order, once, from a cursor that holds through a restart; a reader that keeps its
 *      cursor misses nothing.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import type { EventView } from '../../src/actors/asks/control.ts';
import { NextHop } from '../support/next-hop.ts';
import { sendSmall } from '../support/small-mail.ts';
import { eventually, startTestServer, type TestServer } from '../support/test-server.ts';

async function eventsAfter(test: TestServer, after: string) {
  const found: EventView[] = [];
  for (let cursor = after; ; ) {
    const page = await test.call('events', { after: cursor, limit: 8 });
    assert.deepEqual([page.isCut, page.unread], [false, []]);
    found.push(...page.events);
    cursor = page.cursor;
    if (!page.hasMore) return { found, cursor };
  }
}

it('events are read on from a cursor, over a restart of the server', async (t) => {
  const reply = (command: string) =>
    /^RCPT.*<later@/.test(command) ? '450 4.2.0 Greylisted' : undefined;
  await using hop = await new NextHop({ reply }).start();
  const settings = { 'relay.route': `smtp://127.0.0.1:${hop.port}` };
  const folder = mkdtempSync(join(tmpdir(), 'chaski-events-'));
  t.after(() => rmSync(folder, { recursive: true }));
  await using first = await startTestServer(settings, { folder });
  await first.call('domain.create', { name: 'here.test' });
  for (let i = 0; i < 10; i++) await sendSmall(first, `b${i}@far.test`);
  await sendSmall(first, 'later@far.test');
  const { found, cursor } = await eventually('all events', async () => {
    const answer = await eventsAfter(first, 'start');
    return answer.found.length >= 23 ? answer : undefined;
  });
  const kinds = (kind: string) => found.filter((event) => event.kind === kind);
  assert.deepEqual(
    ['accepted', 'delivered', 'deferred', 'admin'].map((kind) => kinds(kind).length),
    [11, 10, 1, 1],
  );
  assert.equal(new Set(found.map(({ id }) => id)).size, found.length);
  const [deferred] = kinds('deferred');
  assert.equal(deferred!.why, 'greylist');
  assert.deepEqual(deferred!.recipients, ['later@far.test']);
  await first.stop();
  await using second = await startTestServer(settings, { folder });
  await sendSmall(second, 'after@far.test');
  const later = await eventually('a delivery', async () => {
    const answer = await eventsAfter(second, cursor);
    return answer.found.some(({ kind }) => kind === 'delivered') ? answer.found : undefined;
  });
  assert.deepEqual(
    later.filter(({ recipients }) => recipients[0] === 'after@far.test').map(({ kind }) => kind),
    ['accepted', 'delivered'],
  );
  const known = new Set(found.map(({ id }) => id));
  assert.ok(later.every(({ id }) => !known.has(id)));
  await assert.rejects(second.call('events', { after: 'nonsense', limit: 1 }), /cursor/);
});
