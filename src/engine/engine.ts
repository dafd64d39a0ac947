/**
 * Joins the parts of an engine thread: shards with their actors, delivery to other servers, and the handlers.
 *
 * Runs in:   engine threads.
 * Limits:    those of its parts; this file adds none.
 * Invariant: knows ports only; adapters are handed in by `workers/engine.ts`.
 */

import type { ArrivedAsk, Handlers } from '../actors/ask.ts';
import { engineAsks } from '../actors/asks/engine-asks.ts';
import type { PolicySnapshot } from '../actors/asks/policy-snapshot.ts';
import type { PackedRecipient } from '../actors/asks/spool-asks.ts';
import { messageReceive } from '../actors/asks/spool-asks.ts';
import { noShard, shardClose, shardOpen, systemAsk, threadHello } from '../actors/asks/system.ts';
import { SiteOwners, siteLend } from '../actors/site-leases.ts';
import type { ShardId } from '../base/ids.ts';
import { IncomingBodies } from './bodies/incoming-bodies.ts';
import { createLargeCopy } from './bodies/large-copy.ts';
import { largeBodyLimits } from './bodies/limits.ts';
import { receiveLargeHandlers } from './bodies/receive-large.ts';
import { WholeBodies } from './bodies/whole-bodies.ts';
import { engineCounters, engineGauges } from './engine-metrics.ts';
import type { EngineParts } from './engine-parts.ts';
import { traceHandlers } from './events/trace-handlers.ts';
import { dkimKeyHandlers } from './jobs/dkim-keys.ts';
import { passwordHandlers } from './jobs/password-job.ts';
import { createLocalDelivery } from './local-delivery.ts';
import { mailboxHandlers } from './mailbox/handlers.ts';
import { createShardOpener } from './open-shard.ts';
import { createDeliveries } from './outbound.ts';
import { compilePolicy, type Policy } from './pipeline/policy.ts';
import { loadVerifier } from './pipeline/verify.ts';
import { receiveHandler } from './receive.ts';
import { Shards } from './shards.ts';
import { type AttemptParts, createAttempt } from './spool/attempt.ts';
import { BodyBudget } from './spool/body-budget.ts';
import { createBounces } from './spool/bounce.ts';
import { logEvents } from './spool/events.ts';
import { queueHandlers } from './spool/queue-handlers.ts';
import { retrySchedule } from './spool/retry.ts';
import { storeHandlers } from './store-handlers.ts';

const verifierDelayMs = 2_000;
const resolveAgainMs = 1_000;

export interface Engine {
  readonly handlers: Handlers;
}

export function createEngine(parts: EngineParts): Engine {
  const { settings, clock, random } = parts;
  let policy: Policy | undefined;
  const deliveries = createDeliveries(parts);
  const whole = new WholeBodies(largeBodyLimits.wholeBytesMax);
  const bodies = new BodyBudget(settings.memory.bodiesBytesMax / parts.workers);
  const logged = logEvents(parts.log, clock, engineCounters(parts.metrics));

  const bounces = createBounces({
    random,
    hostname: () => policy!.snapshot.hostname,
    nextId: () => parts.ids.next(),
    resolve: (address) => resolveAddress(parts, address),
    delayNoticeMs: () => settings.relay.delayNoticeMs,
  });
  const copyParts = {
    shardOf: (shard: ShardId) => shards.get(shard),
    uplink: parts.uplink,
    clock,
  };
  const attemptParts: AttemptParts = {
    outbound: {
      groupOf: (domain) => deliveries.groupOf(domain),
      submit: (message, domain, done) => deliveries.submit(message, domain, done),
    },
    local: createLocalDelivery({ ...copyParts, large: createLargeCopy({ ...copyParts, whole }) }),
    bounces,
    clock,
    random,
    retry: retrySchedule(settings.relay),
  };

  const attempt = createAttempt(attemptParts);
  const opener = createShardOpener({ engine: parts, bodies, attempt, logged });
  const shards: Shards = new Shards(opener, clock, parts.isOffline);
  engineGauges(parts.metrics, {
    activeCount: () => shards.sum(({ spool }) => spool.activeCount),
    queuedCount: () => shards.sum(({ spool }) => spool.queuedCount),
    residentBytes: () => bodies.bytes,
    waitingCount: () => deliveries.load().waiting,
    connectionCount: () => deliveries.load().connections,
    eventsDropped: () => shards.sum(({ eventLog }) => eventLog.droppedCount),
  });

  const shardOf = (ask: ArrivedAsk) => shards.get(ask.shard);

  let isVerifierDue = settings.verification.isOn && !parts.isOffline;
  /** Not at start, when every millisecond counts, and not with the first stranger's mail, which would wait for it. */
  const verifierSoon = () => {
    if (isVerifierDue) clock.setTimer(verifierDelayMs, () => void loadVerifier());
    isVerifierDue = false;
  };

  const owners = new SiteOwners({
    clock,
    // Rates come with the relay's shaping; connections are what a site's owner lends today.
    limitsOf: () => ({
      slotsMax: settings.relay.connectionsPerSiteMax,
      tokensPerSecond: Number.POSITIVE_INFINITY,
      burstMax: Number.POSITIVE_INFINITY,
    }),
  });
  const epochs = new Uint32Array(parts.epochs);

  const incoming = new IncomingBodies({ shardOf, clock, limits: largeBodyLimits });
  const receiveParts = {
    shardOf,
    policy: () => policy!,
    dns: parts.dns,
    clock,
    verdictMsMax: settings.verification.verdictMsMax,
  };

  const handlers: Handlers = {
    [messageReceive]: receiveHandler(receiveParts),
    ...incoming.handlers(),
    ...receiveLargeHandlers({ ...receiveParts, incoming, whole }),
    [shardOpen]: (ask) => {
      verifierSoon();
      // The word is set by the first opening in this process.
      owners.open(ask.shard, Atomics.load(epochs, ask.shard) === 0);
      return shards.open(ask.shard);
    },
    [shardClose]: async (ask) => {
      owners.close(ask.shard);
      await incoming.letGo(ask.shard);
      return shards.close(ask.shard);
    },
    [threadHello]: () => ({ ok: true, value: undefined }),
    [siteLend]: (ask) => owners.lend(ask),
    [engineAsks.policy]: (ask) => {
      policy = compilePolicy(ask.meta as PolicySnapshot);
      return { ok: true, value: undefined };
    },
    [engineAsks.metrics]: async () => ({ ok: true, value: await parts.metrics.rows() }),
    ...dkimKeyHandlers,
    ...passwordHandlers(random),
    ...mailboxHandlers({
      mailboxesOf: (ask) => shardOf(ask)?.mailboxes,
      copied: (ask, delivery, outcomes) => shardOf(ask)?.events.copied(delivery, outcomes),
    }),
    ...traceHandlers({ eventLogOf: (ask) => shardOf(ask)?.eventLog, clock }),
    ...storeHandlers({ shardOf, openIndex: parts.openIndex }),
    ...queueHandlers({ shardOf, clock, bounces, expiryMs: () => settings.relay.expiryMs }),
  };
  return { handlers };
}

/** Asks until the main thread answers: taken for somebody else's, a report to one of our accounts would leave us. */
async function resolveAddress(
  { uplink, clock }: EngineParts,
  address: string,
): Promise<readonly PackedRecipient[]> {
  for (;;) {
    const answer = await uplink(systemAsk(engineAsks.resolve, noShard, address));
    if (answer.ok) return answer.value as readonly PackedRecipient[];
    await new Promise<void>((resolve) => {
      clock.setTimer(resolveAgainMs, resolve);
    });
  }
}
