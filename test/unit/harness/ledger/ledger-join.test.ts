/**
 * Aim: the ledger finds every kind of loss and accuses nobody wrongly.
 * Method: hand-made entries, in any order, judged.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ArrivedEntry, LedgerEntries } from '../../../../src/harness/ledger/entries.ts';
import { LedgerJoin } from '../../../../src/harness/ledger/ledger-join.ts';
import { describeAccount, judge } from '../../../../src/harness/ledger/verdict.ts';

const to = ['ann@example.com', 'bob@example.com'];
const injected = { id: 'm1', sha256: 'hash', bytes: 100, to, intendedMs: 1_000 };
const acknowledged = { id: 'm1', to, sentMs: 1_010, atMs: 1_012 };

function arrived(fields: Partial<ArrivedEntry> = {}): ArrivedEntry {
  return { id: 'm1', sha256: 'hash', to, via: 'sink', atMs: 1_020, ...fields };
}

function join(entries: { readonly [K in keyof LedgerEntries]?: readonly LedgerEntries[K][] }) {
  const ledger = new LedgerJoin();
  // Backwards: no kind may need another to be read before it.
  for (const kind of ['bounced', 'arrived', 'refused', 'acknowledged', 'injected'] as const) {
    for (const entry of entries[kind] ?? []) ledger.add(kind, entry);
  }
  return ledger.account();
}

test('what was acknowledged and arrived once leaves nothing to complain about', () => {
  const account = join({
    injected: [injected],
    acknowledged: [acknowledged],
    arrived: [arrived({ to: [to[0]!] }), arrived({ to: [to[1]!], via: 'mailbox' })],
  });
  assert.equal(account.copies, 2);
  assert.equal(account.arrived, 2);
  assert.equal(Math.round(account.endToEnd.p50Ms), 10);
  assert.equal(Math.round(account.fromIntended.p50Ms), 20);
  assert.deepEqual(judge(account), { ok: true, faults: [] });
});

test('an acknowledged copy that never came is lost, named by message and recipient', () => {
  const account = join({
    injected: [injected],
    acknowledged: [acknowledged],
    arrived: [arrived({ to: [to[0]!] })],
  });
  assert.equal(account.lost, 1);
  assert.deepEqual(account.examples.lost, ['m1 bob@example.com']);
  const verdict = judge(account);
  assert.equal(verdict.ok, false);
  assert.match(describeAccount(account, verdict), /verdict: lost: 1, at most 0 allowed/);
});

test('a copy that bounced is not lost', () => {
  const account = join({
    injected: [injected],
    acknowledged: [acknowledged],
    arrived: [arrived({ to: [to[0]!] })],
    bounced: [{ id: 'm1', to: [to[1]!], atMs: 2_000 }],
  });
  assert.equal(account.lost, 0);
  assert.equal(account.bounced, 1);
});

test('a message never acknowledged may arrive or not, and twice is a duplicate', () => {
  const account = join({
    injected: [injected, { ...injected, id: 'm2' }],
    arrived: [arrived(), arrived({ to: [to[0]!] })],
  });
  assert.equal(account.unknown, 4);
  assert.equal(account.unknownArrived, 2);
  assert.equal(account.lost, 0);
  assert.equal(account.duplicated, 1);
  assert.equal(judge(account).ok, false);
  assert.equal(judge(account, { duplicated: 1 }).ok, true);
});

test('a body that differs is corrupted, once for each copy', () => {
  const account = join({
    injected: [injected],
    acknowledged: [acknowledged],
    arrived: [arrived({ sha256: 'other' })],
  });
  assert.equal(account.corrupted, 2);
  assert.equal(account.lost, 0);
});

test('mail nobody sent, for nobody we named, or refused before is unexplained', () => {
  assert.equal(join({ arrived: [arrived({ id: 'stranger' })] }).unexplained, 2);
  const wrongRecipient = join({
    injected: [injected],
    acknowledged: [acknowledged],
    arrived: [arrived(), arrived({ to: ['eve@example.com'] })],
  });
  assert.equal(wrongRecipient.unexplained, 1);
  const refused = join({
    injected: [injected],
    refused: [{ id: 'm1', to, reply: '550 no', atMs: 1_012 }],
    arrived: [arrived({ to: [to[0]!] })],
  });
  assert.equal(refused.refused, 2);
  assert.equal(refused.unexplained, 1);
});

test('an id injected twice cannot be told apart and is unexplained', () => {
  assert.equal(join({ injected: [injected, injected] }).unexplained, 1);
});

test('a line that is no entry fails the verdict', () => {
  const ledger = new LedgerJoin();
  ledger.addMalformed('arrived', '{"id":');
  assert.deepEqual(judge(ledger.account()).faults, ['malformed: 1, at most 0 allowed']);
});
