/**
 * Operators' methods over what a running server and an offline command have in common.
 *
 * Runs in: main thread.
 */

import type { ControlHandlers } from '../actors/asks/control.ts';
import { nodeClock } from '../adapters/node/clock.ts';
import { nodeRandom } from '../adapters/node/random.ts';
import type { DoAct } from '../edge/protocols/http/admin/routes.ts';
import { type AuditedParts, noteRefusal } from './audit/audited-acts.ts';
import { guardedActs } from './control/guarded-acts.ts';
import { controlHandlers } from './control/handlers.ts';
import type { ControlParts } from './control/parts.ts';
import type { Core } from './core.ts';
import { SecondFactorDesk } from './log-in/second-factors.ts';

/** What differs: `settings` as the operator gave them, and what only a running server has. */
export type FrontParts = Pick<
  ControlParts,
  'settings' | 'version' | 'addresses' | 'isReady' | 'certificates' | 'logInSources'
>;

export function coreHandlers(core: Core, front: FrontParts): ControlHandlers {
  return controlHandlers(coreParts(core, front));
}

/** The same acts for whoever asks: what they may do, of what they may see. */
export function coreActs(core: Core, front: FrontParts): DoAct {
  const parts = coreParts(core, front);
  const guard = { ...parts, refused: noteRefusal(parts.audited) };
  return guardedActs(guard, (directory) => controlHandlers({ ...parts, directory }));
}

function coreParts(core: Core, front: FrontParts): ControlParts {
  const { runtime } = core.engine;
  return {
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
    auditLog: () => core.audit.desk.audit(),
    audited: auditedParts(core),
    router: runtime.router,
    massActs: core.massActs,
    batches: core.batches,
    quotaSpread: core.quotaSpread,
    deletions: core.deletions,
    passwords: core.passwords,
    passkeys: core.passkeys,
    resets: core.resets,
    secondFactors: new SecondFactorDesk({
      factors: core.identity.secondFactors,
      throttle: core.factorThrottle,
      issuer: front.settings.hostname,
      clock: nodeClock,
      random: nodeRandom,
    }),
    reception: core.reception,
    bans: core.bans,
    dkimKeys: core.dkimKeys,
    tlsReports: core.tlsReports,
    tlsReporting: core.tlsReporting,
    dmarcReporting: core.dmarcReporting,
    dmarcReceived: core.dmarcReceived,
    clock: nodeClock,
    random: nodeRandom,
    policyChanged: () => core.policyChanged(),
    shaping: core.shaping,
    rebuildIndex: (shard) => runtime.rebuildIndex(shard),
  };
}

function auditedParts({ audit, directory, streams }: Core): AuditedParts {
  const { desk, isStrict } = audit;
  const tenantOfWebhook = (id: number) =>
    streams.webhooks.list().find((webhook) => webhook.id === id)?.tenant;
  return { desk, isStrict, directory, tenantOfWebhook };
}
