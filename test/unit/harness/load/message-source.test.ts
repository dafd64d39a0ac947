/**
 * Aim: generated messages are valid mail of the size asked for, all different, and recognised
 *      again.
 * Method: messages read back through the sink's own path.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bodyHash, bodyStart, findMark, markLine } from '../../../../src/harness/ledger/mark.ts';
import { MessageSource } from '../../../../src/harness/load/message-source.ts';
import { RecipientDealer } from '../../../../src/harness/load/recipients.ts';
import { SeededRandom } from '../../../../src/harness/seeded-random.ts';
import { DataReader, unstuff } from '../../../../src/harness/sink/data-reader.ts';

function source(messageBytes: number): MessageSource {
  return new MessageSource({
    messageBytes,
    from: 'from@example.net',
    recipients: new RecipientDealer(['to@example.com'], 1),
    random: new SeededRandom(3),
    run: 'r1',
    date: new Date(0),
  });
}

test('messages arrive as they were hashed, in the size asked for, dots and all', () => {
  for (const size of [1_024, 3_333, 102_400, 1_000_000]) {
    const messages = source(size);
    for (let i = 0; i < 30; i++) {
      const message = messages.next(0);
      const reader = new DataReader(2_000_000);
      const rest = reader.take(Buffer.concat(message.wire));
      assert.equal(rest?.length, 0);
      const bytes = unstuff(reader.parts());
      assert.equal(bytes.length, message.bytes);
      assert.ok(Math.abs(bytes.length - size) <= 1, `${bytes.length} for ${size}`);
      assert.deepEqual(findMark(bytes), { id: message.id, sha256: message.sha256 });
      assert.equal(bodyHash(bytes.subarray(bodyStart(bytes))), message.sha256);
      const longest = Math.max(
        ...bytes
          .toString('latin1')
          .split('\r\n')
          .map((line) => line.length),
      );
      assert.ok(longest <= 998, `line of ${longest}`);
    }
  }
});

test('no two messages share an id or a body, and bodies carry lines that begin with a dot', () => {
  const messages = source(5_000);
  const all = Array.from({ length: 200 }, () => messages.next(0));
  assert.equal(new Set(all.map((each) => each.id)).size, 200);
  assert.equal(new Set(all.map((each) => each.sha256)).size, 200);
  const dotted = all.filter((each) => Buffer.concat(each.wire).includes('\r\n..'));
  assert.ok(dotted.length > 150, `${dotted.length} of 200`);
});

test('a mark is found in the header or deeper down, and a broken one is none', () => {
  const mark = { id: 'a-1', sha256: 'x'.repeat(43) };
  const text = Buffer.from(`Received: y\r\n${markLine(mark)}\r\nbody\r\n`);
  assert.deepEqual(findMark(text), mark);
  assert.equal(findMark(text, 20), undefined);
  assert.equal(findMark(Buffer.from('X-Chaski-Ledger: a-1 sha256=short\r\n')), undefined);
  assert.equal(findMark(Buffer.from('X-Chaski-Ledger: a-1')), undefined);
});
