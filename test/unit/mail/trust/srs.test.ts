/** Aim: a rewritten return path leads back to its sender, and nothing else leads anywhere. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { dayMs } from '../../../../src/base/units.ts';
import { reverseSender, rewriteSender, validDaysMax } from '../../../../src/mail/trust/srs.ts';

const keys = { secrets: ['new secret', 'old secret'] };
const nowMs = Date.UTC(2026, 10, 22, 12);

function reversed(address: string, atMs = nowMs, by = keys) {
  const at = address.lastIndexOf('@');
  const found = reverseSender(address.slice(0, at), by, atMs);
  return found.kind === 'sender' ? `${found.localPart}@${found.domain}` : found.kind;
}

test('a sender comes back, whatever its characters and the case on the way', () => {
  const sender = rewriteSender('Ann+tag=x@far.test', 'here.test', keys, nowMs)!;
  assert.match(sender, /^SRS0=[a-z2-7]{8}=[a-z2-7]{2}=far\.test=Ann\+tag=x@here\.test$/);
  assert.equal(reversed(sender), 'Ann+tag=x@far.test');
  assert.equal(reversed(sender.toLowerCase()), 'ann+tag=x@far.test');
  assert.equal(reversed(sender.toUpperCase()), 'ANN+TAG=X@FAR.TEST');
});

test('an SRS0 of another becomes an SRS1, and that of a third stays one', () => {
  const first = rewriteSender('ann@far.test', 'one.test', { secrets: ['one'] }, nowMs)!;
  const second = rewriteSender(first, 'two.test', { secrets: ['two'] }, nowMs)!;
  assert.match(second, /^SRS1=[a-z2-7]{8}=one\.test==[a-z2-7]{8}=\w\w=far\.test=ann@two\.test$/);
  const third = rewriteSender(second, 'here.test', keys, nowMs)!;
  assert.match(third, /^SRS1=[a-z2-7]{8}=one\.test==.*@here\.test$/);
  // Straight back to who rewrote it first.
  assert.equal(reversed(third).toLowerCase(), first.toLowerCase());
  assert.equal(reversed(first, nowMs, { secrets: ['one'] }), 'ann@far.test');
});

test('null, quoted and over-long senders stay as they are', () => {
  for (const sender of ['', '"a b"@far.test', `${'x'.repeat(250)}@far.test`]) {
    assert.equal(rewriteSender(sender, 'here.test', keys, nowMs), undefined);
  }
  assert.equal(rewriteSender('a@far.test', 'here.test', { secrets: [] }, nowMs), undefined);
});

test('a changed character anywhere leads nowhere', () => {
  const sender = rewriteSender('ann@far.test', 'here.test', keys, nowMs)!;
  const local = sender.slice(0, sender.indexOf('@'));
  for (let at = 5; at < local.length; at++) {
    const other = local[at] === 'x' ? 'y' : 'x';
    const changed = `${local.slice(0, at)}${other}${local.slice(at + 1)}@here.test`;
    assert.equal(reversed(changed), 'invalid', changed);
  }
  fc.assert(
    fc.property(fc.string({ maxLength: 60 }), (text) => {
      const first = reverseSender(`SRS0=${text}`, keys, nowMs).kind;
      const second = reverseSender(`srs1-${text}`, keys, nowMs).kind;
      assert.deepEqual([first, second], ['invalid', 'invalid']);
      assert.equal(reverseSender(`a${text}`, keys, nowMs).kind, 'none');
    }),
    { numRuns: 2_000 },
  );
});

test('it leads back for its days and no longer, also where days begin anew', () => {
  for (const startMs of [nowMs, 1_024 * 20 * dayMs - 3 * dayMs]) {
    const sender = rewriteSender('ann@far.test', 'here.test', keys, startMs)!;
    assert.equal(reversed(sender, startMs + validDaysMax * dayMs), 'ann@far.test');
    assert.equal(reversed(sender, startMs + (validDaysMax + 1) * dayMs), 'invalid');
    assert.equal(reversed(sender, startMs - 2 * dayMs), 'invalid');
  }
});

test('an older secret still checks, and a forgotten one does not', () => {
  const sender = rewriteSender('ann@far.test', 'here.test', { secrets: ['old secret'] }, nowMs)!;
  assert.equal(reversed(sender), 'ann@far.test');
  assert.equal(reversed(sender, nowMs, { secrets: ['new secret'] }), 'invalid');
});
