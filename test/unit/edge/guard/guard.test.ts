/** Who may connect, log in, send and receive. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConnectionCounts } from '../../../../src/edge/guard/connection-counts.ts';
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
