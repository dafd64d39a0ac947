/**
 * Aim: a message goes where the nearest level that says wants it by its score; a scanner's word bounds the score.
 * Method: headers and levels by hand.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { outcomeOf } from '../../../../../src/engine/mailbox/outcome/outcome.ts';
import {
  noMarks,
  readMarks,
  spamVerdict,
} from '../../../../../src/engine/mailbox/outcome/trust-marks.ts';

function marksOf(fields: Readonly<Record<string, readonly string[]>>) {
  return readMarks({ texts: (name) => fields[name] ?? [] });
}

const server = { junkPercent: 100, quarantinePercent: 300 };

describe('the marks of a header', () => {
  it('are the worst of the scores', () => {
    const marks = marksOf({
      'x-spam-status': ['No, score=1 required=5 scanner=a', 'Yes, score=30 required=15 scanner=b'],
      'x-spam-flag': ['YES'],
    });
    assert.deepEqual(marks, { spamPercent: 200, isCalledSpam: false });
    assert.deepEqual(spamVerdict(marks), { spamPercent: 100 });
  });

  it('are bounded by what the scanner made of its score', () => {
    const called = marksOf({ 'x-spam-status': ['Yes, score=7 required=15 scanner=rspamd'] });
    assert.equal(called.spamPercent, 100);
    const passed = marksOf({ 'x-spam-status': ['No, score=20 required=15 scanner=rspamd'] });
    assert.equal(passed.spamPercent, 99);
  });

  it('RFC 5235 §2.2: are no verdict without a score', () => {
    for (const status of ['', 'Yes', 'Yes, score=x required=5', 'Yes, score=9 required=0']) {
      assert.equal(marksOf({ 'x-spam-status': [status] }).spamPercent, undefined, status);
    }
    assert.deepEqual(spamVerdict(noMarks), {});
  });

  it('tell who decides without a score', () => {
    assert.equal(marksOf({ 'x-spam-flag': ['YES'] }).isCalledSpam, true);
    assert.equal(marksOf({ 'x-spam-flag': ['NO'] }).isCalledSpam, false);
    assert.equal(marksOf({ 'x-quarantine': ['policy; scanner=m'] }).quarantine, 'policy');
    assert.equal(marksOf({ 'x-quarantine': ['spam; scanner=r'] }).quarantine, 'spam');
    const both = ['spam; scanner=r', 'policy; scanner=virus'];
    assert.equal(marksOf({ 'x-quarantine': both }).quarantine, 'policy', 'the stricter');
    assert.equal(marksOf({ 'x-quarantine': both.toReversed() }).quarantine, 'policy');
  });
});

describe('an outcome', () => {
  const of = (spamPercent: number) => ({ spamPercent, isCalledSpam: false });

  it('follows the score', () => {
    const found = [0, 99, 100, 299, 300].map((percent) => outcomeOf(of(percent), [server]));
    assert.deepEqual(found, ['accept', 'accept', 'junk', 'junk', 'quarantine']);
  });

  it('is that of the nearest level that says, each by itself', () => {
    const tenant = { junkPercent: 200 };
    const own = { quarantinePercent: 0 };
    assert.equal(outcomeOf(of(150), [own, tenant, server]), 'accept');
    assert.equal(outcomeOf(of(250), [undefined, tenant, server]), 'junk');
    assert.equal(outcomeOf(of(999), [own, tenant, server]), 'junk');
  });

  it('is never Junk at 0, and quarantine where a scanner wants it', () => {
    const never = { junkPercent: 0, quarantinePercent: 0 };
    assert.equal(outcomeOf({ ...of(500), isCalledSpam: true }, [never]), 'accept');
    const held = { isCalledSpam: true, quarantine: 'policy' } as const;
    assert.equal(outcomeOf(held, [never]), 'quarantine');
    assert.equal(outcomeOf({ isCalledSpam: true }, [server]), 'junk');
  });
});
