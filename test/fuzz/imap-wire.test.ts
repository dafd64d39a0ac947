/**
 * Aim:    no octets, however cut, make the IMAP reader or a parser throw, differ or take unbounded time; what is
 *         written can be read; what a client can say is understood.
 * Method: commands made of the marks IMAP is made of, mutated and cut; each reading against the one of the uncut text.
 *         Round trips of names, strings, sets and commands. Seeds are printed by fast-check; `CHASKI_FUZZ_RUNS` scales.
 *
 * RFC 9051, RFC 7888, RFC 3501 §5.1.3.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CommandReader } from '../../src/mail/wire/imap/command-reader.ts';
import { Cursor } from '../../src/mail/wire/imap/cursor.ts';
import { ListPattern } from '../../src/mail/wire/imap/list-match.ts';
import { decodeMutf7, encodeMutf7, nameFault } from '../../src/mail/wire/imap/mailbox-name.ts';
import { parseIdentifierCommand, parseSetAcl } from '../../src/mail/wire/imap/parse-acl.ts';
import { parseAppend, toBeGathered } from '../../src/mail/wire/imap/parse-append.ts';
import { parseCommandStart, tagOf } from '../../src/mail/wire/imap/parse-command.ts';
import { parseFetch, parseUidFetch } from '../../src/mail/wire/imap/parse-fetch.ts';
import { parseListCommand, parseLsub } from '../../src/mail/wire/imap/parse-list.ts';
import {
  parseCopy,
  parseCreate,
  parseMailboxArgument,
  parseRename,
} from '../../src/mail/wire/imap/parse-mailbox.ts';
import { parseGetMetadata, parseSetMetadata } from '../../src/mail/wire/imap/parse-metadata.ts';
import { parseGetQuota, parseSetQuota } from '../../src/mail/wire/imap/parse-quota.ts';
import { parseSearch } from '../../src/mail/wire/imap/parse-search.ts';
import { parseSelect } from '../../src/mail/wire/imap/parse-select.ts';
import {
  parseAuthenticate,
  parseEnable,
  parseId,
  parseLogin,
  parseNameArgument,
} from '../../src/mail/wire/imap/parse-session.ts';
import { parseSort, parseThread } from '../../src/mail/wire/imap/parse-sort.ts';
import { parseStatus } from '../../src/mail/wire/imap/parse-status.ts';
import { parseStore } from '../../src/mail/wire/imap/parse-store.ts';
import { parseAstring } from '../../src/mail/wire/imap/parse-strings.ts';
import { parseImapUrl } from '../../src/mail/wire/imap/parse-url.ts';
import { ResponseWriter } from '../../src/mail/wire/imap/response.ts';
import { normaliseSet, parseSequenceSet } from '../../src/mail/wire/imap/sequence-set.ts';
import { readResponse } from '../support/imap-values.ts';

const numRuns = Number(process.env.CHASKI_FUZZ_RUNS ?? 1_000);

const parsers: Readonly<Record<string, (cursor: Cursor) => unknown>> = {
  parseAppend: (cursor) => parseAppend(cursor, 'append', true),
  parseAppendEnd: (cursor) => parseAppend(cursor, 'parts', false),
  parseAuthenticate,
  parseCopy,
  parseCreate,
  parseEnable,
  parseFetch,
  parseGetMetadata,
  parseIdentifierCommand,
  parseSetAcl,
  parseGetQuota,
  parseId,
  parseListCommand,
  parseLogin,
  parseLsub,
  parseMailboxArgument,
  parseNameArgument,
  parseRename,
  parseReplace: (cursor) => parseAppend(cursor, 'replace', false),
  parseSearch,
  parseSelect,
  parseSetMetadata,
  parseSetQuota,
  parseSort,
  parseStatus,
  parseStore,
  parseThread,
  parseUidFetch,
};

/** What parsers stumble over, and words that lead them deeper. */
const marks = fc.constantFrom(
  ' ',
  ' ',
  ' ',
  '(',
  ')',
  '"',
  '\\',
  '[',
  ']',
  '<',
  '>',
  '{',
  '}',
  '+',
  '-',
  '~',
  '*',
  '%',
  '$',
  '&',
  ',',
  ':',
  '.',
  '/',
  '0',
  '1',
  '4294967295',
  '99999999999999999999',
  '\r\n',
  '\n',
  '\r',
  '\0',
  'é',
  '\x80',
  'a1 ',
  'INBOX',
  'NIL',
  '&AOk-',
  '{3}\r\nabc',
  '{3+}\r\na"b',
  '~{2}\r\nab',
  '{0}\r\n',
  ' 1:*',
  ' (\\Seen)',
  ' FLAGS',
  ' +FLAGS.SILENT',
  'BODY.PEEK[1.HEADER.FIELDS (To)]<0.9>',
  'BINARY[1]',
  'PREVIEW (LAZY)',
  ' (CHANGEDSINCE 5 VANISHED)',
  ' (UNCHANGEDSINCE 5)',
  ' RETURN (MIN PARTIAL 1:5)',
  ' RETURN (STATUS (MESSAGES))',
  ' (SUBSCRIBED)',
  ' CHARSET UTF-8',
  ' OR',
  ' NOT',
  ' FROM x',
  ' SINCE 1-Feb-2020',
  ' (REVERSE DATE) UTF-8',
  ' REFERENCES UTF-8',
  ' (QRESYNC (1 2 3 (4 5)))',
  ' " 1-Feb-2020 00:00:00 +0000"',
  ' ("a" "b")',
  ' (STORAGE 5 MESSAGE 0)',
  ' anyone',
  ' +lrs',
  ' (/private/a',
  ' (MAXSIZE 5 DEPTH 1)',
);
const arguments_ = fc
  .array(fc.oneof({ weight: 6, arbitrary: marks }, fc.string({ maxLength: 5 })), { maxLength: 14 })
  .map((pieces) => Buffer.from(pieces.join(''), 'latin1'));
