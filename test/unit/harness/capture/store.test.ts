/**
 * Aim: what is captured is bounded, found again, and waited for; in a folder it outlives the sink.
 * Method: small stores in memory and in temporary folders, on a clock turned by hand.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { FolderBodies, MemoryBodies } from '../../../../src/harness/capture/bodies.ts';
import { parseSearch } from '../../../../src/harness/capture/search.ts';
import { CaptureStore, type StoreEvent } from '../../../../src/harness/capture/store.ts';
import { SeededClock, turns } from '../../../support/seeded-clock.ts';

const envelope = {
  ...{ sender: 's@example.org', recipients: ['r@example.com'], receivedMs: 1_000 },
  ...{ client: '192.0.2.1', via: '127.0.0.1:25', isEncrypted: false },
};

function storeOf(limits: { countMax?: number; bytesMax?: number; folder?: string } = {}) {
  const { countMax = 100, bytesMax = 100_000, folder } = limits;
  const clock = new SeededClock();
  const bodies = folder === undefined ? new MemoryBodies() : new FolderBodies(folder);
  const store = new CaptureStore({ bodies, clock, countMax, bytesMax });
  const add = (subject: string, more = '') =>
    store.add(
      envelope,
      Buffer.from(
        `Subject: ${subject}\r\nFrom: Ann <ann@a.test>\r\n${more}\r\nbody of ${subject}\r\n`,
      ),
    );
  return { store, clock, add };
}

const subjects = (store: CaptureStore, query = '', countMax = 100, before?: string) =>
  store.list(parseSearch(query), countMax, before).messages.map(({ subject }) => subject);

test('the oldest go first when there are too many, and it is said how many went', async () => {
  const { store, add } = storeOf({ countMax: 3 });
  const removed: string[] = [];
  store.watch((event) => event.kind === 'removed' && removed.push(...event.ids));
  const ids = ['one', 'two', 'three', 'four', 'five'].map((subject) => add(subject));
  await store.settled();
  assert.deepEqual(subjects(store), ['five', 'four', 'three']);
  assert.deepEqual(removed, ids.slice(0, 2));
  assert.equal(store.dropped, 2);
  assert.equal(store.source(ids[0]!), undefined);
});

test('bytes are bounded, too; one message larger than all of them stays alone', async () => {
  const { store, add } = storeOf({ bytesMax: 1_000 });
  for (let at = 0; at < 50; at++) add(`message ${at}`);
  await store.settled();
  assert.ok(store.bytes <= 1_000 && store.count > 5, `${store.bytes} bytes in ${store.count}`);
  add('large', `X: ${'y'.repeat(2_000)}\r\n`);
  await store.settled();
  assert.deepEqual(subjects(store), ['large']);
});

test('a list goes on where its last page ended, the newest first', async () => {
  const { store, add } = storeOf();
  for (let at = 1; at <= 5; at++) add(`m${at}`);
  await store.settled();
  const first = store.list([], 2);
  assert.deepEqual(
    first.messages.map(({ subject }) => subject),
    ['m5', 'm4'],
  );
  assert.deepEqual([first.found, first.isMore], [5, true]);
  assert.deepEqual(subjects(store, '', 2, first.messages[1]!.id), ['m3', 'm2']);
});

test('words are found in their fields, all of them at once, in any case', async () => {
  const { store, add } = storeOf();
  add('Invoice 7', 'To: Bob <bob@b.test>\r\n');
  add('Invoice 8', 'To: eve@e.test\r\nContent-Type: text/html\r\n');
  add('Hello');
  await store.settled();
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ['invoice', ['Invoice 8', 'Invoice 7']],
    ['subject:"invoice 7"', ['Invoice 7']],
    ['to:BOB', ['Invoice 7']],
    ['from:ann subject:hello', ['Hello']],
    ['from:ann subject:none', []],
    ['text:"body of hello"', ['Hello']],
    ['has:html', ['Invoice 8']],
    ['to:r@example.com', ['Hello', 'Invoice 8', 'Invoice 7']],
  ];
  for (const [query, expected] of cases) assert.deepEqual(subjects(store, query), expected, query);
  assert.equal(store.remove(parseSearch('subject:invoice')), 2);
  assert.deepEqual(subjects(store), ['Hello']);
});

test('who waits gets what comes, or what is there, and nothing when the time is over', async () => {
  const { store, clock, add } = storeOf();
  const early = add('early');
  const here = await store.wait(parseSearch('subject:early'), '', 1_000);
  assert.equal(here?.id, early);
  const later = store.wait(parseSearch('subject:late'), early, 1_000);
  await turns(5);
  add('other');
  add('late');
  assert.equal((await later)?.subject, 'late');
  const never = store.wait(parseSearch('subject:early'), early, 1_000);
  await turns(5);
  clock.advance(1_000);
  assert.equal(await never, undefined, 'it is older than what was asked for');
  assert.equal(clock.timerCount, 0);
});

test('at most a hundred watch, and as many wait', async () => {
  const { store, clock } = storeOf();
  const waits = Array.from({ length: 100 }, () => store.wait([], '', 1_000));
  await turns(5);
  const watches = Array.from({ length: 100 }, () => store.watch(() => {}));
  assert.ok(!watches.includes(undefined), 'who waits takes no room from who watches');
  assert.equal(
    store.watch(() => {}),
    undefined,
  );
  await assert.rejects(store.wait([], '', 1_000), /too many wait/);
  clock.advance(1_000);
  assert.deepEqual(new Set(await Promise.all(waits)), new Set([undefined]));
});

test('a folder keeps messages over restarts, with ids that go on, and drops with them', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'chaski-capture-'));
  try {
    const first = storeOf({ folder });
    const ids = ['a', 'b', 'c'].map((subject) => first.add(subject));
    first.store.removeOne(ids[1]!);
    // What a kill leaves: a body without its envelope, and half an envelope.
    writeFileSync(join(folder, '000000000009.eml'), 'x');
    writeFileSync(join(folder, '000000000008.json'), '{');
    const second = storeOf({ folder, countMax: 2 });
    await second.store.settled();
    assert.deepEqual(subjects(second.store), ['c', 'a']);
    assert.ok(second.add('d') > ids[2]!);
    await second.store.settled();
    assert.deepEqual(subjects(second.store), ['d', 'c']);
    assert.ok(!readdirSync(folder).includes(`${ids[0]}.eml`));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('what cannot be taken apart is kept, with why, and shown as source', async () => {
  const { store } = storeOf();
  const events: StoreEvent[] = [];
  store.watch((event) => events.push(event));
  const deep = Array.from(
    { length: 100 },
    (_, at) => `Content-Type: multipart/mixed; boundary=${at}\r\n\r\n--${at}\r\n`,
  );
  const id = store.add(envelope, Buffer.from(deep.join('')));
  await store.settled();
  assert.match(store.summary(id)!.fault!, /./);
  assert.equal(events.length, 1);
  assert.match(store.source(id)!.toString(), /^Content-Type: multipart/);
});
