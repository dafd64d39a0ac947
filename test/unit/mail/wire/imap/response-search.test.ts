/**
 * Aim: long answers of SEARCH and SORT are written in parts, and say the same.
 * Method: random ranges against their numbers one by one, near 2^31 too, where numbers are written another way.
 */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { idsOf } from '../../../../../src/engine/mailbox/rows/uid-ranges.ts';
import { ResponseWriter } from '../../../../../src/mail/wire/imap/response.ts';
import * as search from '../../../../../src/mail/wire/imap/response-search.ts';
import { SeededRandom } from '../../../../support/seeded-clock.ts';

function text(write: (writer: ResponseWriter) => void): string {
  const writer = new ResponseWriter();
  write(writer);
  return Buffer.concat(writer.take()).toString('latin1');
}

describe('answers of many numbers', () => {
  test('SEARCH and SORT of many are written in parts, whatever the ranges', () => {
    const seed = 5;
    const random = new SeededRandom(seed);
    for (let round = 0; round < 20; round++) {
      const ranges: number[] = [];
      let last = 2 ** 31 - 40_000 * random.below(2);
      for (let i = 0; i < 60; i++) {
        const first = last + 2 + random.below(50);
        last = first + random.below(2) * random.below(9_000);
        ranges.push(first, last);
      }
      const numbers: number[] = [];
      for (const number of idsOf(ranges)) numbers.push(number);
      const wanted = numbers.map((number) => ` ${number}`).join('');
      const message = `seed ${seed} round ${round}`;
      let steps = 0;
      const counted = (work: Generator<void>) => {
        for (const _ of work) steps++;
      };
      const found = text((writer) => counted(search.searchParts(writer, ranges)));
      assert.ok(found === `* SEARCH${wanted}\r\n`, message);
      assert.equal(steps, Math.ceil(numbers.length / 4_096) - 1, message);
      const sorted = text((writer) => counted(search.sortParts(writer, numbers)));
      assert.ok(sorted === `* SORT${wanted}\r\n`, message);
    }
  });
});
