/** Aim: a change of one thing keeps what changed beside it. Method: the handlers over a directory in memory. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer } from '../../../../src/actors/ask.ts';
import type { ControlCall } from '../../../../src/actors/asks/control.ts';
import { createMemoryDirectory } from '../../../../src/adapters/memory/memory-directory.ts';
import { directoryHandlers } from '../../../../src/app/control/directory-handlers.ts';
import type { ControlParts } from '../../../../src/app/control/parts.ts';
import { defaultTenant } from '../../../../src/base/ids.ts';

const address = 'ann@local.test';

test('an account disabled while its new password is hashed stays disabled', async () => {
  const directory = createMemoryDirectory();
  await directory.putDomain({ name: 'local.test', tenant: defaultTenant, createdMs: 0 });
  const account = await directory.createAccount({
    tenant: defaultTenant,
    address,
    isEnabled: true,
    quotaBytes: 0,
    sendAs: [],
    createdMs: 0,
  });
  const hashed = Promise.withResolvers<Answer>();
  const jobs = { run: () => hashed.promise };
  const handlers = directoryHandlers({ directory, jobs } as unknown as ControlParts);
  const done = handlers['account.password']!(
    { address, password: 'new' },
    {} as ControlCall<never>,
  );
  await directory.putAccount({ ...account, isEnabled: false });
  hashed.resolve({ ok: true, value: 'the hash' });
  await done;
  const now = await directory.accountById(account.id);
  assert.deepEqual([now?.isEnabled, now?.passwordHash], [false, 'the hash']);
});