const anyArguments = fc.oneof(arguments_, fc.uint8Array({ maxLength: 60 }).map(Buffer.from));

function isGathering(value: unknown): boolean {
  return value === toBeGathered || (value as { isGathering?: boolean }).isGathering === true;
}

for (const [name, parse] of Object.entries(parsers)) {
  test(`${name} takes any octets: a value and no fault, or a fault and no value`, () => {
    const cursor = new Cursor();
    fc.assert(
      fc.property(anyArguments, fc.boolean(), (bytes, isUtf8) => {
        cursor.isUtf8 = isUtf8;
        const value = parse(cursor.open(bytes, 0, bytes.length));
        assert.ok(cursor.at >= 0 && cursor.at <= bytes.length);
        if (value !== undefined) {
          assert.equal(cursor.fault, '');
          // What stands before a literal whose octets are wanted first is read again with them.
          if (!isGathering(value)) assert.equal(cursor.at, bytes.length, 'all was read');
        } else {
          assert.match(cursor.fault, /^[A-Z][\x20-\x7e]{5,80}$/);
          assert.ok(cursor.faultAt >= 0 && cursor.faultAt <= bytes.length);
        }
      }),
      { numRuns, examples: [[Buffer.from(' {0}\r\n'), false]] },
    );
  });

  test(`${name} reads within its bounds only`, () => {
    const cursor = new Cursor();
    fc.assert(
      fc.property(anyArguments, anyArguments, (bytes, after) => {
        const alone = JSON.stringify(parse(cursor.open(bytes, 0, bytes.length)));
        const fault = cursor.fault;
        const padded = Buffer.concat([after, bytes, after]);
        const within = parse(cursor.open(padded, after.length, after.length + bytes.length));
        assert.equal(JSON.stringify(within), alone);
        assert.equal(cursor.fault, fault);
      }),
      { numRuns: numRuns / 4 },
    );
  });
}

/** What a reader makes of pieces: `answers` decides about literals, one digit each. */
function readAll(pieces: readonly Buffer[], lineBytesMax: number, answers: number): string[] {
  const reader = new CommandReader(lineBytesMax);
  const events: string[] = [];
  let stream = '';
  let decisions = answers;
  for (const piece of pieces) {
    reader.give(piece);
    for (let kind = reader.next(); kind !== 'more'; kind = reader.next()) {
      const shown = reader.bytes.toString('latin1', reader.start, reader.end);
      if (kind === 'octets') {
        stream += shown;
        if (reader.literalBytesLeft > 0) continue;
        events.push(`octets ${stream}`);
        stream = '';
        continue;
      }
      events.push(`${kind} ${shown}`);
      if (kind === 'lost') return [...events, stream];
      if (kind === 'command' && shown.endsWith('!')) reader.expectLine();
      if (kind !== 'literal') continue;
      const { literalBytes, needsContinuation, isBinary, gatheredBytes } = reader;
      events.push(`${literalBytes} ${needsContinuation} ${isBinary} ${gatheredBytes}`);
      const decision = decisions % 3;
      decisions = decisions < 3 ? answers : Math.floor(decisions / 3);
      if (decision === 0) reader.gather();
      else if (decision === 1) reader.stream();
      else reader.refuse();
    }
  }
  return [...events, stream];
}

