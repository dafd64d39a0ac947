/**
 * Joins passkeys to the directory and to the web pages that settings name.
 *
 * Runs in: main thread.
 */

import { nodeClock } from '../../adapters/node/clock.ts';
import { nodeRandom } from '../../adapters/node/random.ts';
import type { Log } from '../../base/log.ts';
import { type PasskeySite, Passkeys } from '../../edge/guard/passkeys.ts';
import type { Identity } from '../../ports/identity.ts';
import type { Settings } from '../../settings/schema.ts';

export function openPasskeys(
  settings: Settings,
  { secondFactors: factors }: Pick<Identity, 'secondFactors'>,
  log: Log,
): Passkeys {
  const site = siteOf(settings);
  return new Passkeys({ site, factors, clock: nodeClock, random: nodeRandom, log });
}

function siteOf({
  passkey,
  public: { url },
  hostname: name,
}: Pick<Settings, 'passkey' | 'public' | 'hostname'>): PasskeySite | undefined {
  const origins = passkey.origins.length > 0 ? passkey.origins : url === '' ? [] : [url];
  const domain = passkey.domain === '' && url !== '' ? new URL(url).hostname : passkey.domain;
  return domain === '' || origins.length === 0 ? undefined : { domain, origins, name };
}
