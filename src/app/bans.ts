/**
 * Joins the guard's bans to their table, settings and the audit log.
 *
 * Runs in: main thread.
 */

import { join } from 'node:path';
import { openLmdbTable } from '../adapters/lmdb/shard-index.ts';
import { MemoryCounters } from '../adapters/memory/memory-counters.ts';
import { nodeClock } from '../adapters/node/clock.ts';
import type { Log } from '../base/log.ts';
import { networkSet } from '../base/networks.ts';
import { mebibyte } from '../base/units.ts';
import { Bans } from '../edge/guard/bans.ts';
import type { Settings } from '../settings/schema.ts';
import { serverFacts } from './audit/audit-desk.ts';
import type { Audit } from './audit/open-audit.ts';

/** Address space: a row of some hundred bytes a ban. */
const mapBytes = 64 * mebibyte;

export function openBans(settings: Settings, folder: string, audit: Audit, log: Log): Bans {
  const { allowNetworks, failuresPerNameMax: _, ...limits } = settings.guard;
  const proxies = [...Object.values(settings.proxy).flat(), ...settings.http.trustedProxies];
  return new Bans({
    limits,
    allowed: networkSet([...allowNetworks, ...settings.relay.networks, ...proxies]),
    counters: new MemoryCounters(nodeClock),
    table: openLmdbTable({ path: join(folder, 'bans'), mapBytes }),
    ...{ clock: nodeClock, log },
    banned: ({ network, times, untilMs }) =>
      audit.desk.note(serverFacts('ban.made', 'done', { network, times, untilMs })),
  });
}
