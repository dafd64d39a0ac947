/**
 * Joins the parts of an engine thread: shards with their actors, delivery to other servers, and the handlers.
 *
 * Runs in:   engine threads.
 * Limits:    those of its parts; this file adds none.
 * Invariant: knows ports only; adapters are handed in by `workers/engine.ts`.
 */

import type { ArrivedAsk, AskUpwards, Handlers } from '../actors/ask.ts';
import { accountFullNotice, engineAsks } from '../actors/asks/engine-asks.ts';
import type { PolicySnapshot } from '../actors/asks/policy-snapshot.ts';
import type { PackedRecipient } from '../actors/asks/spool-asks.ts';
import { messageReceive } from '../actors/asks/spool-asks.ts';
import { noShard, shardClose, shardOpen, systemAsk } from '../actors/asks/system.ts';
import { SiteBorrower, SiteOwners, siteLend } from '../actors/site-leases.ts';
import type { MessageIdSource, ShardId } from '../base/ids.ts';
import type { Log } from '../base/log.ts';
import type { Metrics } from '../base/metrics.ts';
import type { Clock } from '../ports/clock.ts';
import type { Dialer } from '../ports/dialer.ts';
import type { Disk } from '../ports/disk.ts';
import type { Dns } from '../ports/dns.ts';
import type { Random } from '../ports/random.ts';
import type { ShardIndex } from '../ports/shard-index.ts';
import type { Settings } from '../settings/schema.ts';
import { Deliveries } from './delivery/deliveries.ts';
import { boundedLeases, jointLeases } from './delivery/leases.ts';
import { phaseTimeouts, siteLimits } from './delivery/limits.ts';
import { Router as DeliveryRouter } from './delivery/route.ts';
import { engineCounters, engineGauges } from './engine-metrics.ts';
import { EventLog } from './events/event-log.ts';
import { shardEvents } from './events/message-events.ts';
import { shareOfEvents } from './events/share.ts';
import { traceHandlers } from './events/trace-handlers.ts';
import { dkimKeyHandlers } from './jobs/dkim-keys.ts';
import { passwordHandlers } from './jobs/password-job.ts';
import { createLocalDelivery, deliverHere } from './local-delivery.ts';
import { mailboxHandlers } from './mailbox/handlers.ts';
import { Mailboxes } from './mailbox/mailboxes.ts';
import { compilePolicy, type Policy } from './pipeline/policy.ts';
import { loadVerifier } from './pipeline/verify.ts';
import { receiveHandler } from './receive.ts';
import { type OpenShard, Shards } from './shards.ts';
import { type AttemptParts, createAttempt } from './spool/attempt.ts';
import { BodyBudget } from './spool/body-budget.ts';
import { createBounces } from './spool/bounce.ts';
import { logEvents } from './spool/events.ts';
import { queueHandlers } from './spool/queue-handlers.ts';
import { Spool } from './spool/spool.ts';
import { spoolKinds } from './spool/spool-kinds.ts';
import { Shard } from './store/shard.ts';
import { storeHandlers } from './store-handlers.ts';

const verifierDelayMs = 2_000;

export interface EngineParts {
  readonly settings: Settings;
  readonly disk: Disk;
  readonly openIndex: (shard: ShardId) => Promise<ShardIndex>;
  readonly clock: Clock;
  readonly random: Random;
  readonly dns: Dns;
  readonly dialer: Dialer;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly ids: MessageIdSource;
  /** Of the data folder. */
  readonly shards: number;
  /** Names this life of the thread. */
  readonly life: string;
  readonly workers: number;
  /** Password of `relay.user`, "" for none. */
  readonly relayPassword: string;
  /** No mail leaves: a command opened a stopped store. */
  readonly isOffline: boolean;
  /** One word per shard: its current epoch. */
  readonly epochs: SharedArrayBuffer;
  readonly uplink: AskUpwards;
  /** A fact for the main thread, answered by nobody. */
  readonly notice: (name: string, value: unknown) => void;
}

export interface Engine {
  readonly handlers: Handlers;
}

