/** Aim: tokens are found where RFC 7628 has them, and nowhere else. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  bearerRefusal,
  parseOauthBearer,
  parseXoauth2,
} from '../../../../../src/mail/wire/sasl/bearer.ts';

const oauth = (text: string) => parseOauthBearer(Buffer.from(text.replaceAll('^', '\x01')));
const xoauth = (text: string) => parseXoauth2(Buffer.from(text.replaceAll('^', '\x01')));

test('the message of RFC 7628 §4.1 is read', () => {
  assert.deepEqual(
    oauth('n,a=user@example.com,^host=server.example.com^port=143^auth=Bearer vF9dft4qmT+/=^^'),
    { user: 'user@example.com', token: 'vF9dft4qmT+/=' },
  );
  assert.deepEqual(oauth('n,,^auth=bearer  x^^'), { user: '', token: 'x' });
  assert.equal(oauth('y,a==2C=3D,^auth=Bearer x^^')?.user, ',=');
});

test('a message that is none is refused', () => {
  for (const text of [
    '',
    '^',
    'n,,^^',
    'n,,^auth=Bearer x^',
    'n,,auth=Bearer x^^',
    'p=tls-exporter,,^auth=Bearer x^^',
    'n,b,^auth=Bearer x^^',
    'n,a=b=2c,^auth=Bearer x^^',
    'n,,^auth=Basic x^^',
    'n,,^auth=Bearer^^',
    'n,,^auth=Bearer x y^^',
    'n,,^auth=Bearer x^auth=Bearer y^^',
    'n,,^auth=Bearer x^Auth=Bearer y^^',
    'n,,^=v^auth=Bearer x^^',
    `n,,^auth=Bearer ${'x'.repeat(8_193)}^^`,
    `n,,^${'k=v^'.repeat(1)}${'abcdefghijklmnopqrst'
      .split('')
      .map((key) => `${key}=v^`)
      .join('')}auth=Bearer x^^`,
  ]) {
    assert.equal(oauth(text), undefined, text.slice(0, 60));
  }
});

test('XOAUTH2 names its user and its token', () => {
  assert.deepEqual(xoauth('user=a@b.test^auth=Bearer x.y^^'), { user: 'a@b.test', token: 'x.y' });
  for (const text of ['', 'auth=Bearer x^^', 'user=^auth=Bearer x^^', 'user=a^auth=Bearer x^']) {
    assert.equal(xoauth(text), undefined, text);
  }
});

test('the refusal is JSON with the words of RFC 7628 §3.2.2', () => {
  assert.equal(JSON.parse(bearerRefusal()).status, 'invalid_token');
  const place = 'https://id.test/.well-known/openid-configuration';
  assert.equal(JSON.parse(bearerRefusal(place))['openid-configuration'], place);
});
