/** PROXY protocol, both versions, whole and in pieces. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseProxyHeader } from '../../../../src/edge/listeners/proxy-header.ts';

const signature = '0d0a0d0a000d0a515549540a';
const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

test('text headers give the source, with what they took', () => {
  const text = 'PROXY TCP4 192.0.2.1 198.51.100.1 56324 25\r\n';
  assert.deepEqual(parseProxyHeader(Buffer.from(`${text}EHLO x\r\n`)), {
    source: { address: '192.0.2.1', port: 56_324 },
    bytes: text.length,
  });
  assert.deepEqual(parseProxyHeader(Buffer.from('PROXY TCP6 2001:db8::1 ::1 1 2\r\n')), {
    source: { address: '2001:db8::1', port: 1 },
    bytes: 32,
  });
  assert.deepEqual(parseProxyHeader(Buffer.from('PROXY UNKNOWN what ever\r\n')), {
    source: undefined,
    bytes: 25,
  });
});

test('binary headers give the source, extensions are skipped', () => {
  const v4 = hex(`${signature} 21 11 000c c0000201 c6336401 15b3 0019`);
  assert.deepEqual(parseProxyHeader(v4), {
    source: { address: '192.0.2.1', port: 5555 },
    bytes: 28,
  });
  const extended = hex(`${signature} 21 11 0010 c0000201 c6336401 15b3 0019 04000100 45`);
  assert.deepEqual(parseProxyHeader(extended), {
    source: { address: '192.0.2.1', port: 5555 },
    bytes: 32,
  });
  const v6 = hex(
    `${signature} 21 21 0024 20010db8000000000000000000000007 ${'00'.repeat(15)}01 0001 0019`,
  );
  assert.deepEqual(parseProxyHeader(v6), {
    source: { address: '2001:db8::7', port: 1 },
    bytes: 52,
  });
  assert.deepEqual(parseProxyHeader(hex(`${signature} 20 00 0000`)), {
    source: undefined,
    bytes: 16,
  });
});

test('every beginning of a good header asks for more', () => {
  for (const whole of [
    Buffer.from('PROXY TCP4 192.0.2.1 198.51.100.1 56324 25\r\n'),
    hex(`${signature} 21 11 000c c0000201 c6336401 15b3 0019`),
  ]) {
    for (let length = 0; length < whole.length; length++) {
      assert.equal(parseProxyHeader(whole.subarray(0, length)), 'more', `${length}`);
    }
  }
});

test('what is no header is bad', () => {
  const bad = [
    Buffer.from('EHLO x\r\n'),
    Buffer.from('PROXY TCP4 192.0.2.1 198.51.100.1 56324\r\n'),
    Buffer.from('PROXY TCP4 192.0.2.1 198.51.100.1 56324 99999\r\n'),
    Buffer.from('PROXY TCP4 ::1 ::1 1 2\r\n'),
    Buffer.from('PROXY TCP4 192.0.2.1 198.51.100.1 01 2\r\n'),
    Buffer.from('PROXY UDP4 192.0.2.1 198.51.100.1 1 2\r\n'),
    Buffer.from(`PROXY UNKNOWN ${'x'.repeat(100)}\r\n`),
    Buffer.from('x'.repeat(200)),
    hex(`${signature} 31 11 000c c0000201 c6336401 15b3 0019`),
    hex(`${signature} 21 31 000c c0000201 c6336401 15b3 0019`),
    hex(`${signature} 21 11 0004 c0000201`),
    hex(`${signature} 21 11 ffff c0000201`),
    hex('0d0a0d0a000d0a5155495400'),
  ];
  for (const octets of bad)
    assert.equal(parseProxyHeader(octets), 'bad', octets.toString('latin1'));
});
