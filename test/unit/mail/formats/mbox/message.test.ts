/**
 * Aim: what mutt, Dovecot and Pine say of a message in an mbox is understood; what we write is read back the same.
 * Method: by hand, and random messages through writer, reader and back.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SeededRandom } from '../../../../../src/harness/seeded-random.ts';
import { fromLine, fromMbox, toMbox } from '../../../../../src/mail/formats/mbox/message.ts';
import { MboxReader } from '../../../../../src/mail/formats/mbox/reader.ts';

const read = (text: string, quoting: 'mboxrd' | 'mboxo' | 'none' = 'mboxrd') =>
  fromMbox(Buffer.from(text, 'latin1'), quoting);

describe('a message in an mbox', () => {
  it('has its flags in fields, which are taken out', () => {
    const message = read(
      'Status: RO\nSubject: x\nX-Status: AFTD\nX-Keywords: $Own  other\nX-UID: 7\n\nText\n',
    )!;
    assert.equal(message.bytes.toString(), 'Subject: x\r\n\r\nText\r\n');
    assert.deepEqual(
      new Set(message.flags),
      new Set(['\\Seen', '\\Answered', '\\Flagged', '\\Draft', '\\Deleted', '$Own', 'other']),
    );
  });

  it('loses one ">" of each quoted line as mboxrd, the only one as mboxo, none as it is', () => {
    const text = 'A: b\n\n>From x\n>>From y\n> From z\n>Fromage\n';
    const lines = (quoting: 'mboxrd' | 'mboxo' | 'none') =>
      read(text, quoting)!.bytes.toString().split('\r\n').slice(2, 6);
    assert.deepEqual(lines('mboxrd'), ['From x', '>From y', '> From z', '>Fromage']);
    assert.deepEqual(lines('mboxo'), ['From x', '>>From y', '> From z', '>Fromage']);
    assert.deepEqual(lines('none'), ['>From x', '>>From y', '> From z', '>Fromage']);
  });

  it("is not the first message of a folder of Pine's", () => {
    const notes =
      "Subject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA\nX-IMAP: 1 2\n\nThis\n";
    assert.equal(read(notes), undefined);
  });

  it('keeps CRLF where it has it, and believes no false count of octets', () => {
    assert.equal(read('A: b\r\n\r\nx\ny\r\n')!.bytes.toString(), 'A: b\r\n\r\nx\ny\r\n');
    const cut = read('X-Chaski-Octets: 3\nA: b\n\nText\n')!;
    assert.equal(cut.bytes.toString(), 'A: b\r\n\r\nText\r\n');
  });

  it('comes back from what is written as it was, whatever it is', () => {
    const seed = 20_260_101;
    const random = new SeededRandom(seed);
    const words = [
      ...['From a@b.c Thu Jan  1 00:00:00 2026', '>From ', '>>From x', 'From', '\r\n', '\n'],
      ...['\r', '\r\n\r\n', 'Status: RO\r\n', 'X-Chaski-Octets: 5\r\n', 'Subject: x\r\n', ' '],
      ...['text', '\xe9', '\0', 'X-Keywords: a\r\n', '\n\n'],
    ];
    const pick = <T>(from: readonly T[]) => from[Math.floor(random.fraction() * from.length)]!;
    for (let round = 0; round < 500; round++) {
      const messages = Array.from({ length: 3 }, () => ({
        bytes: Buffer.from(
          Array.from({ length: 1 + Math.floor(random.fraction() * 9) }, () => pick(words)).join(''),
          'latin1',
        ),
        flags: ['\\Seen', '\\Answered', '\\Flagged', '\\Deleted', '\\Draft', '$Own', 'k'].filter(
          () => random.fraction() < 0.4,
        ),
      }));
      const mbox = Buffer.concat(
        messages.flatMap((one, at) => [Buffer.from(fromLine(1_000 * at)), toMbox(one)]),
      );
      const reader = new MboxReader(10_000);
      const items = [...reader.push(mbox), ...reader.end()];
      const back = items.map((item) => {
        assert.equal(item.kind, 'message', `seed ${seed}, round ${round}`);
        const { raw, internalMs } = item as Extract<typeof item, { kind: 'message' }>;
        const { bytes, flags } = fromMbox(raw, 'mboxrd')!;
        return [bytes.toString('latin1'), [...flags].sort(), internalMs];
      });
      assert.deepEqual(
        back,
        messages.map(({ bytes, flags }, at) => [
          bytes.toString('latin1'),
          [...flags].sort(),
          1_000 * at,
        ]),
        `seed ${seed}, round ${round}`,
      );
    }
  });
});
