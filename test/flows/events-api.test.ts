/**
 * Aim: a program follows its tenant's events by HTTP, and nobody else's.
 * Method: the real server, a next hop, two tenants' keys.
 */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { EventView } from '../../src/actors/asks/control.ts';
import { type ApiWorld, startApiWorld } from '../support/api-world.ts';
import { eventually } from '../support/test-server.ts';

interface Page {
  readonly events: readonly EventView[];
  readonly cursor: string;
  readonly hasMore: boolean;
}

describe('GET /api/v1/events', () => {
  let world: ApiWorld;
  let key: string;
  let otherKey: string;
  before(async () => {
    world = await startApiWorld();
    const keyOf = async (tenant: string) =>
      (await world.test.call('key.create', { tenant, scopes: ['events'] })).secret;
    key = await keyOf('acme');
    otherKey = await keyOf('other');
  });
  after(async () => {
    await world[Symbol.asyncDispose]();
  });

  async function get(query: string, by = key) {
    const answer = await world.call({ method: 'GET', path: `/api/v1/events?${query}`, key: by });
    return { ...answer, page: answer.value as unknown as Page };
  }

  async function send(campaign: string): Promise<string> {
    const body = { from: 'shop@acme.test', to: 'ann@far.test', text: 'x', campaign };
    return (await world.call({ body })).value.ids[0]!;
  }

  /** All of a message's events, as a program that follows finds them. */
  async function follow(id: string, count: number, from: string, more = ''): Promise<EventView[]> {
    const found: EventView[] = [];
    let cursor = from;
    for (let reads = 0; reads < 20 && found.length < count; reads++) {
      const { page, status } = await get(`after=${cursor}&wait=5${more}`);
      assert.equal(status, 200);
      found.push(...page.events.filter(({ message }) => message === id));
      ({ cursor } = page);
    }
    return found;
  }

  it('tells what happened, once it happens, from a cursor on', async () => {
    const { page } = await get('after=end');
    assert.deepEqual(page.events, []);
    const id = await send('spring');
    const [accepted, delivered, ...more] = await follow(id, 2, page.cursor);
    assert.deepEqual([accepted!.kind, delivered!.kind, more], ['accepted', 'delivered', []]);
    assert.equal(delivered!.campaign, 'spring');
    assert.deepEqual(delivered!.recipients, ['ann@far.test']);
    assert.match(delivered!.reply!, /^250/);
    const again = await follow(id, 2, 'start');
    assert.deepEqual(
      again.map((event) => event.id),
      [accepted!.id, delivered!.id],
    );
  });

  it('tells only the types and the campaign asked for', async () => {
    const id = await send('autumn');
    const [event, ...more] = await follow(id, 1, 'start', '&type=delivered&campaign=autumn');
    assert.deepEqual([event!.kind, more], ['delivered', []]);
    const { page } = await get('after=start&campaign=autumn&type=accepted&type=bounced');
    assert.deepEqual(
      page.events.map(({ kind }) => kind),
      ['accepted'],
    );
  });

  it('tells nobody of another tenant', async () => {
    await send('spring');
    const { page } = await get('after=start', otherKey);
    assert.deepEqual(
      page.events.filter(({ kind }) => kind !== 'admin'),
      [],
    );
    // Its own keys and domain are told, and nothing of acme's.
    assert.ok(page.events.length > 0);
    assert.ok(page.events.every(({ detail }) => !detail!.includes('acme')));
  });

  it('needs its scope, a cursor of this server and types there are', async () => {
    assert.equal((await get('after=start', world.key)).status, 403);
    assert.equal((await get('after=nonsense')).status, 400);
    assert.equal((await get('type=nothing')).status, 400);
    assert.equal((await get('wait=61')).status, 400);
    assert.equal((await get('limit=0')).status, 400);
  });

  it('waits no longer than it was told', async () => {
    const { page } = await get('after=end');
    const started = performance.now();
    const waited = await get(`after=${page.cursor}&wait=1&campaign=never`);
    assert.deepEqual(waited.page.events, []);
    assert.ok(performance.now() - started >= 900);
  });

  it('lets a key wait with so many requests at once, and tells the next when to come again', async () => {
    const { page } = await get('after=end');
    const query = `after=${page.cursor}&wait=2&campaign=never`;
    const asked = await Promise.all(Array.from({ length: 6 }, () => get(query)));
    const refused = asked.filter(({ status }) => status === 429);
    assert.deepEqual([asked.filter(({ status }) => status === 200).length, refused.length], [4, 2]);
    assert.ok(refused.every(({ headers }) => Number(headers.get('retry-after')) > 0));
    // Without a wait, and by another key, there is room; and the places come back.
    assert.equal((await get('after=end')).status, 200);
    assert.equal((await get(`after=${page.cursor}&wait=1&campaign=never`)).status, 200);
  });

  it('gives the same stream as the command', async () => {
    const id = await send('winter');
    const events = await follow(id, 2, 'start');
    const { cursor } = (await get('after=start&limit=1')).page;
    const told = await world.test.call('events', { after: cursor, limit: 10_000 });
    const ids = new Set(told.events.map((event) => event.id));
    assert.ok(events.every((event) => ids.has(event.id)));
  });
});

