/** Aim: what no record tells becomes an event with all an operator asks for; log lines come of everything. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Envelope, EnvelopeRecipient } from '../../../../src/actors/asks/reception.ts';
import { failure } from '../../../../src/base/errors.ts';
import { accountId, defaultTenant, type MessageId } from '../../../../src/base/ids.ts';
import { ownOutcome, ownReply } from '../../../../src/engine/delivery/message.ts';
import { type ShardEvents, shardEvents } from '../../../../src/engine/events/message-events.ts';
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
  it('leave what records tell to the records, and hand all on to the log', async () => {
    const { events, all, told } = await world();
    const message = messageTo(['r@b.test']);
    events.accepted(message, origin);
    events.attempted(message, message.recipients[0]!, taken);
    events.bounced(message, idOf(2));
    events.done(message);
    events.storeTrouble('store-failed', 'x');
    assert.deepEqual(told, ['accepted', 'attempted', 'bounced', 'done', 'storeTrouble']);
    assert.deepEqual(await all(), []);
  });

  it('tell what an attempt came to whose recipient was deleted meanwhile', async () => {
    const { events, all, told } = await world();
    const message = messageTo(['r@b.test']);
    Object.assign(message.recipients[0]!, { state: 'deleted', reply: '554 removed' });
    events.attemptedLate(message, message.recipients[0]!, taken);
    assert.equal((await all())[0]![8], '250 2.0.0 ok');
    assert.deepEqual(told, ['attemptedLate']);
  });

  it('tell copies, what was refused, and what was stored before', async () => {
    const { events, all, clock } = await world();
    const recipients = ['r@b.test', 'q@b.test', 'p@b.test'].map(
      (address): EnvelopeRecipient => ({ address, target: { kind: 'remote' } }),
    );
    const terms = { campaign: 'spring' };
    const envelope: Envelope = { sender: '', recipients, body: '7bit', smtputf8: false, terms };
    const arrival = {
      ...{ id, receivedMs: 1, listener: 'lmtp' as const, protocol: 'LMTP', helo: 'c.test' },
      ...{ peerAddress: '::1', peerPort: 1, trusted: true, tenant: defaultTenant },
    };
    const full = failure('account-over-quota');
    const before = { ok: true as const, uid: 4, isRepeat: true };
    events.stored(arrival, envelope, [{ ok: true, uid: 3, isRepeat: false }, full, before]);
    const targets = [{ account: accountId(1), recipient: 'r@b.test' }];
    const delivery = { id, tenant: defaultTenant, sender: '', receivedMs: 1, targets, parts: [] };
    const copy = { ok: true as const, mailbox: 1, uid: 3, document: 1, isRepeat: true };
    events.copied(delivery, [copy]);
    const nowMs = clock.nowMs();
    const from = ['lmtp', 'LMTP', '::1', 'c.test', '', 'spring'];
    assert.deepEqual(await all(), [
      [8, nowMs, id, 0, '', ['q@b.test'], full.code, ...from],
      [7, nowMs, id, 0, '', ['p@b.test'], 4, true, ...from],
      [7, nowMs, id, 0, '', ['r@b.test'], 3, true, '', '', '', '', '', ''],
    ]);
  });
});
