/**
 * Joins webhooks and sinks of events to the event logs, their table, the network and the disk.
 *
 * Runs in:   main thread.
 * Invariant: a webhook reaches no address of ours: none this machine has, and none that is not routed on the Internet,
 *            but where `webhook.allowNetworks` says so.
 */

import { networkInterfaces } from 'node:os';
import { join, resolve } from 'node:path';
import { type EventNote, eventAsks } from '../../actors/asks/event-asks.ts';
import type { Runtime } from '../../actors/runtime.ts';
import { nodeDisk } from '../../adapters/files/disk.ts';
import { JsonlSink } from '../../adapters/files/jsonl-sink.ts';
import { openLmdbTable } from '../../adapters/lmdb/shard-index.ts';
import { nodeClock } from '../../adapters/node/clock.ts';
import { createDns } from '../../adapters/node/dns.ts';
import { nodeRandom } from '../../adapters/node/random.ts';
import { createWebPoster } from '../../adapters/node/web-poster.ts';
import { isDialable } from '../../base/dialable.ts';
import type { Log } from '../../base/log.ts';
import { networkSet, plainAddress } from '../../base/networks.ts';
import { mebibyte } from '../../base/units.ts';
import type { Settings } from '../../settings/schema.ts';
import { askShard } from '../control/shard-asks.ts';
import { EventReader } from './event-reader.ts';
import { type SinkFacts, SinkFeeder } from './sink-feeder.ts';
import { WebhookRows } from './webhook-rows.ts';
import { Webhooks } from './webhooks.ts';

const mapBytes = 64 * mebibyte;
const noteMsMax = 30_000;

export interface EventStreams {
  readonly reader: EventReader;
  readonly webhooks: Webhooks;
  /** How those stand that settings set up. */
  readonly sinks: () => readonly SinkFacts[];
  /** Resolves once it is on disk, or could not be noted, which is logged. */
  readonly note: (note: EventNote) => Promise<void>;
}

/** The engine runs. `isOffline`: nothing is sent. */
export function openEventStreams(
  settings: Settings,
  { runtime, shards, folder }: { runtime: Runtime; shards: number; folder: string },
  log: Log,
  isOffline: boolean,
): EventStreams & { close(): Promise<void> } {
  const { router } = runtime;
  const reader = new EventReader({ router, clock: nodeClock, shards });
  const { webhook } = settings;
  const note = (act: EventNote) => noteOn(runtime, act, log);
  const dns = createDns({ settings: settings.dns, clock: nodeClock, random: nodeRandom });
  const mayDial = dialRule(settings);
  const table = openLmdbTable({ path: join(folder, 'webhooks'), mapBytes });
  const webhooks = new Webhooks({
    ...{ reader, shards, log, clock: nodeClock, random: nodeRandom, limits: webhook },
    ...{ requireHttps: webhook.requireHttps, overlapMs: webhook.overlapMs },
    rows: new WebhookRows(table),
    poster: createWebPoster({ dns, mayDial, timeoutMs: webhook.timeoutMs }),
    note: (act) => void note(act),
  });
  if (!isOffline) webhooks.start();
  const sink = isOffline ? undefined : fileSink(settings);
  const feeder =
    sink === undefined
      ? undefined
      : new SinkFeeder({ name: 'files', sink, reader, shards, table, clock: nodeClock, log });
  return {
    ...{ reader, webhooks, note },
    sinks: () => (feeder === undefined ? [] : [feeder.facts()]),
    async close() {
      await feeder?.stop();
      // The table's last user.
      await webhooks.close();
      reader.close();
    },
  };
}

function fileSink({ eventFiles: { folder, ...limits } }: Settings): JsonlSink | undefined {
  if (folder === '') return undefined;
  return new JsonlSink({ disk: nodeDisk, clock: nodeClock, folder: resolve(folder), ...limits });
}

function dialRule({ webhook }: Settings): (address: string) => boolean {
  const allowed = networkSet(webhook.allowNetworks);
  return (address) => {
    if (allowed.has(address)) return true;
    return isDialable(address) && !isOwn(address);
  };
}

/** Asked each time: addresses come and go. */
function isOwn(given: string): boolean {
  const address = plainAddress(given);
  const all = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return all.some((own) => own.address === address);
}

async function noteOn(runtime: Runtime, note: EventNote, log: Log): Promise<void> {
  const { router } = runtime;
  const answer = await askShard(
    { router, clock: nodeClock },
    {
      shard: runtime.spoolShard(),
      ...{ actor: 'events', name: eventAsks.note, meta: [note], msMax: noteMsMax },
    },
  );
  if (!answer.ok) log.warn({ what: note.what, code: answer.code }, 'an act could not be noted');
}
