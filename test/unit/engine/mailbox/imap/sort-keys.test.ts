/**
 * Aim: places are sorted as a plain sort would, whether they came in order, against it, or anyhow (RFC 5256 §3).
 * Method: columns of numbers and texts longer than what is sorted at once, against `toSorted`.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Facts } from '../../../../../src/engine/mailbox/imap/facts-column.ts';
import { Slices } from '../../../../../src/engine/mailbox/imap/slices.ts';
import { type SortReader, sortPlaces } from '../../../../../src/engine/mailbox/imap/sort-keys.ts';
import { SeededRandom } from '../../../../support/seeded-clock.ts';

const clock = { nowMs: () => 0, monotonicMs: () => 0, setTimer: () => ({ cancel() {} }) };

async function placesOf(column: readonly (number | string)[], isReverse: boolean) {
  const reader: Pick<SortReader, 'each' | 'values'> = {
    values: (document) => [column[document]!],
    each(documents, from, to, visit) {
      for (let at = from; at < to; at++) visit(at, [column[documents[at]!]!]);
      return [];
    },
  };
  const documents = Uint32Array.from(column, (_, i) => i);
  const members = { uids: documents, documents };
  const order = [{ kind: 'SUBJECT', isReverse }] as const;
  const facts = {} as unknown as Facts;
  return [...(await sortPlaces(reader, facts, members, order, new Slices(clock)))];
}

function expected(column: readonly (number | string)[], isReverse: boolean): number[] {
  const sign = isReverse ? -1 : 1;
  const places = column.map((_, i) => i);
  return places.toSorted((a, b) => {
    const [one, other] = [column[a]!, column[b]!];
    return one === other ? a - b : one < other ? -sign : sign;
  });
}

describe('places', () => {
  const random = new SeededRandom(3);
  const count = 5_000;
  const columns: Readonly<Record<string, readonly (number | string)[]>> = {
    none: [],
    one: [7],
    ascending: Array.from({ length: count }, (_, i) => i),
    descending: Array.from({ length: count }, (_, i) => -i),
    'all the same': Array.from({ length: count }, () => 1),
    'in order but for the last': Array.from({ length: count }, (_, i) => (i + 1) % count),
    'ascending with equal ones': Array.from({ length: count }, (_, i) => i >> 2),
    'descending with equal ones': Array.from({ length: count }, (_, i) => -(i >> 2)),
    random: Array.from({ length: count }, () => random.below(900)),
    texts: Array.from({ length: count }, () => `text ${random.below(900)}`),
  };
  for (const [name, column] of Object.entries(columns)) {
    for (const isReverse of [false, true]) {
      it(`of ${name}${isReverse ? ', reversed' : ''}`, async () => {
        assert.deepEqual(await placesOf(column, isReverse), expected(column, isReverse));
      });
    }
  }
});
