/**
 * Aim: a webhook gets a tenant's events, signed, in order and at least once, over failures of its receiver (over ours:
 *      webhook-kill.test.ts); it reaches nothing it should not.
 * Method: the real server, a next hop, and a receiver that answers as the test says.
 */

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { WebhookView } from '../../src/actors/asks/webhook-control.ts';
import { type ApiWorld, startApiWorld } from '../support/api-world.ts';
import { eventually } from '../support/test-server.ts';
import { type Got, WebhookReceiver } from '../support/webhook-receiver.ts';

/** As a receiver checks it: docs/events.md. */
function isSigned({ signature, body }: Got, secret: string): boolean {
  const seconds = /^t=(\d+),/.exec(signature)![1]!;
  const wanted = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex');
  return signature.split(',').includes(`v1=${wanted}`);
}

const open = { 'webhook.requireHttps': 'false', 'webhook.allowNetworks': '127.0.0.0/8' };

describe('webhooks', () => {
  let world: ApiWorld;
  let receiver: WebhookReceiver;
  let key: string;
  before(async () => {
    receiver = await new WebhookReceiver().start();
    world = await startApiWorld(open);
    const made = await world.test.call('key.create', { tenant: 'acme', scopes: ['webhooks'] });
    key = made.secret;
  });
  after(async () => {
    await world[Symbol.asyncDispose]();
    await receiver[Symbol.asyncDispose]();
  });

  async function add(path: string, more: { types?: string[]; campaign?: string } = {}) {
    return await world.test.call('webhook.add', {
      ...{ tenant: 'acme', url: receiver.url(path) },
      ...more,
    });
  }

  async function send(campaign = 'spring', by = world.key): Promise<string> {
    const from = by === world.key ? 'shop@acme.test' : 'shop@other.test';
    const body = { from, to: 'ann@far.test', text: 'x', campaign };
    return (await world.call({ body, key: by })).value.ids[0]!;
  }

  async function gets(path: string, id: string, kind: string): Promise<Got> {
    return await eventually(`${kind} of ${id} at ${path}`, () =>
      receiver
        .of(path)
        .find(({ events }) => events.some((one) => one.message === id && one.kind === kind)),
    );
  }

  async function viewOf(id: number): Promise<WebhookView> {
    const { webhooks } = await world.test.call('webhook.list', {});
    return webhooks.find((one) => one.id === id)!;
  }

  it('gets the events of its tenant, signed, each message in its order', async () => {
    const { webhook, secret } = await add('/all');
    const other = await send('spring', world.otherKey);
    const id = await send();
    const got = await gets('/all', id, 'delivered');
    assert.ok(isSigned(got, secret));
    assert.ok(!isSigned(got, `${secret}x`));
    const kinds = receiver
      .of('/all')
      .flatMap(({ events }) => events)
      .filter((event) => event.message === id)
      .map((event) => event.kind);
    assert.deepEqual(kinds, ['accepted', 'delivered']);
    assert.ok(receiver.of('/all').every(({ body }) => !body.includes(other)));
    const view = await eventually('its count', async () => {
      const now = await viewOf(webhook.id);
      return now.sentCount >= 2 ? now : undefined;
    });
    assert.equal(view.state, 'active');
    assert.equal(view.tenant, 'acme');
    await world.test.call('webhook.remove', { id: webhook.id });
  });

  it('gets the types and the campaign it asked for', async () => {
    const { webhook } = await add('/some', { types: ['delivered'], campaign: 'autumn' });
    await send('spring');
    const id = await send('autumn');
    await gets('/some', id, 'delivered');
    const all = receiver.of('/some').flatMap(({ events }) => events);
    assert.deepEqual(
      all.map((event) => [event.kind, event.message]),
      [['delivered', id]],
    );
    await world.test.call('webhook.remove', { id: webhook.id });
  });

  it('gets everything once its receiver takes it, and is seen to fail until then', async () => {
    receiver.answers.set('/flaky', 500);
    const { webhook } = await add('/flaky');
    const first = await send();
    await eventually('a failure', () => (receiver.of('/flaky').length > 0 ? true : undefined));
    const failing = await eventually('its state', async () => {
      const view = await viewOf(webhook.id);
      return view.state === 'failing' ? view : undefined;
    });
    assert.equal(failing.reason, 'status 500');
    const second = await send();
    const failedCount = receiver.of('/flaky').length;
    receiver.answers.delete('/flaky');
    await gets('/flaky', second, 'delivered');
    const taken = receiver.of('/flaky').slice(failedCount);
    const messages = taken.flatMap(({ events }) => events.map((event) => event.message));
    assert.ok(messages.includes(first));
    await eventually('its recovery', async () =>
      (await viewOf(webhook.id)).state === 'active' ? true : undefined,
    );
    await world.test.call('webhook.remove', { id: webhook.id });
  });

  it('pauses itself where the receiver is gone, holds its place, and goes on when resumed', async () => {
    receiver.answers.set('/gone', 410);
    const { webhook } = await add('/gone');
    const id = await send();
    await eventually('the pause', async () =>
      (await viewOf(webhook.id)).state === 'paused' ? true : undefined,
    );
    receiver.answers.delete('/gone');
    receiver.got.length = 0;
    await world.test.call('webhook.resume', { id: webhook.id });
    await gets('/gone', id, 'delivered');
    await world.test.call('webhook.remove', { id: webhook.id });
  });

  it('follows no redirect', async () => {
    receiver.answers.set('/moved', 302);
    const { webhook } = await add('/moved');
    await send();
    const failing = await eventually('its state', async () => {
      const view = await viewOf(webhook.id);
      return view.state === 'failing' ? view : undefined;
    });
    assert.equal(failing.reason, 'status 302');
    assert.deepEqual(receiver.of('/elsewhere'), []);
    await world.test.call('webhook.remove', { id: webhook.id });
  });

  it('sends again from an instant or a cursor, by the same ids', async () => {
    const { webhook } = await add('/again');
    const id = await send();
    const first = await gets('/again', id, 'delivered');
    await eventually('the cursor', async () =>
      (await viewOf(webhook.id)).sentCount >= 2 ? true : undefined,
    );
    receiver.got.length = 0;
    const from = first.events.find((event) => event.message === id)!.at;
    await world.test.call('webhook.replay', { id: webhook.id, from });
    const again = await gets('/again', id, 'delivered');
    const idOf = ({ events }: Got) =>
      events.find((event) => event.message === id && event.kind === 'delivered')!.id;
    assert.equal(idOf(again), idOf(first));
    assert.ok(again.events.every((event) => event.at >= from));
    await assert.rejects(world.test.call('webhook.replay', { id: webhook.id, from: 'nonsense' }));
    await world.test.call('webhook.remove', { id: webhook.id });
  });

  it('is signed by the old secret and the new one for a while', async () => {
    const { webhook, secret } = await add('/rotated');
    const rotated = await world.test.call('webhook.rotate', { id: webhook.id });
    assert.notEqual(rotated.secret, secret);
    const got = await gets('/rotated', await send(), 'delivered');
    assert.ok(isSigned(got, secret));
    assert.ok(isSigned(got, rotated.secret));
    await world.test.call('webhook.remove', { id: webhook.id });
  });

  it('is made, paused and removed by its tenant over HTTP, and by nobody else', async () => {
    const path = '/api/v1/webhooks';
    const made = await world.call({ path, key, body: { url: receiver.url('/http') } });
    assert.equal(made.status, 201);
    const id = Number(made.value['id']);
    assert.match(String(made.value['secret']), /^whsec_/);
    const listed = await world.call({ path, key, method: 'GET' });
    const views = listed.value['webhooks'] as readonly WebhookView[];
    assert.deepEqual(
      views.map((view) => view.id),
      [id],
    );
    assert.ok(!JSON.stringify(views).includes('whsec_'));
    const paused = await world.call({ path: `${path}/${id}/pause`, key });
    assert.equal(paused.value['state'], 'paused');
    const { secret: otherKey } = await world.test.call('key.create', {
      ...{ tenant: 'other', scopes: ['webhooks'] },
    });
    for (const [method, at] of [
      ['DELETE', `${path}/${id}`],
      ['POST', `${path}/${id}/resume`],
    ] as const) {
      assert.equal((await world.call({ method, path: at, key: otherKey })).status, 404);
    }
    assert.equal((await world.call({ path, key: world.key, method: 'GET' })).status, 403);
    assert.equal((await world.call({ path, key, body: { url: 'ftp://a.test/' } })).status, 400);
    const removed = await world.call({ method: 'DELETE', path: `${path}/${id}`, key });
    assert.equal(removed.status, 200);
  });
});

describe('webhooks where nothing is allowed', () => {
  it('reach no address of ours, and need https', async () => {
    await using receiver = await new WebhookReceiver().start();
    await using world = await startApiWorld({ 'webhook.requireHttps': 'false' });
    const url = receiver.url('/near');
    const { webhook } = await world.test.call('webhook.add', { tenant: 'acme', url });
    await world.call({ body: { from: 'shop@acme.test', to: 'ann@far.test', text: 'x' } });
    const failing = await eventually('its state', async () => {
      const { webhooks } = await world.test.call('webhook.list', {});
      const view = webhooks.find((one) => one.id === webhook.id)!;
      return view.state === 'failing' ? view : undefined;
    });
    assert.match(failing.reason, /leads where none may go/);
    assert.deepEqual(receiver.got, []);
  });

  it('are refused a URL without TLS', async () => {
    await using world = await startApiWorld();
    const url = 'http://acme.example/';
    await assert.rejects(world.test.call('webhook.add', { tenant: 'acme', url }), /https/);
  });
});
