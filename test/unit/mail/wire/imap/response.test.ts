/**
 * Responses as octets, read back by the tests' own reader (test/support/imap-values.ts).
 *
 * RFC 9051 §7; RFC 4731, RFC 5182, RFC 9394, RFC 7162, RFC 5256, RFC 8474, RFC 8970, RFC 3516, RFC 9755.
 */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ResponseWriter } from '../../../../../src/mail/wire/imap/response.ts';
import * as data from '../../../../../src/mail/wire/imap/response-data.ts';
import * as fetch from '../../../../../src/mail/wire/imap/response-fetch.ts';
import * as search from '../../../../../src/mail/wire/imap/response-search.ts';
import {
  writeAppendUid,
  writeContinuation,
  writeCopyUid,
  writeModified,
  writeStatus,
} from '../../../../../src/mail/wire/imap/response-status.ts';
import { fetchItems, type Response, readResponse } from '../../../../support/imap-values.ts';

type Write = (writer: ResponseWriter) => void;

function octets(write: Write, isUtf8 = false): Buffer {
  const writer = new ResponseWriter(isUtf8);
  write(writer);
  const { bytes } = writer;
  const whole = Buffer.concat(writer.take());
  assert.equal(whole.length, bytes, 'octets are counted');
  return whole;
}

const text = (write: Write, isUtf8 = false) => octets(write, isUtf8).toString('utf8');
const parts = (write: (writer: ResponseWriter) => Generator<void>) =>
  text((writer) => {
    for (const _ of write(writer));
  });
const read = (write: Write, isUtf8 = false): Response => readResponse(octets(write, isUtf8));

describe('values', () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ['plain', '"plain"', '"plain"'],
    ['', '""', '""'],
    ['a"b\\c', '"a\\"b\\\\c"', '"a\\"b\\\\c"'],
    ['é', '{2}\r\né', '"é"'],
    ['a\r\nb', '{4}\r\na\r\nb', '{4}\r\na\r\nb'],
    ['a\0b', '"ab"', '"ab"'],
    ['\t', '"\t"', '"\t"'],
    ['\ud800', '{3}\r\n\ufffd', '"\ufffd"'],
  ];
  for (const [value, plain, utf8] of cases) {
    test(`${JSON.stringify(value)} as a string`, () => {
      assert.equal(
        text((writer) => writer.string(value)),
        plain,
      );
      assert.equal(
        text((writer) => writer.string(value), true),
        utf8,
      );
    });
  }

  test('a long string is a literal', () => {
    assert.match(
      text((writer) => writer.string('x'.repeat(1_001))),
      /^\{1001\}\r\nx+$/,
    );
  });

  test('an astring is an atom where it can be one', () => {
    for (const [value, expected] of [
      ['INBOX', 'INBOX'],
      ['a/b', 'a/b'],
      ['a b', '"a b"'],
      ['nil', '"nil"'],
      ['', '""'],
      ['%', '"%"'],
    ] as const) {
      assert.equal(
        text((writer) => writer.astring(value)),
        expected,
      );
    }
  });

  test('a name is modified UTF-7 until UTF-8 is enabled', () => {
    assert.equal(
      text((writer) => writer.mailbox('Entwürfe')),
      'Entw&APw-rfe',
    );
    assert.equal(
      text((writer) => writer.mailbox('Entwürfe'), true),
      '"Entwürfe"',
    );
    assert.equal(
      text((writer) => writer.mailbox('a&b'), true),
      'a&b',
    );
  });

  test('numbers of every length', () => {
    for (const value of [
      0,
      9,
      10,
      99,
      100,
      2_147_483_647,
      2_147_483_648,
      Number.MAX_SAFE_INTEGER,
    ]) {
      assert.equal(
        text((writer) => writer.number(value)),
        String(value),
      );
    }
  });

  test('what is long is handed on as it is, in its place; what was taken is not written again', () => {
    const body = Buffer.alloc(100_000, 'x');
    const writer = new ResponseWriter();
    const pieces = writer.text('* 1 FETCH (BODY[] ').literal(body).text(')\r\n').take();
    assert.equal(pieces[1], body);
    assert.equal(pieces.length, 3);
    const before = Buffer.concat(pieces);
    writer.text('* 2 EXPUNGE\r\n');
    assert.deepEqual(Buffer.concat(pieces), before);
    assert.equal(Buffer.concat(writer.take()).toString(), '* 2 EXPUNGE\r\n');
  });

  test('what will be written over is copied, over the edges of blocks too', () => {
    const writer = new ResponseWriter();
    const shared = Buffer.alloc(40_000, 'a');
    writer.text('1').copy(shared);
    shared.fill('b');
    writer.copy(shared.subarray(0, 3)).copy(Buffer.alloc(0)).text('2');
    shared.fill('c');
    assert.equal(writer.bytes, 40_005);
    assert.equal(Buffer.concat(writer.take()).toString(), `1${'a'.repeat(40_000)}bbb2`);
  });

  test('a part of what will be written over is copied too', () => {
    const writer = new ResponseWriter();
    const row = Buffer.from(`(${'e'.repeat(1_500)})`);
    for (let i = 0; i < 40; i++) writer.copyPart(row, 1, 1_501).text(',');
    writer.copyPart(row, 3, 3);
    row.fill('z');
    assert.equal(Buffer.concat(writer.take()).toString(), `${'e'.repeat(1_500)},`.repeat(40));
  });

  test('what was written since a mark can be taken back', () => {
    const writer = new ResponseWriter();
    writer.text('kept ').view(Buffer.alloc(3_000, 'v')).text(' and ');
    const before = writer.bytes;
    for (const octets of [1, 10_000, 50_000].map((count) => Buffer.alloc(count, 'x'))) {
      const mark = writer.mark();
      writer.text('no').copy(octets).view(octets).text('no');
      writer.rewind(mark);
      assert.equal(writer.bytes, before);
    }
    writer.text('more');
    assert.equal(Buffer.concat(writer.take()).toString(), `kept ${'v'.repeat(3_000)} and more`);
    assert.equal(writer.bytes, 0);
  });

  test('a handle stands where its octets will', () => {
    const writer = new ResponseWriter<{ lease: number }>();
    fetch.startFetch(writer, 3);
    fetch.fetchSectionHandle(writer, 'BODY[]', { lease: 7 }, 1_000_000);
    fetch.endFetch(writer);
    assert.equal(writer.bytes, 1_000_000 + '* 3 FETCH (BODY[] {1000000}\r\n)\r\n'.length);
    const [before, handle, after] = writer.take();
    assert.equal(String(before), '* 3 FETCH (BODY[] {1000000}\r\n');
    assert.deepEqual(handle, { lease: 7 });
    assert.equal(String(after), ')\r\n');
  });

  test('many responses go over the edges of blocks whole', () => {
    const written = octets((writer) => {
      for (let i = 1; i <= 10_000; i++) data.writeCount(writer, i, 'EXPUNGE');
    });
    const lines = written.toString().split('\r\n');
    assert.equal(lines.length, 10_001);
    lines.pop();
    lines.forEach((line, i) => {
      assert.equal(line, `* ${i + 1} EXPUNGE`);
    });
  });

  test('text longer than a block is written', () => {
    assert.equal(text((writer) => writer.text('x'.repeat(50_000)).text('y')).length, 50_001);
  });
});

