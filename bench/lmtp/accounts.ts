/**
 * Makes a domain with accounts `user1`, `user2` and so on, by the same commands an operator has.
 *
 * Runs in:   bench and crash runs.
 * Limits:    `togetherMax` commands at once.
 */

import { runCommand } from '../servers/chaski.ts';
import type { ServerPlace } from '../servers/server.ts';

const togetherMax = 4;

export async function createAccounts(
  place: Pick<ServerPlace, 'folder'>,
  domain: string,
  count: number,
): Promise<void> {
  await runCommand(['domain', 'create', domain], place);
  let next = 1;
  const work = async () => {
    while (next <= count) await runCommand(['account', 'create', `user${next++}@${domain}`], place);
  };
  await Promise.all(Array.from({ length: togetherMax }, work));
}
