/**
 * Joins the parts of an engine thread: shards with their actors, delivery to other servers, and the handlers.
 *
 * Runs in:   engine threads.
 * Limits:    those of its parts; this file adds none.
 * Invariant: knows ports only; adapters are handed in by `workers/shards.ts`.
 */

import type { ArrivedAsk, Handlers } from '../actors/ask.ts';
import { type DmarcCounts, dmarcCountsNotice } from '../actors/asks/dmarc-count-asks.ts';
import { engineAsks } from '../actors/asks/engine-asks.ts';
import type { PolicySnapshot } from '../actors/asks/policy-snapshot.ts';
import type { PackedRecipient } from '../actors/asks/spool-asks.ts';
import { messageJudge, messageReceive } from '../actors/asks/spool-asks.ts';
import { noShard, systemAsk, threadHello } from '../actors/asks/system.ts';
import type { ShardId } from '../base/ids.ts';
import type { Metrics } from '../base/metrics.ts';
import { appendHandler } from './bodies/append-handler.ts';
import { BodyTurns } from './bodies/body-turns.ts';
import { IncomingBodies } from './bodies/incoming-bodies.ts';
import { createLargeCopy } from './bodies/large-copy.ts';
import { largeBodyLimits } from './bodies/limits.ts';
import { receiveLargeHandlers } from './bodies/receive-large.ts';
import type { Deliveries } from './delivery/deliveries.ts';
import type { OnRoom } from './delivery/site-options.ts';
import { engineCounters, engineGauges } from './engine-metrics.ts';
import type { EngineParts } from './engine-parts.ts';
import { eventHandlers } from './events/event-handlers.ts';
import { traceHandlers } from './events/trace-handlers.ts';
import { feedbackHandlers } from './feedback/handlers.ts';
import { createNoteGone } from './feedback/note-gone.ts';
import { createTakeFeedback } from './feedback/take.ts';
import { keyHandlers, shredDeleted } from './key-handlers.ts';
import { createLocalDelivery } from './local-delivery.ts';
import { DerivedMemory } from './mailbox/derived-memory.ts';
import { mailboxHandlers } from './mailbox/handlers.ts';
import { imapHandlers } from './mailbox/imap/handlers.ts';
import { keptHandlers } from './mailbox/kept-handlers.ts';
import { pop3Handlers } from './mailbox/pop3/handlers.ts';
import { quarantineHandlers } from './mailbox/quarantine/handlers.ts';
import { sieveHandlers } from './mailbox/sieve/handlers.ts';
import { createShardOpener } from './open-shard.ts';
import { createOutbound } from './outbound.ts';
import { ownerHandlers } from './owner-handlers.ts';
import { DmarcTally } from './pipeline/dmarc-tally.ts';
import { compilePolicy, type Policy } from './pipeline/policy.ts';
import { recipientResolver } from './pipeline/scan-envelope.ts';
import type { VerifyParts } from './pipeline/verify.ts';
import { judgeHandler, receiveHandler } from './receive.ts';
import { createShaping, type EngineShaping, shapingHandlers } from './shaping.ts';
import { type OpenShard, Shards } from './shards.ts';
import { createAttempt } from './spool/attempt.ts';
import { BodyBudget } from './spool/body-budget.ts';
import { type Bounces, createBounces } from './spool/bounce.ts';
import { logEvents } from './spool/events.ts';
import { explainHandlers } from './spool/explain.ts';
import { Holds } from './spool/holds.ts';
import { queueHandlers } from './spool/queue-handlers.ts';
import { retrySchedule } from './spool/retry.ts';
import type { Attempt } from './spool/spool.ts';
import { storeHandlers } from './store-handlers.ts';

const resolveAgainMs = 1_000;

export interface Engine {
  readonly handlers: Handlers;
}

