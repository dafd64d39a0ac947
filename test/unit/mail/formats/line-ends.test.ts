/** Aim: line ends are changed only where they can be changed back. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { isWhollyCrlf, withCrlf, withLf } from '../../../../src/mail/formats/line-ends.ts';

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');

it('LF becomes CRLF in texts without CRLF, and a text with one stays', () => {
  assert.equal(text(withCrlf(Buffer.from('a\nb\n'))), 'a\r\nb\r\n');
  assert.equal(text(withCrlf(Buffer.from('a\r\nb\n'))), 'a\r\nb\n');
  assert.equal(text(withCrlf(Buffer.from('a'))), 'a');
});

it('a text that is wholly CRLF is the same after both ways, and no other is called so', () => {
  for (const one of ['a\r\nb\r\n', '\r\n', 'a\rb\r\n', '\xe9\r\n\r\nx']) {
    assert.equal(isWhollyCrlf(Buffer.from(one, 'latin1')), true, JSON.stringify(one));
    assert.equal(text(withCrlf(withLf(Buffer.from(one, 'latin1')))), one);
  }
  for (const one of ['', 'a', 'a\nb', '\n', 'a\r\nb\n', 'a\r\r\n']) {
    assert.equal(isWhollyCrlf(Buffer.from(one)), false, JSON.stringify(one));
  }
});