describe('status responses', () => {
  test('with and without a code', () => {
    assert.equal(
      text((writer) => writeStatus(writer, 'a1', 'OK', '', 'Done')),
      'a1 OK Done\r\n',
    );
    assert.equal(
      text((writer) => writeStatus(writer, '*', 'NO', 'UIDNEXT 4', 'x')),
      '* NO [UIDNEXT 4] x\r\n',
    );
  });

  test('no text ends the line or is taken for a code', () => {
    const response = read((writer) => writeStatus(writer, 'a1', 'NO', '', '[ALERT] a\r\nb ü'));
    assert.equal(response.code, '');
    assert.equal(response.text, '-[ALERT] a??b ?');
    assert.equal(
      text((writer) => writeContinuation(writer, 'AAA=')),
      '+ AAA=\r\n',
    );
  });

  test('RFC 4315, RFC 7162: codes with sets', () => {
    assert.equal(
      read((writer) => writeCopyUid(writer, 'a', 7, [1, 3, 5, 5], [10, 13], 'ok')).code,
      'COPYUID 7 1:3,5 10:13',
    );
    assert.equal(
      read((writer) => writeAppendUid(writer, 'a', 7, [4, 4], 'ok')).code,
      'APPENDUID 7 4',
    );
    assert.equal(
      read((writer) => writeModified(writer, 'a', 'OK', [4, 6], 'ok')).code,
      'MODIFIED 4:6',
    );
  });
});

