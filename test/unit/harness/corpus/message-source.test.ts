/**
 * Aim: generated messages are valid mail of the size asked for, all different, and recognised again.
 * Method: messages read back through the sink's own path.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Framing } from '../../../../src/harness/corpus/form.ts';
import { createKinds, type KindPlan } from '../../../../src/harness/corpus/kinds.ts';
import { MessageSource, Outgoing } from '../../../../src/harness/corpus/message-source.ts';
import { RecipientDealer } from '../../../../src/harness/corpus/recipients.ts';
import { bodyHash, bodyStart, findMark, markLine } from '../../../../src/harness/ledger/mark.ts';
import { SeededRandom } from '../../../../src/harness/seeded-random.ts';
import { DataReader, unstuff } from '../../../../src/harness/sink/data-reader.ts';

interface Taken {
  readonly id: string;
  readonly sha256: string;
  readonly to: string;
  readonly bytes: number;
  readonly wire: Buffer;
  readonly text: Buffer;
}

const run = 'run123456789';

/** Takes messages as a receiver does. */
function taker(kinds: readonly KindPlan[], isUnique = true, framing: Framing = 'dots') {
  const random = new SeededRandom(3);
  const place = { from: 'from@example.net', date: 'now', random, isUnique, framing };
  const addresses = ['to@example.com', 'a-longer-one@example.com'];
  const source = new MessageSource({
    kinds: createKinds(kinds, place)(place.from),
    recipients: new RecipientDealer([{ weight: 1, addresses }], 1),
    run,
  });
  const message = new Outgoing();
  return (): Taken => {
    source.next(message);
    const wire = Buffer.concat([message.wire, ...message.parts]);
    const { sha256, bytes } = message;
    const text = framing === 'dots' ? received(Buffer.from(wire)) : wire;
    return {
      id: source.idOf(message.index),
      sha256,
      bytes,
      to: message.to[0]!.address,
      wire,
      text,
    };
  };
}

function received(wire: Buffer): Buffer {
  const reader = new DataReader(2_000_000);
  assert.equal(reader.take(wire)?.length, 0);
  return unstuff(reader.parts());
}

function sized(bytes: number): KindPlan {
  return { kind: 'sized', weight: 1, bytes };
}

test('messages arrive as they were hashed, in the size asked for, dots and all', () => {
  for (const size of [1_024, 3_333, 17_000, 102_400, 1_000_000]) {
    for (const isUnique of [true, false]) {
      const take = taker([sized(size)], isUnique);
      for (let i = 0; i < 30; i++) {
        const { id, sha256, to, bytes, text } = take();
        assert.equal(text.length, bytes);
        assert.ok(Math.abs(bytes - size) <= 1, `${bytes} for ${size}`);
        assert.deepEqual(findMark(text), { id, sha256 });
        assert.equal(bodyHash(text.subarray(bodyStart(text))), sha256);
        assert.ok(text.includes(`\r\nTo: <${to}>\r\n`) && text.includes(`<${id}@load.invalid>`));
        const lines = text.toString('latin1').split('\r\n');
        assert.ok(Math.max(...lines.map((line) => line.length)) <= 998);
        assert.ok(!text.some((byte) => byte < 9), 'room is filled');
      }
    }
  }
});

test('BDAT carries the same message without an end and without doubled dots', () => {
  const [dots, plain] = [taker([sized(5_000)]), taker([sized(5_000)], true, 'plain')];
  for (let i = 0; i < 20; i++) assert.deepEqual(plain().wire, dots().text);
});

test('no two messages share an id, or a body where that is asked for', () => {
  const take = taker([sized(5_000)]);
  const all = Array.from({ length: 3_000 }, take);
  assert.equal(new Set(all.map(({ id }) => id)).size, 3_000);
  assert.equal(new Set(all.map(({ sha256 }) => sha256)).size, 3_000);
  const dotted = all.filter(({ wire }) => wire.includes('\r\n..'));
  assert.ok(dotted.length > 2_000, `${dotted.length} of 3000`);
  assert.deepEqual(
    [0, 36, 2_999].map((at) => all[at]!.id),
    [`${run}-00000000`, `${run}-00000010`, `${run}-000002bb`],
  );
});

test('a mark is found in the header or deeper down, and a broken one is none', () => {
  const mark = { id: 'a-1', sha256: 'x'.repeat(43) };
  const text = Buffer.from(`Received: y\r\n${markLine(mark)}\r\nbody\r\n`);
  assert.deepEqual(findMark(text), mark);
  assert.equal(findMark(text, 20), undefined);
  assert.equal(findMark(Buffer.from('X-Chaski-Ledger: a-1 sha256=short\r\n')), undefined);
  assert.equal(findMark(Buffer.from('X-Chaski-Ledger: a-1')), undefined);
});
