/**
 * Aim: parcels leave when they should, in bounds, and answers come in order and in time.
 * Method: a router over a channel whose parcels the test answers by hand.
 */

import { deepStrictEqual, strictEqual } from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer, ArrivedAsk, Ask } from '../../../src/actors/ask.ts';
import type { BacklogLimits } from '../../../src/actors/backlog.ts';
import type { Channel, ChannelEvents } from '../../../src/actors/channel.ts';
import {
  type PackedAnswer,
  packAnswers,
  pendingAnswer,
  unpackAsks,
} from '../../../src/actors/parcel.ts';
import { Router } from '../../../src/actors/router.ts';
import type { ShardId } from '../../../src/base/ids.ts';
import { silentLog } from '../../../src/base/log.ts';
import { askOf } from '../../support/actor-engine.ts';
import { SeededClock, turns } from '../../support/seeded-clock.ts';

interface SentParcel {
  readonly thread: number;
  readonly number: number;
  readonly asks: readonly ArrivedAsk[];
  answer(answers?: readonly PackedAnswer[]): Promise<void>;
  fail(error: Error): Promise<void>;
}

class HandChannel implements Channel {
  readonly threads = 1;
  readonly sent: SentParcel[] = [];

  start(_events: ChannelEvents): void {}
  isReady(): boolean {
    return true;
  }
  send(thread: number, parcel: ArrayBuffer): Promise<ArrayBuffer> {
    const { number, asks } = unpackAsks(structuredClone(parcel, { transfer: [parcel] }));
    return new Promise((resolve, reject) => {
      this.sent.push({
        thread,
        number,
        asks,
        answer: async (answers = asks.map((ask) => ({ ok: true, value: ask.meta }))) => {
          resolve(packAnswers(number, answers));
          await turns(2);
        },
        fail: async (error) => {
          reject(error);
          await turns(2);
        },
      });
    });
  }
  post(): void {}
  activeMs(): number {
    return 0;
  }
  async rebuild(): Promise<void> {}
  async close(): Promise<void> {}
}

class Desk {
  readonly clock = new SeededClock();
  readonly channel = new HandChannel();
  readonly router: Router;
  /** Answers in the order they came: meta of the ask, and what was said. */
  readonly answers: [unknown, string][] = [];

  constructor(limits: Partial<BacklogLimits> = {}) {
    const { clock, channel } = this;
    this.router = new Router({ channel, shards: 2, owner: () => 0, clock, log: silentLog, limits });
  }

  static async open(limits?: Partial<BacklogLimits>): Promise<Desk> {
    const desk = new Desk(limits);
    await desk.router.resume(0);
    return desk;
  }

  get sent(): SentParcel[] {
    return this.channel.sent;
  }

  ask(meta: unknown, fields: Partial<Ask> = {}): void {
    const ask = askOf({ shard: 0 as ShardId, name: 'n', meta, ...fields });
    void this.router.ask(ask).then((answer: Answer) => {
      this.answers.push([meta, answer.ok ? 'ok' : answer.code]);
    });
  }

  metas(parcel: number): unknown[] {
    return this.sent[parcel]!.asks.map((ask) => ask.meta);
  }
}

test('asks of one turn leave together when their shard is free', async () => {
  const desk = await Desk.open();
  desk.ask(1);
  desk.ask(2);
  desk.ask(3, { shard: 1 as ShardId });
  await turns(1);
  deepStrictEqual([desk.metas(0), desk.metas(1)], [[1, 2], [3]]);
});

test('while a parcel is under way the next one fills, and leaves when the first is back', async () => {
  const desk = await Desk.open();
  desk.ask(1);
  await turns(1);
  desk.ask(2);
  await turns(1);
  desk.ask(3);
  await turns(1);
  strictEqual(desk.sent.length, 1);
  await desk.sent[0]!.answer();
  deepStrictEqual(desk.metas(1), [2, 3]);
});

test('a full parcel does not wait, but never are more than two of a shard under way', async () => {
  const desk = await Desk.open({ parcelBytesMax: 10_000 });
  const body = [new Uint8Array(6_000)];
  for (let i = 0; i < 6; i++) desk.ask(i, { body });
  await turns(2);
  deepStrictEqual([desk.sent.length, desk.metas(0), desk.metas(1)], [2, [0], [1]]);
  await desk.sent[0]!.answer();
  deepStrictEqual([desk.sent.length, desk.metas(2)], [3, [2]]);
});

