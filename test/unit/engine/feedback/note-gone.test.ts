/**
 * Aim:    a recipient that a server refused for good is noted before that is final, however often the list fails.
 * Method: the spool with attempts by hand, an uplink that fails as told.
 */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Answer, Ask } from '../../../../src/actors/ask.ts';
import type { RecipientsFailed } from '../../../../src/actors/asks/feedback-asks.ts';
import { failure } from '../../../../src/base/errors.ts';
import { minuteMs } from '../../../../src/base/units.ts';
import type { RecipientOutcome } from '../../../../src/engine/delivery/message.ts';
import { createNoteGone } from '../../../../src/engine/feedback/note-gone.ts';
import { SpoolWorld } from '../../../support/spool-world.ts';

const said = (status: RecipientOutcome['status'], code: number, enhanced: string, text: string) =>
  ({
    ...{ status, reply: { code, enhanced, text }, isOurs: false },
    ...{ remoteHost: 'mx.far.test', remoteAddress: '192.0.2.1' },
    ...{ passedDsn: false, passedDeliverBy: false },
  }) satisfies RecipientOutcome;
const gone = said('failed', 550, '5.1.1', 'No such user');
const blocked = said('failed', 550, '5.7.1', 'Listed');
const taken = said('delivered', 250, '2.0.0', 'Ok');

function world() {
  const noted: string[] = [];
  const list = { failuresLeft: 0, asks: 0, held: undefined as Promise<void> | undefined };
  const uplink = async ({ meta }: Ask): Promise<Answer> => {
    list.asks++;
    await list.held;
    if (list.failuresLeft-- > 0) return failure('store-failed');
    noted.push(
      ...(meta as RecipientsFailed).recipients.map(({ address, reply }) => `${address} ${reply}`),
    );
    return { ok: true, value: undefined };
  };
  const play = new SpoolWorld({}, 1_000_000, (clock) =>
    createNoteGone({ uplink, clock, isOn: true }),
  );
  const end = async (outcomes: readonly RecipientOutcome[]) => {
    play.open.shift()!.done({ outcomes });
    await play.settle();
  };
  return { play, noted, list, end };
}

it('is noted with its reply before it is final; what else failed waits with it, what was delivered does not', async () => {
  const { play, noted, list, end } = world();
  const { promise, resolve } = Promise.withResolvers<void>();
  list.held = promise;
  await play.accept(['gone@far.test', 'listed@far.test', 'ann@far.test']);
  await end([gone, blocked, taken]);
  assert.equal(play.spool.queuedCount, 1);
  // Killed here, only those two are tried again.
  play.crash();
  await play.settle();
  assert.deepEqual(
    play.open[0]!.message.recipients.map(({ address }) => address),
    ['gone@far.test', 'listed@far.test'],
  );
  resolve();
  await end([gone, blocked]);
  assert.equal(play.spool.queuedCount, 1, 'the report alone');
  assert.deepEqual([...new Set(noted)], ['gone@far.test 550 5.1.1 No such user']);
});

it('a list that fails is asked again', async () => {
  const { play, noted, list, end } = world();
  list.failuresLeft = 2;
  await play.accept(['gone@far.test'], '');
  await end([gone]);
  assert.deepEqual(noted, []);
  await play.clock.pass(2_000, 500);
  await play.settle();
  assert.equal(noted.length, 1);
  assert.equal(play.spool.queuedCount, 0);
});

it('one that could not be noted is no final outcome: it is tried again, and noted then', async () => {
  const { play, noted, list, end } = world();
  list.failuresLeft = 3;
  await play.accept(['gone@far.test'], '');
  await end([gone]);
  await play.clock.pass(3_000, 500);
  await play.settle();
  assert.deepEqual([list.asks, noted.length, play.open.length], [3, 0, 0]);
  assert.equal(play.spool.queuedCount, 1);
  await play.clock.pass(30 * minuteMs, 10_000);
  play.spool.sweep();
  await play.settle();
  assert.equal(play.open.length, 1);
  await end([gone]);
  assert.deepEqual([noted.length, play.spool.queuedCount], [1, 0]);
});

it('other refusals, and what strangers’ mail provokes, are not noted', async () => {
  const { play, list, end } = world();
  await play.accept(['listed@far.test'], '');
  await end([blocked]);
  await play.accept(['gone@far.test'], '', 0, play.ids.next(), { terms: { isForwarded: true } });
  await end([gone]);
  assert.deepEqual([list.asks, play.spool.queuedCount], [0, 0]);
});
