/** Aim: a report is believed for whom its address was made, and policy decides what follows. Method: a memory list. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { MemoryIndex } from '../../../../src/adapters/memory/memory-index.ts';
import { TableSuppressions } from '../../../../src/adapters/table/suppressions.ts';
import { type MessageId, tenantId } from '../../../../src/base/ids.ts';
import { dayMs } from '../../../../src/base/units.ts';
import { BounceDomains } from '../../../../src/edge/feedback/bounce-domains.ts';
import { FeedbackDesk } from '../../../../src/edge/feedback/desk.ts';
import { feedbackKeys } from '../../../../src/edge/feedback/keys.ts';
import type { FeedbackRead } from '../../../../src/mail/formats/feedback/read-feedback.ts';
import { SeededClock } from '../../../support/seeded-clock.ts';

const tenant = tenantId(3);
const id = '0HZYXW9876543210' as MessageId;
const domain = 'bounces.test';

async function opened(softBounceCount = 0, domains = new BounceDomains(domain)) {
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
      domains: () => domains,
      rules: () => ({
        ...{ hardBounceMs: dayMs, softBounceCount },
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
  const path = (message = id) =>
    desk.tokens.bounceLocalPart(tenant, message, 'ann@far.test', clock.nowMs());
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

it('suppresses after so many bounces of other kinds, one of each message', async () => {
  const { taken, path, suppressed, list } = await opened(3);
  const other = '0HZYXW9876543211' as MessageId;
  for (const mail of ['M1', 'M2']) await taken(path(), bounce('over-quota'), mail);
  for (const mail of ['M3', 'M4']) await taken(path(other), bounce('over-quota'), mail);
  assert.deepEqual(suppressed(), []);
  await taken(path('0HZYXW9876543212' as MessageId), bounce('over-quota'), 'M5');
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

it('a clock that ran years ahead and comes back finds its keys, and goes on changing them', async () => {
  const { desk, clock, keys, path } = await opened();
  const before = path();
  clock.jump(850 * dayMs);
  const [ahead] = (await keys()).keys;
  desk.setKeys(await keys());
  const meanwhile = path();
  assert.equal(desk.tokens.readBounce(before, clock.nowMs() - 850 * dayMs), undefined);
  clock.jump(-850 * dayMs);
  const back = await keys();
  desk.setKeys(back);
  assert.ok(desk.tokens.readBounce(before, clock.nowMs()));
  // What was signed meanwhile is known by its key; its day is not one that was.
  assert.ok(desk.tokens.readBounce(meanwhile, clock.nowMs() + 850 * dayMs));
  assert.deepEqual([back.keys[0]!.id, back.keys.at(-1)!.id], [1, ahead!.id]);
  clock.jump(91 * dayMs);
  const later = await keys();
  assert.deepEqual(
    later.keys.map(({ id }) => id),
    [3, 1, ahead!.id],
  );
  assert.deepEqual((await keys()).keys, later.keys);
});

const rcpt = (localPart: string, at: string) => ({
  localPart,
  domain: at,
  address: `${localPart}@${at}`,
});

it('one address is reported to twenty times, and no other is refused for it', async () => {
  const { desk, taken, path, list } = await opened();
  for (let i = 0; i < 20; i++) {
    assert.equal(typeof desk.decide(rcpt(path(), domain) as never, ''), 'object', `${i}`);
    await taken(path(), bounce('over-quota'), `M${i}`);
  }
  assert.equal(desk.decide(rcpt(path(), domain) as never, ''), 'policy-refused');
  assert.equal(list.untold(99).length, 20);
  const other = path('0HZYXW9876543211' as MessageId);
  assert.equal(typeof desk.decide(rcpt(other, domain) as never, ''), 'object');
});

it('a tenant’s own domain has its addresses and nobody else’s; that for all has all', async () => {
  const own = new BounceDomains(domain, new Map([[tenant, 'bounces.acme.test']]));
  const { desk, path } = await opened(0, own);
  const at = (localPart: string, name: string) => {
    const decision = desk.decide(rcpt(localPart, name) as never, '');
    return typeof decision === 'object' ? 'taken' : decision;
  };
  const others = desk.tokens.bounceLocalPart(tenantId(4), id, 'ann@far.test', Date.UTC(2026, 0, 2));
  assert.deepEqual(
    [at(path(), 'Bounces.ACME.test'), at(path(), domain), at(others, domain)],
    ['taken', 'taken', 'taken'],
  );
  assert.equal(at(others, 'bounces.acme.test'), 'account-missing');
  assert.equal(
    at(desk.tokens.complaintLocalPart(tenantId(4)), 'bounces.acme.test'),
    'account-missing',
  );
  assert.equal(at(path(), 'else.test'), undefined);
  assert.match(desk.addressesOf(tenant)!.complaints, /@bounces\.acme\.test$/);
  assert.match(desk.addressesOf(tenantId(4))!.unsubscribe, /@bounces\.test$/);
});