test('the system lane passes what waits, and leaves beside a parcel under way', async () => {
  const desk = await Desk.open();
  desk.ask(1);
  await turns(1);
  desk.ask(2);
  desk.ask('open', { lane: 'system' });
  await turns(1);
  deepStrictEqual(desk.metas(1), ['open', 2]);
});

test('a full backlog answers at once, by count and by bytes; the system lane has room', async () => {
  const byCount = new Desk({ countMax: 2 });
  for (const meta of [1, 2, 3]) byCount.ask(meta);
  byCount.ask('s', { lane: 'system' });
  await turns(1);
  deepStrictEqual(byCount.answers, [[3, 'store-busy']]);
  const byBytes = new Desk({ bytesMax: 10_000 });
  byBytes.ask(1, { body: [new Uint8Array(9_000)] });
  byBytes.ask(2, { body: [new Uint8Array(9_000)] });
  byBytes.ask(3);
  await turns(1);
  deepStrictEqual(byBytes.answers, [[2, 'store-busy']]);
});

test('one ask larger than the room for all passes alone', async () => {
  const desk = await Desk.open({ bytesMax: 10_000 });
  desk.ask(1, { body: [new Uint8Array(50_000)] });
  await turns(1);
  await desk.sent[0]!.answer();
  deepStrictEqual(desk.answers, [[1, 'ok']]);
});

test('bytes that left make room again', async () => {
  const desk = await Desk.open({ bytesMax: 10_000 });
  for (let i = 0; i < 5; i++) {
    desk.ask(i, { body: [new Uint8Array(9_000)] });
    await turns(1);
    await desk.sent[i]!.answer();
  }
  deepStrictEqual(
    desk.answers.map(([, code]) => code),
    ['ok', 'ok', 'ok', 'ok', 'ok'],
  );
});

test('answers of a later parcel wait for an earlier one with asks of the same actor', async () => {
  const desk = await Desk.open({ parcelBytesMax: 1_000 });
  const body = [new Uint8Array(900)];
  desk.ask(1, { body, actor: 'a' });
  desk.ask(2, { body, actor: 'a' });
  await turns(1);
  strictEqual(desk.sent.length, 2);
  await desk.sent[1]!.answer();
  deepStrictEqual(desk.answers, []);
  await desk.sent[0]!.answer();
  deepStrictEqual(desk.answers, [
    [1, 'ok'],
    [2, 'ok'],
  ]);
});

test('answers to another actor do not wait for an earlier parcel', async () => {
  const desk = await Desk.open({ parcelBytesMax: 1_000 });
  const body = [new Uint8Array(900)];
  desk.ask(1, { body, actor: 'a' });
  desk.ask(2, { body, actor: 'b' });
  await turns(1);
  await desk.sent[1]!.answer();
  deepStrictEqual(desk.answers, [[2, 'ok']]);
});

test('nobody waits past a deadline, in the backlog or for the thread', async () => {
  const desk = await Desk.open();
  const deadlineMs = desk.clock.nowMs() + 100;
  desk.ask('under way', { deadlineMs });
  await turns(1);
  desk.ask('waits', { deadlineMs });
  desk.ask('patient');
  await desk.clock.pass(400);
  deepStrictEqual(desk.answers, [
    ['waits', 'deadline-passed'],
    ['under way', 'deadline-passed'],
  ]);
  await desk.sent[0]!.answer();
  deepStrictEqual(desk.metas(1), ['patient']);
  await desk.sent[1]!.answer();
  strictEqual(desk.answers.length, 3);
});

test('deadlines cost no timer when nothing is under way', async () => {
  const desk = await Desk.open();
  desk.ask(1, { deadlineMs: desk.clock.nowMs() + 100 });
  await turns(1);
  await desk.sent[0]!.answer();
  await desk.clock.pass(1_000, 250);
  strictEqual(desk.clock.timerCount, 0);
});

test('a held shard keeps its asks in order until it is released', async () => {
  const desk = await Desk.open();
  desk.ask(1);
  await turns(1);
  desk.router.hold(0 as ShardId);
  desk.ask(2);
  let isDrained = false;
  void desk.router.drained(0 as ShardId).then(() => {
    isDrained = true;
  });
  await turns(1);
  strictEqual(isDrained, false);
  await desk.sent[0]!.answer();
  deepStrictEqual([isDrained, desk.sent.length], [true, 1]);
  desk.ask(3);
  desk.router.release(0 as ShardId);
  await turns(1);
  deepStrictEqual(desk.metas(1), [2, 3]);
});

