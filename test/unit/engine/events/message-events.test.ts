/** Aim: what happens to a message becomes events with all an operator asks for, and log lines still come. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Envelope, EnvelopeRecipient } from '../../../../src/actors/asks/reception.ts';
import { failure } from '../../../../src/base/errors.ts';
import { accountId, defaultTenant, type MessageId } from '../../../../src/base/ids.ts';
import { ownOutcome, ownReply } from '../../../../src/engine/delivery/message.ts';
import {
  recipientsPerEvent,
  type ShardEvents,
  shardEvents,
} from '../../../../src/engine/events/message-events.ts';
import type { MessageEvents } from '../../../../src/engine/spool/events.ts';
import type { SpoolMessage, SpoolRecipient } from '../../../../src/engine/spool/message.ts';
import { idOf, newWorld, read, startLog, startMs } from './event-world.ts';

const id = idOf(1) as MessageId;
const origin = ['smtp', 'ESMTP', '192.0.2.7', 'c.test', ''] as const;
const taken = ownOutcome('delivered', ownReply(250, '2.0.0', 'ok'), 'mx.test', '192.0.2.1');

async function world() {
  const { disk, clock } = await newWorld();
  const log = startLog({ disk, clock });
  const told: string[] = [];
  const logged = new Proxy({} as MessageEvents, {
    get: (_, name) => () => void told.push(String(name)),
  });
  const events: ShardEvents = shardEvents(logged, log, clock);
  return { log, clock, events, told, all: async () => (await read(log, id)).events };
}

function messageTo(addresses: readonly string[]): SpoolMessage {
  const recipients = addresses.map(
    (address): SpoolRecipient => ({
      address,
      target: { kind: 'remote' },
      state: 'waiting',
      attempts: 0,
      nextMs: 0,
      reply: '',
      isOpen: false,
    }),
  );
  const facts = {
    id,
    tenant: defaultTenant,
    acceptedMs: startMs - 5,
    sender: 's@a.test',
    bytes: 99,
  };
  return { ...facts, recipients } as unknown as SpoolMessage;
}

describe('message events', () => {
  it('tell acceptance at the instant it was received, with its origin', async () => {
    const { events, all, told } = await world();
    events.accepted(messageTo(['r@b.test']), origin);
    const wanted = [0, startMs - 5, id, 0, 's@a.test', ['r@b.test'], 99, 1, ...origin];
    assert.deepEqual(await all(), [wanted]);
    assert.deepEqual(told, ['accepted']);
  });

  it('tell many recipients in several events, each of them once', async () => {
    const { events, all } = await world();
    const addresses = Array.from({ length: recipientsPerEvent * 2 + 1 }, (_, i) => `r${i}@b.test`);
    events.accepted(messageTo(addresses), origin);
    const accepted = await all();
    assert.equal(accepted.length, 3);
    assert.deepEqual(
      accepted.flatMap((event) => event[5]),
      addresses,
    );
    assert.ok(accepted.every((event) => event[7] === addresses.length));
  });

  it('tell each outcome by the state the recipient came to', async () => {
    const { events, all, told } = await world();
    const message = messageTo(['r@b.test']);
    const recipient = message.recipients[0]!;
    const end = (state: SpoolRecipient['state'], nextMs: number) => {
      Object.assign(recipient, { state, nextMs, reply: '4xx', attempts: recipient.attempts + 1 });
      events.attempted(message, recipient, taken);
    };
    end('waiting', 77);
    end('failed', 77);
    end('expired', 77);
    end('delivered', 77);
    const told4 = (await all()).map((event) => [event[0], ...event.slice(6)]);
    assert.deepEqual(told4, [
      [2, 'mx.test', '192.0.2.1', '4xx', 1, 77],
      [3, 'mx.test', '192.0.2.1', '4xx', 2, 0],
      [4, 'mx.test', '192.0.2.1', '4xx', 3, 0],
      [1, 'mx.test', '192.0.2.1', '4xx', 4, 0],
    ]);
    assert.deepEqual(told, Array(4).fill('attempted'));
  });

  it('tell what an attempt came to whose recipient was deleted meanwhile', async () => {
    const { events, all } = await world();
    const message = messageTo(['r@b.test']);
    Object.assign(message.recipients[0]!, { state: 'deleted', reply: '554 removed' });
    events.attempted(message, message.recipients[0]!, taken);
    assert.equal((await all())[0]![8], '250 2.0.0 ok');
  });

  it('tell copies stored and refused, with or without an origin', async () => {
    const { events, all, clock } = await world();
    const recipients = ['r@b.test', 'q@b.test'].map(
      (address): EnvelopeRecipient => ({ address, target: { kind: 'remote' } }),
    );
    const envelope: Envelope = { sender: '', recipients, body: '7bit', smtputf8: false };
    const arrival = {
      ...{ id, receivedMs: 1, listener: 'lmtp' as const, protocol: 'LMTP', helo: 'c.test' },
      ...{ peerAddress: '::1', peerPort: 1, trusted: true, tenant: defaultTenant },
    };
    const full = failure('account-over-quota');
    events.stored(arrival, envelope, [{ ok: true, uid: 3 }, full]);
    const targets = [{ account: accountId(1), recipient: 'r@b.test' }];
    const delivery = { id, tenant: defaultTenant, sender: '', receivedMs: 1, targets, parts: [] };
    const copy = { ok: true as const, mailbox: 1, uid: 3, document: 1, isRepeat: true };
    events.copied(delivery, [copy]);
    const nowMs = clock.nowMs();
    assert.deepEqual(await all(), [
      [7, nowMs, id, 0, '', ['r@b.test'], 3, false, 'lmtp', 'LMTP', '::1', 'c.test', ''],
      [8, nowMs, id, 0, '', ['q@b.test'], full.code, 'lmtp', 'LMTP', '::1', 'c.test', ''],
      [7, nowMs, id, 0, '', ['r@b.test'], 3, true, '', '', '', '', ''],
    ]);
  });

  it('leave counters and troubles to the log', async () => {
    const { events, all, told } = await world();
    events.done(messageTo([]));
    events.storeTrouble('store-failed', 'x');
    events.bounced(messageTo([]), idOf(2));
    assert.deepEqual(told, ['done', 'storeTrouble', 'bounced']);
    assert.equal((await all()).length, 1);
  });
});
