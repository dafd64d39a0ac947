/**
 * Aim: a message is \Recent to one session, whatever the order in which sessions come, are told and go.
 * Method: claims of a few mailboxes, one by one; random ones against a plain set of UIDs. A failure prints the seed.
 *
 * RFC 3501 §2.3.2.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RecentClaims } from '../../../../src/edge/notices/recent-claims.ts';
import { SeededRandom } from '../../../support/seeded-clock.ts';

describe('claims', () => {
  it('are of what nobody was told of, from where the row ends', () => {
    const claims = new RecentClaims();
    claims.enter(1, 2, 5);
    assert.equal(claims.claim(1, 2, 9), 5);
    claims.enter(1, 2, 5);
    assert.equal(claims.claim(1, 2, 9), 9);
    assert.equal(claims.claim(1, 2, 12), 9);
    assert.deepEqual(
      [claims.uidNext(1, 2), claims.uidNext(2, 2), claims.uidNext(1, 3)],
      [12, 0, 0],
    );
  });

  it('are told to the row once by each that leaves, where there are new ones', () => {
    const claims = new RecentClaims();
    for (let i = 0; i < 2; i++) claims.enter(1, 2, 5);
    claims.claim(1, 2, 9);
    assert.equal(claims.leave(1, 2), 9);
    assert.equal(claims.leave(1, 2), 0);
  });

  it('are known after the last session left: what the engine says may be older', () => {
    const claims = new RecentClaims();
    claims.enter(1, 2, 1);
    claims.claim(1, 2, 9);
    claims.leave(1, 2);
    assert.equal(claims.uidNext(1, 2), 9);
    claims.enter(1, 2, 1);
    assert.equal(claims.claim(1, 2, 10), 9);
    assert.equal(claims.leave(1, 2), 10);
  });

  it('of mailboxes that were left are bounded; of one that is selected none is forgotten', () => {
    const claims = new RecentClaims();
    claims.enter(1, 1, 1);
    claims.claim(1, 1, 9);
    for (let mailbox = 2; mailbox < 20_000; mailbox++) {
      claims.enter(1, mailbox, 1);
      claims.claim(1, mailbox, 9);
      claims.leave(1, mailbox);
    }
    assert.equal(claims.uidNext(1, 1), 9);
    assert.equal(claims.uidNext(1, 19_999), 9);
    assert.equal(claims.uidNext(1, 2), 0);
  });

  for (const seed of [1, 2, 3]) {
    it(`never overlap (seed ${seed})`, () => {
      const random = new SeededRandom(seed);
      const claims = new RecentClaims();
      const told: number[] = [];
      let [uidNext, rowUid, sessions] = [1, 1, 0];
      const claim = () => {
        for (let uid = claims.claim(1, 1, uidNext); uid < uidNext; uid++) told.push(uid);
      };
      for (let step = 0; step < 500; step++) {
        const kind = random.below(4);
        if (kind === 0) uidNext += random.below(3);
        else if (kind === 1) {
          claims.enter(1, 1, rowUid);
          sessions++;
          claim();
        } else if (sessions > 0 && kind === 2) claim();
        else if (sessions > 0) {
          // The row may be told late, or never.
          const left = claims.leave(1, 1);
          if (random.below(2) === 0) rowUid = Math.max(rowUid, left);
          sessions--;
        }
      }
      const all = Array.from({ length: claims.uidNext(1, 1) - 1 }, (_, i) => i + 1);
      assert.deepEqual(told, all, `seed ${seed}`);
    });
  }
});