describe('data', () => {
  test('LIST with its extended items', () => {
    const full = read((writer) =>
      data.writeList(writer, {
        attributes: ['\\HasNoChildren', '\\Subscribed'],
        name: 'a b',
        oldName: 'old',
        childInfo: ['SUBSCRIBED'],
      }),
    );
    assert.deepEqual(full.values, [
      ['\\HasNoChildren', '\\Subscribed'],
      '/',
      'a b',
      ['CHILDINFO', ['SUBSCRIBED'], 'OLDNAME', ['old']],
    ]);
    const one = (more: object) =>
      read((writer) => data.writeList(writer, { attributes: [], name: 'x', ...more })).values[3];
    assert.deepEqual(one({ oldName: 'é' }), ['OLDNAME', ['&AOk-']]);
    assert.deepEqual(one({ childInfo: ['SUBSCRIBED'] }), ['CHILDINFO', ['SUBSCRIBED']]);
    assert.equal(one({}), undefined);
    assert.equal(read(data.writeHierarchy).raw, '* LIST (\\Noselect) "/" ""');
  });

  test('STATUS', () => {
    const status = read((writer) =>
      data.writeStatusData(writer, 'INBOX', [
        ['MESSAGES', 3],
        ['MAILBOXID', 'F1'],
        ['APPENDLIMIT', null],
      ]),
    );
    assert.deepEqual(status.values, [
      'INBOX',
      ['MESSAGES', 3, 'MAILBOXID', ['F1'], 'APPENDLIMIT', null],
    ]);
  });

  test('flags', () => {
    const flags = (system: number, keywords: string[]) =>
      text((writer) => data.writeFlags(writer, system, keywords));
    assert.equal(flags(0, []), '()');
    assert.equal(flags(17, ['$A', 'b']), '(\\Seen \\Draft $A b)');
    assert.equal(flags(0, ['$A']), '($A)');
    assert.equal(flags(data.recentBit | 2, []), '(\\Answered \\Recent)');
    assert.equal(
      text((writer) => data.writePermanentFlags(writer, 1, ['x'], true)),
      '* OK [PERMANENTFLAGS (\\Seen x \\*)] Flags permitted\r\n',
    );
    assert.equal(
      text((writer) => data.writeMailboxFlags(writer, 1, [])),
      '* FLAGS (\\Seen)\r\n',
    );
  });

  test('VANISHED', () => {
    assert.equal(
      text((writer) => data.writeVanished(writer, [], true)),
      '',
    );
    assert.equal(
      text((writer) => data.writeVanished(writer, [1, 1, 4, 6], true)),
      '* VANISHED (EARLIER) 1,4:6\r\n',
    );
  });

  test('SEARCH and SORT write numbers out', () => {
    assert.equal(
      parts((writer) => search.searchParts(writer, [2, 4, 7, 7], 9)),
      '* SEARCH 2 3 4 7 (MODSEQ 9)\r\n',
    );
    assert.equal(
      parts((writer) => search.searchParts(writer, [], 9)),
      '* SEARCH\r\n',
    );
    assert.equal(
      parts((writer) => search.sortParts(writer, [5, 3], 9)),
      '* SORT 5 3 (MODSEQ 9)\r\n',
    );
    assert.equal(
      parts((writer) => search.sortParts(writer, [])),
      '* SORT\r\n',
    );
  });

  test('ESEARCH leaves out what was not found, but not COUNT', () => {
    const write = (isUid: boolean, found: search.Esearch) =>
      parts((writer) => search.esearchParts(writer, 'a1', isUid, found));
    assert.equal(write(false, { all: [], count: 0 }), '* ESEARCH (TAG "a1") COUNT 0\r\n');
    assert.equal(
      write(true, { min: 2, max: 9, count: 3, all: [2, 3, 9, 9], modseq: 12 }),
      '* ESEARCH (TAG "a1") UID MIN 2 MAX 9 COUNT 3 ALL 2:3,9 MODSEQ 12\r\n',
    );
    const range = { first: 1, last: 10, isFromEnd: true };
    assert.equal(
      write(true, { partial: { range, found: [] } }),
      '* ESEARCH (TAG "a1") UID PARTIAL (-1:-10 NIL)\r\n',
    );
    assert.equal(
      write(true, { partial: { range: { ...range, isFromEnd: false }, found: [4, 5] } }),
      '* ESEARCH (TAG "a1") UID PARTIAL (1:10 4:5)\r\n',
    );
  });

  test('CAPABILITY, NAMESPACE and ID', () => {
    assert.equal(
      text((writer) => data.writeNames(writer, 'CAPABILITY', ['IMAP4rev2', 'IDLE'])),
      '* CAPABILITY IMAP4rev2 IDLE\r\n',
    );
    assert.equal(
      text((writer) => data.writeNamespace(writer, [''], [], ['é/'])),
      '* NAMESPACE (("" "/")) NIL (("&AOk-/" "/"))\r\n',
    );
    assert.equal(
      text((writer) =>
        data.writeId(writer, [
          ['name', 'x'],
          ['os', null],
        ]),
      ),
      '* ID ("name" "x" "os" NIL)\r\n',
    );
    assert.equal(
      text((writer) => data.writeId(writer, [])),
      '* ID NIL\r\n',
    );
  });
});

