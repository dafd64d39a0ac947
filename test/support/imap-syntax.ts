/**
 * A small reader of IMAP data, strict enough to show that what we write can be read, and checks of the grammar of
 * ENVELOPE and BODYSTRUCTURE.
 *
 * Runs in: tests.
 * Specs:   RFC 3501 §9 and RFC 9051 §9 (nstring, literal, envelope, body).
 */

import assert from 'node:assert/strict';

export type ImapValue = null | number | string | readonly ImapValue[];

/** Reads one value; throws where the bytes are not IMAP data. */
export function readImap(bytes: Uint8Array): ImapValue {
  const text = Buffer.from(bytes).toString('latin1');
  const cursor = { text, at: 0 };
  const value = readValue(cursor);
  assert.equal(cursor.at, text.length, 'something follows the value');
  return value;
}

function readValue(cursor: { text: string; at: number }): ImapValue {
  const { text } = cursor;
  const first = text[cursor.at];
  if (first === '(') return readList(cursor);
  if (first === '"') return readQuoted(cursor);
  if (first === '{') return readLiteral(cursor);
  const word = /^(?:NIL|\d+)/.exec(text.slice(cursor.at, cursor.at + 20))?.[0];
  assert.ok(
    word !== undefined,
    `no value at ${cursor.at}: ${text.slice(cursor.at, cursor.at + 30)}`,
  );
  cursor.at += word.length;
  return word === 'NIL' ? null : Number(word);
}

function readList(cursor: { text: string; at: number }): readonly ImapValue[] {
  const items: ImapValue[] = [];
  cursor.at++;
  while (cursor.text[cursor.at] !== ')') {
    // Lists of addresses and of parts stand without a space between them.
    if (items.length > 0 && cursor.text[cursor.at] === ' ') cursor.at++;
    else if (items.length > 0) assert.equal(cursor.text[cursor.at], '(', 'a space is missing');
    items.push(readValue(cursor));
  }
  cursor.at++;
  return items;
}

function readQuoted(cursor: { text: string; at: number }): string {
  let out = '';
  for (cursor.at++; cursor.text[cursor.at] !== '"'; cursor.at++) {
    let char = cursor.text[cursor.at];
    assert.ok(char !== undefined, 'a quoted string has no end');
    if (char === '\\') {
      char = cursor.text[++cursor.at];
      assert.ok(char === '"' || char === '\\', 'only quotes and backslashes are escaped');
    }
    const code = char.charCodeAt(0);
    assert.ok(
      code > 0 && code < 128 && code !== 10 && code !== 13,
      `byte ${code} in a quoted string`,
    );
    out += char;
  }
  cursor.at++;
  return out;
}

function readLiteral(cursor: { text: string; at: number }): string {
  const head = /^\{(\d+)\}\r\n/.exec(cursor.text.slice(cursor.at, cursor.at + 20));
  assert.ok(head !== null, 'a literal has no length');
  const start = cursor.at + head[0].length;
  const end = start + Number(head[1]);
  assert.ok(end <= cursor.text.length, 'a literal is too short');
  cursor.at = end;
  const text = cursor.text.slice(start, end);
  assert.ok(!text.includes('\0'), 'NUL in a literal');
  return Buffer.from(text, 'latin1').toString('utf8');
}

const isNstring = (value: ImapValue | undefined) => value === null || typeof value === 'string';

export function checkEnvelope(value: ImapValue): void {
  assert.ok(Array.isArray(value) && value.length === 10, 'an envelope has ten fields');
  for (const i of [0, 1, 8, 9]) assert.ok(isNstring(value[i]), `field ${i} is no nstring`);
  for (const i of [2, 3, 4, 5, 6, 7]) checkAddresses(value[i]!);
}

function checkAddresses(value: ImapValue): void {
  if (value === null) return;
  assert.ok(Array.isArray(value) && value.length > 0, 'an address list is not empty');
  let isInGroup = false;
  for (const address of value) {
    assert.ok(Array.isArray(address) && address.length === 4 && address.every(isNstring));
    if (address[3] !== null) {
      assert.ok(typeof address[2] === 'string', 'a mailbox has a local part');
    } else {
      assert.equal(isInGroup, address[2] === null, 'a group opens before it closes');
      isInGroup = address[2] !== null;
    }
  }
  assert.ok(!isInGroup, 'a group is closed');
}

export function checkBody(value: ImapValue, isExtended: boolean): void {
  assert.ok(Array.isArray(value));
  if (!Array.isArray(value[0])) {
    checkSinglePart(value, isExtended);
    return;
  }
  const count = value.findIndex((item) => !Array.isArray(item));
  assert.ok(count > 0, 'a multipart has parts');
  for (const part of value.slice(0, count)) checkBody(part, isExtended);
  assert.equal(typeof value[count], 'string', 'a multipart has a subtype');
  const extension = value.slice(count + 1);
  assert.equal(extension.length, isExtended ? 4 : 0);
  if (isExtended) {
    checkParameters(extension[0]!);
    checkExtension(extension.slice(1));
  }
}

function checkSinglePart(value: readonly ImapValue[], isExtended: boolean): void {
  assert.ok(typeof value[0] === 'string' && typeof value[1] === 'string', 'a part has a type');
  checkParameters(value[2]!);
  assert.ok(isNstring(value[3]) && isNstring(value[4]));
  assert.equal(typeof value[5], 'string', 'a part has an encoding');
  assert.equal(typeof value[6], 'number', 'a part has a size');
  let next = 7;
  if (value[0] === 'text') assert.equal(typeof value[next++], 'number', 'a text has lines');
  else if (value[0] === 'message' && (value[1] === 'rfc822' || value[1] === 'global')) {
    checkEnvelope(value[next++]!);
    checkBody(value[next++]!, isExtended);
    assert.equal(typeof value[next++], 'number', 'an enclosed message has lines');
  }
  assert.equal(value.length, isExtended ? next + 4 : next);
  if (isExtended) {
    assert.ok(isNstring(value[next]));
    checkExtension(value.slice(next + 1));
  }
}

function checkParameters(value: ImapValue): void {
  if (value === null) return;
  assert.ok(Array.isArray(value) && value.length > 0 && value.length % 2 === 0);
  assert.ok(value.every((item) => typeof item === 'string'));
}

function checkExtension([disposition, language, location]: readonly ImapValue[]): void {
  if (disposition !== null) {
    assert.ok(Array.isArray(disposition) && disposition.length === 2);
    assert.equal(typeof disposition[0], 'string');
    checkParameters(disposition[1]!);
  }
  assert.ok(
    isNstring(language) ||
      (Array.isArray(language) && language.every((tag) => typeof tag === 'string')),
  );
  assert.ok(isNstring(location));
}
