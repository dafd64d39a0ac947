/**
 * Aim:    a message is changed as asked and nowhere else (RFC 5322 §2.2); no value ends its field, and what is not
 *         ASCII is encoded (RFC 2047).
 * Method: small messages, whole.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withEdits } from '../../../../src/engine/pipeline/scan-edits.ts';
import type { ScanEdit } from '../../../../src/ports/content-scanner.ts';

const limits = { headerBytesMax: 10_000, fieldsMax: 100, lineBytesMax: 1_000 };
const message = 'A: 1\r\nB: 2\r\n folded\r\na: 3\r\n\r\nBody: no field\r\n';

function edited(edits: readonly ScanEdit[], text = message): string {
  return Buffer.from(withEdits(Buffer.from(text, 'latin1'), edits, limits)).toString('latin1');
}

test('nothing to do gives the very message back', () => {
  const bytes = Buffer.from(message);
  assert.equal(withEdits(bytes, [], limits), bytes);
  assert.equal(withEdits(bytes, [{ kind: 'change-sender', address: 'a@b' }], limits), bytes);
});

test('fields are added behind the last one, or where it is said', () => {
  const field = { kind: 'add-field', name: 'X', value: 'y;\r\n\tz' } as const;
  assert.equal(edited([field]), message.replace('\r\n\r\n', '\r\nX: y;\r\n\tz\r\n\r\n'));
  assert.equal(edited([{ ...field, at: 0 }]), `X: y;\r\n\tz\r\n${message}`);
  assert.equal(edited([{ ...field, at: 1 }]), message.replace('B:', 'X: y;\r\n\tz\r\nB:'));
  assert.equal(edited([{ ...field, at: 4_000_000_000 }]), edited([field]));
});

test('fields are counted as they came, whatever was taken out before', () => {
  const first: ScanEdit = { kind: 'change-field', name: 'A', nth: 1, value: '' };
  const second: ScanEdit = { kind: 'change-field', name: 'a', nth: 2, value: 'new' };
  const changed = 'B: 2\r\n folded\r\na: new\r\n\r\nBody: no field\r\n';
  assert.equal(edited([first, second]), changed);
  assert.equal(edited([second, first]), changed);
  const missing: ScanEdit = { kind: 'change-field', name: 'C', nth: 1, value: '' };
  assert.equal(edited([missing]), message);
  assert.ok(edited([{ ...missing, value: 'x' }]).includes('\r\nC: x\r\n\r\n'));
});

test('all fields of a name go, but those that were added', () => {
  const added: ScanEdit = { kind: 'add-field', name: 'A', value: 'ours' };
  const kept = 'B: 2\r\n folded\r\nA: ours\r\n\r\nBody: no field\r\n';
  assert.equal(edited([added, { kind: 'remove-fields', name: 'a' }]), kept);
});

test('the body is replaced whole', () => {
  const body = Buffer.from('Other\r\n');
  assert.equal(
    edited([{ kind: 'replace-body', body }]),
    `${message.split('\r\n\r\n')[0]}\r\n\r\nOther\r\n`,
  );
  assert.equal(edited([{ kind: 'replace-body', body }], 'A: 1\r\n'), 'A: 1\r\n\r\nOther\r\n');
});

test('a new body is in canonical form, whatever was given', () => {
  const given: Readonly<Record<string, string>> = {
    '': '',
    'a\n.\nMAIL': 'a\r\n.\r\nMAIL\r\n',
    'a\rb\r': 'a\r\nb\r\n',
    'a\r\n\n.\r\r\n': 'a\r\n\r\n.\r\n\r\n',
    '\n': '\r\n',
  };
  for (const [text, canonical] of Object.entries(given)) {
    const body = Buffer.from(text);
    assert.equal(edited([{ kind: 'replace-body', body }], 'A: 1\r\n'), `A: 1\r\n\r\n${canonical}`);
  }
});

test('what is not ASCII, or has no end, is encoded', () => {
  const said = edited([{ kind: 'add-field', name: 'Subject', value: 'Grüße\r\nX: y' }]);
  assert.match(said, /\r\nSubject: =\?UTF-8\?B\?[\s\S]*\?=\r\n\r\nBody/);
  assert.doesNotMatch(said, /\r\nX: y/);
});

test('a message without a header, and one whose header is too large, stay as they are', () => {
  const add: ScanEdit = { kind: 'add-field', name: 'X', value: 'y' };
  assert.equal(edited([add], 'no header\r\n'), 'no header\r\n');
  const large = `A: ${'a'.repeat(2_000)}\r\n\r\n`;
  assert.equal(edited([add], large), large);
});
