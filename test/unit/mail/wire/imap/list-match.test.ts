/** LIST patterns: RFC 9051 §6.3.9. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { joinPattern, ListPattern } from '../../../../../src/mail/wire/imap/list-match.ts';

const cases: readonly (readonly [string, string, boolean])[] = [
  ['*', 'a/b/c', true],
  ['%', 'a', true],
  ['%', 'a/b', false],
  ['a/%', 'a/b', true],
  ['a/%', 'a/b/c', false],
  ['a/%', 'a', false],
  ['a*', 'a', true],
  ['*c', 'a/b/c', true],
  ['%/%', 'a/b', true],
  ['%/%', 'a/b/c', false],
  ['%/*', 'a/b/c', true],
  ['a%c*e', 'abc/de', true],
  ['a%c*e', 'a/c/de', false],
  ['%%%', 'abc', true],
  ['*%*', 'a/b', true],
  ['inbox', 'INBOX', true],
  ['InBoX/%', 'INBOX/a', true],
  ['in%', 'INBOX', false],
  ['', '', true],
  ['', 'a', false],
  ['a', 'ab', false],
  ['.', 'a', false],
  ['(a)+', 'aa', false],
  ['日%', '日本', true],
];

for (const [pattern, name, isMatch] of cases) {
  test(`${pattern} ${isMatch ? 'matches' : 'does not match'} ${name}`, () => {
    assert.equal(new ListPattern(pattern).matches(name), isMatch);
  });
}

test('a walk of the tree learns where nothing below can match', () => {
  assert.ok(new ListPattern('a/%').mayMatchBelow('a'));
  assert.ok(!new ListPattern('a/%').mayMatchBelow('b'));
  assert.ok(!new ListPattern('%').mayMatchBelow('a'));
  assert.ok(new ListPattern('*').mayMatchBelow('a/b'));
});

test('a pattern made to be slow is not', () => {
  const pattern = new ListPattern(`${'*a'.repeat(500)}b`);
  const start = performance.now();
  assert.ok(!pattern.matches('a'.repeat(1_000)));
  assert.ok(performance.now() - start < 1_000);
});

test('a reference stands before a pattern that is not from the root', () => {
  assert.equal(joinPattern('a/', '%'), 'a/%');
  assert.equal(joinPattern('a', '/b'), 'b');
});
