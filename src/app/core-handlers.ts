/**
 * Operators' methods over what a running server and an offline command have in common.
 *
 * Runs in: main thread.
 */

import type { ControlHandlers } from '../actors/asks/control.ts';
import { nodeClock } from '../adapters/node/clock.ts';
import { nodeRandom } from '../adapters/node/random.ts';
import { controlHandlers } from './control/handlers.ts';
import type { ControlParts } from './control/parts.ts';
import type { Core } from './core.ts';

/** What differs: `settings` as the operator gave them, and what only a running server has. */
export type FrontParts = Pick<ControlParts, 'settings' | 'version' | 'addresses' | 'isReady'>;

export function coreHandlers(core: Core, front: FrontParts): ControlHandlers {
  const { runtime } = core.engine;
  return controlHandlers({
    ...front,
    startedMs: nodeClock.nowMs(),
    shards: core.folder.shards,
    directory: core.directory,
    identity: core.identity,
    suppressions: core.feedback.list,
    webhooks: core.streams.webhooks,
    sinks: core.streams.sinks,
    note: core.streams.note,
    sources: core.sources,
    feedbackAddresses: (tenant) => core.feedback.desk.addressesOf(tenant),
    router: runtime.router,
    massActs: core.massActs,
    jobs: runtime.jobs,
    reception: core.reception,
    dkimKeys: core.dkimKeys,
    tlsReports: core.tlsReports,
    tlsReporting: core.tlsReporting,
    clock: nodeClock,
    random: nodeRandom,
    policyChanged: () => core.policyChanged(),
    shaping: core.shaping,
    rebuildIndex: (shard) => runtime.rebuildIndex(shard),
  });
}
