/**
 * Aim: `trace` tells all that happened to a message and to an address's mail, whichever shards had a part in it,
 *      from the running server and from its stopped store.
 * Method: the real server with a next hop that takes, refuses and defers as its recipients' names say.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createTransport } from 'nodemailer';
import type { ControlResult, TraceEvent } from '../../src/actors/asks/control.ts';
import { openOffline } from '../../src/app/offline.ts';
import { NextHop } from '../support/next-hop.ts';
import { callOn, eventually, startTestServer, type TestServer } from '../support/test-server.ts';

const names = ['ann', 'ben', 'cid', 'dee', 'eve', 'fay'];

function nextHop(): Promise<NextHop> {
  const reply = (command: string) => {
    if (/^RCPT.*<refused@/.test(command)) return '550 5.1.1 nobody here';
    return /^RCPT.*<later@/.test(command) ? '451 4.2.1 come again' : undefined;
  };
  return new NextHop({ reply }).start();
}

async function startRelay(hop: NextHop): Promise<TestServer> {
  const test = await startTestServer({ 'relay.route': `smtp://127.0.0.1:${hop.port}` });
  await test.call('domain.create', { name: 'here.test' });
  for (const name of names) await test.call('account.create', { address: `${name}@here.test` });
  return test;
}

/** Sends a message, and answers the id of the 250. */
async function send(port: number, from: string, to: readonly string[]): Promise<string> {
  const transport = createTransport({ host: '127.0.0.1', port, secure: false, ignoreTLS: true });
  try {
    const envelope = { from, to: [...to] };
    const { response } = await transport.sendMail({
      envelope,
      from,
      to: 'all@far.test',
      text: 'Hi',
    });
    return /queued as (\w+)/.exec(response)![1]!;
  } finally {
    transport.close();
  }
}

/** The trace, once it has events of all these kinds. */
function traceWith(
  test: TestServer,
  of: string,
  kinds: readonly string[],
): Promise<ControlResult<'trace'>> {
  return eventually(`${kinds} in the trace of ${of}`, async () => {
    const answer = await test.call('trace', { of, limit: 1_000 });
    return kinds.every((kind) => answer.events.some((event) => event.kind === kind))
      ? answer
      : undefined;
  });
}

function kindsFor(events: readonly TraceEvent[], recipient: string): string[] {
  return events.filter((event) => event.recipient === recipient).map((event) => event.kind);
}

