/** Aim: what comes back is known by what we signed, and by nothing else. Method: made, bent at each place, and read. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type MessageId, tenantId } from '../../../../../src/base/ids.ts';
import { dayMs } from '../../../../../src/base/units.ts';
import { FeedbackTokens, isRecipientOf } from '../../../../../src/mail/trust/feedback/tokens.ts';

const nowMs = Date.UTC(2026, 5, 1);
const id = '0HZYXW9876543210' as MessageId;
const key = (number: number, fill: number) => ({
  id: number,
  secret: Buffer.alloc(32, fill),
  createdMs: nowMs,
});
const root = Buffer.alloc(32, 9);
const tokens = new FeedbackTokens([key(2, 2), key(1, 1)], root);
const tenant = tenantId(70_000);
const made = tokens.bounceLocalPart(tenant, id, 'Ann@far.test', nowMs);

it('a bounce address tells its message, tenant and recipient, in any case', () => {
  assert.ok(made.length <= 64, made);
  assert.match(made, /^b-[0-9a-z]+$/);
  for (const seen of [made, made.toUpperCase()]) {
    const facts = tokens.readBounce(seen, nowMs + 5 * dayMs);
    assert.deepEqual([facts?.tenant, facts?.message], [tenant, id]);
    assert.equal(isRecipientOf(facts!, 'ann@FAR.test'), true);
    assert.equal(isRecipientOf(facts!, 'bob@far.test'), false);
  }
});

it('a bounce address that was bent at any place is not ours', () => {
  for (let at = 0; at < made.length; at++) {
    const bent = made.slice(0, at) + (made[at] === '7' ? '8' : '7') + made.slice(at + 1);
    assert.equal(tokens.readBounce(bent, nowMs), undefined, bent);
  }
  for (const other of ['', 'b-', made.slice(0, -1), `${made}0`, `x${made}`, made.slice(2)]) {
    assert.equal(tokens.readBounce(other, nowMs), undefined, other);
  }
});

const bounceDaysMax = 30;

it('a bounce address runs out, and a clock set back by a day does no harm', () => {
  assert.ok(tokens.readBounce(made, nowMs + bounceDaysMax * dayMs));
  assert.equal(tokens.readBounce(made, nowMs + (bounceDaysMax + 1) * dayMs), undefined);
  assert.ok(tokens.readBounce(made, nowMs - dayMs));
  assert.equal(tokens.readBounce(made, nowMs - 2 * dayMs), undefined);
});

it('what an older key signed is read as long as that key is kept', () => {
  const before = new FeedbackTokens([key(1, 1)], root);
  const old = before.bounceLocalPart(tenant, id, 'ann@far.test', nowMs);
  const token = before.unsubscribeToken({ tenant, stream: 'news', recipient: 'ann@far.test' });
  assert.ok(tokens.readBounce(old, nowMs));
  assert.ok(tokens.readUnsubscribe(token));
  const after = new FeedbackTokens([key(2, 2)], root);
  assert.equal(after.readBounce(old, nowMs), undefined);
  assert.equal(after.readUnsubscribe(token), undefined);
});

it('a complaint address is its tenant’s, and outlives keys', () => {
  const local = tokens.complaintLocalPart(tenant);
  assert.equal(new FeedbackTokens([key(3, 3)], root).readComplaint(local.toUpperCase()), tenant);
  const bent = local.slice(0, 5) + (local[5] === '7' ? '8' : '7') + local.slice(6);
  assert.equal(tokens.readComplaint(bent), undefined);
  assert.equal(tokens.readBounce(local, nowMs), undefined);
});

it('an unsubscribe token hides whom it is for, is always the same, and cannot be bent', () => {
  const facts = { tenant, stream: 'news', recipient: 'ann@far.test' };
  const token = tokens.unsubscribeToken(facts);
  assert.equal(tokens.unsubscribeToken(facts), token);
  assert.match(token, /^[A-Za-z0-9_-]+$/);
  assert.doesNotMatch(Buffer.from(token, 'base64url').toString('latin1'), /ann|far|news/);
  assert.deepEqual(tokens.readUnsubscribe(token), facts);
  const other = tokens.unsubscribeToken({ ...facts, recipient: 'bob@far.test' });
  assert.notEqual(other, token);
  const bytes = Buffer.from(token, 'base64url');
  for (let at = 0; at < bytes.length; at++) {
    const bent = Buffer.from(bytes);
    bent[at]! ^= 1;
    assert.equal(tokens.readUnsubscribe(bent.toString('base64url')), undefined, String(at));
  }
  for (const none of ['', 'A', 'x'.repeat(10_000), 'ä', '../..']) {
    assert.equal(tokens.readUnsubscribe(none), undefined, none);
  }
});

it('hides the length of a recipient up to sixteen bytes', () => {
  const length = (recipient: string) =>
    tokens.unsubscribeToken({ tenant, stream: 'n', recipient }).length;
  assert.equal(length('a@b.test'), length('abcde@b.test'));
});
