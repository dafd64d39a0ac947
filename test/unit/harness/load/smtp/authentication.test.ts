/**
 * Aim: AUTH says what the RFCs' own examples say, and answers no server that does not know the password.
 * Method: the examples of RFC 4954, RFC 4616 and RFC 7677.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  beginAuthentication,
  chooseMechanism,
} from '../../../../../src/harness/load/smtp/authentication.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');
const pencil = { user: 'user', password: 'pencil' };
const nonce = () => 'rOprNGfwEbeRWgbNEkqO';
const serverFirst =
  'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096';

test('PLAIN sends both at once, LOGIN one after the other', () => {
  const plain = beginAuthentication('plain', { user: 'tim', password: 'tanstaaftanstaaf' }, nonce);
  assert.equal(plain.command, 'AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\n');
  assert.throws(() => plain.answer(''), /one challenge too many/);
  const login = beginAuthentication('login', pencil, nonce);
  assert.equal(login.command, 'AUTH LOGIN\r\n');
  assert.equal(login.answer('VXNlcm5hbWU6'), `${base64('user')}\r\n`);
  assert.equal(login.answer('UGFzc3dvcmQ6'), `${base64('pencil')}\r\n`);
  assert.throws(() => login.answer(''), /one challenge too many/);
});

test('SCRAM-SHA-256 is that of RFC 7677 §3', () => {
  const scram = beginAuthentication('scram-sha-256', pencil, nonce);
  assert.equal(
    scram.command,
    `AUTH SCRAM-SHA-256 ${base64('n,,n=user,r=rOprNGfwEbeRWgbNEkqO')}\r\n`,
  );
  const final =
    'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,' +
    'p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=';
  assert.equal(scram.answer(base64(serverFirst)), `${base64(final)}\r\n`);
  assert.equal(scram.answer(base64('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=')), '\r\n');
});

test('a server that does not know the password, or asks too much, gets no answer', () => {
  const start = () => beginAuthentication('scram-sha-256', pencil, nonce);
  const lying = start();
  lying.answer(base64(serverFirst));
  assert.throws(() => lying.answer(base64('v=AAAA')), /does not know the password/);
  assert.throws(
    () => start().answer(base64(serverFirst.replace('rOpr', 'xOpr'))),
    /no server-first/,
  );
  assert.throws(
    () => start().answer(base64('r=rOprNGfwEbeRWgbNEkqOx,s=AA==,i=200001')),
    /iterations/,
  );
  assert.throws(() => start().answer(base64('nonsense')), /no server-first/);
});

test('without a wish the password is not shown on a plain wire', () => {
  const offered = new Set(['plain', 'login', 'scram-sha-256']);
  assert.equal(chooseMechanism(offered, undefined, false), 'scram-sha-256');
  assert.equal(chooseMechanism(offered, undefined, true), 'plain');
  assert.equal(chooseMechanism(offered, 'login', true), 'login');
  assert.equal(chooseMechanism(new Set(['plain']), 'login', true), undefined);
  assert.equal(chooseMechanism(new Set(['cram-md5']), undefined, true), undefined);
});