test('a shard is drained only when its pending asks are answered', async () => {
  const desk = await Desk.open();
  desk.ask(1);
  await turns(1);
  let isDrained = false;
  void desk.router.drained(0 as ShardId).then(() => {
    isDrained = true;
  });
  await desk.sent[0]!.answer([pendingAnswer]);
  strictEqual(isDrained, false);
  const places = Uint32Array.of(desk.sent[0]!.number, 0);
  const answers = packAnswers(0, [{ ok: true, value: 1 }]);
  desk.router.takeLate({ kind: 'late', places, answers }, 0);
  await turns(1);
  deepStrictEqual([isDrained, desk.answers], [true, [[1, 'ok']]]);
});

test('a late answer may come before the answers of its parcel', async () => {
  const desk = await Desk.open();
  desk.ask(1);
  desk.ask(2);
  await turns(1);
  const places = Uint32Array.of(desk.sent[0]!.number, 1);
  const answers = packAnswers(0, [{ ok: true, value: 2 }]);
  desk.router.takeLate({ kind: 'late', places, answers }, 0);
  await desk.sent[0]!.answer([{ ok: true, value: 1 }, pendingAnswer]);
  deepStrictEqual(desk.answers, [
    [2, 'ok'],
    [1, 'ok'],
  ]);
});

test('a refused shard answers what waits and what comes, until it is admitted', async () => {
  const desk = new Desk();
  const shard = 0 as ShardId;
  desk.ask(1);
  desk.router.refuse(shard, { ok: false, code: 'store-failed', detail: '' });
  desk.ask(2);
  await turns(1);
  deepStrictEqual(desk.answers, [
    [1, 'store-failed'],
    [2, 'store-failed'],
  ]);
  desk.router.admit(shard);
  await desk.router.resume(0);
  desk.ask(3);
  await turns(1);
  await desk.sent[0]!.answer();
  deepStrictEqual(desk.answers[2], [3, 'ok']);
});

test('a parcel that a thread could not read fails its asks only', async () => {
  const desk = await Desk.open();
  desk.ask(1);
  await turns(1);
  desk.ask(2);
  await desk.sent[0]!.fail(new Error('not a parcel'));
  await desk.sent[1]!.answer();
  deepStrictEqual(desk.answers, [
    [1, 'store-failed'],
    [2, 'ok'],
  ]);
});

test('long asks keep their share: some a shard, one an actor, short ones pass them', async () => {
  const desk = await Desk.open({ longCountMax: 2 });
  const long = { class: 'long', name: 'search' } as const;
  desk.ask('a1', { ...long, actor: 'a' });
  desk.ask('a2', { ...long, actor: 'a' });
  desk.ask('b1', { ...long, actor: 'b' });
  desk.ask('c1', { ...long, actor: 'c' });
  desk.ask('short');
  await turns(1);
  deepStrictEqual(desk.metas(0), ['short', 'a1', 'b1']);
  await desk.sent[0]!.answer([{ ok: true, value: 0 }, pendingAnswer, pendingAnswer]);
  desk.ask('short again');
  await turns(1);
  deepStrictEqual(desk.metas(1), ['short again']);
  await desk.sent[1]!.answer();
  const places = Uint32Array.of(desk.sent[0]!.number, 1);
  const answers = packAnswers(0, [{ ok: true, value: 'found' }]);
  desk.router.takeLate({ kind: 'late', places, answers }, 0);
  await turns(1);
  deepStrictEqual(desk.metas(2), ['a2']);
});

test('a large long ask without its turn waits, and keeps nobody busy', async () => {
  const desk = await Desk.open({ longCountMax: 1, parcelBytesMax: 1_000 });
  const long = { class: 'long', body: [new Uint8Array(1_200)] } as const;
  desk.ask(1, { ...long, actor: 'a' });
  await turns(1);
  desk.ask(2, { ...long, actor: 'b' });
  await turns(1);
  strictEqual(desk.sent.length, 1);
  await desk.sent[0]!.answer();
  deepStrictEqual(desk.metas(1), [2]);
});

