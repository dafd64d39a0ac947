/**
 * Aim: what a sender asks of the delivery crosses threads and restarts as it was said, and costs nothing where nothing
 *      was said.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  type DeliveryTerms,
  packTerms,
  unpackTerms,
} from '../../../../src/actors/asks/delivery-terms.ts';
import {
  type PackedEnvelope,
  packEnvelope,
  unpackEnvelope,
} from '../../../../src/actors/asks/spool-asks.ts';

const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const instant = fc.integer({ min: 1, max: 2 ** 45 });
const anyTerms = fc
  .record({
    priority: optional(fc.integer({ min: -9, max: 9 }).filter((n) => n !== 0)),
    holdUntilMs: optional(instant),
    deliverBy: optional(
      fc.record(
        {
          byMs: instant,
          mode: fc.constantFrom('return' as const, 'notify' as const),
          isTraced: fc.boolean(),
        },
        { noNullPrototype: true },
      ),
    ),
    requireTls: optional(fc.constant(true)),
    isTlsOptional: optional(fc.constant(true)),
    campaign: optional(fc.string({ minLength: 1, maxLength: 64 })),
    pool: optional(fc.string({ minLength: 1, maxLength: 64 })),
    isPoolBound: optional(fc.constant(true)),
    isForwarded: optional(fc.constant(true)),
    returnPath: optional(fc.string({ minLength: 1, maxLength: 320 })),
  })
  .map((terms) => {
    const said = Object.entries(terms).filter(([, value]) => value !== undefined);
    return Object.fromEntries(said) as DeliveryTerms;
  });

describe('delivery terms', () => {
  it('are unpacked as they were packed', () => {
    fc.assert(
      fc.property(anyTerms, (terms) => {
        assert.deepEqual(unpackTerms(packTerms(terms)), terms);
        const envelope = { sender: '', recipients: [], body: '7bit', smtputf8: false } as const;
        const packed = packEnvelope({ ...envelope, terms });
        assert.deepEqual(unpackEnvelope(packed), { ...envelope, terms });
      }),
    );
  });

  it('take no place in an envelope without any, and an old one has none', () => {
    const packed = packEnvelope({ sender: '', recipients: [], body: '7bit', smtputf8: false });
    assert.equal(packed.length, 6);
    const old: PackedEnvelope = ['a@x.test', [], 0, false, 0, ''];
    assert.equal(unpackEnvelope(old).terms, undefined);
    assert.deepEqual(unpackTerms([0, 0, 0, 0, 0, 'spring']), { campaign: 'spring' });
  });
});
