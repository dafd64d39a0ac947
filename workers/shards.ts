/**
 * What a thread that owns shards runs.
 *
 * Duty:   opens the adapters of one thread, builds the engine on them, serves parcels; its shards come by ask.
 * Trust:  takes parcels from the main thread only; what remote peers sent is bytes inside them, judged by the engine.
 * Limits: none of its own: the edge keeps two parcels a shard under way, the engine's parts bound the rest.
 */

import type { ThreadData } from '../src/actors/asks/thread-data.ts';
import type { ThreadPart, ThreadStart } from '../src/actors/channel.ts';
import { Uplink } from '../src/actors/uplink.ts';
import { nodeDisk } from '../src/adapters/files/disk.ts';
import { createKeySource } from '../src/adapters/keys/key-source.ts';
import { openLmdbShardIndex } from '../src/adapters/lmdb/shard-index.ts';
import { openLmdbSuppressionReader } from '../src/adapters/lmdb/suppressions.ts';
import { nodeClock as clock } from '../src/adapters/node/clock.ts';
import { createDialer } from '../src/adapters/node/dialer.ts';
import { createDns } from '../src/adapters/node/dns.ts';
import { nodeRandom as random } from '../src/adapters/node/random.ts';
import { openScanners } from '../src/adapters/scanning/open-scanners.ts';
import { MessageIdSource } from '../src/base/ids.ts';
import { createLog } from '../src/base/log.ts';
import { Metrics } from '../src/base/metrics.ts';
import { scannerNeeds } from '../src/engine/carried-scans.ts';
import { createEngine } from '../src/engine/engine.ts';
import { answerMsMax, shardIndexFolder } from '../src/engine/engine-parts.ts';
import { createServer } from '../src/engine/serve.ts';

export function buildShards({ thread, post, end }: ThreadStart, data: ThreadData): ThreadPart {
  const { settings, startBits, relayRoots, keyVariables, ...rest } = data;
  const log = createLog(settings.log.level, { thread }, { gatherBytes: 8_192 });
  const [uplink, metrics] = [new Uplink(post), new Metrics()];
  const dns = createDns({ settings: settings.dns, clock, random });
  const { handlers } = createEngine({
    ...{ ...rest, settings, disk: nodeDisk, thread, clock, random, log },
    openIndex: async (shard) => {
      const onDiscard = (why: string) => log.error({ shard, why }, 'a damaged index is made anew');
      return openLmdbShardIndex({ path: shardIndexFolder(settings.data.dir, shard), onDiscard });
    },
    ...{ dns, metrics, dialer: createDialer({ roots: relayRoots }) },
    keySource: createKeySource(keyVariables),
    scanners: openScanners(settings, { clock, metrics, dns, ...scannerNeeds(uplink) }),
    life: `${thread}.${Buffer.from(random.bytes(6)).toString('hex')}`,
    ids: new MessageIdSource(clock.nowMs, startBits + 1 + thread),
    suppressions: openLmdbSuppressionReader(settings.data.dir, rest.suppressedTenants),
    uplink: (ask) => uplink.ask(ask),
    notice: (name, value) => post({ kind: 'notice', name, value }),
  });
  const options = { clock, log, post, end, verdictMsMax: answerMsMax(settings) };
  const server = createServer({ handlers, ...options });
  return {
    serve: (parcel) => server.serve(parcel),
    receive: (message) => {
      if (message.kind === 'late') uplink.receive(message);
    },
  };
}