export function createEngine(parts: EngineParts): Engine {
  const { settings, clock } = parts;
  let policy: Policy | undefined;
  const shaping = createShaping(parts);
  const onRoom: OnRoom = (at, count, tenant) => shards.onRoom(at, count, tenant);
  const { deliveries, outbound } = createOutbound(parts, shaping, onRoom);
  const whole = new BodyTurns(largeBodyLimits.wholeBytesMax);
  const bodies = new BodyBudget(settings.memory.bodiesBytesMax / parts.workers);
  const bounces = reports(parts, () => policy!.snapshot.hostname);
  const holds = new Holds({ clock, release: (name, count) => shards.onRoom(name, count) });
  const attempt = attempts(parts, {
    ...{ deliveries, bounces, holds, whole },
    shardOf: (shard) => shards.get(shard),
    policy: () => policy,
  });
  const logged = logEvents(parts.log, clock, engineCounters(parts.metrics));
  const derived = new DerivedMemory(settings.memory.derivedBytesMax);
  const opener = createShardOpener({
    ...{ engine: parts, bodies, derived, attempt, holds, logged },
    policy: () => policy!,
    resolve: (address) => resolveAddress(parts, address),
    addressOf: (account) => addressOf(parts, account),
  });
  const shards: Shards = new Shards(opener, clock, parts.isOffline);
  gauges(parts.metrics, shards, bodies, deliveries);

  const shardOf = (ask: ArrivedAsk) => shards.get(ask.shard);
  const deskOf = (ask: ArrivedAsk) => shardOf(ask)?.imap;
  const incoming = new IncomingBodies({ shardOf, clock, limits: largeBodyLimits });
  const receiveParts = {
    ...{ shardOf, dns: parts.dns, clock },
    policy: () => policy!,
    verdictMsMax: settings.verification.verdictMsMax,
    ...dmarcTallyOf(parts),
    ...dmarcIntakeOf(parts),
    ...{ scanners: parts.scanners ?? [], log: parts.log },
    resolve: recipientResolver((address) => resolveAddress(parts, address), clock),
  };
  const handlers: Handlers = {
    [messageReceive]: receiveHandler(receiveParts),
    [messageJudge]: judgeHandler(receiveParts),
    ...incoming.handlers(),
    ...receiveLargeHandlers({ ...receiveParts, incoming, whole }),
    ...ownerHandlers(parts, shards, incoming, shaping.owners),
    ...outbound,
    [threadHello]: () => ({ ok: true, value: undefined }),
    [engineAsks.policy]: (ask) => {
      policy = compilePolicy(ask.meta as PolicySnapshot, policy);
      holds.set(policy.snapshot.holdRules);
      return { ok: true, value: undefined };
    },
    [engineAsks.metrics]: async () => ({ ok: true, value: parts.metrics.rows() }),
    ...mailboxHandlers({
      mailboxesOf: (ask) => shardOf(ask)?.mailboxes,
      copied: (ask, delivery, outcomes) => shardOf(ask)?.events.copied(delivery, outcomes),
      deleted: async (ask, account) => shredDeleted(shardOf(ask)!, account),
    }),
    ...imapHandlers(deskOf, appendHandler({ shardOf, incoming, whole, clock })),
    ...pop3Handlers(deskOf),
    ...sieveHandlers((ask) => shardOf(ask)?.scripts),
    ...quarantineHandlers((ask) => shardOf(ask)?.quarantine),
    ...keyHandlers(shardOf),
    ...keptHandlers((ask) => deskOf(ask)?.kept),
    ...eventHandlers(shardOf),
    ...traceHandlers({ eventLogOf: (ask) => shardOf(ask)?.eventLog, clock }),
    ...storeHandlers({ shardOf, openIndex: parts.openIndex }),
    ...operatorHandlers(parts, { shardOf, deliveries, bounces, holds, shaping }),
  };
  return { handlers };
}

