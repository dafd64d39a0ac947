/**
 * The issuers of tokens that settings name.
 *
 * Runs in:   main thread.
 */

import { nodeClock } from '../../adapters/node/clock.ts';
import { createDns } from '../../adapters/node/dns.ts';
import { nodeRandom } from '../../adapters/node/random.ts';
import { createWebReader } from '../../adapters/node/web-reader.ts';
import { isDialable } from '../../base/dialable.ts';
import type { Log } from '../../base/log.ts';
import { networkSet } from '../../base/networks.ts';
import { IssuerKeys } from '../../edge/guard/issuer-keys.ts';
import { TokenIssuer } from '../../edge/guard/token-issuer.ts';
import type { Settings } from '../../settings/schema.ts';

export function openIssuers({ oidc, dns: servers }: Settings, log: Log): readonly TokenIssuer[] {
  const { issuers, allowNetworks, timeoutMs } = oidc;
  if (issuers.length === 0) return [];
  const allowed = networkSet(allowNetworks);
  const clock = nodeClock;
  const reader = createWebReader({
    ...{ timeoutMs, dns: createDns({ settings: servers, clock, random: nodeRandom }) },
    mayDial: (address) => allowed.has(address) || isDialable(address),
  });
  return issuers.map((rules) => {
    const keys = new IssuerKeys({ url: rules.url, reader, clock, log });
    return new TokenIssuer(rules, keys, clock);
  });
}
