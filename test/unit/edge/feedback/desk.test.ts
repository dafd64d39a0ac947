/** Aim: a report is believed for whom its address was made, and policy decides what follows. Method: a memory list. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { MemoryIndex } from '../../../../src/adapters/memory/memory-index.ts';
import { TableSuppressions } from '../../../../src/adapters/table/suppressions.ts';
import { type MessageId, tenantId } from '../../../../src/base/ids.ts';
import { dayMs } from '../../../../src/base/units.ts';
import { FeedbackDesk } from '../../../../src/edge/feedback/desk.ts';
import { feedbackKeys } from '../../../../src/edge/feedback/keys.ts';
import type { FeedbackRead } from '../../../../src/mail/formats/feedback/read-feedback.ts';
import { SeededClock } from '../../../support/seeded-clock.ts';

const tenant = tenantId(3);
const id = '0HZYXW9876543210' as MessageId;
const domain = 'bounces.test';

async function opened(softBounceCount = 0) {
  const list = new TableSuppressions({ table: new MemoryIndex() });
  let filled = 0;
  const random = {
    bytes: (length: number) => Buffer.alloc(length, ++filled),
    fraction: () => 0,
  };
  const clock = new SeededClock(Date.UTC(2026, 0, 2));
  const keys = () => feedbackKeys(list, random, clock.nowMs());
  const desk = new FeedbackDesk(
    {
      ...{ list, clock, teller: { drain: async () => {} } },
      rules: () => ({
        ...{ bounceDomain: domain, hardBounceMs: dayMs, softBounceCount },
        softBounceWindowMs: 10 * dayMs,
      }),
      recipientsOf: async () => ['bob@far.test', 'ann@far.test'],
    },
    await keys(),
  );
  const taken = (to: string, read: Partial<FeedbackRead>, mail = 'M1') =>
    desk.take({
      ...{ to: `${to}@${domain}`, id: mail, atMs: clock.nowMs() },
      read: { subject: '', addresses: [], ...read },
    });
  const path = () => desk.tokens.bounceLocalPart(tenant, id, 'ann@far.test', clock.nowMs());
  const suppressed = () =>
    list
      .page({ tenant, limit: 99, nowMs: clock.nowMs() })
      .entries.map(({ address, reason }) => `${address} ${reason}`);
  return { list, desk, clock, keys, taken, path, suppressed };
}

const bounce = (why: 'address' | 'over-quota', action: 'failed' | 'other' = 'failed') =>
  ({ bounce: { action, status: '5.1.1', why, words: 'said', from: 'mx' } }) as const;

it('finds the recipient among those the message had, where the report names nobody', async () => {
  const { taken, path, suppressed, list } = await opened();
  await taken(path(), { ...bounce('address'), addresses: ['bob@far.test'] });
  assert.deepEqual(suppressed(), ['ann@far.test hard-bounce']);
  assert.equal(list.untold(9).length, 1);
});

it('leaves alone what is no failure, and addresses it did not make', async () => {
  const { taken, path, suppressed, list } = await opened();
  await taken(path(), bounce('address', 'other'));
  const bent = path().replace(/.$/, (last) => (last === '0' ? '8' : '0'));
  await taken(bent, bounce('address'));
  await taken('unsubscribe', { subject: 'please' });
  assert.deepEqual([suppressed(), list.untold(9)], [[], []]);
});

it('suppresses after so many bounces of other kinds, each counted once', async () => {
  const { taken, path, suppressed, list } = await opened(3);
  for (const mail of ['M1', 'M1', 'M2', 'M2']) await taken(path(), bounce('over-quota'), mail);
  assert.deepEqual(suppressed(), []);
  await taken(path(), bounce('over-quota'), 'M3');
  assert.deepEqual(suppressed(), ['ann@far.test hard-bounce']);
  assert.equal(list.untold(9).length, 5);
});

it('believes a complaint for its tenant: what it signed first, then what is said', async () => {
  const { desk, taken, suppressed } = await opened();
  const fbl = desk.tokens.complaintLocalPart(tenant);
  const said = { type: 'abuse', reporter: 'p', recipients: ['eve@far.test'], returnPaths: [] };
  const ofOther = desk.tokens.unsubscribeToken({
    ...{ tenant: tenantId(4), stream: 'news', recipient: 'dan@far.test' },
  });
  await taken(fbl, { complaint: { ...said, unsubscribe: ofOther } });
  const own = desk.tokens.unsubscribeToken({ tenant, stream: 'news', recipient: 'cyd@far.test' });
  await taken(fbl, { complaint: { ...said, unsubscribe: own } });
  await taken(fbl, {
    complaint: { ...said, type: 'not-spam', recipients: ['x@far.test'], unsubscribe: '' },
  });
  assert.deepEqual(suppressed(), ['cyd@far.test complaint', 'eve@far.test complaint']);
});

it('changes its key after a while, and reads what the ones before signed', async () => {
  const { desk, clock, keys, path } = await opened();
  const old = path();
  const [first] = (await keys()).keys;
  clock.advance(91 * dayMs);
  const later = await keys();
  assert.deepEqual(
    later.keys.map((key) => key.id),
    [2, first!.id],
  );
  desk.setKeys(later);
  assert.ok(desk.tokens.readBounce(old, clock.nowMs() - 80 * dayMs));
  clock.advance(801 * dayMs);
  assert.equal(
    (await keys()).keys.some((key) => key.id === first!.id),
    false,
  );
});