/** Only where reports are sent. */
function dmarcTallyOf({ settings, clock, notice }: EngineParts): Pick<VerifyParts, 'dmarcTally'> {
  if (settings.dmarcReport.contact === '') return {};
  const tell = (counts: DmarcCounts) => notice(dmarcCountsNotice, counts);
  return { dmarcTally: new DmarcTally({ clock, tell }) };
}

/** Only where settings name an address for them. */
function dmarcIntakeOf({ settings, uplink, log }: EngineParts): Pick<VerifyParts, 'dmarcIntake'> {
  const address = settings.dmarcReport.receivedAt.toLowerCase();
  return address === '' ? {} : { dmarcIntake: { address, uplink, log } };
}

interface AttemptNeeds {
  readonly deliveries: Deliveries;
  readonly bounces: Bounces;
  readonly holds: Holds;
  readonly whole: BodyTurns;
  readonly shardOf: (shard: ShardId) => OpenShard | undefined;
  readonly policy: () => Policy | undefined;
}

function attempts(
  { settings, clock, random, suppressions, uplink }: EngineParts,
  { deliveries, bounces, holds, whole, shardOf, policy }: AttemptNeeds,
): Attempt {
  const copyParts = { shardOf, uplink, clock };
  const copies = new BodyTurns(largeBodyLimits.copyBytesMax);
  return createAttempt({
    outbound: deliveries,
    local: createLocalDelivery({
      ...copyParts,
      large: createLargeCopy({ ...copyParts, whole, copies }),
      feedback: createTakeFeedback(uplink),
    }),
    ...{ holds, bounces, clock, random, suppressions },
    retry: retrySchedule(settings),
    returnPath: (message, recipient) => policy()?.marks?.returnPath(message, recipient),
    noteGone: createNoteGone({ uplink, clock, isOn: settings.feedback.hardBounceMs > 0 }),
  });
}

interface OperatorParts {
  readonly shardOf: (ask: ArrivedAsk) => OpenShard | undefined;
  readonly deliveries: Deliveries;
  readonly bounces: Bounces;
  readonly holds: Holds;
  readonly shaping: EngineShaping;
}

/** What operators ask of queues, and what the main thread tells of mail that left. */
function operatorHandlers(
  { settings, clock, life }: EngineParts,
  { shardOf, deliveries, bounces, holds, shaping }: OperatorParts,
): Handlers {
  const { expiryMs } = settings.relay;
  return {
    ...shapingHandlers(shaping, deliveries),
    ...queueHandlers({ shardOf, clock, bounces, holds, expiryMs: () => expiryMs }),
    ...feedbackHandlers(shardOf),
    ...explainHandlers({
      find: (ask, id) => shardOf(ask)?.spool.find(id),
      sites: (name) => deliveries.facts(name),
      holds,
      thread: life,
      clock,
      expiryMs,
    }),
  };
}

function gauges(metrics: Metrics, shards: Shards, bodies: BodyBudget, deliveries: Deliveries) {
  engineGauges(metrics, {
    activeCount: () => shards.sum(({ spool }) => spool.activeCount),
    queuedCount: () => shards.sum(({ spool }) => spool.queuedCount),
    residentBytes: () => bodies.bytes,
    waitingCount: () => deliveries.load().waiting,
    connectionCount: () => deliveries.load().connections,
    eventsDropped: () => shards.sum(({ eventLog }) => eventLog.droppedCount),
    eventRecordsLost: () => shards.sum(({ follower }) => follower.lostCount),
  });
}

function reports(parts: EngineParts, hostname: () => string): Bounces {
  return createBounces({
    random: parts.random,
    hostname,
    nextId: () => parts.ids.next(),
    resolve: (address) => resolveAddress(parts, address),
    delayNoticeMs: () => parts.settings.relay.delayNoticeMs,
  });
}

/** Undefined where nobody says it now. */
async function addressOf({ uplink }: EngineParts, account: number): Promise<string | undefined> {
  const answer = await uplink(systemAsk(engineAsks.address, noShard, account));
  return answer.ok && answer.value !== '' ? String(answer.value) : undefined;
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
