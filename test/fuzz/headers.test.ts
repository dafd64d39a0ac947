/**
 * Aim:    no bytes make the header scanner, the structure scanner or the writers of IMAP data fail, lose a byte, or
 *         take unbounded time.
 * Method: the messages of `test/fixtures`, mutated and whole, and text made of the marks that mail is made of; each
 *         result against a naive reference or a grammar. Seeds are printed by fast-check; `CHASKI_FUZZ_RUNS` scales.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseAddressList } from '../../src/mail/formats/address/parse.ts';
import { parseDate } from '../../src/mail/formats/date/parse.ts';
import { parameter, parseParameterised } from '../../src/mail/formats/headers/parameters.ts';
import { HeaderScan, scanHeaders } from '../../src/mail/formats/headers/scan.ts';
import { decodeWords } from '../../src/mail/formats/headers/words.ts';
import { htmlText } from '../../src/mail/formats/mime/html-text.ts';
import { baseSubject } from '../../src/mail/formats/mime/sort-keys.ts';
import { type Part, scanStructure } from '../../src/mail/formats/mime/structure.ts';
import { summarise } from '../../src/mail/formats/mime/summary.ts';
import { checkBody, checkEnvelope, readImap } from '../support/imap-syntax.ts';
import { mimeMessages } from '../support/mail-fixtures.ts';

const numRuns = Number(process.env.CHASKI_FUZZ_RUNS ?? 400);
const messages = mimeMessages();

/** Text of the marks that parsers stumble over. */
const marks = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '\r\n',
        '\n',
        '\r',
        ' ',
        '\t',
        ':',
        ';',
        ',',
        '"',
        '\\',
        '<',
        '>',
        '(',
        ')',
        '@',
        '=',
      ),
      fc.constantFrom(
        '--b',
        '--',
        'From',
        'To: ',
        'Subject',
        'Received:',
        '=?utf-8?Q?',
        '?=',
        '=?x?b?',
        '\0',
      ),
      fc.constantFrom(
        'Content-Type: multipart/mixed; boundary=b\r\n',
        'Content-Type: message/rfc822\r\n\r\n',
      ),
      fc.constantFrom(
        'a',
        'b.c',
        'é',
        '😀',
        '[',
        ']',
        '*0*=',
        "utf-8''%41",
        '%',
        '\r\n\r\n',
        '\r\n--b\r\n',
      ),
      fc.string({ maxLength: 6 }),
    ),
    { maxLength: 60 },
  )
  .map((pieces) => pieces.join(''));
const bytesOfMarks = marks.map((text) => Buffer.from(text, 'utf8'));
const mutated = fc
  .tuple(
    fc.integer({ min: 0, max: messages.length - 1 }),
    fc.array(fc.tuple(fc.double({ min: 0, max: 0.999, noNaN: true }), marks), { maxLength: 4 }),
    fc.double({ min: 0, max: 1, noNaN: true }),
  )
  .map(([which, cuts, length]) => {
    let bytes = messages[which]!.bytes.subarray(0, 20_000);
    for (const [where, text] of cuts) {
      const at = Math.floor(where * Math.min(bytes.length, 3_000));
      bytes = Buffer.concat([
        bytes.subarray(0, at),
        Buffer.from(text),
        bytes.subarray(at + text.length),
      ]);
    }
    return bytes.subarray(0, Math.ceil(bytes.length * length));
  });
const anyMessage = fc.oneof(bytesOfMarks, mutated, fc.uint8Array({ maxLength: 300 }));

