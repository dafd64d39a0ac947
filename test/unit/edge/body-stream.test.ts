/**
 * Aim: a large message's text goes to its shards in numbered chunks, one at a time, and a shard that does not accept
 *      is told to let go, after the chunk under way and never before it.
 * Method: asks are kept and answered by the test.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer, Ask } from '../../../src/actors/ask.ts';
import { bodyAsks, chunkBytes } from '../../../src/actors/asks/body-asks.ts';
import type { EnvelopeRecipient, ReceivedMessage } from '../../../src/actors/asks/reception.ts';
import { failure } from '../../../src/base/errors.ts';
import { accountId, defaultTenant, type MessageId, shardId } from '../../../src/base/ids.ts';
import { eachTarget, ShardBodyStream, wholeTarget } from '../../../src/edge/body-stream.ts';
import { SeededClock, turns } from '../../support/seeded-clock.ts';

const id = '0123456789ABCDEF' as MessageId;
const otherId = '1123456789ABCDEF' as MessageId;
const ok: Answer = { ok: true, value: undefined };

function inAccount(account: number, shard: number): EnvelopeRecipient {
  const target = { kind: 'account', account: accountId(account), shard: shardId(shard) } as const;
  return { address: `${account}@here.test`, target };
}

const remote: EnvelopeRecipient = { address: 'a@there.test', target: { kind: 'remote' } };

function messageTo(recipients: readonly EnvelopeRecipient[]): ReceivedMessage {
  return {
    envelope: { sender: 's@far.test', recipients, body: '7bit', smtputf8: false },
    arrival: {
      id,
      receivedMs: 0,
      listener: 'lmtp',
      protocol: 'LMTP',
      peerAddress: '192.0.2.1',
      peerPort: 1,
      helo: 'c',
      trusted: true,
      tenant: defaultTenant,
    },
    body: [],
    bodyBytes: 0,
  };
}

interface Asked {
  readonly ask: Ask;
  answer(answer: Answer): Promise<void>;
}

/** Asks for what `isEach` tells of the recipients; those in `asked` wait for their answer. */
function open(recipients: readonly EnvelopeRecipient[], isEach = false) {
  const asked: Asked[] = [];
  const ask = (one: Ask) =>
    new Promise<Answer>((resolve) => {
      asked.push({
        ask: one,
        async answer(answer) {
          resolve(answer);
          await turns(10);
        },
      });
    });
  const targets = isEach
    ? eachTarget(
        recipients,
        id,
        () => shardId(7),
        () => otherId,
      )
    : [wholeTarget(recipients, id, shardId(1))];
  const stream = new ShardBodyStream({ ask, clock: new SeededClock() }, id, targets);
  const names = () => asked.map(({ ask: { name } }) => name);
  return { stream, asked, names, message: messageTo(recipients) };
}

const chunk = (fill: string) => Buffer.alloc(chunkBytes, fill);

test('one chunk is under way; the next leaves when it was answered, and then there is room again', async () => {
  const { stream, asked } = open([remote]);
  stream.push([chunk('a').subarray(1), Buffer.from('a')]);
  assert.equal(stream.isFull, false);
  stream.push([chunk('b')]);
  assert.equal(stream.isFull, true);
  assert.equal(stream.heldBytes, 2 * chunkBytes);
  let readyCount = 0;
  stream.whenReady(() => readyCount++);
  assert.deepEqual(
    asked.map(({ ask }) => ask.meta),
    [[id, 0]],
  );
  assert.equal(asked[0]!.ask.lane, 'normal');
  await asked[0]!.answer(ok);
  assert.deepEqual(
    asked.map(({ ask }) => ask.meta),
    [
      [id, 0],
      [id, 1],
    ],
  );
  assert.equal(readyCount, 1);
  assert.equal(stream.heldBytes, chunkBytes);
});

