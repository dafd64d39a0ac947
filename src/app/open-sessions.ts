/**
 * Joins sessions and their token keys to the directory.
 *
 * Runs in: main thread.
 */

import { nodeClock } from '../adapters/node/clock.ts';
import { nodeRandom } from '../adapters/node/random.ts';
import type { Log } from '../base/log.ts';
import { Sessions } from '../edge/guard/sessions.ts';
import { TokenKeys } from '../edge/guard/token-keys.ts';
import type { Settings } from '../settings/schema.ts';
import type { Core } from './core.ts';

export async function openSessions(
  { identity, closers }: Core,
  { hostname: issuer }: Settings,
  log: Log,
): Promise<Sessions> {
  const { directory, credentials } = identity;
  const shared = { credentials, clock: nodeClock, random: nodeRandom };
  const keys = await TokenKeys.open({ ...shared, log, issuer });
  closers.push(async () => keys.close());
  return new Sessions({ ...shared, directory, keys });
}
