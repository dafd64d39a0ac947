/**
 * Aim: of the examples of a kind no account gives more than a third, and what one account alone says is not said.
 * Method: examples of real messages, gathered by account.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { placesOf } from '../../../../../src/mail/trust/spam/personal.ts';
import { readForSpam } from '../../../../../src/mail/trust/spam/reading.ts';
import {
  examplesOfEach,
  SharedGather,
  sharedPoints,
  teachersMin,
} from '../../../../../src/mail/trust/spam/shared.ts';

const reading = (from: string, words: string) =>
  readForSpam(Buffer.from(`From: ${from}\r\nSubject: ${words}\r\n\r\n${words}\r\n`));
const offer = (i: number) => reading(`shop${i}@sale.test`, `lottery prize claim number${i}`);
const note = (i: number) => reading(`bob${i}@work.test`, `agenda project review item${i}`);
const newsletter = (i: number) => reading('press@garden.test', `tulips roses compost week${i}`);
const four = (make: typeof offer, of = 0) =>
  Array.from({ length: 4 }, (_, i) => placesOf(make(10 * of + i)));

function gathered(others = 3): SharedGather {
  const gather = new SharedGather();
  for (let of = 1; of <= others; of++) {
    gather.add(true, four(offer, of));
    gather.add(false, four(note, of));
  }
  return gather;
}

describe('what is taken of each account', () => {
  it('is all it gives where the others give as much', () => {
    assert.equal(examplesOfEach([4, 4, 4], 4), 4);
    assert.equal(examplesOfEach([1, 1, 1], 4), 4);
  });

  it('is at most a third, however much one gives and however little the others', () => {
    assert.equal(examplesOfEach([4, 1, 1], 4), 1);
    assert.equal(examplesOfEach([4, 2, 3, 1], 4), 3);
    let seed = 7;
    const next = (below: number) => {
      seed = (seed * 48_271) % 0x7fff_ffff;
      return seed % below;
    };
    for (let round = 0; round < 2_000; round++) {
      const counts = Array.from({ length: next(9) }, () => next(5));
      const each = examplesOfEach(counts, 4);
      const taken = counts.map((count) => Math.min(count, each));
      const all = taken.reduce((sum, count) => sum + count, 0);
      assert.ok(Math.max(0, ...taken) * teachersMin <= all, counts.join(' '));
      const isEnough = counts.filter((count) => count > 0).length >= teachersMin;
      assert.equal(each > 0, isEnough, counts.join(' '));
    }
  });

  it('is nothing where fewer than three have any of a kind', () => {
    assert.equal(examplesOfEach([], 4), 0);
    assert.equal(examplesOfEach([4, 4, 0, 0], 4), 0);
  });
});

describe('a feature', () => {
  it('that one account alone calls spam adds nothing to the mail of others', () => {
    const plain = sharedPoints(gathered(5).model()!, newsletter(9));
    const gather = gathered(5);
    gather.add(true, four(newsletter, 6));
    assert.equal(sharedPoints(gather.model()!, newsletter(9)), plain);
    gather.add(true, four(newsletter, 7));
    assert.ok(sharedPoints(gather.model()!, newsletter(9)) > plain + 0.5);
  });

  it('that one account alone calls ham takes nothing away', () => {
    const plain = sharedPoints(gathered(5).model()!, newsletter(9));
    const gather = gathered(5);
    gather.add(false, four(newsletter, 6));
    assert.equal(sharedPoints(gather.model()!, newsletter(9)), plain);
    gather.add(false, four(newsletter, 7));
    assert.ok(sharedPoints(gather.model()!, newsletter(9)) < plain - 0.5);
  });

  it('is said by no more than three points either way', () => {
    const model = gathered(8).model()!;
    assert.ok(sharedPoints(model, offer(1)) <= 3 && sharedPoints(model, offer(1)) > 1);
    assert.ok(sharedPoints(model, note(1)) >= -3 && sharedPoints(model, note(1)) < -1);
  });
});
