/**
 * Aim: recipients get the shares they were promised.
 * Method: lists written out, dealt by hand.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mixTurn } from '../../../../src/harness/corpus/mix.ts';
import {
  type Destination,
  expandTemplate,
  parseRecipients,
  type Recipient,
  RecipientDealer,
} from '../../../../src/harness/corpus/recipients.ts';

function dealer(destinations: readonly Destination[], perMessage: number, offset = 0) {
  const all = new RecipientDealer(destinations, perMessage, offset);
  return () => {
    const dealt: Recipient[] = [];
    all.deal(dealt);
    return dealt.map(({ address }) => address);
  };
}

test('a template is a range of addresses, a file one a line', () => {
  assert.deepEqual(expandTemplate('u{9-11}@x'), ['u9@x', 'u10@x', 'u11@x']);
  assert.deepEqual(expandTemplate('plain@x'), ['plain@x']);
  assert.throws(() => expandTemplate('u{5-1}@x'), /not usable/);
  assert.deepEqual(parseRecipients('# who\r\na@x\r\n\nu{1-2}@x\n'), ['a@x', 'u1@x', 'u2@x']);
});

test('recipients are dealt out in turn, each message distinct ones', () => {
  const deal = dealer([{ weight: 1, addresses: ['a', 'b', 'c'] }], 2);
  assert.deepEqual(
    [deal(), deal(), deal()],
    [
      ['a', 'b'],
      ['c', 'a'],
      ['b', 'c'],
    ],
  );
  assert.throws(() => dealer([{ weight: 1, addresses: ['a'] }], 2), /only 1 addresses/);
});

test('destinations get their weights, evenly spread, and threads begin apart', () => {
  const destinations = [
    { weight: 3, addresses: ['a1', 'a2'] },
    { weight: 1, addresses: ['b'] },
  ];
  const deal = dealer(destinations, 1);
  const dealt = Array.from({ length: 8 }, deal).flat();
  assert.equal(dealt.filter((each) => each === 'b').length, 2);
  assert.equal(dealt.slice(0, 4).filter((each) => each === 'b').length, 1);
  assert.deepEqual(dealer([{ weight: 1, addresses: ['a', 'b', 'c'] }], 1, 2)(), ['c']);
});

test('a mix keeps its weights over a turn, also where they are no multiples of each other', () => {
  const count = (turn: Uint32Array, which: number) => turn.filter((each) => each === which).length;
  const turn = mixTurn([{ weight: 70 }, { weight: 25 }, { weight: 5 }]);
  assert.equal(turn.length, 20);
  assert.deepEqual(
    [0, 1, 2].map((which) => count(turn, which)),
    [14, 5, 1],
  );
  const odd = mixTurn([{ weight: 0.7 }, { weight: 0.3 }]);
  assert.equal(odd.length, 1_000);
  assert.equal(count(odd, 1), 300);
});