const streamText = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '\r\n',
        '\r\n',
        '\n',
        '\r',
        'a1 NOOP',
        '{3}\r\n',
        '{3+}\r\n',
        '{12+}\r\n',
        '~{0+}\r\n',
        '{0}\r\n',
        '{3',
        '}',
        '+}\r\n',
        '!\r\n',
        'abc',
        '{99999999999999999999}\r\n',
        'x'.repeat(50),
      ),
      fc.string({ maxLength: 4 }),
    ),
    { maxLength: 30 },
  )
  .map((pieces) => Buffer.from(pieces.join(''), 'latin1'));

function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...places.map((place) => place % (bytes.length + 1)), bytes.length];
  ends.sort((a, b) => a - b);
  let from = 0;
  return ends.map((end) => {
    const piece = Buffer.from(bytes.subarray(from, end));
    from = end;
    return piece;
  });
}

test('however a stream is cut, the reader shows the same', () => {
  fc.assert(
    fc.property(
      streamText,
      fc.array(fc.nat({ max: 2_000 }), { maxLength: 12 }),
      fc.constantFrom(10, 40, 1_000),
      fc.nat({ max: 3 ** 8 }),
      (bytes, places, lineBytesMax, answers) => {
        const whole = readAll([bytes], lineBytesMax, answers);
        assert.deepEqual(readAll(cut(bytes, places), lineBytesMax, answers), whole);
        const octets = Array.from(bytes, (octet) => Buffer.from([octet]));
        assert.deepEqual(readAll(octets, lineBytesMax, answers), whole);
      },
    ),
    { numRuns: numRuns * 3 },
  );
});

test('octets the reader showed are never written again', () => {
  fc.assert(
    fc.property(
      streamText,
      fc.array(fc.nat({ max: 2_000 }), { maxLength: 12 }),
      (bytes, places) => {
        const reader = new CommandReader(1_000);
        const kept: { view: Buffer; text: string }[] = [];
        for (const piece of cut(bytes, places)) {
          reader.give(piece);
          for (let kind = reader.next(); kind !== 'more' && kind !== 'lost'; kind = reader.next()) {
            const view = reader.bytes.subarray(reader.start, reader.end);
            kept.push({ view, text: view.toString('latin1') });
            if (kind === 'literal') reader.gather();
          }
        }
        for (const { view, text } of kept) assert.equal(view.toString('latin1'), text);
      },
    ),
    { numRuns },
  );
});

test('the reader takes time in proportion to the octets, also one by one', () => {
  const readBytes = (count: number) => {
    const reader = new CommandReader(100_000_000);
    const octet = Buffer.from('x');
    const start = performance.now();
    for (let i = 0; i < count; i++) {
      reader.give(octet);
      reader.next();
    }
    return performance.now() - start;
  };
  readBytes(20_000);
  const few = readBytes(20_000);
  const many = readBytes(320_000);
  assert.ok(many < 16 * few * 8 + 200, `${few} ms for 20,000 octets, ${many} ms for 320,000`);
});

const printable = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 });

test('every Unicode name comes back from modified UTF-7', () => {
  fc.assert(
    fc.property(printable, (name) => {
      const encoded = encodeMutf7(name);
      assert.match(encoded, /^[\x20-\x7e]*$/);
      assert.equal(decodeMutf7(encoded), name);
    }),
    { numRuns },
  );
});

test('what is read as modified UTF-7 is written the same way: a name has one encoding', () => {
  const ampersands = fc
    .array(fc.constantFrom('&', '-', 'AOk', 'A', 'O', 'k', ',', 'é', '2D3eAA', ' ', 'AGE'), {
      maxLength: 12,
    })
    .map((pieces) => pieces.join(''));
  fc.assert(
    fc.property(ampersands, (text) => {
      const name = decodeMutf7(text);
      if (name !== undefined) assert.equal(encodeMutf7(name), text);
    }),
    { numRuns },
  );
});

test('a string that was written is read back, by a client and by us', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), fc.boolean(), (text, isUtf8) => {
      const writer = new ResponseWriter(isUtf8);
      const octets = Buffer.concat(writer.text('* X ').astring(text).crlf().take());
      const expected = text.replaceAll('\0', '').toWellFormed();
      const [value] = readResponse(octets).values;
      assert.equal(typeof value === 'number' ? octets.toString('utf8', 4).trim() : value, expected);
      const cursor = new Cursor().open(octets, 4, octets.length - 2);
      assert.equal(parseAstring(cursor), expected);
      assert.ok(cursor.isAtEnd());
    }),
    { numRuns },
  );
});

const numbers = fc.integer({ min: 1, max: 40 });
const ends = fc.oneof(numbers.map(String), fc.constant('*'));
const setText = fc
  .array(
    fc.oneof(
      ends,
      fc.tuple(ends, ends).map(([a, b]) => `${a}:${b}`),
    ),
    { minLength: 1, maxLength: 8 },
  )
  .map((parts) => parts.join(','));

