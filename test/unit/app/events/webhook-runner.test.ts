/**
 * Aim:    a batch keeps its bounds of events and octets, the cursor passes what was taken and nothing else, tries come
 *         later each time, and a webhook that fails for `pauseAfterMs` pauses itself, in its place.
 * Method: the runner over a table in memory, a stream of the test's own, a receiver that is a function, a clock by hand.
 */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { MemoryIndex } from '../../../../src/adapters/memory/memory-index.ts';
import { EventPage, type EventReader } from '../../../../src/app/events/event-reader.ts';
import { type Webhook, WebhookRows } from '../../../../src/app/events/webhook-rows.ts';
import { WebhookRunner } from '../../../../src/app/events/webhook-runner.ts';
import { defaultTenant } from '../../../../src/base/ids.ts';
import { silentLog } from '../../../../src/base/log.ts';
import { dayMs, kibibyte, minuteMs, secondMs } from '../../../../src/base/units.ts';
import type { Posted, WebPoster } from '../../../../src/ports/web-poster.ts';
import { SeededClock, SeededRandom, turns } from '../../../support/seeded-clock.ts';

/** Events `0`, `1`, … of one shard, each with so many octets of text. */
class Stream implements Pick<EventReader, 'read' | 'wait'> {
  readonly #count: number;
  readonly #words: string;
  #waits: (() => void)[] = [];

  constructor(count: number, bytes = 10) {
    this.#count = count;
    this.#words = 'x'.repeat(bytes);
  }