interface NaiveField {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/** The header by splitting text: slow, and plain to see. */
function naiveHeader(bytes: Uint8Array): {
  fields: NaiveField[];
  headerEnd: number;
  bodyStart: number;
} {
  const text = Buffer.from(bytes).toString('latin1');
  const fields: NaiveField[] = [];
  let at = 0;
  for (const line of text.match(/[^\n]*\n|[^\n]+$/g) ?? []) {
    if (line === '\n' || line === '\r\n') {
      return { fields, headerEnd: at, bodyStart: at + line.length };
    }
    const end = at + line.length;
    if (fields.length > 0 && /^[ \t]/.test(line)) fields.push({ ...fields.pop()!, end });
    else fields.push({ name: /^([!-9;-~]+)[ \t]*:/.exec(line)?.[1] ?? '', start: at, end });
    at = end;
  }
  return { fields, headerEnd: at, bodyStart: at };
}

test('the header scanner finds what a naive reader finds', () => {
  fc.assert(
    fc.property(anyMessage, (bytes) => {
      const scan = scanHeaders(bytes);
      const naive = naiveHeader(bytes);
      assert.equal(scan.headerEnd, naive.headerEnd);
      assert.equal(scan.bodyStart, naive.bodyStart);
      const fields = Array.from({ length: scan.count }, (_, i) => ({
        name: Buffer.from(bytes.subarray(scan.nameStart(i), scan.nameEnd(i))).toString('latin1'),
        start: scan.nameStart(i),
        end: scan.rawEnd(i),
      }));
      assert.deepEqual(fields, naive.fields);
    }),
    { numRuns: 3 * numRuns },
  );
});

test('offsets of one field ascend and stay inside the header', () => {
  const scan = new HeaderScan();
  fc.assert(
    fc.property(anyMessage, (bytes) => {
      assert.ok(scan.scan(bytes));
      let end = 0;
      for (let i = 0; i < scan.count; i++) {
        assert.equal(scan.nameStart(i), end, 'fields lie side by side');
        assert.ok(scan.nameEnd(i) <= scan.valueStart(i));
        assert.ok(scan.valueStart(i) <= scan.valueEnd(i));
        assert.ok(scan.valueEnd(i) <= scan.rawEnd(i));
        end = scan.rawEnd(i);
      }
      assert.equal(end, scan.headerEnd);
    }),
    { numRuns },
  );
});

function checkPart(part: Part, from: number, to: number): void {
  assert.ok(from <= part.headerStart && part.headerStart <= part.bodyStart);
  assert.ok(part.bodyStart <= part.bodyEnd && part.bodyEnd <= to);
  let at = part.bodyStart;
  for (const child of part.children) {
    checkPart(child, at, part.bodyEnd);
    at = child.bodyEnd;
  }
  if (part.message !== undefined) checkPart(part.message.root, part.bodyStart, part.bodyEnd);
}

test('parts lie inside their parents, in order', () => {
  fc.assert(
    fc.property(anyMessage, (bytes) => {
      checkPart(scanStructure(bytes).root, 0, bytes.length);
    }),
    { numRuns },
  );
});

test('ENVELOPE, BODYSTRUCTURE and BODY keep their grammar whatever the message', () => {
  fc.assert(
    fc.property(anyMessage, (bytes) => {
      const summary = summarise(bytes);
      checkEnvelope(readImap(summary.envelope));
      checkBody(readImap(summary.bodyStructure), true);
      checkBody(readImap(summary.body), false);
      assert.ok([...summary.preview].length <= 256);
      assert.ok(summary.preview.isWellFormed());
      assert.doesNotMatch(summary.preview, /[\p{Cc}\n]/u);
    }),
    { numRuns },
  );
});

test('no text makes a reader of values throw', () => {
  fc.assert(
    fc.property(marks, (text) => {
      parseAddressList(text);
      parseDate(text);
      decodeWords(text);
      htmlText(text);
      baseSubject(text);
      const { parameters } = parseParameterised(text);
      for (const { name } of parameters) parameter(parameters, name.replace(/\*.*/, ''));
    }),
    { numRuns: 3 * numRuns },
  );
});

/** Inputs that make careless parsers take quadratic time; each a repeated piece. */
const hostilePieces = [
  '=?',
  '=?utf-8?q?',
  '=?utf-8?q?a',
  '?=',
  '(',
  '((',
  '\\',
  '"',
  '<',
  ',',
  ';',
  ':',
  '@',
  '[',
  ' ',
  '\r\n ',
  're: ',
  '[a]',
  '[',
  'fwd:',
  '<!--',
  '<a ',
  '<a "',
  '<style>',
  '&',
  '&#',
  '*0*=a;',
  'a=(',
  '<a@b>',
  'a <b@c>, ',
  '(fwd)',
  '--b\r\n',
];

test('repeated marks take linear time', () => {
  for (const piece of hostilePieces) {
    const text = piece.repeat(Math.ceil(60_000 / piece.length));
    const started = process.cpuUsage();
    parseAddressList(text);
    parseDate(text);
    decodeWords(text);
    htmlText(text);
    baseSubject(text);
    parseParameterised(text);
    summarise(
      Buffer.from(`From: ${text}\r\nSubject: ${text}\r\nContent-Type: ${text}\r\n\r\n${text}`),
    );
    const { user } = process.cpuUsage(started);
    assert.ok(user < 1_000_000, `${JSON.stringify(piece)} took ${user} µs`);
  }
});

test('a message of nothing but nested parts is bounded', () => {
  const nested = Array.from({ length: 3_000 }, (_, i) => {
    return `Content-Type: multipart/mixed; boundary=b${i}\r\n\r\n--b${i}\r\n`;
  }).join('');
  const enclosed = 'Content-Type: message/rfc822\r\n\r\n'.repeat(20_000);
  const misses = `Content-Type: multipart/mixed; boundary=b\r\n\r\n${'\n--bb'.repeat(400_000)}`;
  for (const text of [nested, enclosed, misses]) {
    const started = process.cpuUsage();
    const summary = summarise(Buffer.from(text));
    checkBody(readImap(summary.bodyStructure), true);
    assert.equal(summary.isTruncated, true);
    const { user } = process.cpuUsage(started);
    assert.ok(user < 1_500_000, `took ${user} µs`);
  }
});