test('the end waits for the chunk under way, and brings what is left', async () => {
  const { stream, asked, names, message } = open([remote]);
  stream.push([chunk('a'), Buffer.from('rest')]);
  stream.push([Buffer.from(' of it')]);
  const finished = stream.finish(message, ['f@far.test'], 99);
  await turns(10);
  assert.deepEqual(names(), [bodyAsks.chunk]);
  await asked[0]!.answer(ok);
  const { ask } = asked[1]!;
  assert.equal(ask.name, bodyAsks.receive);
  assert.deepEqual([ask.class, ask.key, ask.deadlineMs], ['long', id, 99]);
  assert.equal(Buffer.concat(ask.body).toString(), ' of it');
  await asked[1]!.answer(ok);
  assert.deepEqual(await finished, [{ ok: true }]);
  stream.abort();
  assert.deepEqual(names(), [bodyAsks.chunk, bodyAsks.receive]);
});

test('an abort waits for the chunk under way, and passes all else', async () => {
  const { stream, asked, names } = open([remote]);
  stream.push([chunk('a')]);
  stream.push([chunk('b')]);
  stream.abort();
  assert.equal(stream.heldBytes, chunkBytes);
  assert.deepEqual(names(), [bodyAsks.chunk]);
  await asked[0]!.answer(ok);
  assert.deepEqual(names(), [bodyAsks.chunk, bodyAsks.abort]);
  assert.equal(asked[1]!.ask.lane, 'system');
  assert.equal(asked[1]!.ask.meta, id);
  assert.equal(stream.heldBytes, 0);
});

test('nothing that was never sent is let go', () => {
  const { stream, asked } = open([remote]);
  stream.push([Buffer.from('little')]);
  stream.abort();
  assert.deepEqual(asked, []);
});

test('a refused chunk ends the stream: no text is kept, and the shard lets go', async () => {
  const { stream, asked, names } = open([remote]);
  stream.push([chunk('a')]);
  stream.push([chunk('b')]);
  await asked[0]!.answer(failure('disk-full'));
  assert.equal(stream.failure?.code, 'disk-full');
  assert.equal(stream.heldBytes, 0);
  stream.push([chunk('c')]);
  assert.deepEqual(names(), [bodyAsks.chunk, bodyAsks.abort]);
});

test('a refused end is let go as well: its ask may have waited in vain', async () => {
  const { stream, asked, names, message } = open([remote]);
  stream.push([chunk('a')]);
  await asked[0]!.answer(ok);
  const finished = stream.finish(message, [], 0);
  await turns(10);
  await asked[1]!.answer(failure('deadline-passed'));
  assert.equal((await finished)[0]!.ok, false);
  assert.deepEqual(names(), [bodyAsks.chunk, bodyAsks.receive, bodyAsks.abort]);
});

test('LMTP: each shard gets one copy, spools another message, and each recipient its own answer', async () => {
  const success = { never: false, success: true, failure: false, delay: false };
  const recipients = [
    inAccount(1, 3),
    inAccount(2, 4),
    remote,
    inAccount(3, 3),
    { ...inAccount(4, 3), notify: success },
  ];
  const { stream, asked, message } = open(recipients, true);
  stream.push([chunk('a')]);
  assert.deepEqual(
    asked.map(({ ask }) => [ask.shard, (ask.meta as [string])[0]]),
    [
      [3, id],
      [4, id],
      [7, otherId],
    ],
  );
  await asked[0]!.answer(ok);
  await asked[1]!.answer(failure('disk-full'));
  assert.equal(stream.failure, undefined, 'the others go on');
  await asked[2]!.answer(ok);
  assert.equal(asked[3]!.ask.name, bodyAsks.abort);
  const finished = stream.finish(message, [], 0);
  await turns(10);
  const overQuota = failure('account-over-quota');
  await asked[4]!.answer({ ok: true, value: [{ ok: true }, overQuota] });
  assert.deepEqual((asked[5]!.ask.meta as unknown[])[2], false);
  assert.equal(asked[5]!.ask.key, otherId);
  await asked[5]!.answer(ok);
  const codes = (await finished).map((answer) => (answer.ok ? 'ok' : answer.code));
  assert.deepEqual(codes, ['ok', 'disk-full', 'ok', 'account-over-quota', 'ok']);
});
