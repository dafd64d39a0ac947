/** One-click unsubscription is limited in all, and a clock that is set back stops nobody. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Route } from '../../../../../src/edge/protocols/http/server.ts';
import { unsubscribeRoute } from '../../../../../src/edge/protocols/http/unsubscribe.ts';

function routeOf() {
  const time = { nowMs: Date.UTC(2026, 0, 1) };
  const route = unsubscribeRoute({
    clock: { nowMs: () => time.nowMs, monotonicMs: () => 0, setTimer: () => ({ cancel() {} }) },
    read: () => undefined,
    unsubscribe: async () => {},
    isHostOurs: () => true,
  });
  return { time, route };
}

async function statusOf({ methods }: Route): Promise<number> {
  const [body, bytes] = ['', Buffer.alloc(0)];
  const answer = await methods.GET!({
    ...{
      method: 'GET',
      host: 'h',
      query: new URLSearchParams(),
      body,
      bytes,
      rest: 'x',
      address: '192.0.2.1',
    },
  });
  return answer.status;
}

test('more than the limit at once are sent away, and taken again with time', async () => {
  const { time, route } = routeOf();
  let taken = 0;
  while ((await statusOf(route)) === 404) assert.ok(taken++ < 2_000);
  assert.ok(taken >= 1_000);
  time.nowMs += 5;
  assert.equal(await statusOf(route), 404);
  assert.equal(await statusOf(route), 429);
});

test('after a step of the clock back requests are taken at once', async () => {
  const { time, route } = routeOf();
  assert.equal(await statusOf(route), 404);
  time.nowMs -= 3_600_000;
  assert.equal(await statusOf(route), 404);
});
