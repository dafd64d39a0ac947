/** Aim: command lines are read as RFC 1939, 2449 and 5034 write them. Method: each form, and what is none. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  parseAuth,
  parseLine,
  parseName,
  parseNothing,
  parseNumber,
  parseNumberOrAll,
  parsePassword,
  parseTop,
} from '../../../../../src/mail/wire/pop3/parse.ts';

it('a line is a verb in any case, and what stands behind one space', () => {
  const line = (text: string) => parseLine(Buffer.from(text), 0, Buffer.byteLength(text));
  assert.deepEqual(line('quit'), { verb: 'QUIT', rest: '' });
  assert.deepEqual(line('PASS  two spaces '), { verb: 'PASS', rest: ' two spaces ' });
  assert.deepEqual(line('user zoë'), { verb: 'USER', rest: 'zoë' });
  assert.deepEqual(parseLine(Buffer.from('..LIST 1..'), 2, 8), { verb: 'LIST', rest: '1' });
});

it('message numbers are from 1, of at most ten digits', () => {
  assert.equal(parseNumber('1'), 1);
  assert.equal(parseNumber('0012 '), 12);
  for (const wrong of ['', '0', '-1', '+1', '1.', ' 1', '1 2', '12345678901', 'x']) {
    assert.equal(parseNumber(wrong), undefined, wrong);
  }
  assert.equal(parseNumberOrAll(' '), 0);
  assert.equal(parseNumberOrAll('3'), 3);
  assert.equal(parseNumberOrAll('0'), undefined);
});

it('TOP takes two numbers, of which the second may be 0', () => {
  assert.deepEqual(parseTop('2 0'), { number: 2, lines: 0 });
  for (const wrong of ['2', '2 ', '0 1', '2 -1', '2 1 1', '2  1']) {
    assert.equal(parseTop(wrong), undefined, wrong);
  }
});

it('names have no controls, passwords any octet but NUL', () => {
  assert.equal(parseName(' ann@here.test '), 'ann@here.test');
  assert.equal(parseName('ann\x07'), undefined);
  assert.equal(parseName(''), undefined);
  assert.equal(parsePassword(' p w '), ' p w ');
  assert.equal(parsePassword(''), undefined);
  assert.equal(parsePassword('a\0b'), undefined);
});

it('AUTH takes a mechanism and one response at most', () => {
  assert.deepEqual(parseAuth('plain'), { mechanism: 'PLAIN', initial: undefined });
  assert.deepEqual(parseAuth('PLAIN ='), { mechanism: 'PLAIN', initial: '=' });
  assert.deepEqual(parseAuth(''), { mechanism: '', initial: undefined });
  assert.equal(parseAuth('PLAIN a b'), undefined);
});

it('a command without arguments takes none', () => {
  assert.equal(parseNothing('  '), true);
  assert.equal(parseNothing('x'), undefined);
});
