/**
 * A data folder with deferred messages in it, made by the real spool over a real journal and index: each message was
 * accepted, tried once, refused for now, and waits under the instant it is due.
 *
 * Runs in:   bench, in a process of its own: `node bench/backlog/filling.ts FOLDER COUNT`.
 * Limits:    `batchesAtOnce` batches of `batchMessages` of a shard are in memory at a time.
 * Invariant: all of them are due when the process ends, and no clock was waited for: the spool's runs an hour late.
 */

import { join } from 'node:path';
import type { PackedReceived } from '../../src/actors/asks/spool-asks.ts';
import { inHandBytes } from '../../src/actors/asks/thread-data.ts';
import { nodeDisk } from '../../src/adapters/files/disk.ts';
import { openLmdbShardIndex } from '../../src/adapters/lmdb/shard-index.ts';
import { nodeClock } from '../../src/adapters/node/clock.ts';
import { nodeRandom } from '../../src/adapters/node/random.ts';
import { openDataFolder } from '../../src/app/data-folder.ts';
import { assert } from '../../src/base/assert.ts';
import { MessageIdSource, shardId, type TenantId } from '../../src/base/ids.ts';
import { silentLog } from '../../src/base/log.ts';
import { hourMs, minuteMs } from '../../src/base/units.ts';
import { shardFolder } from '../../src/engine/engine-parts.ts';
import { BodyBudget } from '../../src/engine/spool/body-budget.ts';
import type { MessageEvents } from '../../src/engine/spool/events.ts';
import { InHand } from '../../src/engine/spool/in-hand.ts';
import type { SpoolMessage } from '../../src/engine/spool/message.ts';
import { Spool } from '../../src/engine/spool/spool.ts';
import { spoolKinds } from '../../src/engine/spool/spool-kinds.ts';
import { Shard } from '../../src/engine/store/shard.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { body, receivedOf } from './mail.ts';

const batchMessages = 1_000;
/** Of a shard, one behind the other: while one is synced, the next is made. */
const batchesAtOnce = 3;
const sayMs = 5_000;
const dueSpreadMs = 30 * minuteMs;
const refusal = '451 4.7.1 Try again later';

const lateClock: Clock = { ...nodeClock, nowMs: () => nodeClock.nowMs() - hourMs };

const silentEvents: MessageEvents = {
  accepted() {},
  attempted() {},
  attemptedLate() {},
  stored() {},
  bounced() {},
  done() {},
  storeTrouble(code, detail) {
    throw new Error(`${code}: ${detail}`);
  },
};

/** Its only attempt so far: the recipient was told to come again. */
function refuse(spool: Spool, message: SpoolMessage): void {
  const recipient = message.recipients[0]!;
  recipient.attempts = 1;
  recipient.reply = refusal;
  recipient.nextMs = lateClock.nowMs() + minuteMs + Math.floor(nodeRandom.fraction() * dueSpreadMs);
  void spool.record(message, [0]);
}

interface Filled {
  readonly spool: Spool;
  readonly store: Shard;
}

async function open(folder: string, number: number): Promise<Filled> {
  const spool = new Spool({
    clock: lateClock,
    events: silentEvents,
    attempt: refuse,
    bodies: new BodyBudget(0),
    inHand: new InHand(new SharedArrayBuffer(inHandBytes), 0),
    limits: { activeCountMax: 4 * batchesAtOnce * batchMessages, indexAfterMs: 0 },
  });
  const shard = shardId(number);
  const store = await Shard.open({
    id: shard,
    folder: shardFolder(folder, shard),
    disk: nodeDisk,
    index: openLmdbShardIndex({ path: join(shardFolder(folder, shard), 'index') }),
    kinds: spoolKinds(spool),
    clock: nodeClock,
    random: nodeRandom,
    log: silentLog,
    indexFloor: () => spool.indexFloor(),
  });
  spool.start(store);
  return { spool, store };
}

async function acceptBatch({ spool, store }: Filled, mail: readonly PackedReceived[]) {
  const answers = await Promise.all(
    mail.map((received) => spool.accept(received, received[1][11] as TenantId, [body])),
  );
  for (const answer of answers) assert(answer.ok, 'the shard takes it');
  // The refusals of this batch are synced by themselves: what has a row is in the journal.
  await store.flush();
  await spool.settled();
  spool.indexAccepted(Number.POSITIVE_INFINITY);
}

export async function fillFolder(path: string, count: number): Promise<void> {
  await using folder = await openDataFolder({
    path,
    shards: 0,
    disk: nodeDisk,
    random: nodeRandom,
  });
  const { shards } = folder;
  const ids = new MessageIdSource(lateClock.nowMs, 1);
  const opened = await Promise.all(Array.from({ length: shards }, (_, shard) => open(path, shard)));
  let next = 0;
  let saidMs = performance.now();
  const fill = async (filled: Filled) => {
    while (next < count) {
      const first = next;
      next = Math.min(count, first + batchMessages);
      const batch = Array.from({ length: next - first }, (_, i) =>
        receivedOf(first + i, ids.next(), lateClock.nowMs()),
      );
      await acceptBatch(filled, batch);
      const nowMs = performance.now();
      if (nowMs - saidMs < sayMs) continue;
      saidMs = nowMs;
      process.stderr.write(`filled ${next} of ${count}\n`);
    }
  };
  const fillers = opened.flatMap((filled) => Array.from({ length: batchesAtOnce }, () => filled));
  await Promise.all(fillers.map(fill));
  for (const { spool, store } of opened) {
    spool.drain();
    await store.close();
  }
}

if (import.meta.main) {
  const [path, count] = process.argv.slice(2);
  const beganMs = performance.now();
  await fillFolder(path!, Number(count));
  const seconds = (performance.now() - beganMs) / 1_000;
  process.stdout.write(`${JSON.stringify({ count: Number(count), seconds })}\n`);
}
