/**
 * Aim: a record tells its events with all an operator asks for, and the same just written and read again.
 * Method: records as the spool and the accounts make them.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Packr } from 'msgpackr';
import { packTerms } from '../../../../src/actors/asks/delivery-terms.ts';
import {
  eventIdOf,
  eventKinds,
  type PackedEvent,
  tailOf,
} from '../../../../src/actors/asks/trace-asks.ts';
import { defaultTenant } from '../../../../src/base/ids.ts';
import { noteDraft } from '../../../../src/engine/events/noted.ts';
import { recipientsPerEvent, tellRecord } from '../../../../src/engine/events/record-events.ts';
import { toldDraft } from '../../../../src/engine/feedback/records.ts';
import type { SpoolMessage } from '../../../../src/engine/spool/message.ts';
import {
  acceptedDraft,
  changeDraft,
  messageOf,
  type PackedAccepted,
} from '../../../../src/engine/spool/records.ts';
import type { RecordDraft, RecordPlace } from '../../../../src/engine/store/record.ts';
import { idOf } from './event-world.ts';

const origin = ['smtp', 'ESMTP', '192.0.2.7', 'c.test', ''] as const;
const place = { sequence: 7, segment: 1, offset: 1, bytes: 1, bodyOffset: 1, bodyBytes: 99 };

function acceptedOf(addresses: readonly string[]): PackedAccepted {
  const to = addresses.map((address) => [address, 0, 0, 0, ''] as const);
  const terms = packTerms({ campaign: 'spring' });
  return [idOf(1), 5, ['s@a.test', to, 0, false, 0, '', terms], origin];
}

function messageTo(...addresses: string[]): SpoolMessage {
  return messageOf(acceptedOf(addresses), defaultTenant, place as RecordPlace, undefined);
}

/** Just written, and as it is read again: both must tell the same. */
function told(draft: RecordDraft, sequence = 7): readonly PackedEvent[] {
  const { type, tenant, meta } = draft;
  const record = { type, tenant, meta, sequence, bodyBytes: 99 };
  const written: PackedEvent[] = [];
  tellRecord({ ...record, unpacked: draft.unpacked }, (event, part) => {
    assert.equal(tailOf(event).part, part);
    written.push(event);
  });
  const read: PackedEvent[] = [];
  tellRecord({ ...record, unpacked: undefined }, (event) => read.push(event));
  assert.deepEqual(read, written);
  return written;
}

describe('the events of a record', () => {
  it('tell acceptance at the instant it was received, with its origin', () => {
    const draft = acceptedDraft(defaultTenant, acceptedOf(['r@b.test']), []);
    assert.deepEqual(told(draft), [
      [0, 5, idOf(1), 0, 's@a.test', ['r@b.test'], 99, 1, ...origin, 'spring', 7, 0],
    ]);
  });

  it('tell many recipients in several events, each of them once', () => {
    const addresses = Array.from({ length: recipientsPerEvent * 2 + 1 }, (_, i) => `r${i}@b.test`);
    const events = told(acceptedDraft(defaultTenant, acceptedOf(addresses), []));
    assert.equal(events.length, 3);
    assert.deepEqual(
      events.flatMap((event) => event[5]),
      addresses,
    );
    assert.deepEqual(
      events.map((event) => tailOf(event).part),
      [0, 1, 2],
    );
  });

  it('tell a report beside its acceptance', () => {
    const [, , envelope] = acceptedOf(['s@a.test']);
    const about = [idOf(1), 's@a.test', 'spring'] as const;
    const accepted = [idOf(2), 9, envelope, ['bounce', '', '', '', ''], about] as const;
    const [, bounced] = told(acceptedDraft(defaultTenant, accepted, []));
    assert.deepEqual(bounced, [6, 9, idOf(1), 0, 's@a.test', [], idOf(2), 'spring', 7, 1]);
  });

  it('tell each outcome by the state the recipient came to', () => {
    const message = messageTo('a@b.test', 'b@b.test', 'c@b.test', 'd@b.test', 'e@b.test');
    const states = ['waiting', 'failed', 'expired', 'delivered', 'deleted'] as const;
    for (const [i, recipient] of message.recipients.entries()) {
      const spoken = { remoteHost: 'mx.test', remoteAddress: '192.0.2.1' };
      const now = { state: states[i]!, nextMs: 77, reply: `r${i}`, attempts: i + 1 };
      Object.assign(recipient, { ...now, ...spoken });
    }
    const events = told(changeDraft(message, [0, 1, 2, 3, 4], 8));
    assert.deepEqual(
      events.map((event) => [event[0], event[5], ...event.slice(6)]),
      [
        [2, ['a@b.test'], 'mx.test', '192.0.2.1', 'r0', 1, 77, 'spring', 7, 0],
        [3, ['b@b.test'], 'mx.test', '192.0.2.1', 'r1', 2, 0, 'spring', 7, 1],
        [4, ['c@b.test'], 'mx.test', '192.0.2.1', 'r2', 3, 0, 'spring', 7, 2],
        [1, ['d@b.test'], 'mx.test', '192.0.2.1', 'r3', 4, 0, 'spring', 7, 3],
        [5, ['e@b.test'], 'mx.test', '192.0.2.1', 'r4', 5, 0, 'spring', 7, 4],
      ],
    );
  });

  it("tell an operator's act by its name", () => {
    const message = messageTo('a@b.test', 'b@b.test');
    message.isHeld = true;
    for (const act of ['held', 'released', 'retried'] as const) {
      const [event, ...more] = told(changeDraft(message, [0, 1], 8, act));
      assert.equal(eventKinds[event![0]], act);
      assert.deepEqual(event![5], ['a@b.test', 'b@b.test']);
      assert.equal(more.length, 0);
    }
  });

  it('tell nothing of a change from before it said whom it was about', () => {
    const draft = changeDraft(messageTo('a@b.test'), [0], 8);
    const old = (draft.unpacked as readonly unknown[]).slice(0, 5);
    assert.deepEqual(told({ ...draft, unpacked: old, meta: packed(old) }), []);
  });

  it('tell why a recipient was not tried', () => {
    const message = messageTo('a@b.test');
    const now = { state: 'failed', reply: '550 on the list', suppressed: 'complaint' };
    Object.assign(message.recipients[0]!, now);
    const [event] = told(changeDraft(message, [0], 8));
    const more = ['complaint', 'spring', '550 on the list', '', 'spring', 7, 0];
    assert.deepEqual(event, [9, 8, idOf(1), 0, 's@a.test', ['a@b.test'], ...more]);
  });

  it("tell feedback and operators' acts, which have records of their own", () => {
    const head = [11, 3, idOf(1), 0, 's@a.test', ['r@b.test']] as const;
    const [complaint] = told(toldDraft([...head, 'abuse', 'spring', 'x', 'fbl']));
    assert.deepEqual(complaint!.slice(6), ['abuse', 'spring', 'x', 'fbl', 'spring', 7, 0]);
    assert.equal(eventIdOf(4, complaint!), '4.7.0.3');
    const act = { atMs: 3, tenant: defaultTenant, what: 'paused', detail: 'w', by: 'cli' };
    const [admin] = told(noteDraft(act));
    assert.deepEqual(admin!.slice(6), ['paused', 'w', 'cli', '', 7, 0]);
  });
});

function packed(value: unknown): Uint8Array {
  return new Packr({ useRecords: false }).pack(value);
}
