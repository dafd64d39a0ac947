/**
 * Aim:    parts are found where they are (RFC 2046 §5.1).
 * Method: small messages of each shape, shown as a tree; limits at their edge.
 */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { partTable } from '../../../../../src/mail/formats/mime/part-table.ts';
import {
  type Part,
  type StructureLimits,
  scanStructure,
} from '../../../../../src/mail/formats/mime/structure.ts';

const crlf = (text: string) => Buffer.from(text.replace(/\n/g, '\r\n'), 'latin1');

function shown(bytes: Buffer, part: Part): unknown {
  const name = `${part.type}/${part.subtype}`;
  const body = bytes.subarray(part.bodyStart, part.bodyEnd).toString('latin1');
  if (part.message !== undefined) return [name, shown(bytes, part.message.root)];
  if (part.type === 'multipart')
    return [name, ...part.children.map((child) => shown(bytes, child))];
  return `${name} ${JSON.stringify(body)}`;
}

function tree(text: string, limits?: StructureLimits): unknown {
  const bytes = crlf(text);
  return shown(bytes, scanStructure(bytes, limits).root);
}

const multipart = 'Content-Type: multipart/mixed; boundary="b"\n\n';

describe('shapes', () => {
  test('a message without a type is plain text', () => {
    assert.equal(tree('Subject: x\n\nbody\n'), 'text/plain "body\\r\\n"');
    assert.equal(tree(''), 'text/plain ""');
  });

  test('parts end before the line break of the next boundary; preamble and epilogue are left out', () => {
    assert.deepEqual(
      tree(`${multipart}pre\n--b\n\none\n\n--b\nContent-Type: text/html\n\ntwo\n--b--\nepi\n`),
      ['multipart/mixed', 'text/plain "one\\r\\n"', 'text/html "two"'],
    );
  });

  test('a boundary line may end in white space and must end there', () => {
    assert.deepEqual(tree(`${multipart}--b \t\n\none\n--bb\n--b-\nx --b\n--b--  \n`), [
      'multipart/mixed',
      'text/plain "one\\r\\n--bb\\r\\n--b-\\r\\nx --b"',
    ]);
  });

  test('without a closing boundary the last part goes to the end', () => {
    assert.deepEqual(tree(`${multipart}--b\n\none\n`), [
      'multipart/mixed',
      'text/plain "one\\r\\n"',
    ]);
  });

  test('an outer boundary ends what is open inside', () => {
    const inner = 'Content-Type: multipart/alternative; boundary=c\n\n--c\n\none\n';
    assert.deepEqual(tree(`${multipart}--b\n${inner}--b\n\ntwo\n--c\n--b--\n`), [
      'multipart/mixed',
      ['multipart/alternative', 'text/plain "one"'],
      'text/plain "two\\r\\n--c"',
    ]);
  });

  test('parts of a digest are messages unless they say otherwise', () => {
    const digest = multipart.replace('mixed', 'digest');
    assert.deepEqual(
      tree(`${digest}--b\n\nSubject: x\n\nin\n--b\nContent-Type: text/plain\n\ntext\n--b--\n`),
      ['multipart/digest', ['message/rfc822', 'text/plain "in"'], 'text/plain "text"'],
    );
  });

  test('enclosed messages are looked into', () => {
    assert.deepEqual(tree(`Content-Type: message/rfc822\n\n${multipart}--b\n\none\n--b--`), [
      'message/rfc822',
      ['multipart/mixed', 'text/plain "one"'],
    ]);
  });

  test('empty parts and parts without a header', () => {
    assert.deepEqual(tree(`${multipart}--b\n--b\n\n--b--`), [
      'multipart/mixed',
      'text/plain ""',
      'text/plain ""',
    ]);
  });

  test('a multipart without a boundary, and types that cannot be read, are plain text', () => {
    for (const type of [
      'multipart/mixed',
      'multipart/mixed; boundary=""',
      'text',
      '/',
      'a b/c',
      '',
    ]) {
      assert.equal(tree(`Content-Type: ${type}\n\nx`), 'text/plain "x"', type);
    }
  });
});

describe('limits', () => {
  const limits = { nestingMax: 3, partsMax: 10, missesMax: 20 };

  test('deep nesting is cut', () => {
    const deep = Array.from(
      { length: 9 },
      (_, i) => `Content-Type: multipart/mixed; boundary=b${i}\n\n--b${i}\n`,
    );
    assert.deepEqual(tree(deep.join(''), limits), [
      'multipart/mixed',
      ['multipart/mixed', ['multipart/mixed', ['multipart/mixed']]],
    ]);
    assert.ok(scanStructure(crlf(deep.join('')), limits).isTruncated);
  });

  test('many parts are cut', () => {
    const structure = scanStructure(crlf(multipart + '--b\n\nx\n'.repeat(50)), limits);
    assert.equal(structure.root.children.length, 9);
    assert.ok(structure.isTruncated);
  });

  test('lines that only look like boundaries are bounded', () => {
    const structure = scanStructure(crlf(`${multipart}${'--bb\n'.repeat(50)}--b\n\nx`), limits);
    assert.equal(structure.root.children.length, 0);
    assert.ok(structure.isTruncated);
  });
});

test('lines are counted the same however large the body and its parent', () => {
  const line = `${'x'.repeat(98)}\n`;
  const bytes = crlf(
    `${multipart}--b\nContent-Type: message/rfc822\n\nSubject: x\n\n${line.repeat(5_000)}--b--`,
  );
  const part = scanStructure(bytes).root.children[0]!;
  assert.equal(part.message?.root.lines, 4_999);
  assert.equal(part.lines, 5_001);
});

test('the table names sections as FETCH does', () => {
  const inner = `Content-Type: message/rfc822\n\n${multipart.replace('"b"', 'c')}--c\n\nin\n--c--\n`;
  const bytes = crlf(
    `${multipart}--b\n\none\n--b\n${inner}--b\nContent-Type: message/rfc822\n\nA: b\n\nx\n--b--`,
  );
  const table = partTable(scanStructure(bytes));
  assert.deepEqual(
    table.map(({ section }) => section),
    ['', '1', '2', '2.1', '3', '3.1'],
  );
  const text = (from: number, to: number) => bytes.subarray(from, to).toString('latin1');
  const third = table[4]!;
  assert.equal(text(third.headerStart, third.bodyStart), 'Content-Type: message/rfc822\r\n\r\n');
  assert.equal(text(third.bodyStart, third.textStart), 'A: b\r\n\r\n');
  assert.equal(text(third.textStart, third.bodyEnd), 'x');
  assert.equal(text(table[3]!.bodyStart, table[3]!.bodyEnd), 'in');
  assert.deepEqual(
    partTable(scanStructure(crlf('A: b\n\nx'))).map(({ section, bodyStart }) => [
      section,
      bodyStart,
    ]),
    [
      ['', 8],
      ['1', 8],
    ],
  );
});
