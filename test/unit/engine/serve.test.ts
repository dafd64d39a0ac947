/**
 * Aim: each ask of a parcel gets one answer, in its parcel or by the port, and one bad handler harms no other.
 * Method: a server with small handlers on a hand-turned clock.
 */

import { deepStrictEqual, strictEqual } from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer, Ask, Handlers } from '../../../src/actors/ask.ts';
import type { PortMessage } from '../../../src/actors/channel.ts';
import { eachLate } from '../../../src/actors/late-answers.ts';
import { packAsks, unpackAnswers } from '../../../src/actors/parcel.ts';
import { AssertionError, assert } from '../../../src/base/assert.ts';
import { MailError } from '../../../src/base/errors.ts';
import type { ShardId } from '../../../src/base/ids.ts';
import { silentLog } from '../../../src/base/log.ts';
import { createServer, type Server } from '../../../src/engine/serve.ts';
import { askOf } from '../../support/actor-engine.ts';
import { SeededClock, turns } from '../../support/seeded-clock.ts';

class Desk {
  readonly clock = new SeededClock();
  readonly late: [number, string][] = [];
  readonly ends: unknown[] = [];
  readonly server: Server;

  constructor(handlers: Handlers, pendingCountMax = 10) {
    this.server = createServer({
      handlers,
      clock: this.clock,
      log: silentLog,
      post: (message: PortMessage) => {
        if (message.kind !== 'late') return;
        eachLate(message, (_, index, answer) => this.late.push([index, text(answer)]));
      },
      end: (cause) => this.ends.push(cause),
      pendingCountMax,
      verdictMsMax: 1_000,
    });
  }

  async serve(...asks: (Partial<Ask> & Pick<Ask, 'name'>)[]): Promise<string[]> {
    const whole = asks.map((ask) => askOf({ shard: 0 as ShardId, ...ask }));
    const { answers } = unpackAnswers(await this.server.serve(packAsks(1, whole)));
    return answers.map((answer) => ('pending' in answer ? 'pending' : text(answer)));
  }
}

function text(answer: Answer): string {
  return answer.ok ? String(answer.value) : answer.code;
}

const said = (value: unknown): Answer => ({ ok: true, value });

test('handlers are started in order, each to its first await', async () => {
  const order: string[] = [];
  const desk = new Desk({
    step: async (ask) => {
      order.push(`start ${ask.meta}`);
      await null;
      order.push(`end ${ask.meta}`);
      return said(ask.meta);
    },
  });
  const answers = await desk.serve({ name: 'step', meta: 1 }, { name: 'step', meta: 2 });
  deepStrictEqual(order, ['start 1', 'start 2', 'end 1', 'end 2']);
  deepStrictEqual(answers, ['1', '2']);
});

test('an unknown name, a passed deadline and a failing handler are answered beside the others', async () => {
  const desk = new Desk({
    good: () => said('good'),
    full: () => {
      throw new MailError('account-over-quota');
    },
    odd: async () => {
      throw new Error('disk fell off');
    },
  });
  const deadlineMs = desk.clock.nowMs();
  deepStrictEqual(
    await desk.serve(
      { name: 'good' },
      { name: 'missing' },
      { name: 'good', deadlineMs },
      { name: 'full' },
      { name: 'odd' },
      { name: 'good', deadlineMs: deadlineMs + 1 },
    ),
    ['good', 'argument-invalid', 'deadline-passed', 'account-over-quota', 'store-failed', 'good'],
  );
});

test('names from Object are not handlers', async () => {
  const desk = new Desk({});
  deepStrictEqual(await desk.serve({ name: 'toString' }), ['argument-invalid']);
});

test('a pending ask leaves its parcel and is answered by the port', async () => {
  const verdict = Promise.withResolvers<Answer>();
  const desk = new Desk({ good: () => said('good'), scan: () => ({ pending: verdict.promise }) });
  deepStrictEqual(await desk.serve({ name: 'scan' }, { name: 'good' }), ['pending', 'good']);
  strictEqual(desk.server.pendingCount, 1);
  verdict.resolve(said('clean'));
  await turns(2);
  deepStrictEqual([desk.late, desk.server.pendingCount], [[[0, 'clean']], 0]);
});

test('a verdict that does not come is answered for, once', async () => {
  const verdict = Promise.withResolvers<Answer>();
  const desk = new Desk({ scan: () => ({ pending: verdict.promise }) });
  await desk.serve({ name: 'scan' });
  await desk.clock.pass(1_100, 100);
  verdict.resolve(said('clean'));
  await turns(2);
  deepStrictEqual([desk.late, desk.server.pendingCount], [[[0, 'verdict-missing']], 0]);
});

test('a full room of pending asks is shown to handlers, and holds the parcel of one that pends anyway', async () => {
  const verdicts: PromiseWithResolvers<Answer>[] = [];
  const desk = new Desk(
    {
      scan: (ask, room) => {
        if (room.isFull && ask.meta === 'polite') {
          return { ok: false, code: 'store-busy', detail: '' };
        }
        const verdict = Promise.withResolvers<Answer>();
        verdicts.push(verdict);
        return { pending: verdict.promise };
      },
    },
    1,
  );
  deepStrictEqual(await desk.serve({ name: 'scan' }), ['pending']);
  deepStrictEqual(await desk.serve({ name: 'scan', meta: 'polite' }), ['store-busy']);
  const held = desk.serve({ name: 'scan' });
  await turns(1);
  verdicts[1]!.resolve(said('held'));
  deepStrictEqual(await held, ['held']);
});

test('a long ask never holds its parcel', async () => {
  const found = Promise.withResolvers<Answer>();
  const desk = new Desk({ search: () => found.promise, good: () => said('good') });
  const parcel = desk.serve({ name: 'search', class: 'long' }, { name: 'good' });
  deepStrictEqual(await parcel, ['pending', 'good']);
  found.resolve(said('found'));
  await turns(2);
  deepStrictEqual(desk.late, [[0, 'found']]);
});

test('a false statement ends the thread, answers nothing and begins nothing more', async () => {
  for (const isAsync of [false, true]) {
    const fail = (): Answer => {
      assert(false, 'must hold');
      return said('never');
    };
    let goodCount = 0;
    const desk = new Desk({
      bug: () => (isAsync ? Promise.resolve().then(fail) : fail()),
      good: () => said(++goodCount),
    });
    let isAnswered = false;
    const tell = () => {
      isAnswered = true;
    };
    void desk.serve({ name: 'bug' }).then(tell);
    await turns(2);
    void desk.serve({ name: 'good' }).then(tell);
    await turns(2);
    deepStrictEqual([desk.ends.length, isAnswered, goodCount], [1, false, 0]);
    strictEqual(desk.ends[0] instanceof AssertionError, true);
  }
});

test('a false statement in a pending handler ends the thread too', async () => {
  const desk = new Desk({
    scan: () => ({ pending: Promise.resolve().then(() => assert(false, 'must hold')) as never }),
  });
  await desk.serve({ name: 'scan' });
  await turns(2);
  deepStrictEqual([desk.ends.length, desk.late], [1, []]);
});
