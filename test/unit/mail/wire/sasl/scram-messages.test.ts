/** Aim: messages of the RFCs are read as they mean, and all that is near them is refused. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  parseClientFinal,
  parseClientFirst,
  writeServerFinal,
  writeServerFirst,
} from '../../../../../src/mail/wire/sasl/scram-messages.ts';

const first = (text: string) => parseClientFirst(Buffer.from(text));
const final = (text: string) => parseClientFinal(Buffer.from(text));

test('a first message is read with its flag, its names and its nonce', () => {
  assert.deepEqual(first('n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL'), {
    flag: { kind: 'none' },
    authorize: '',
    user: 'user',
    nonce: 'fyko+d2lbbFgONRv9qkxdawL',
    gs2Header: 'n,,',
    bare: 'n=user,r=fyko+d2lbbFgONRv9qkxdawL',
  });
  const bound = first('p=tls-exporter,a=a=2Cb,n==3Dé=2C,r=x')!;
  assert.deepEqual(bound.flag, { kind: 'used', name: 'tls-exporter' });
  assert.deepEqual([bound.authorize, bound.user], ['a,b', '=é,']);
  assert.equal(bound.gs2Header, 'p=tls-exporter,a=a=2Cb,');
  assert.deepEqual(first('y,,n=a,r=b')?.flag, { kind: 'thought-missing' });
  assert.equal(first('n,,n=a,r=b,x=later')?.bare, 'n=a,r=b,x=later');
});

test('a first message that is none is refused', () => {
  for (const text of [
    '',
    'n',
    'n,',
    'n,,',
    'n,,n=a',
    'n,,r=b,n=a',
    'n,,n=,r=b',
    'n,,n=a,r=',
    'n,,n=a,r=b c',
    'n,,n=a=2c,r=b',
    'n,,n=a=,r=b',
    'n,b,n=a,r=b',
    'q,,n=a,r=b',
    'p=,,n=a,r=b',
    'p=x y,,n=a,r=b',
    'n,,m=must,n=a,r=b',
    'n,,n=a,r=b,',
    'n,,n=a,r=b,xx',
    `n,,n=a,r=${'r'.repeat(513)}`,
    `n,,n=${'a'.repeat(9_000)},r=b`,
  ]) {
    assert.equal(first(text), undefined, text.slice(0, 40));
  }
  assert.equal(parseClientFirst(Buffer.from('6e2c2c6e3dff2c723d62', 'hex')), undefined);
});

test('a last message is read with what it is bound to', () => {
  const read = final('c=biws,r=abc,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=')!;
  assert.equal(read.binding.toString(), 'n,,');
  assert.equal(read.nonce, 'abc');
  assert.equal(read.proof.length, 20);
  assert.equal(read.withoutProof, 'c=biws,r=abc');
  assert.equal(final('c=biws,r=a,z=1,p=YQ==')?.withoutProof, 'c=biws,r=a,z=1');
});

test('a last message that is none is refused', () => {
  for (const text of [
    '',
    'c=biws,r=a',
    'r=a,c=biws,p=YQ==',
    'c=biws,r=a,p=YQ',
    'c=biws,r=a,p=',
    'c=,r=a,p=YQ==',
    'c=bi ws,r=a,p=YQ==',
    'c=biws,r=,p=YQ==',
    'c=biws,r=a,p=YQ==,x=1',
  ]) {
    assert.equal(final(text), undefined, text);
  }
});

test("the server's messages are written as in RFC 5802 §5", () => {
  const salt = Buffer.from('QSXCR+Q6sek8bf92', 'base64');
  assert.equal(
    writeServerFirst({ nonce: 'ab', salt, iterations: 4_096 }),
    'r=ab,s=QSXCR+Q6sek8bf92,i=4096',
  );
  assert.equal(writeServerFinal(Buffer.from('a')), 'v=YQ==');
});