describe('FETCH', () => {
  test('dates of any day and second, one after the other', () => {
    const dates = [
      [Date.UTC(2026, 10, 2, 3, 4, 5), ' 2-Nov-2026 03:04:05'],
      [Date.UTC(2026, 10, 2, 23, 59, 59) + 999, ' 2-Nov-2026 23:59:59'],
      [Date.UTC(2026, 10, 3), ' 3-Nov-2026 00:00:00'],
      [Date.UTC(2024, 1, 29, 12), '29-Feb-2024 12:00:00'],
      [0, ' 1-Jan-1970 00:00:00'],
      [-1, '31-Dec-1969 23:59:59'],
      [Date.UTC(9999, 11, 31, 10, 20, 30), '31-Dec-9999 10:20:30'],
    ] as const;
    for (const [ms, expected] of [...dates, ...dates.toReversed()]) {
      assert.equal(
        text((writer) => fetch.fetchInternalDate(writer, ms)),
        `INTERNALDATE "${expected} +0000"`,
      );
    }
  });

  test('FLAGS alone are told as FLAGS among others', () => {
    const numbers = [1, 9, 10, 99_999, 100_000, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];
    for (const [i, number] of numbers.entries()) {
      for (const uid of [0, ...numbers]) {
        const mask = (i * 7 + uid) % 64;
        const alone = text((writer) => fetch.fetchFlagsAlone(writer, number, uid, mask));
        const among = text((writer) => {
          fetch.startFetch(writer, number);
          if (uid > 0) fetch.fetchNumber(writer, 'UID', uid);
          if (uid > 0) fetch.nextItem(writer);
          fetch.fetchFlags(writer, mask, []);
          fetch.endFetch(writer);
        });
        assert.equal(alone, among);
      }
    }
  });

  test('every item can be read back', () => {
    const response = read((writer) => {
      fetch.startFetch(writer, 12);
      fetch.fetchFlags(writer, 1, ['$A']);
      for (const item of [
        () => fetch.fetchNumber(writer, 'UID', 4_294_967_295),
        () => fetch.fetchNumber(writer, 'RFC822.SIZE', 5_000_000_000),
        () => fetch.fetchModseq(writer, 65_402),
        () => fetch.fetchInternalDate(writer, Date.UTC(2026, 10, 2, 3, 4, 5)),
        () => fetch.fetchSaveDate(writer, undefined),
        () => fetch.fetchReady(writer, 'ENVELOPE', Buffer.from('(NIL "{9}")')),
        () => fetch.fetchObjectId(writer, 'EMAILID', 'M1'),
        () => fetch.fetchObjectId(writer, 'THREADID', undefined),
        () => fetch.fetchPreview(writer, 'Hé'),
        () =>
          fetch.fetchSection(
            writer,
            'BODY[1.HEADER.FIELDS (FROM "X Y")]<0>',
            Buffer.from('a\r\nb'),
          ),
        () => fetch.fetchSection(writer, 'BODY[9]', undefined),
        () => fetch.fetchBinary(writer, 'BINARY[1]', Buffer.from('a\0')),
        () => fetch.fetchBinary(writer, 'BINARY[2]', Buffer.from('a')),
        () => fetch.fetchBinarySize(writer, 'BINARY.SIZE[1]', 2),
      ]) {
        fetch.nextItem(writer);
        item();
      }
      fetch.endFetch(writer);
    });
    assert.equal(response.number, 12);
    assert.deepEqual(Object.fromEntries(fetchItems(response)), {
      FLAGS: ['\\Seen', '$A'],
      UID: 4_294_967_295,
      'RFC822.SIZE': 5_000_000_000,
      MODSEQ: [65_402],
      INTERNALDATE: ' 2-Nov-2026 03:04:05 +0000',
      SAVEDATE: null,
      ENVELOPE: [null, '{9}'],
      EMAILID: ['M1'],
      THREADID: null,
      PREVIEW: 'Hé',
      'BODY[1.HEADER.FIELDS (FROM "X Y")]<0>': 'a\r\nb',
      'BODY[9]': null,
      'BINARY[1]': 'a\0',
      'BINARY[2]': 'a',
      'BINARY.SIZE[1]': 2,
    });
  });
});
