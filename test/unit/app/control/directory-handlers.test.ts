/** Aim: a change of one thing keeps what changed beside it. Method: the handlers over a directory in memory. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ControlCall } from '../../../../src/actors/asks/control.ts';
import { askedHere } from '../../../../src/actors/asks/principal.ts';
import { directoryHandlers } from '../../../../src/app/control/directory-handlers.ts';
import type { ControlParts } from '../../../../src/app/control/parts.ts';
import { PasswordWorld } from '../../../support/password-world.ts';

const address = 'ann@local.test';

test('an account disabled while its new password is hashed stays disabled', async () => {
  const world = await PasswordWorld.open();
  const { directory } = world.identity;
  world.jobs.isHeld = true;
  const parts = { directory, passwords: world.desk } as unknown as ControlParts;
  const handlers = directoryHandlers(parts);
  const done = handlers['account.password']!({ address, password: 'correct horse' }, {
    by: askedHere,
  } as ControlCall<never>);
  await world.jobs.asked();
  await directory.putAccount({ ...world.ann, isEnabled: false });
  world.jobs.release();
  await done;
  const now = await directory.accountById(world.ann.id);
  assert.equal(now?.isEnabled, false);
  assert.match(now.passwordHash!, /^\$argon2id\$/);
});
