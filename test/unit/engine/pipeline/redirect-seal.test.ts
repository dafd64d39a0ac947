/**
 * Aim:    what an account sends on is sealed with what we found as it came in, and by that alone (RFC 8617 §5.1).
 * Method: mailauth, in its strict mode, judges what is made.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultPolicy } from '../../../../src/actors/asks/policy-snapshot.ts';
import { compilePolicy } from '../../../../src/engine/pipeline/policy.ts';
import { redirectSeal } from '../../../../src/engine/pipeline/redirect-seal.ts';
import { generateDkimKey } from '../../../../src/mail/trust/dkim/keys.ts';
import { verifyByReference } from '../../../../src/mail/trust/verify.ts';
import { ZoneDns } from '../../../support/zone-dns.ts';

const key = generateDkimKey('rsa-sha256', 'arc');
const dns = new ZoneDns({ 'arc._domainkey.a.test': [{ TXT: key.recordText }] });
const nowMs = Date.now() - 10_000;
const { selector, algorithm, privatePem } = { ...key, algorithm: 'rsa-sha256' as const };
const snapshot = {
  ...defaultPolicy,
  authservId: 'mx.a.test',
  domains: { 'a.test': { dkim: [{ selector, algorithm, privatePem }] } },
  forwarding: { ...defaultPolicy.forwarding, arcDomain: 'a.test' },
};
const policy = compilePolicy(snapshot);

async function arcOf(message: Uint8Array): Promise<string> {
  const request = { message, sender: 's@x.test', peerAddress: '192.0.2.1', helo: 'x.test' };
  const by = { authservId: 'next.test', nowMs: Date.now() };
  return (await verifyByReference({ ...request, ...by }, dns)).verdicts.arc;
}

const mail = (results: string) =>
  Buffer.from(`${results}From: s@x.test\r\nTo: u@a.test\r\nSubject: hi\r\n\r\ntext\r\n`);

const sealed = (message: Buffer) => Buffer.concat([redirectSeal(message, policy, nowMs), message]);

test('with what our own field says, wherever it stands, and a chain goes on', async () => {
  const others = 'Authentication-Results: mx.x.test; arc=fail; dmarc=fail\r\n';
  const own = 'Authentication-Results: mx.a.test;\r\n\tspf=pass smtp.mailfrom=x.test; arc=none\r\n';
  const once = sealed(mail(others + own));
  assert.match(String(once), /^ARC-Seal: i=1;.* cv=none;/);
  assert.match(String(once), /ARC-Authentication-Results: i=1; mx\.a\.test;/);
  assert.equal(await arcOf(once), 'pass');
  const again = Buffer.concat([Buffer.from(own.replace('arc=none', 'arc=pass')), once]);
  const twice = sealed(Buffer.from(String(again).replace(own, '')));
  assert.match(String(twice), /^ARC-Seal: i=2;.* cv=pass;/);
  assert.equal(await arcOf(twice), 'pass');
});

test('a chain that we found broken is not told as a good one, whatever stands in quotes', async () => {
  const own = 'Authentication-Results: mx.a.test; arc=none\r\n';
  const chain = String(sealed(mail(own))).replace(own, '');
  const liar = 'Authentication-Results: mx.a.test; spf=none smtp.helo="; arc=pass ;"; arc=fail\r\n';
  assert.match(String(sealed(Buffer.from(liar + chain))), /^ARC-Seal: i=2;.* cv=fail;/);
});

test('nothing is sealed without a field of ours, or a key', () => {
  const strange = mail('Authentication-Results: mx.x.test; arc=pass\r\n');
  assert.equal(redirectSeal(strange, policy, nowMs).byteLength, 0);
  assert.equal(redirectSeal(mail(''), policy, nowMs).byteLength, 0);
  const own = mail('Authentication-Results: mx.a.test; arc=none\r\n');
  assert.equal(redirectSeal(own, compilePolicy(defaultPolicy), nowMs).byteLength, 0);
});
