/**
 * Makes a domain with accounts `user1`, `user2` and so on in a running server, over its control
 * socket: a command of the CLI for each would take longer than the bench.
 *
 * Runs in: bench and crash runs.
 */

import { join } from 'node:path';
import { openControl } from '../../src/cli/control-client.ts';
import { loadOrThrow } from '../../src/settings/load.ts';

export async function createAccounts(folder: string, domain: string, count: number): Promise<void> {
  const environment = { CHASKI_DATA: join(folder, 'data') };
  const control = await openControl(loadOrThrow({ environment }));
  try {
    await control.call('domain.create', { name: domain });
    for (let i = 1; i <= count; i++) {
      await control.call('account.create', { address: `user${i}@${domain}` });
    }
  } finally {
    await control.close();
  }
}
