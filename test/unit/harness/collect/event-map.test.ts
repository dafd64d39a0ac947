/**
 * Aim: events of servers are read as their documentation shows them; what is none, or of other mail, is told apart.
 * Method: bodies of requests, as documented, read by the maps that ship and by one of a test's own.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type EventMap,
  eventMapField,
  eventMaps,
  readEvents,
} from '../../../../src/harness/collect/event-map.ts';
import { markLine } from '../../../../src/harness/ledger/mark.ts';

const read = (value: unknown, map: EventMap) => readEvents(JSON.stringify(value), map);
const mark = markLine({ id: 'run-0001', sha256: 'x'.repeat(43) })
  .slice('X-Chaski-Ledger: '.length)
  .trim();

test('a log record of KumoMTA, one a request or one a line', () => {
  const record = (type: string, headers: object = { 'X-Chaski-Ledger': mark }) => ({
    ...{ type, id: '1d98076abbbc11ed940250ebf67f93bd', sender: 'user@sender.example.com' },
    ...{ recipient: 'ann@example.com', timestamp: 1_678_069_691, headers, meta: {} },
    response: { code: 250, content: 'OK', command: '.' },
  });
  assert.deepEqual(read(record('Delivery'), eventMaps.kumomta).events, [
    { id: 'run-0001', to: ['ann@example.com'], event: 'delivered', atMs: 1_678_069_691_000 },
  ]);
  const types = ['Reception', 'TransientFailure', 'Bounce', 'Expiration', 'AdminBounce', 'OOB'];
  const lines = types.map((type) => JSON.stringify(record(type))).join('\n');
  const { events, passedOver } = readEvents(`${lines}\n`, eventMaps.kumomta);
  const failed = ['failed', 'failed', 'failed', 'failed'];
  assert.deepEqual(
    events.map(({ event }) => event),
    ['delayed', ...failed],
  );
  assert.equal(passedOver, 1);
  const byMessageId = record('Delivery', { 'Message-ID': '<run-0002@load.invalid>' });
  assert.equal(read(byMessageId, eventMaps.kumomta).events[0]!.id, 'run-0002');
  const others = [record('Delivery', {}), record('Delivery', { 'Message-ID': '<a@b.example>' })];
  assert.deepEqual(read(others, eventMaps.kumomta), { events: [], passedOver: 0, unmarked: 2 });
});

test('a webhook of Postal', () => {
  const message = { id: 12_345, message_id: 'run-0003@load.invalid', to: 'ann@example.com' };
  const sent = (event: string, payload: object) => ({
    ...{ event, timestamp: 1_477_945_177.129, uuid: 'u', payload },
  });
  const status = { status: 'Sent', output: '250 OK', message };
  assert.deepEqual(read(sent('MessageSent', status), eventMaps.postal).events, [
    { id: 'run-0003', to: ['ann@example.com'], event: 'delivered', atMs: 1_477_945_177_129 },
  ]);
  const events = ['MessageDelayed', 'MessageHeld', 'MessageDeliveryFailed'].map(
    (event) => read(sent(event, status), eventMaps.postal).events[0]!.event,
  );
  assert.deepEqual(events, ['delayed', 'delayed', 'failed']);
  const bounced = { original_message: message, bounce: { to: 'x@psrp.example' } };
  assert.equal(read(sent('MessageBounced', bounced), eventMaps.postal).events[0]!.event, 'failed');
  assert.equal(read(sent('MessageLoaded', status), eventMaps.postal).passedOver, 1);
});

test('events as anybody may write them: a list, dates of ISO 8601, seconds, milliseconds, none', () => {
  const times = ['2026-01-31T09:30:00.5Z', 1_769_851_800.5, 1_769_851_800_500, '1769851800.5'];
  const list = times.map((at) => ({ id: 'm', to: 'Ann <ann@x>', event: 'Deferred', at }));
  const { events } = read(list, eventMaps.generic);
  for (const { event, to, atMs } of events) {
    assert.deepEqual([event, to, atMs], ['delayed', ['ann@x'], Date.UTC(2026, 0, 31, 9, 30) + 500]);
  }
  assert.equal(events.length, 4);
  const [bare] = read(
    { message_id: '<m2@load.invalid>', type: 'bounce' },
    eventMaps.generic,
  ).events;
  assert.deepEqual(bare, { id: 'm2', to: [], event: 'failed', atMs: undefined });
});

test('a map of one’s own leads to a list inside a request', () => {
  const map = eventMapField.read(
    {
      ...{ list: 'data.events', id: ['meta.ledger'], to: ['rcpt'], event: ['kind'] },
      events: { done: 'delivered' },
    },
    [],
  );
  const event = { kind: 'DONE', rcpt: ['a@x', 'b@x', 7], meta: { ledger: mark } };
  const { events } = read({ data: { events: [event, { kind: 'opened' }] } }, map);
  assert.deepEqual(events, [
    { id: 'run-0001', to: ['a@x', 'b@x'], event: 'delivered', atMs: undefined },
  ]);
  assert.deepEqual(read({ data: {} }, map), { events: [], passedOver: 0, unmarked: 0 });
  assert.throws(
    () => eventMapField.read({ id: ['a'], to: [], event: ['b'] }, []),
    /lacks "events"/,
  );
});

test('what is no event is refused or passed over, and nothing is taken from a prototype', () => {
  const { generic } = eventMaps;
  assert.throws(() => readEvents('hello', generic), /the body is no JSON/);
  assert.throws(() => readEvents('{"a":1}\nhello', generic), /a line of JSON for each event/);
  assert.throws(() => read(Array(1_001).fill({}), generic), /more than 1000 events/);
  assert.throws(() => readEvents('{}\n'.repeat(1_001), generic), /more than 1000 events/);
  const strange = [null, 3, 'x', [], { event: {}, id: 1 }, { event: 'constructor', id: 'm' }];
  assert.deepEqual(read(strange, generic), { events: [], passedOver: 6, unmarked: 0 });
  assert.equal(read({ event: 'sent', id: `m${'x'.repeat(80)}` }, generic).unmarked, 1);
});
