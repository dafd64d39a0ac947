/**
 * Opens what mail is signed with, with the adapters of a running server.
 *
 * Runs in: main thread.
 */

import { nodeClock } from '../adapters/node/clock.ts';
import { createDns } from '../adapters/node/dns.ts';
import { nodeRandom } from '../adapters/node/random.ts';
import type { Log } from '../base/log.ts';
import type { AccountDirectory } from '../ports/account-directory.ts';
import type { Settings } from '../settings/schema.ts';
import type { Core, CoreRequest } from './core.ts';
import { DkimKeys } from './dkim-keys.ts';
import { SrsSecrets } from './srs-secrets.ts';

/** Records of new keys are looked for by a running server only. */
export function openDkimKeys(
  { settings, log, isOffline }: CoreRequest,
  { directory, engine, closers }: Pick<Core, 'directory' | 'engine' | 'closers'>,
  policyChanged: () => Promise<void>,
): DkimKeys {
  const dkimKeys = new DkimKeys({
    ...{ directory, log, policyChanged },
    jobs: engine.runtime.patientJobs,
    dns: createDns({ settings: settings.dns, clock: nodeClock, random: nodeRandom }),
    clock: nodeClock,
    lookUpMs: settings.dkim.lookUpMs,
    overlapMs: settings.dkim.overlapMs,
  });
  closers.push(() => dkimKeys.close());
  if (!isOffline) dkimKeys.start();
  return dkimKeys;
}

export async function openSrsSecrets(
  directory: AccountDirectory,
  { forwarding }: Settings,
  log: Log,
  closers: (() => Promise<void>)[],
): Promise<SrsSecrets> {
  const secretMs = forwarding.srsSecretMs;
  const secrets = await SrsSecrets.open({
    ...{ directory, clock: nodeClock, random: nodeRandom, log, secretMs },
  });
  closers.push(async () => secrets.close());
  return secrets;
}