test('a set holds what a naive reading of it holds, in ranges that do not touch', () => {
  fc.assert(
    fc.property(setText, fc.integer({ min: 1, max: 50 }), (text, largest) => {
      const bytes = Buffer.from(text);
      const set = parseSequenceSet(new Cursor().open(bytes, 0, bytes.length));
      assert.ok(set !== undefined);
      const naive = new Set<number>();
      for (const part of text.split(',')) {
        const [a = 0, b = a] = part.split(':').map((end) => (end === '*' ? largest : Number(end)));
        for (let n = Math.min(a, b); n <= Math.max(a, b); n++) naive.add(n);
      }
      const ranges = normaliseSet(set, largest);
      const held: number[] = [];
      for (let i = 0; i < ranges.length; i += 2) {
        assert.ok(i === 0 || ranges[i]! > ranges[i - 1]! + 1, `${ranges}`);
        for (let n = ranges[i]!; n <= ranges[i + 1]!; n++) held.push(n);
      }
      assert.deepEqual(
        held,
        [...naive].sort((a, b) => a - b),
      );
    }),
    { numRuns },
  );
});

test('a LIST pattern matches as a naive reading of it does', () => {
  const naive = (pattern: string, name: string): boolean => {
    if (pattern === '') return name === '';
    const rest = pattern.slice(1);
    if (pattern[0] === '*' || pattern[0] === '%') {
      if (naive(rest, name)) return true;
      if (name === '' || (pattern[0] === '%' && name[0] === '/')) return false;
      return naive(pattern, name.slice(1));
    }
    return pattern[0] === name[0] && naive(rest, name.slice(1));
  };
  const letters = (all: string[]) => fc.array(fc.constantFrom(...all), { maxLength: 7 });
  fc.assert(
    fc.property(letters(['a', 'b', '/', '*', '%']), letters(['a', 'b', '/']), (pattern, name) => {
      const [patternText, nameText] = [pattern.join(''), name.join('')];
      assert.equal(new ListPattern(patternText).matches(nameText), naive(patternText, nameText));
      if (naive(patternText, `${nameText}/a`)) {
        assert.ok(new ListPattern(patternText).mayMatchBelow(nameText));
      }
    }),
    { numRuns },
  );
});

const tag = fc.stringMatching(/^[A-Za-z0-9.]{1,12}$/);
const word = fc.string({ unit: 'grapheme-ascii', maxLength: 20 });

/** The ways a client may write a string. */
function written(text: string, way: number): string {
  if (way === 0 && /^[A-Za-z0-9]+$/.test(text)) return text;
  if (way === 1) return `"${text.replace(/["\\]/g, '\\$&')}"`;
  return `{${text.length}${way === 2 ? '+' : ''}}\r\n${text}`;
}

test('a printable command is read as it was meant, however its strings are written and its octets cut', () => {
  const way = fc.nat({ max: 3 });
  const places = fc.array(fc.nat({ max: 200 }), { maxLength: 5 });
  fc.assert(
    fc.property(tag, word, word, way, way, places, (name, user, password, one, two, where) => {
      const line = `${name} LOGIN ${written(user, one)} ${written(password, two)}\r\n`;
      const reader = new CommandReader(1_000);
      const cursor = new Cursor();
      let logins = 0;
      for (const piece of cut(Buffer.from(line, 'latin1'), where)) {
        reader.give(piece);
        for (let kind = reader.next(); kind !== 'more'; kind = reader.next()) {
          if (kind === 'literal') {
            reader.gather();
            continue;
          }
          assert.equal(kind, 'command');
          const { bytes, start, end } = reader;
          assert.equal(tagOf(bytes, start, end), name);
          const begun = parseCommandStart(cursor.open(bytes, start, end));
          assert.deepEqual(begun, { tag: name, name: 'LOGIN' });
          assert.deepEqual(parseLogin(cursor), { user, password });
          logins++;
        }
      }
      assert.equal(logins, 1);
    }),
    { numRuns },
  );
});

test('no text makes the reader of URLs throw, and what it reads has a mailbox anybody could have', () => {
  const piece = fc.constantFrom(
    '/',
    ';',
    'UID=',
    '%',
    '%2F',
    'imap://',
    '@',
    'x',
    '1',
    ';SECTION=',
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(piece, fc.string({ maxLength: 3 }))), (pieces) => {
      const url = parseImapUrl(pieces.join(''));
      if (url === undefined) return;
      assert.ok(url.uid > 0);
      if (url.mailbox !== undefined) assert.equal(nameFault(url.mailbox), undefined);
    }),
    { numRuns },
  );
});
