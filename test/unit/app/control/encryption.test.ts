/**
 * Aim: an account that a kill left without its key is not switched on before its shard has made one.
 * Method: `account.set` over a directory with one such account and a shard that notes what it is asked.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { directoryHandlers } from '../../../../src/app/control/directory-handlers.ts';
import type { ControlParts } from '../../../../src/app/control/parts.ts';
import { failure } from '../../../../src/base/errors.ts';
import { callOn } from '../../../support/test-server.ts';

const address = 'ann@here.test';

async function switchOn(isKeyAway: boolean): Promise<readonly string[]> {
  const account = { id: 7, tenant: 3, shard: 0, address, isEnabled: false, quotaBytes: 0 };
  const noted: string[] = [];
  const parts = {
    clock: { nowMs: () => 1 },
    directory: {
      accountByAddress: async () => account,
      tenantById: async () => ({ id: 3, name: 'acme', encryptedBy: 'env:CHASKI_KEY_A' }),
      changeAccount: async (_: number, change: (row: typeof account) => typeof account) => {
        noted.push('changed');
        return change(account);
      },
    },
    router: {
      ask: async ({ name }: { readonly name: string }) => {
        noted.push(name);
        return isKeyAway ? failure('store-failed', 'away') : { ok: true, value: undefined };
      },
    },
  };
  const handlers = directoryHandlers(parts as unknown as ControlParts);
  await callOn(handlers, 'account.set', { address, isEnabled: true }).catch(() => {});
  return noted;
}

test('an account of an encrypting tenant has its key before it is switched on', async () => {
  const [first, second] = await switchOn(false);
  assert.deepEqual([first, second], ['account.encrypt', 'changed']);
  assert.deepEqual(await switchOn(true), ['account.encrypt']);
});
