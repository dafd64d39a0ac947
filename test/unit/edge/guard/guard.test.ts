/** Who may connect, log in, send and receive. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConnectionCounts } from '../../../../src/edge/guard/connection-counts.ts';
import { defaultLogInLimits, LogInThrottle } from '../../../../src/edge/guard/log-in-throttle.ts';
import { decideRecipient } from '../../../../src/edge/guard/recipient-policy.ts';
import { decodeSasl } from '../../../../src/edge/guard/sasl.ts';
import { parsePath } from '../../../../src/mail/wire/smtp/path.ts';
import type { AccountDirectory } from '../../../../src/ports/account-directory.ts';
import { fakeDirectory } from '../../../support/smtp-fakes.ts';

function path(text: string) {
  const octets = Buffer.from(`<${text}>`);
  return parsePath(octets, 0, octets.length)!;
}

test('connections are capped in all and by address, and places come back', () => {
  const counts = new ConnectionCounts();
  const caps = { connectionsMax: 3, connectionsPerAddressMax: 2 };
  assert.ok(counts.take('a', caps));
  assert.ok(counts.take('a', caps));
  assert.ok(!counts.take('a', caps));
  assert.ok(counts.take('b', caps));
  assert.ok(!counts.take('c', caps));
  counts.give('a');
  counts.give('nobody');
  assert.ok(counts.take('c', caps));
  assert.equal(counts.count, 3);
});

test('an IPv6 peer is the /64 it is in, an IPv4 peer its address', () => {
  const counts = new ConnectionCounts();
  const caps = { connectionsMax: 10, connectionsPerAddressMax: 1 };
  assert.ok(counts.take('2001:db8:0:1::1', caps));
  assert.ok(!counts.take('2001:db8:0:1:ffff::2', caps));
  assert.ok(counts.take('2001:db8:0:2::1', caps));
  assert.ok(counts.take('192.0.2.1', caps));
  assert.ok(counts.take('192.0.2.2', caps));
  counts.give('2001:db8:0:1:2::3');
  assert.ok(counts.take('2001:db8:0:1::9', caps));
});

test('failed log-ins wait longer each time, for that address and account only', () => {
  const throttle = new LogInThrottle();
  for (let i = 0; i < 4; i++) throttle.failed('a', 'u', 0);
  assert.equal(throttle.waitMs('a', 'u', 0), 0);
  throttle.failed('a', 'u', 0);
  assert.equal(throttle.waitMs('a', 'U', 0), 10_000);
  throttle.failed('a', 'u', 0);
  assert.equal(throttle.waitMs('a', 'u', 5_000), 15_000);
  assert.equal(throttle.waitMs('a', 'u', 20_000), 0);
  assert.equal(throttle.waitMs('b', 'u', 0), 0);
  assert.equal(throttle.waitMs('a', 'other', 0), 0);
});

test('of IPv6 a whole /64 waits, of IPv4 an address', () => {
  const throttle = new LogInThrottle();
  for (let i = 0; i < 5; i++) throttle.failed(`2001:db8:0:1::${i}`, 'u', 0);
  assert.equal(throttle.waitMs('2001:db8:0:1:ffff::9', 'u', 0), 10_000);
  assert.equal(throttle.waitMs('2001:db8:0:2::1', 'u', 0), 0);
  throttle.succeeded('2001:db8:0:1:eeee::1', 'u', 0);
  assert.equal(throttle.waitMs('2001:db8:0:1::1', 'u', 0), 0);
  for (let i = 0; i < 5; i++) throttle.failed(`192.0.2.${i}`, 'u', 0);
  assert.equal(throttle.waitMs('192.0.2.1', 'u', 0), 0);
});

test('a good log-in clears its account, not the address', () => {
  const throttle = new LogInThrottle({ ...defaultLogInLimits, failuresPerAddressFree: 3 });
  throttle.failed('a', 'u', 0);
  throttle.failed('a', 'v', 0);
  throttle.succeeded('a', 'u', 0);
  throttle.failed('a', 'w', 0);
  assert.ok(throttle.waitMs('a', 'x', 0) > 0);
});

test('guesses from many addresses slow an account for strangers, not for peers that know it', () => {
  const throttle = new LogInThrottle();
  throttle.succeeded('192.0.2.1', 'u', 0);
  for (let i = 0; i < 50; i++) throttle.failed(`198.51.100.${i}`, 'u', 0);
  assert.equal(throttle.waitMs('203.0.113.1', 'u', 0), 10_000);
  assert.equal(throttle.waitMs('203.0.113.1', 'u', 10_000), 0);
  assert.equal(throttle.waitMs('192.0.2.1', 'u', 0), 0);
  assert.equal(throttle.waitMs('203.0.113.1', 'other', 0), 0);
  for (let i = 0; i < 99; i++) throttle.failed(`198.51.100.${i}`, 'u', 10_000);
  assert.equal(throttle.waitMs('203.0.113.1', 'u', 10_000), 10_000, 'it never doubles');
});

test('failures without a name slow nobody but their address', () => {
  const throttle = new LogInThrottle();
  for (let i = 0; i < 99; i++) throttle.failed(`198.51.100.${i}`, '', 0);
  assert.equal(throttle.waitMs('203.0.113.1', '', 0), 0);
});

test('the throttle forgets after a while and never grows past its bound', () => {
  const throttle = new LogInThrottle({
    ...defaultLogInLimits,
    failuresFree: 2,
    forgetMs: 100,
    entriesMax: 10,
  });
  throttle.failed('a', 'u', 0);
  throttle.failed('a', 'u', 200);
  assert.equal(throttle.waitMs('a', 'u', 200), 0);
  for (let i = 0; i < 100; i++) throttle.failed(`peer ${i}`, `u${i}`, 300);
  assert.equal(throttle.waitMs('a', 'u', 300), 0);
});

test('a recipient is judged at once when the directory answers at once', () => {
  assert.equal(decideRecipient(fakeDirectory, path('x@far.test'), false), 'relay-denied');
  assert.deepEqual(decideRecipient(fakeDirectory, path('x@far.test'), true), {
    tenant: undefined,
    destinations: [{ address: 'x@far.test', target: { kind: 'remote' } }],
  });
  assert.equal(decideRecipient(fakeDirectory, path('nobody@local.test'), true), 'account-missing');
  assert.equal(decideRecipient(fakeDirectory, path('gone@local.test'), true), 'account-disabled');
  assert.equal(decideRecipient(fakeDirectory, path('root'), true), 'recipient-invalid');
});

test('a recipient is judged later when the directory answers later', async () => {
  const decision = decideRecipient(fakeDirectory, path('slow@local.test'), false);
  assert.ok(decision instanceof Promise);
  const late = await decision;
  assert.ok(typeof late !== 'string');
  assert.equal(late.destinations[0]?.address, 'bob@local.test');
});

test('role mail goes to the oldest enabled account when nobody is named for it', async () => {
  for (const role of ['postmaster', 'POSTMASTER@local.test', 'Abuse@local.test']) {
    const decision = await decideRecipient(fakeDirectory, path(role), false);
    assert.ok(typeof decision !== 'string', role);
    assert.equal(decision.destinations[0]?.address, 'alice@local.test');
  }
});

test('role mail waits when there is no account at all', async () => {
  const empty = {
    ...fakeDirectory,
    resolve: () => ({ kind: 'missing' }),
    accounts: () => [],
    domains: () => [],
  } as unknown as AccountDirectory;
  assert.equal(await decideRecipient(empty, path('postmaster'), false), 'not-possible-now');
});

test('base64 of an exchange is strict', () => {
  assert.equal(decodeSasl('=')?.length, 0);
  assert.equal(decodeSasl('YQ==')?.toString(), 'a');
  for (const bad of ['YQ', 'Y Q=', '****', 'YQ=a']) assert.equal(decodeSasl(bad), undefined, bad);
});
