/**
 * Aim: what came by a thread's port and cannot be read fails those who wait for it, and stops nothing else.
 * Method: a router whose thread answers all asks later; uplinks whose messages are spoiled on their way.
 */

import { deepStrictEqual, strictEqual } from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer } from '../../../src/actors/ask.ts';
import type { Channel } from '../../../src/actors/channel.ts';
import {
  type PackedAnswer,
  packAnswers,
  pendingAnswer,
  unpackAsks,
} from '../../../src/actors/parcel.ts';
import { Router } from '../../../src/actors/router.ts';
import { Uplink, UplinkHost } from '../../../src/actors/uplink.ts';
import type { ShardId } from '../../../src/base/ids.ts';
import { type Log, silentLog } from '../../../src/base/log.ts';
import { askOf } from '../../support/actor-engine.ts';
import { SeededClock, turns } from '../../support/seeded-clock.ts';

const shard = 0 as ShardId;
const ok = (value: unknown): Answer => ({ ok: true, value });

function loggingTo(errors: unknown[]): Log {
  return { ...silentLog, error: (fields) => void errors.push(fields) };
}

class Desk {
  readonly errors: unknown[] = [];
  readonly answers: [unknown, string][] = [];
  readonly router: Router;
  /** Of the last parcel. */
  number = 0;
  /** What its task answers with. */
  reply: (asks: number) => readonly PackedAnswer[] = (asks) => Array(asks).fill(pendingAnswer);

  constructor() {
    const channel: Channel = {
      threads: 1,
      start: () => {},
      isReady: () => true,
      send: async (_, parcel) => {
        const { number, asks } = unpackAsks(parcel);
        this.number = number;
        return packAnswers(number, this.reply(asks.length));
      },
      post: () => {},
      activeMs: () => 0,
      rebuild: async () => {},
      close: async () => {},
    };
    const log = loggingTo(this.errors);
    this.router = new Router({ channel, shards: 1, owner: () => 0, clock: new SeededClock(), log });
  }

  async ask(...metas: readonly unknown[]): Promise<void> {
    await this.router.resume(0);
    for (const meta of metas) {
      const answer = this.router.ask(askOf({ shard, name: 'n', meta }));
      void answer.then((one) => this.answers.push([meta, one.ok ? 'ok' : one.code]));
    }
    await turns(3);
  }

  late(places: readonly number[], answers: ArrayBuffer): void {
    this.router.takeLate({ kind: 'late', places: Uint32Array.from(places), answers }, 0);
  }
}

const broken = {
  'are no answers': () => new ArrayBuffer(8),
  'are not whole': () => packAnswers(0, [ok('x'), ok('y')]).slice(0, -1),
  'are fewer than their places': () => packAnswers(0, [ok(1)]),
} as const;

for (const [how, made] of Object.entries(broken)) {
  test(`late answers that ${how} fail their asks, and nobody else's`, async () => {
    const desk = new Desk();
    await desk.ask(1, 2, 3);
    const { number } = desk;
    desk.late([number, 0, number, 2], made());
    await turns(1);
    const failed = [1, 3].map((meta) => [meta, 'store-failed']);
    deepStrictEqual(desk.answers, failed);
    strictEqual(desk.router.counts.unreadable, 2);
    strictEqual(desk.errors.length, 1);
    // Nobody waits there any more, or ever did.
    desk.late([number, 0, 77, 0], made());
    strictEqual(desk.router.backlog(shard).openCount, 1);
    desk.late([number, 1], packAnswers(0, [ok(2)]));
    await turns(1);
    deepStrictEqual(desk.answers, [...failed, [2, 'ok']]);
    strictEqual(desk.router.backlog(shard).openCount, 0);
  });
}

test('answers of a parcel that cannot be read are counted as well', async () => {
  const desk = new Desk();
  desk.reply = () => [ok(1)];
  await desk.ask(1, 2);
  deepStrictEqual(
    desk.answers,
    [1, 2].map((meta) => [meta, 'store-failed']),
  );
  strictEqual(desk.router.counts.unreadable, 2);
});

test('asks upwards that cannot be read fail, and so do answers to them', async () => {
  const errors: unknown[] = [];
  const asked: unknown[] = [];
  let spoiled: 'asks' | 'answers' | undefined;
  const host = new UplinkHost({
    ask: async ({ meta }) => {
      asked.push(meta);
      return ok(meta);
    },
    post: (_, message) => {
      if (message.kind !== 'late') return;
      const answers = spoiled === 'answers' ? new ArrayBuffer(8) : message.answers;
      uplink.receive({ ...message, answers });
    },
    log: loggingTo(errors),
  });
  const uplink = new Uplink((message) => {
    if (message.kind !== 'asks') return;
    const parcel = spoiled === 'asks' ? new ArrayBuffer(8) : message.parcel;
    host.receive(3, { ...message, parcel });
  });
  const two = async () => {
    const answers = [1, 2].map((meta) => uplink.ask(askOf({ shard, name: 'n', meta })));
    return (await Promise.all(answers)).map((one) => (one.ok ? 'ok' : one.code));
  };
  spoiled = 'asks';
  deepStrictEqual(await two(), ['store-failed', 'store-failed']);
  deepStrictEqual([asked.length, errors.length], [0, 1]);
  spoiled = 'answers';
  deepStrictEqual(await two(), ['store-failed', 'store-failed']);
  strictEqual(uplink.waitingCount, 0);
  spoiled = undefined;
  deepStrictEqual(await two(), ['ok', 'ok']);
});
