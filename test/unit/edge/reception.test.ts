/**
 * Aim: a message goes to one shard's journal, and its room comes back whatever becomes of it.
 * Method: the router is a fake that keeps asks.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer, Ask } from '../../../src/actors/ask.ts';
import type { EnvelopeRecipient, ReceivedMessage } from '../../../src/actors/asks/reception.ts';
import { ByteBudget } from '../../../src/actors/budget.ts';
import { InFlow } from '../../../src/actors/in-flow.ts';
import type { Router } from '../../../src/actors/router.ts';
import { failure } from '../../../src/base/errors.ts';
import {
  accountId,
  defaultTenant,
  type MessageId,
  MessageIdSource,
  shardId,
} from '../../../src/base/ids.ts';
import { createReception } from '../../../src/edge/reception.ts';
import { SeededClock } from '../../support/seeded-clock.ts';

const spoolShard = shardId(5);

function inAccount(account: number, shard: number): EnvelopeRecipient {
  const target = { kind: 'account', account: accountId(account), shard: shardId(shard) } as const;
  return { address: `${account}@here.test`, target };
}

const remote: EnvelopeRecipient = { address: 'a@there.test', target: { kind: 'remote' } };

function messageTo(recipients: readonly EnvelopeRecipient[], user?: string): ReceivedMessage {
  return {
    envelope: { sender: 's@far.test', recipients, body: '7bit', smtputf8: false },
    arrival: {
      id: '0123456789ABCDEF' as MessageId,
      receivedMs: 0,
      listener: 'smtp',
      protocol: 'ESMTP',
      peerAddress: '192.0.2.1',
      peerPort: 1,
      helo: 'c',
      trusted: true,
      tenant: defaultTenant,
      ...(user === undefined ? {} : { user }),
    },
    body: [Buffer.from('Subject: x\r\n\r\n')],
    bodyBytes: 14,
  };
}

function open(fromAllowed: () => Promise<readonly string[]> = async () => []) {
  const clock = new SeededClock();
  const asks: Ask[] = [];
  const answers: Answer[] = [];
  const ask = async (one: Ask): Promise<Answer> => {
    asks.push(one);
    return answers.shift() ?? { ok: true, value: undefined };
  };
  const budget = new ByteBudget(1_000);
  const inFlow = new InFlow({
    undelivered: new SharedArrayBuffer(4 * 8),
    undeliveredMax: 1,
    spoolShard: () => spoolShard,
    busy: () => 1,
    clock,
  });
  const reception = createReception({
    shards: 8,
    router: { ask } as unknown as Router,
    budget,
    ids: new MessageIdSource(() => clock.nowMs(), 0),
    clock,
    spoolShard: () => spoolShard,
    inFlow,
    refusal: () => undefined,
    fromAllowed,
  });
  return { reception, asks, answers, budget, inFlow };
}

test('an envelope goes to the one shard its accounts share, else to the spool', async () => {
  const { reception, asks } = open();
  await reception.accept(messageTo([inAccount(1, 3), inAccount(2, 3)]), 0);
  await reception.accept(messageTo([inAccount(1, 3), inAccount(2, 4)]), 0);
  await reception.accept(messageTo([inAccount(1, 3), remote]), 0);
  assert.deepEqual(
    asks.map(({ shard }) => shard),
    [shardId(3), spoolShard, spoolShard],
  );
});

test('by LMTP each recipient goes to its own shard', async () => {
  const { reception, asks } = open();
  const answers = await reception.acceptEach(messageTo([inAccount(1, 3), inAccount(2, 4)]), 0);
  assert.deepEqual(
    asks.map(({ shard }) => shard),
    [shardId(3), shardId(4)],
  );
  assert.equal(answers.length, 2);
});

test('room and turn come back after an acceptance, a refusal and a failure', async () => {
  const broken = new Error('no directory');
  const { reception, answers, budget, inFlow } = open(() => Promise.reject(broken));
  const reserve = () => assert.equal(budget.reserve(14), undefined);

  reserve();
  await reception.accept(messageTo([remote]), 14);
  answers.push(failure('disk-full', 'full'));
  reserve();
  assert.equal((await reception.accept(messageTo([remote]), 14)).ok, false);
  reserve();
  await assert.rejects(reception.accept(messageTo([remote], 'a@here.test'), 14), broken);
  reserve();
  await reception.acceptEach(messageTo([inAccount(1, 3)]), 14);

  assert.equal(budget.bytes, 0);
  assert.equal(inFlow.enter(), undefined, 'nobody holds the only turn');
});
