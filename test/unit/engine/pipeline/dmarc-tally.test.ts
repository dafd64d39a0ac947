/** Aim: mail is counted once, alike with alike, and says what became of it. Method: messages by hand. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DmarcCounts } from '../../../../src/actors/asks/dmarc-count-asks.ts';
import {
  DmarcTally,
  type JudgedMessage,
  rowsMax,
  tellMs,
} from '../../../../src/engine/pipeline/dmarc-tally.ts';
import { SeededClock } from '../../../support/seeded-clock.ts';

const published = {
  ...{ domain: 'far.test', p: 'reject', sp: 'reject', np: 'reject', adkim: 'r', aspf: 'r' },
  ...{ fo: '', isTesting: false, discovery: 'treewalk' },
};
const failing: JudgedMessage = {
  evidence: {
    ...{ author: 'far.test', published, isDkimAligned: false, isSpfAligned: false, dkim: [] },
    spf: { domain: 'x.test', result: 'pass' },
  },
  verdicts: { dmarc: 'fail', dmarcPolicy: 'reject' },
  body: Buffer.from('Subject: hi\r\n\r\n'),
  ...{
    peerAddress: '::ffff:192.0.2.1',
    sender: 'a@X.test',
    isRefused: false,
    isSuspect: false,
    isVouched: false,
  },
};
const passing: JudgedMessage = {
  ...failing,
  evidence: { ...failing.evidence, isSpfAligned: true },
  verdicts: { dmarc: 'pass', dmarcPolicy: 'reject' },
};

function counted(...messages: readonly JudgedMessage[]) {
  const told: DmarcCounts[] = [];
  const clock = new SeededClock(0);
  const tally = new DmarcTally({ clock, tell: (counts) => told.push(counts) });
  for (const message of messages) tally.add(message);
  clock.advance(tellMs);
  return told.flatMap(({ rows }) => rows.map(({ record }) => record));
}

test('messages that fared alike are one row', () => {
  const rows = counted(failing, passing, failing, { ...failing, peerAddress: '192.0.2.9' });
  assert.deepEqual(
    rows.map(({ sourceAddress, count, disposition }) => [sourceAddress, count, disposition]),
    [
      ['192.0.2.1', 2, 'none'],
      ['192.0.2.1', 1, 'pass'],
      ['192.0.2.9', 1, 'none'],
    ],
  );
  assert.deepEqual([rows[0]!.envelopeFrom, rows[1]!.spf, rows[0]!.spf], ['x.test', 'pass', 'fail']);
});

test('RFC 9990 §3.1.6: what fared otherwise than asked says why', () => {
  const why = (message: JudgedMessage) => {
    const [row] = counted(message);
    return [row!.disposition, ...row!.reasons.map(({ type }) => type)];
  };
  assert.deepEqual(why(failing), ['none', 'local_policy']);
  assert.deepEqual(why({ ...failing, isRefused: true }), ['reject']);
  assert.deepEqual(why({ ...failing, isSuspect: true }), ['quarantine']);
  assert.deepEqual(why({ ...failing, isVouched: true }), ['none', 'trusted_forwarder']);
  assert.deepEqual(why(passing), ['pass']);
  const none = { dmarc: 'fail', dmarcPolicy: 'none' } as const;
  const asksNothing = { ...published, p: 'none', sp: 'none', np: 'none' };
  const withPolicy = (policy: typeof published): JudgedMessage => ({
    ...{ ...failing, verdicts: none, evidence: { ...failing.evidence, published: policy } },
  });
  assert.deepEqual(why(withPolicy(asksNothing)), ['none']);
  const testing = { ...published, p: 'quarantine', isTesting: true };
  assert.deepEqual(why(withPolicy(testing)), ['none', 'policy_test_mode']);
});

test('reports of others that pass are not reported, and who only writes such a subject is', () => {
  const subject = 'Subject: Report Domain: here.test\r\n Submitter: far.test\r\n\r\n';
  assert.deepEqual(counted({ ...passing, body: Buffer.from(subject) }), []);
  assert.equal(counted({ ...failing, body: Buffer.from(subject) }).length, 1);
});

test('so many rows wait, and are told before more do', () => {
  const told: DmarcCounts[] = [];
  const tally = new DmarcTally({ clock: new SeededClock(0), tell: (counts) => told.push(counts) });
  for (let i = 0; i <= rowsMax; i++) tally.add({ ...failing, sender: `a@d${i}.test` });
  assert.deepEqual(
    told.map(({ rows }) => rows.length),
    [rowsMax],
  );
});