export function createEngine(parts: EngineParts): Engine {
  const { settings, clock, random, log } = parts;
  let policy: Policy | undefined;
  const deliveries = createDeliveries(parts);
  const bodies = new BodyBudget(settings.memory.bodiesBytesMax / parts.workers);
  const counters = engineCounters(parts.metrics);
  const logged = logEvents(log, clock, counters);

  const bounces = createBounces({
    random,
    hostname: () => policy!.snapshot.hostname,
    nextId: () => parts.ids.next(),
    resolve: (address) => resolveAddress(parts, address),
    delayNoticeMs: () => settings.relay.delayNoticeMs,
  });
  const attemptParts: AttemptParts = {
    outbound: {
      groupOf: (domain) => deliveries.groupOf(domain),
      submit: (message, domain, done) => deliveries.submit(message, domain, done),
    },
    local: createLocalDelivery({
      shardOf: (shard) => shards.get(shard),
      uplink: parts.uplink,
      clock,
    }),
    bounces,
    clock,
    random,
    retry: () => ({
      firstMs: settings.relay.retryMsMin,
      maxMs: settings.relay.retryMsMax,
      jitterPercent: settings.relay.retryJitterPercent,
      expiryMs: settings.relay.expiryMs,
    }),
  };

  const shards = new Shards(openShard, clock, parts.isOffline);
  engineGauges(parts.metrics, {
    activeCount: () => shards.sum(({ spool }) => spool.activeCount),
    queuedCount: () => shards.sum(({ spool }) => spool.queuedCount),
    residentBytes: () => bodies.bytes,
    waitingCount: () => deliveries.load().waiting,
    connectionCount: () => deliveries.load().connections,
    eventsDropped: () => shards.sum(({ eventLog }) => eventLog.droppedCount),
  });

  async function openShard(shard: ShardId): Promise<OpenShard> {
    const mailboxes = new Mailboxes({
      clock,
      onFull: (account, isFull) => parts.notice(accountFullNotice, { account, isFull }),
    });
    const eventLog = createEventLog(parts, shard);
    const events = shardEvents(logged, eventLog, clock);
    const spool = new Spool({ clock, events, bodies, attempt: createAttempt(attemptParts) });
    const store = await Shard.open({
      id: shard,
      folder: shardFolder(settings.data.dir, shard),
      disk: parts.disk,
      index: await parts.openIndex(shard),
      kinds: [...spoolKinds(spool), ...mailboxes.kinds],
      clock,
      random,
      log: log.with({ shard }),
      epochs: parts.epochs,
      indexFloor: () => spool.indexFloor(),
      limits: {
        segmentBytesMax: settings.store.segmentBytesMax,
        groupBytesMax: settings.store.groupBytesMax,
        diskFreeBytesMin: settings.data.diskFreeBytesMin,
        reserveBytes: settings.data.reserveBytes,
      },
    });
    eventLog.start();
    return {
      store,
      spool,
      mailboxes,
      eventLog,
      events,
      deliverHere: (message, packed, bytes) =>
        deliverHere(mailboxes, spool, events, message, packed, bytes),
    };
  }

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

  const handlers: Handlers = {
    [messageReceive]: receiveHandler({ shardOf, policy: () => policy!, dns: parts.dns, clock }),
    [shardOpen]: (ask) => {
      verifierSoon();
      // The word is set by the first opening in this process.
      owners.open(ask.shard, Atomics.load(epochs, ask.shard) === 0);
      return shards.open(ask.shard);
    },
    [shardClose]: (ask) => {
      owners.close(ask.shard);
      return shards.close(ask.shard);
    },
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

export function shardFolder(dataFolder: string, shard: ShardId): string {
  return `${dataFolder}/shards/${String(shard).padStart(3, '0')}`;
}

function createEventLog({ settings, disk, clock, log }: EngineParts, shard: ShardId): EventLog {
  const { data, store } = settings;
  const bytesMax = () => shareOfEvents(disk, `${data.dir}/shards`, store.eventsBytesMax);
  return new EventLog({
    folder: shardFolder(data.dir, shard),
    shard,
    disk,
    clock,
    log: log.with({ shard }),
    keep: async () => ({ keepMs: store.eventsKeepMs, bytesMax: await bytesMax() }),
  });
}

function createDeliveries(parts: EngineParts): Deliveries {
  const { settings, clock, random, dialer, dns } = parts;
  const { relay } = settings;
  return new Deliveries({
    router: new DeliveryRouter({
      relay,
      hostname: settings.hostname,
      dns,
      random,
      ...(parts.relayPassword === '' ? {} : { password: parts.relayPassword }),
    }),
    timeouts: {
      ...phaseTimeouts,
      connectMs: relay.connectMsMax,
      helloMs: relay.replyMsMax,
      mailMs: relay.replyMsMax,
      rcptMs: relay.replyMsMax,
      dataMs: relay.replyMsMax,
      finalMs: relay.dataMsMax,
    },
    limits: {
      ...siteLimits,
      connectionsMax: relay.connectionsPerSiteMax,
      messagesPerConnectionMax: relay.messagesPerConnectionMax,
    },
    clock,
    random,
    dialer,
    leases: jointLeases(
      new SiteBorrower({ clock, holder: parts.life, shards: parts.shards, ask: parts.uplink }),
      boundedLeases(Math.ceil(relay.connectionsMax / parts.workers)),
    ),
  });
}

async function resolveAddress(
  parts: EngineParts,
  address: string,
): Promise<readonly PackedRecipient[]> {
  const answer = await parts.uplink(systemAsk(engineAsks.resolve, noShard, address));
  return answer.ok ? (answer.value as readonly PackedRecipient[]) : [[address, 0, 0, 0, '']];
}
