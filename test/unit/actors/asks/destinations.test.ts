/** Aim: one answer of the directory means one thing to all who ask. Method: every kind of answer. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { destinationsOf } from '../../../../src/actors/asks/destinations.ts';
import { accountId, defaultTenant, shardId } from '../../../../src/base/ids.ts';

test('mail for elsewhere leaves for the address as it was given', () => {
  assert.deepEqual(destinationsOf('X@Far.test', { kind: 'remote' }), [
    { address: 'X@Far.test', target: { kind: 'remote' } },
  ]);
});

test('an alias is its targets, here and elsewhere, each by its own address', () => {
  const [account, shard] = [accountId(7), shardId(3)];
  const found = destinationsOf('team@local.test', {
    kind: 'resolved',
    tenant: defaultTenant,
    targets: [
      { kind: 'account', address: 'alice@local.test', account, shard },
      { kind: 'remote', address: 'x@far.test' },
    ],
  });
  assert.deepEqual(found, [
    { address: 'alice@local.test', target: { kind: 'account', account, shard } },
    { address: 'x@far.test', target: { kind: 'remote' } },
  ]);
});

test('an address that takes no mail is the reason', () => {
  assert.equal(destinationsOf('a@local.test', { kind: 'missing' }), 'account-missing');
  assert.equal(destinationsOf('a@local.test', { kind: 'disabled' }), 'account-disabled');
  assert.equal(destinationsOf('a@local.test', { kind: 'over-quota' }), 'account-over-quota');
});
