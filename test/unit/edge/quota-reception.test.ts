/** Aim: a tenant has no more accepted than its quota, however messages come, fail and come again. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { AcceptAnswer, Arrival, ReceivedMessage } from '../../../src/actors/asks/reception.ts';
import { createMemoryDirectory } from '../../../src/adapters/memory/memory-directory.ts';
import { MemoryIndex } from '../../../src/adapters/memory/memory-index.ts';
import { failure } from '../../../src/base/errors.ts';
import type { MessageId, TenantId } from '../../../src/base/ids.ts';
import { silentLog } from '../../../src/base/log.ts';
import { dayMs, hourMs } from '../../../src/base/units.ts';
import { TenantQuotas } from '../../../src/edge/guard/tenant-quotas.ts';
import { withQuotas } from '../../../src/edge/quota-reception.ts';
import { SeededClock, turns } from '../../support/seeded-clock.ts';
import { FakeReception } from '../../support/smtp-fakes.ts';

/** Answers as the test says. */
class ScriptedReception extends FakeReception {
  answers: AcceptAnswer[] = [];
  override async accept(message: ReceivedMessage, reserved: number): Promise<AcceptAnswer> {
    const answer = await super.accept(message, reserved);
    return this.answers.shift() ?? answer;
  }
}

async function world(quotas: { messagesPerHourMax?: number; messagesPerDayMax?: number }) {
  const clock = new SeededClock();
  clock.advance(dayMs - (clock.nowMs() % dayMs));
  const directory = createMemoryDirectory();
  const tenant = await directory.createTenant({ name: 'acme', createdMs: 0 });
  const waitingCount = () => 0;
  const table = new MemoryIndex();
  const counts = new TenantQuotas({ clock, directory, table, log: silentLog, waitingCount });
  await counts.start();
  await directory.putTenant({ ...tenant, ...quotas });
  await turns(2);
  const inner = new ScriptedReception();
  // A class has its methods elsewhere than an object made of them.
  const { accept, acceptEach, openBody, judge, reserve, release, nextId } = inner;
  const whole = { accept, acceptEach, openBody, judge, reserve, release, nextId };
  const bound = Object.fromEntries(
    Object.entries(whole).map(([name, method]) => [name, method.bind(inner as never)]),
  );
  const reception = withQuotas(bound as never, counts);
  const hand = async (more: Partial<Arrival> = {}) => {
    const arrival = { id: inner.nextId(), tenant: tenant.id, trusted: true, listener: 'smtp' };
    const message = { arrival: { ...arrival, ...more }, body: [], bodyBytes: 0, envelope: {} };
    const answer = await reception.accept(message as unknown as ReceivedMessage, 0);
    return answer.ok ? 'ok' : answer.code;
  };
  return { clock, directory, tenant, inner, reception, hand };
}

const over = 'tenant-over-quota';

it('an hour’s quota is had again with the next hour, a day’s with the next day', async () => {
  const { clock, hand, reception, tenant } = await world({
    messagesPerHourMax: 2,
    messagesPerDayMax: 3,
  });
  assert.deepEqual([await hand(), await hand(), await hand()], ['ok', 'ok', over]);
  clock.advance(10_000);
  assert.equal(reception.quotaWaitMs(tenant.id, 1), hourMs - 10_000);
  clock.advance(hourMs);
  assert.equal(reception.quotaWaitMs(tenant.id, 2), 23 * hourMs - 10_000);
  assert.deepEqual([await hand(), await hand()], ['ok', over]);
  clock.advance(23 * hourMs);
  assert.equal(reception.quotaWaitMs(tenant.id, 2), 0);
  assert.deepEqual([await hand(), await hand(), await hand()], ['ok', 'ok', over]);
});

it('what is not accepted is given back, in its own hour; what may have been is not', async () => {
  const { clock, hand, inner } = await world({ messagesPerHourMax: 1 });
  inner.answers = [failure('message-invalid'), { ok: true, earlierId: 'EARLIER' as MessageId }];
  assert.deepEqual([await hand(), await hand(), await hand()], ['message-invalid', 'ok', 'ok']);
  assert.equal(await hand(), over);
  clock.advance(hourMs);
  inner.answers = [failure('deadline-passed')];
  assert.deepEqual([await hand(), await hand()], ['deadline-passed', over]);
  clock.advance(hourMs - 1);
  const late = Promise.withResolvers<AcceptAnswer>();
  inner.answers = [late.promise as unknown as AcceptAnswer];
  clock.advance(1);
  const slow = hand();
  await turns(2);
  clock.advance(hourMs);
  assert.equal(await hand(), 'ok');
  late.resolve(failure('store-busy'));
  assert.equal(await slow, 'store-busy');
  assert.equal(await hand(), over);
});

it('many at once share what is left', async () => {
  const { hand } = await world({ messagesPerDayMax: 5 });
  const answers = await Promise.all(Array.from({ length: 20 }, () => hand()));
  assert.equal(answers.filter((answer) => answer === 'ok').length, 5);
});

it('mail of strangers, of other tenants and after a quota’s end is not counted', async () => {
  const { hand, directory, tenant, inner } = await world({ messagesPerDayMax: 1 });
  assert.deepEqual([await hand(), await hand()], ['ok', over]);
  assert.equal(await hand({ trusted: false }), 'ok');
  assert.equal(await hand({ listener: 'lmtp' }), 'ok');
  assert.equal(await hand({ tenant: 0 as TenantId }), 'ok');
  assert.equal(inner.reservedBytes, 0);
  await directory.putTenant({ ...tenant, messagesPerDayMax: 0 });
  await turns(2);
  assert.equal(await hand(), 'ok');
});
