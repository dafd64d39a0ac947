/** A release token is good for its message and time, and no other text is one. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  readReleaseToken,
  releaseToken,
} from '../../../../../src/mail/trust/feedback/release-tokens.ts';

const root = Buffer.alloc(32, 7);
const untilMs = Date.UTC(2026, 10, 30);
const facts = { account: 0xffff_fffe, id: 17, untilMs };

test('a token says what it was made of, until its time is over', () => {
  const token = releaseToken(root, facts);
  assert.deepEqual(readReleaseToken(root, token, untilMs), facts);
  assert.equal(readReleaseToken(root, token, untilMs + 1), undefined);
  assert.equal(readReleaseToken(Buffer.alloc(32, 8), token, 0), undefined);
});

test('a token with any other character is none', () => {
  const token = releaseToken(root, facts);
  for (let at = 0; at < token.length; at++) {
    const other = token[at] === 'A' ? 'B' : 'A';
    const forged = token.slice(0, at) + other + token.slice(at + 1);
    assert.equal(readReleaseToken(root, forged, 0), undefined, String(at));
  }
  for (const text of ['', `${token}A`, token.slice(1), `${token.slice(1)}+`]) {
    assert.equal(readReleaseToken(root, text, 0), undefined, text);
  }
});
