/**
 * Aim: the ledger finds every kind of loss and accuses nobody wrongly.
 * Method: hand-made entries, in any order, judged.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type ArrivedEntry,
  entryKinds,
  type LedgerEntries,
} from '../../../../src/harness/ledger/entries.ts';
import { entriesMax } from '../../../../src/harness/ledger/history.ts';
import { LedgerJoin } from '../../../../src/harness/ledger/ledger-join.ts';
import { parseLedgerThreshold } from '../../../../src/harness/ledger/thresholds.ts';
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
  for (const kind of entryKinds.toReversed()) {
    for (const entry of entries[kind] ?? []) ledger.add(kind, entry as never);
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
  assert.partialDeepStrictEqual(judge(account), { ok: true, faults: [] });
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
  assert.match(describeAccount(account, verdict), /verdict: lost = 0: it is 1\n/);
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
  assert.equal(judge(account, [parseLedgerThreshold('duplicated <= 1')]).ok, true);
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
  assert.deepEqual(judge(ledger.account()).faults, ['malformed = 0: it is 1']);
});

const seen = {
  ...{ id: 'm1', sha256: 'hash', to: [to[0]!] },
  ...{ via: 'imap://ann@host:143/INBOX;UIDVALIDITY=7', uid: 3, atMs: 1_000 },
};
const single = { ...injected, to: [to[0]!] };
const taken = { ...acknowledged, to: [to[0]!] };

test('what is seen over IMAP has come; read twice it has come once, in two mailboxes twice', () => {
  const once = join({ injected: [single], acknowledged: [taken], seen: [seen, { ...seen }] });
  assert.deepEqual([once.seen, once.arrived, once.lost, once.duplicated], [1, 0, 0, 0]);
  // Known to the second: counted to its end, never too short.
  assert.equal(Math.round(once.endToEnd.maxMs), 990);
  assert.equal(once.byInternalDate, 1);
  const other = { ...seen, via: 'imap://ann@host:143/Junk;UIDVALIDITY=8' };
  assert.equal(
    join({ injected: [single], acknowledged: [taken], seen: [seen, other] }).duplicated,
    1,
  );
  const changed = join({
    injected: [single],
    acknowledged: [taken],
    seen: [{ ...seen, sha256: 'x' }],
  });
  assert.equal(changed.corrupted, 1);
});

test('of an address the domain is the same in either case, the local part is not', () => {
  const came = (address: string) =>
    join({ injected: [single], acknowledged: [taken], arrived: [arrived({ to: [address] })] });
  assert.equal(came('ann@EXAMPLE.com').lost, 0);
  assert.equal(came('Ann@example.com').lost, 1);
});

test('a delay explains no loss, a failure does, whoever tells of it', () => {
  const told = (event: 'delayed' | 'failed' | 'relayed', by: 'notice' | 'webhook') =>
    join({
      injected: [single],
      acknowledged: [taken],
      reported: [{ id: 'm1', to: [to[0]!], event, by, atMs: 1 }],
    });
  assert.partialDeepStrictEqual(told('delayed', 'notice'), { delayed: 1, bounced: 0, lost: 1 });
  assert.partialDeepStrictEqual(told('failed', 'webhook'), { bounced: 1, lost: 0, reported: 1 });
  assert.partialDeepStrictEqual(told('relayed', 'notice'), { lost: 1, reported: 0 });
});

test('a report may name the address an alias led to, or nobody, where one recipient is meant', () => {
  for (const names of [[], ['boss@elsewhere.example']]) {
    const bounced = [{ id: 'm1', to: names, atMs: 1 }];
    const account = join({ injected: [single], acknowledged: [taken], bounced });
    assert.deepEqual([account.lost, account.bounced, account.unexplained], [0, 1, 0]);
    const several = join({ injected: [injected], acknowledged: [acknowledged], bounced });
    assert.deepEqual([several.lost, several.bounced, several.unexplained], [2, 0, 1]);
  }
});

test('what came and was told to have failed is contradicted', () => {
  const account = join({
    injected: [injected],
    acknowledged: [acknowledged],
    arrived: [arrived()],
    bounced: [{ id: 'm1', to: [to[1]!], atMs: 2_000 }],
  });
  assert.deepEqual(account.examples.contradicted, ['m1 bob@example.com']);
  assert.equal(judge(account).ok, false);
});

test('a webhook that is silent is seen when it is asked for; one of other mail is counted', () => {
  const account = join({
    injected: [injected],
    acknowledged: [acknowledged],
    arrived: [arrived()],
    reported: [
      { id: 'm1', to: [to[0]!], event: 'delivered', by: 'webhook', atMs: 1 },
      { id: 'm1', to: [to[1]!], event: 'delayed', by: 'webhook', atMs: 1 },
      { id: 'other', to: ['eve@example.com'], event: 'delivered', by: 'webhook', atMs: 1 },
    ],
  });
  assert.partialDeepStrictEqual(account, { reported: 2, unreported: 1, foreign: 1, messages: 1 });
  assert.equal(judge(account).ok, true);
  const asked = judge(account, [parseLedgerThreshold('unreported = 0')]);
  assert.deepEqual(asked.faults, ['unreported = 0: it is 1']);
});

test('order is looked at within a session, to one recipient, at one door', () => {
  const sent = (id: string, session: string, sentMs: number) => ({
    injected: { ...single, id, session },
    acknowledged: { ...taken, id, sentMs, atMs: sentMs + 1 },
  });
  const all = [sent('a', 's1', 10), sent('b', 's1', 20), sent('c', 's1', 30), sent('d', 's2', 5)];
  const came = (ids: readonly string[], via = 'sink') =>
    ids.map((id, at) => arrived({ id, to: [to[0]!], via, atMs: 100 + at }));
  const account = (arrivals: readonly ArrivedEntry[]) =>
    join({
      injected: all.map((each) => each.injected),
      acknowledged: all.map((each) => each.acknowledged),
      arrived: arrivals,
    });
  assert.partialDeepStrictEqual(account(came(['a', 'b', 'c', 'd'])), { ordered: 3, reordered: 0 });
  const turned = account(came(['c', 'a', 'b', 'd']));
  assert.partialDeepStrictEqual(turned, { ordered: 3, reordered: 2 });
  assert.deepEqual(turned.examples.reordered, ['a', 'b']);
  assert.equal(judge(turned).ok, true);
  assert.equal(judge(turned, [parseLedgerThreshold('reordered = 0')]).ok, false);
  // Through two doors there is no order between them.
  const doors = account([...came(['b'], 'one'), ...came(['a', 'c', 'd'], 'two')]);
  assert.partialDeepStrictEqual(doors, { ordered: 2, reordered: 0 });
  assert.match(describeAccount(join({}), judge(join({}))), /reordered +not known: no session/);
});

test('a mailbox has the order of its UIDs, whatever its dates say', () => {
  const ids = ['a', 'b'];
  const account = join({
    injected: ids.map((id) => ({ ...single, id, session: 's' })),
    acknowledged: ids.map((id, at) => ({ ...taken, id, sentMs: at })),
    seen: ids.map((id, at) => ({ ...seen, id, uid: 9 - at, atMs: at })),
  });
  assert.partialDeepStrictEqual(account, { ordered: 2, reordered: 1 });
});

test('end-to-end latencies are held against thresholds; what never came has not been fast', () => {
  const threshold = [parseLedgerThreshold('p99-end-to-end < 5ms')];
  const account = join({
    injected: [injected],
    acknowledged: [acknowledged],
    arrived: [arrived()],
  });
  assert.deepEqual(judge(account, threshold).faults, ['p99-end-to-end < 5ms: it is 10']);
  assert.equal(judge(account, [parseLedgerThreshold('max-end-to-end < 1s')]).ok, true);
  assert.equal(judge(join({}), threshold).ok, false);
  assert.throws(
    () => parseLedgerThreshold('inbox: lost = 0'),
    /knows no groups: leave "inbox:" out/,
  );
  assert.throws(() => parseLedgerThreshold('p99 < 5ms'), /with one of lost, duplicated/);
});

test('entries of one message past the most that are kept are counted, and fail the verdict', () => {
  const ledger = new LedgerJoin();
  ledger.add('injected', single);
  ledger.add('acknowledged', taken);
  for (let count = 0; count < entriesMax + 3; count++) {
    ledger.add('arrived', arrived({ to: [to[0]!] }));
  }
  const account = ledger.account();
  assert.deepEqual([account.unexplained, account.duplicated], [3, entriesMax - 1]);
});
