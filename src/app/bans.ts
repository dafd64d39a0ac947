/**
 * Joins the guard's bans to their table, settings and the audit log, and what holds answers back to settings.
 *
 * Runs in: main thread.
 */

import { join } from 'node:path';
import { openLmdbTable } from '../adapters/lmdb/shard-index.ts';
import { MemoryCounters } from '../adapters/memory/memory-counters.ts';
import { nodeClock } from '../adapters/node/clock.ts';
import type { Log } from '../base/log.ts';
import { type NetworkSet, networkSet } from '../base/networks.ts';
import { mebibyte } from '../base/units.ts';
import { Bans } from '../edge/guard/bans.ts';
import { Tarpit, tarpitHeld } from '../edge/guard/tarpit.ts';
import type { Clock } from '../ports/clock.ts';
import type { Settings } from '../settings/schema.ts';
import { serverFacts } from './audit/audit-desk.ts';
import type { Audit } from './audit/open-audit.ts';

/** Address space: a row of some hundred bytes a ban. */
const mapBytes = 64 * mebibyte;

export function openBans(settings: Settings, folder: string, audit: Audit, log: Log): Bans {
  const { failuresPerAddressMax, failuresPerNetworkMax, windowMs } = settings.guard;
  const { banMsFirst, banMsMax } = settings.guard;
  return new Bans({
    limits: { failuresPerAddressMax, failuresPerNetworkMax, windowMs, banMsFirst, banMsMax },
    allowed: allowedNetworks(settings),
    counters: new MemoryCounters(nodeClock),
    table: openLmdbTable({ path: join(folder, 'bans'), mapBytes }),
    ...{ clock: nodeClock, log },
    banned: ({ network, times, untilMs }) =>
      audit.desk.note(serverFacts('ban.made', 'done', { network, times, untilMs })),
  });
}

export function openTarpit(settings: Settings, clock: Clock): Tarpit {
  const { tarpitMs: msEach, tarpitMsMax: msMax } = settings.guard;
  return new Tarpit({ msEach, msMax, ...tarpitHeld }, allowedNetworks(settings), clock);
}

/** Besides loopback. */
function allowedNetworks({ guard, relay, http, proxy }: Settings): NetworkSet {
  const proxies = [...Object.values(proxy).flat(), ...http.trustedProxies];
  return networkSet([...guard.allowNetworks, ...relay.networks, ...proxies]);
}
