/** Aim: who asks without a client hears what RCPT would say. Method: the directory of the SMTP tests. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveAddress } from '../../../src/app/destinations.ts';
import { fakeDirectory } from '../../support/smtp-fakes.ts';

test('an address leads to accounts and to other servers', async () => {
  const team = await resolveAddress(fakeDirectory, 'team@local.test');
  assert.ok(typeof team !== 'string');
  assert.deepEqual(
    team.map(({ address, target }) => [address, target.kind]),
    [
      ['alice@local.test', 'account'],
      ['x@far.test', 'remote'],
    ],
  );
  assert.deepEqual(await resolveAddress(fakeDirectory, '"a@b"@far.test'), [
    { address: '"a@b"@far.test', target: { kind: 'remote' } },
  ]);
});

test('one that takes no mail, or is no address, is the reason', async () => {
  assert.equal(await resolveAddress(fakeDirectory, 'nobody@local.test'), 'account-missing');
  assert.equal(await resolveAddress(fakeDirectory, 'gone@local.test'), 'account-disabled');
  assert.equal(await resolveAddress(fakeDirectory, 'full@local.test'), 'account-over-quota');
  for (const none of ['', 'alice', '@local.test']) {
    assert.equal(await resolveAddress(fakeDirectory, none), 'recipient-invalid', none);
  }
});