describe('trace', () => {
  it('tells acceptance, delivery, refusal and bounce of one message by its id', async () => {
    await using hop = await nextHop();
    await using test = await startRelay(hop);
    const to = ['taken@far.test', 'refused@far.test'];
    const id = await send(test.ports.smtp!, 'ann@here.test', to);
    const { events, isComplete } = await traceWith(test, id, ['delivered', 'failed', 'bounced']);
    assert.equal(isComplete, true);
    assert.ok(events.every((event) => event.id === id && event.sender === 'ann@here.test'));
    assert.equal(events[0]!.kind, 'accepted');
    assert.match(
      events[0]!.detail,
      /bytes, by smtp with ESMTP from \[127\.0\.0\.1\].*2 recipients/,
    );
    assert.deepEqual(kindsFor(events, 'taken@far.test'), ['delivered']);
    assert.deepEqual(kindsFor(events, 'refused@far.test'), ['failed']);
    const failed = events.find((event) => event.kind === 'failed')!;
    assert.match(failed.detail, /550 5\.1\.1 nobody here, at 127\.0\.0\.1/);
    const instants = events.map((event) => event.instantMs);
    assert.deepEqual(
      instants,
      instants.toSorted((a, b) => a - b),
    );

    const bounced = events.find((event) => event.kind === 'bounced')!;
    const bounceId = /(\w{16})$/.exec(bounced.detail)![1]!;
    const bounce = await traceWith(test, bounceId, ['accepted', 'stored', 'delivered']);
    assert.deepEqual(kindsFor(bounce.events, 'ann@here.test').sort(), [
      'accepted',
      'delivered',
      'stored',
    ]);
    assert.equal(bounce.events.find((event) => event.kind === 'bounced')?.id, id);
  });

  it('tells of copies stored on other shards than the one that accepted', async () => {
    await using hop = await nextHop();
    await using test = await startRelay(hop);
    const locals = names.map((name) => `${name}@here.test`);
    const { accounts } = await test.call('account.list', {});
    assert.ok(new Set(accounts.map((account) => account.shard)).size > 1);
    const id = await send(test.ports.smtp!, 'x@far.test', [...locals, 'taken@far.test']);
    const { events } = await eventually('every copy', async () => {
      const answer = await test.call('trace', { of: id, limit: 1_000 });
      const stored = answer.events.filter((event) => event.kind === 'stored');
      return stored.length === locals.length ? answer : undefined;
    });
    for (const local of locals) {
      assert.equal(kindsFor(events, local)[0], 'stored', local);
      const { events: own } = await traceWith(test, local.toUpperCase(), ['stored', 'delivered']);
      assert.deepEqual(kindsFor(own, local), ['accepted', 'stored', 'delivered']);
      assert.ok(own.every((event) => event.recipient === local));
    }
  });

  it('tells of mail that went straight into an account, with where it came from', async () => {
    await using hop = await nextHop();
    await using test = await startRelay(hop);
    const id = await send(test.ports.smtp!, 'x@far.test', ['ben@here.test']);
    const { events } = await test.call('trace', { of: id, limit: 10 });
    assert.deepEqual(
      events.map((event) => [event.kind, event.recipient]),
      [['stored', 'ben@here.test']],
    );
    assert.match(events[0]!.detail, /^UID 1, by smtp with ESMTP from \[127\.0\.0\.1\]/);
  });

  it('tells of attempts put off, of the next one, and of a deletion by an operator', async () => {
    await using hop = await nextHop();
    await using test = await startRelay(hop);
    const id = await send(test.ports.smtp!, 'x@far.test', ['later@far.test']);
    const { events } = await traceWith(test, 'later@FAR.test', ['deferred']);
    const deferred = events.find((event) => event.kind === 'deferred')!;
    assert.match(deferred.detail, /^451 4\.2\.1 come again, .*attempt 1, next \d{4}-\d\d-\d\dT/);
    await test.call('queue.delete', { ids: [id], withBounce: false });
    const after = await traceWith(test, id, ['deleted']);
    assert.equal(after.events.at(-1)!.kind, 'deleted');
    const told = await test.call('events', { after: 'start', limit: 1_000 });
    assert.equal(told.events.find(({ kind }) => kind === 'deleted')!.why, 'removed');
    const other = await send(test.ports.smtp!, 'x@far.test', ['later@far.test']);
    await traceWith(test, other, ['deferred']);
    await test.call('queue.delete', { ids: [other], withBounce: true });
    await traceWith(test, other, ['failed']);
    const { events: all } = await test.call('events', { after: 'start', limit: 1_000 });
    assert.equal(all.find(({ kind }) => kind === 'failed')!.why, 'removed');
    assert.match(after.events.at(-1)!.detail, /by an operator/);
  });

  it('tells the same from a stopped store, and after a new start', async () => {
    await using hop = await nextHop();
    await using test = await startRelay(hop);
    const { settings } = test;
    const id = await send(test.ports.smtp!, 'x@far.test', ['taken@far.test', 'cid@here.test']);
    const kinds = ['accepted', 'stored', 'delivered'];
    await eventually('both deliveries', async () => {
      const { events } = await test.call('trace', { of: id, limit: 10 });
      return events.length === 4 ? true : undefined;
    });
    const running = await traceWith(test, id, kinds);
    await test.stop();
    const store = await openOffline(settings);
    try {
      const stopped = await callOn(store.handlers, 'trace', { of: id, limit: 10 });
      assert.deepEqual(stopped, running);
    } finally {
      await store.close();
    }
    await using again = await startTestServer({}, { folder: test.folder });
    assert.deepEqual(await again.call('trace', { of: id, limit: 10 }), running);
  });

  it('answers the newest events when there are more than wanted, and knows nothing of others', async () => {
    await using hop = await nextHop();
    await using test = await startRelay(hop);
    const sent: string[] = [];
    for (let i = 0; i < 5; i++) {
      sent.push(await send(test.ports.smtp!, 'x@far.test', [`${names[i]}@here.test`]));
    }
    const { events, isComplete } = await test.call('trace', { of: 'x@far.test', limit: 2 });
    assert.deepEqual(
      events.map((event) => event.id),
      sent.slice(-2),
    );
    assert.equal(isComplete, false);
    const nothing = await test.call('trace', { of: 'nobody@far.test', limit: 2 });
    assert.deepEqual(nothing, { events: [], isComplete: true, unread: [] });
  });
});