  async read(after: Parameters<EventReader['read']>[0], limit: number): Promise<EventPage> {
    const [place] = after;
    const first = Array.isArray(place) ? Number(place[2]) : 0;
    const last = Math.min(this.#count, first + limit);
    const placed = Array.from({ length: last - first }, (_, i) => ({
      ...{ view: this.#view(first + i), shard: 0, position: [0, 0, first + i] as const },
    }));
    const facts = { isCut: false, isGone: false, hasMore: last < this.#count, unread: [] };
    return new EventPage(placed, [[0, 0, last]], facts);
  }

  wait(_ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      signal?.addEventListener('abort', () => resolve(), { once: true });
      this.#waits.push(resolve);
    });
  }

  #view(number: number) {
    const at = new Date(0).toISOString();
    const envelope = { sender: 'a@a.test', recipients: [], words: this.#words };
    return { id: String(number), at, kind: 'delivered', message: 'm', tenant: 1, ...envelope };
  }
}

interface Play extends AsyncDisposable {
  readonly clock: SeededClock;
  readonly rows: WebhookRows;
  /** Ids of the events of each request. */
  readonly sent: string[][];
  readonly bodies: Uint8Array[];
  /** When each request came. */
  readonly atMs: number[];
  readonly paused: Webhook[];
  readonly webhook: () => Webhook;
  again(): void;
}

interface PlayOptions {
  readonly stream: Stream;
  readonly answer?: (tries: number) => Posted;
  readonly limits?: Partial<{ batchCountMax: number; batchBytesMax: number; pauseAfterMs: number }>;
}

const taken: Posted = { ok: true, status: 200 };
const refused: Posted = { ok: true, status: 503 };

async function play({ stream, answer = () => taken, limits }: PlayOptions): Promise<Play> {
  const clock = new SeededClock();
  const rows = new WebhookRows(new MemoryIndex());
  const { id } = await rows.create({
    ...{ tenant: defaultTenant, url: 'https://a.test/', kinds: [], campaign: '', createdMs: 0 },
    ...{ secrets: [{ text: 's', untilMs: 0 }], isPaused: false, reason: '' },
    ...{ places: ['start'], sinceMs: 0, sentCount: 0, failureCount: 0, gapCount: 0 },
    ...{ lastSentMs: 0, failingSinceMs: 0 },
  });
  const seen = { sent: [] as string[][], bodies: [] as Uint8Array[], atMs: [] as number[] };
  const paused: Webhook[] = [];
  const poster: WebPoster = {
    async post(_url, _headers, body) {
      const { events } = JSON.parse(Buffer.from(body).toString()) as { events: { id: string }[] };
      seen.sent.push(events.map((event) => event.id));
      seen.bodies.push(body);
      seen.atMs.push(clock.monotonicMs());
      return answer(seen.sent.length);
    },
  };
  const start = () =>
    new WebhookRunner(
      {
        ...{ reader: stream, rows, poster, clock, random: new SeededRandom(1), log: silentLog },
        limits: {
          batchCountMax: 500,
          batchBytesMax: 256 * kibibyte,
          pauseAfterMs: dayMs,
          ...limits,
        },
        onPaused: (webhook) => paused.push(webhook),
      },
      id,
    );
  let runner = start();
  return {
    ...{ clock, rows, paused, ...seen, webhook: () => rows.get(id)! },
    again: () => {
      runner = start();
    },
    async [Symbol.asyncDispose]() {
      await runner.stop();
      await rows.close();
    },
  };
}

it('a request has as many events as `webhook.batchCountMax` lets it, and the next the rest', async () => {
  await using one = await play({ stream: new Stream(7), limits: { batchCountMax: 3 } });
  await turns(20);
  assert.deepEqual(one.sent, [['0', '1', '2'], ['3', '4', '5'], ['6']]);
  assert.equal(one.webhook().sentCount, 7);
  assert.deepEqual(one.webhook().places, [[0, 0, 7]]);
});

it('a request is no larger than `webhook.batchBytesMax`, and the cursor stands behind what it had', async () => {
  const batchBytesMax = 4_000;
  const answer = (tries: number) => (tries === 1 ? taken : refused);
  const stream = new Stream(5, 1_500);
  await using one = await play({ stream, answer, limits: { batchBytesMax } });
  await turns(20);
  assert.deepEqual(one.sent, [
    ['0', '1'],
    ['2', '3'],
  ]);
  for (const body of one.bodies) assert.ok(body.length <= batchBytesMax + '{"events":[]}'.length);
  assert.deepEqual(one.webhook().places, [[0, 0, 2]]);
});

it('an event larger than `webhook.batchBytesMax` goes alone, and holds up nothing', async () => {
  await using one = await play({ stream: new Stream(2, 5_000), limits: { batchBytesMax: 4_000 } });
  await turns(20);
  assert.deepEqual(one.sent, [['0'], ['1']]);
});

it('tries come later each time, five minutes apart at most, with the same events', async () => {
  await using one = await play({ stream: new Stream(1), answer: () => refused });
  await one.clock.pass(40 * minuteMs, secondMs / 4);
  const gaps = one.atMs.slice(1).map((at, i) => at - one.atMs[i]!);
  const isWithin = (ms: number, wantedMs: number) =>
    ms >= wantedMs * 0.75 && ms <= wantedMs * 1.25 + secondMs;
  for (const [i, ms] of gaps.entries()) {
    assert.ok(isWithin(ms, Math.min(5 * minuteMs, secondMs * 2 ** i)), `gap ${i}: ${ms}`);
  }
  assert.ok(gaps.length > 10);
  assert.ok(one.sent.every(([id]) => id === '0'));
  assert.equal(one.webhook().failureCount, one.sent.length);
});

it('what fails for `webhook.pauseAfterMs` pauses itself, and goes on in its place once resumed', async () => {
  let isBroken = true;
  const pauseAfterMs = 3 * minuteMs;
  const answer = (): Posted => (isBroken ? { ok: false, detail: 'no route' } : taken);
  await using one = await play({ stream: new Stream(2), answer, limits: { pauseAfterMs } });
  await one.clock.pass(pauseAfterMs - secondMs, secondMs / 4);
  assert.equal(one.webhook().isPaused, false);
  assert.deepEqual(one.paused, []);
  await one.clock.pass(5 * minuteMs, secondMs / 4);
  assert.deepEqual([one.webhook().isPaused, one.webhook().reason], [true, 'no route']);
  assert.equal(one.paused.length, 1);
  const { length } = one.sent;
  await one.clock.pass(10 * minuteMs, secondMs);
  assert.equal(one.sent.length, length);
  isBroken = false;
  await one.rows.change(one.webhook().id, { isPaused: false, failingSinceMs: 0 });
  one.again();
  await turns(20);
  assert.deepEqual(one.sent.at(-1), ['0', '1']);
});

it('one success begins the time until the pause anew', async () => {
  const pauseAfterMs = 3 * minuteMs;
  const answer = (tries: number) => (tries === 6 ? taken : refused);
  const limits = { pauseAfterMs, batchCountMax: 1 };
  await using one = await play({ stream: new Stream(2), answer, limits });
  await one.clock.pass(pauseAfterMs + minuteMs / 4, secondMs / 4);
  assert.ok(one.sent.length > 6);
  assert.equal(one.webhook().isPaused, false);
});