test('the system lane has room of its own, and a bound', async () => {
  const desk = new Desk({ countMax: 2 });
  for (const meta of [1, 2, 3]) desk.ask(meta, { lane: 'system' });
  for (const meta of [4, 5, 6]) desk.ask(meta);
  await turns(1);
  deepStrictEqual(
    desk.answers.map(([meta]) => meta),
    [3, 6],
  );
});

test('asks of a dead thread are tried again one at a time, and the killer is set aside', async () => {
  const desk = await Desk.open();
  for (const meta of [1, 'killer', 2]) desk.ask(meta);
  await turns(1);
  desk.router.lose(0);
  desk.ask(3);
  void desk.router.resume(0);
  await turns(1);
  deepStrictEqual([desk.sent.length, desk.metas(1)], [2, [1]]);
  await desk.sent[1]!.answer();
  deepStrictEqual(desk.metas(2), ['killer']);
  desk.router.lose(0);
  await turns(1);
  deepStrictEqual(desk.answers, [
    [1, 'ok'],
    ['killer', 'poison-ask'],
  ]);
  void desk.router.resume(0);
  await turns(1);
  deepStrictEqual(desk.metas(3), [2]);
  await desk.sent[3]!.answer();
  deepStrictEqual(desk.metas(4), [3]);
});

test('answers that were held back when their thread died are asked for again', async () => {
  const desk = await Desk.open({ parcelBytesMax: 1_000 });
  const body = [new Uint8Array(900)];
  desk.ask(1, { body });
  desk.ask(2, { body });
  await turns(1);
  await desk.sent[1]!.answer();
  desk.router.lose(0);
  void desk.router.resume(0);
  await turns(1);
  deepStrictEqual(desk.metas(2), [1]);
  await desk.sent[2]!.answer();
  deepStrictEqual(desk.metas(3), [2]);
  await desk.sent[3]!.answer();
  deepStrictEqual(desk.answers, [
    [1, 'ok'],
    [2, 'ok'],
  ]);
});

test('an ask tried again that waits for the outside holds the others up for a second only', async () => {
  const desk = await Desk.open();
  desk.ask('waits');
  desk.ask(2);
  await turns(1);
  desk.router.lose(0);
  void desk.router.resume(0);
  await turns(1);
  await desk.sent[1]!.answer([pendingAnswer]);
  strictEqual(desk.sent.length, 2);
  await desk.clock.pass(1_100, 100);
  deepStrictEqual(desk.metas(2), [2]);
});

test('after another death what was under way is tried before what was not', async () => {
  const desk = await Desk.open();
  for (const meta of ['waits', 2, 3]) desk.ask(meta);
  await turns(1);
  desk.router.lose(0);
  void desk.router.resume(0);
  await turns(1);
  await desk.sent[1]!.answer([pendingAnswer]);
  await desk.clock.pass(1_100, 100);
  deepStrictEqual(desk.metas(2), [2]);
  desk.router.lose(0);
  await turns(1);
  void desk.router.resume(0);
  for (const parcel of [3, 4, 5]) {
    await turns(1);
    await desk.sent[parcel]!.answer();
  }
  deepStrictEqual([desk.metas(3), desk.metas(4), desk.metas(5)], [['waits'], [2], [3]]);
});

test('asks that were there at three deaths are set aside though they never were alone', async () => {
  const desk = await Desk.open();
  desk.ask(1);
  desk.ask(2);
  await turns(1);
  for (let death = 1; death < 3; death++) {
    desk.router.lose(0);
    void desk.router.resume(0);
    await turns(1);
    await desk.sent.at(-1)!.answer([pendingAnswer]);
    await desk.clock.pass(1_100, 100);
    await desk.sent.at(-1)!.answer([pendingAnswer]);
    await desk.clock.pass(1_100, 100);
    deepStrictEqual(desk.answers, []);
  }
  desk.router.lose(0);
  await turns(1);
  deepStrictEqual(desk.answers, [
    [1, 'poison-ask'],
    [2, 'poison-ask'],
  ]);
});

test('an unknown shard is refused', async () => {
  const desk = await Desk.open();
  desk.ask(1, { shard: 99 as ShardId });
  await turns(1);
  deepStrictEqual(desk.answers, [[1, 'argument-invalid']]);
});