it('a client that goes away gives its place to wait back; a key that asks too often comes later', async () => {
  const limits = { 'api.eventWaitsMax': '1', 'api.eventReadsPerMinuteMax': '60' };
  await using world = await startApiWorld(limits);
  const keyOf = async (tenant: string) =>
    (await world.test.call('key.create', { tenant, scopes: ['events'] })).secret;
  const [one, other] = [await keyOf('acme'), await keyOf('other')];
  const path = '/api/v1/events?after=end&wait=60&campaign=never';
  const gone = new AbortController();
  const held = fetch(`http://127.0.0.1:${world.test.ports.http}${path}`, {
    headers: { authorization: `Bearer ${one}` },
    signal: gone.signal,
  });
  const short = path.replace('wait=60', 'wait=1');
  await world.call({ method: 'GET', path: '/api/v1/events?after=end', key: other });
  await eventually('the place to be taken', async () => {
    const { status } = await world.call({ method: 'GET', path: short, key: other });
    return status === 503 ? true : undefined;
  });
  gone.abort();
  await assert.rejects(held);
  await eventually('the place to come back', async () => {
    const { status } = await world.call({ method: 'GET', path: short, key: one });
    return status === 200 ? true : undefined;
  });
  const read = { method: 'GET', path: '/api/v1/events?after=end', key: one };
  const answers = [];
  for (let i = 0; i < 61; i++) answers.push(await world.call(read));
  const late = answers.find(({ status }) => status === 429);
  assert.ok(Number(late!.headers.get('retry-after')) > 0);
});

it('410 tells that events behind a cursor are kept no more, and `start` goes on behind the gap', async () => {
  const room = { shards: '1', 'store.eventsBytesMax': '1MiB' };
  await using world = await startApiWorld(room);
  const scopes = ['send', 'events'];
  const { secret: key } = await world.test.call('key.create', { tenant: 'acme', scopes });
  const get = async (after: string) =>
    await world.call({ method: 'GET', path: `/api/v1/events?after=${after}&limit=1`, key });
  const send = async (count: number) => {
    const to = Array.from({ length: count }, (_, i) => `${'x'.repeat(60)}${i}@far.test`);
    const answer = await world.call({ key, body: { from: 'shop@acme.test', to, text: 'x' } });
    assert.equal(answer.status, 202);
  };
  await send(1);
  const cursor = await eventually('a first event', async () => {
    const { events, cursor: next } = (await get('start')).value as unknown as Page;
    return events.length > 0 ? next : undefined;
  });
  // Each of its attempts is an event: more than there is room for.
  for (let i = 0; i < 50; i++) await send(100);
  const gone = await eventually('the oldest to go', async () => {
    const answer = await get(cursor);
    return answer.status === 200 ? undefined : answer;
  });
  assert.equal(gone.status, 410);
  assert.match(gone.value.error.message, /kept no more/);
  const again = await get('start');
  assert.equal(again.status, 200);
  assert.equal((again.value as unknown as Page).events.length, 1);
});
