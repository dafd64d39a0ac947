/**
 * Aim: a parcel brings across exactly what was packed, and nonsense is refused with an error of its own.
 * Method: examples, random round trips, and every cut and many bit flips of real parcels.
 */

import { deepStrictEqual, ok, strictEqual, throws } from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Answer, Ask } from '../../../src/actors/ask.ts';
import {
  type PackedAnswer,
  ParcelError,
  packAnswers,
  packAsks,
  pendingAnswer,
  unpackAnswers,
  unpackAsks,
} from '../../../src/actors/parcel.ts';
import { errorCodes } from '../../../src/base/errors.ts';
import type { ShardId } from '../../../src/base/ids.ts';

const meta = fc.oneof(
  fc.constant(undefined),
  fc.constant(null),
  fc.string({ unit: 'grapheme' }),
  fc.integer(),
  fc.boolean(),
  fc.array(fc.oneof(fc.string(), fc.integer(), fc.array(fc.string()))),
  fc.dictionary(
    fc.string().filter((key) => key !== '__proto__'),
    fc.integer(),
    { noNullPrototype: true },
  ),
);

const asks: fc.Arbitrary<Ask[]> = fc.array(
  fc.record({
    shard: fc.integer({ min: 0, max: 0xffff_ffff }).map((shard) => shard as ShardId),
    actor: fc.string(),
    name: fc.string(),
    key: fc.string(),
    class: fc.constantFrom('short' as const, 'long' as const),
    lane: fc.constantFrom('system' as const, 'normal' as const),
    deadlineMs: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
    meta,
    body: fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 3 }),
  }),
  { maxLength: 20 },
);

const answers: fc.Arbitrary<PackedAnswer[]> = fc.array(
  fc.oneof(
    fc.constant(pendingAnswer),
    fc
      .tuple(fc.constantFrom(...errorCodes), fc.string())
      .map(([code, detail]) => ({ ok: false as const, code, detail })),
    meta.map((value) => ({ ok: true as const, value })),
    fc.tuple(meta, fc.uint8Array()).map(([value, body]) => ({ ok: true as const, value, body })),
    fc
      .tuple(meta, fc.uint8Array(), fc.array(fc.uint8Array({ maxLength: 9 }), { maxLength: 3 }))
      .map(([value, body, rest]) => ({ ok: true as const, value, body, rest })),
  ),
  { maxLength: 20 },
);

test('asks come out as they went in', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 0xffff_ffff }), asks, (number, sent) => {
      const arrived = unpackAsks(packAsks(number, sent));
      strictEqual(arrived.number, number);
      deepStrictEqual(
        arrived.asks.map((ask) => ({ ...ask, body: [...ask.body] })),
        sent.map((ask) => ({ ...ask, body: ask.body.flatMap((part) => [...part]) })),
      );
    }),
  );
});

test('answers come out as they went in', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 0xffff_ffff }), answers, (number, sent) => {
      const arrived = unpackAnswers(packAnswers(number, sent));
      strictEqual(arrived.number, number);
      const plain = (answer: PackedAnswer) => {
        if (!answer.ok || answer.body === undefined) return answer;
        const { rest = [], ...other } = answer;
        return { ...other, body: [answer.body, ...rest].flatMap((piece) => [...piece]) };
      };
      deepStrictEqual(arrived.answers.map(plain), sent.map(plain));
    }),
  );
});

test('an answer that only says ok takes eight bytes', () => {
  const one = packAnswers(1, [{ ok: true, value: undefined }]).byteLength;
  const two = packAnswers(1, new Array<Answer>(2).fill({ ok: true, value: true })).byteLength;
  strictEqual(two - one, 8);
});

test('a parcel can be transferred, and its bodies are pieces of one buffer', () => {
  const ask = { name: 'n', actor: '', key: '', class: 'short', lane: 'normal' } as const;
  const body = [Buffer.from('one'), Buffer.from('two')];
  const packed = packAsks(7, [{ ...ask, shard: 3 as ShardId, deadlineMs: 0, meta: 1, body }]);
  const moved = structuredClone(packed, { transfer: [packed] });
  strictEqual(packed.byteLength, 0);
  const arrived = unpackAsks(moved).asks[0]!;
  strictEqual(arrived.body.buffer, moved);
  strictEqual(Buffer.from(arrived.body).toString(), 'onetwo');
});

test('every cut of a parcel is refused', () => {
  const sample = fc.sample(asks, { numRuns: 20, seed: 42 });
  for (const sent of sample) {
    const packed = packAsks(1, sent);
    for (let bytes = 0; bytes < packed.byteLength; bytes++) {
      throws(() => unpackAsks(packed.slice(0, bytes)), ParcelError, `cut at ${bytes}`);
    }
  }
});

test('a damaged parcel is unpacked or refused, never anything else', () => {
  const flips = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { minLength: 1 });
  const isTotal = (
    packed: ArrayBuffer,
    at: [number, number][],
    unpack: (b: ArrayBuffer) => void,
  ) => {
    const bytes = new Uint8Array(packed);
    for (const [index, bits] of at) bytes[index % bytes.length]! ^= bits;
    try {
      unpack(packed);
    } catch (error) {
      ok(error instanceof ParcelError, String(error));
    }
  };
  fc.assert(
    fc.property(asks, answers, flips, (sentAsks, sentAnswers, at) => {
      isTotal(packAsks(1, sentAsks), at, unpackAsks);
      isTotal(packAnswers(1, sentAnswers), at, unpackAnswers);
    }),
  );
});

test('asks and answers are not taken for each other', () => {
  throws(() => unpackAnswers(packAsks(1, [])), ParcelError);
  throws(() => unpackAsks(packAnswers(1, [])), ParcelError);
});
