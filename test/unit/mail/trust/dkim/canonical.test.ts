/**
 * Aim:    with a limit, the hash is that of so many bytes of the canonical form, and what is beyond is counted.
 * Method: bodies whose canonical form is written down here, each limit about them and about the size of a piece that is
 *         hashed at once.
 */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import {
  bodyHash,
  type CanonicalForm,
  limitedBodyHash,
} from '../../../../../src/mail/trust/dkim/canonical.ts';

const pieceBytes = 16_384;

const bodies: readonly (readonly [form: CanonicalForm, body: string, canonical: string])[] = [
  ['simple', '', '\r\n'],
  ['relaxed', '', ''],
  ['relaxed', ' \t\r\n\r\n', ''],
  ['simple', 'a  b \r\n\r\n\r\n', 'a  b \r\n'],
  ['relaxed', 'a\t b \r\n\r\n\r\nc', 'a b\r\n\r\n\r\nc\r\n'],
];

function sha256(text: string): string {
  return createHash('sha256').update(text, 'latin1').digest('base64');
}

function check(form: CanonicalForm, body: string, canonical: string, limit: number): void {
  const found = limitedBodyHash([Buffer.from(body, 'latin1')], form, limit);
  const uncovered = Math.max(0, canonical.length - limit);
  assert.deepEqual(found, { hash: sha256(canonical.slice(0, limit)), uncovered }, `${limit}`);
}

test('each limit of short bodies', () => {
  for (const [form, body, canonical] of bodies) {
    for (let limit = 0; limit <= canonical.length + 1; limit++) check(form, body, canonical, limit);
    check(form, body, canonical, Number.MAX_SAFE_INTEGER);
  }
});

test('limits about the pieces of long bodies', () => {
  const line = `${'x'.repeat(30)}\t y \r\n`;
  const lines = line.repeat(2_000);
  const bodyOfLines = line.replace('\t y ', ' y').repeat(2_000);
  const oneLine = 'x'.repeat(3 * pieceBytes);
  for (const pieces of [1, 2]) {
    for (let more = -40; more <= 40; more++) {
      check('relaxed', lines, bodyOfLines, pieces * pieceBytes + more);
      check('relaxed', oneLine, `${oneLine}\r\n`, pieces * pieceBytes + more);
    }
  }
});

test('without a limit all is hashed', () => {
  for (const [form, body, canonical] of bodies) {
    const bytes = Buffer.from(body, 'latin1');
    const hash = sha256(canonical);
    assert.deepEqual(limitedBodyHash([bytes], form, Number.POSITIVE_INFINITY), {
      ...{ hash, uncovered: 0 },
    });
    assert.equal(bodyHash([bytes], form), hash);
  }
});
