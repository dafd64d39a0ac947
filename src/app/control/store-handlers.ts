/**
 * `store verify|rebuild|compact`: journals and indexes of the shards, one shard after the other.
 *
 * Runs in:   main thread.
 * Limits:    a step of a check is one ask; between two, mail passes, and a check whose asker left ends.
 * Invariant: an index is made again only from a journal that was just read whole and is sound: of a record that is
 *            damaged, the index may be the last to know.
 */

import type { Answer } from '../../actors/ask.ts';
import type { ControlHandlers, StoreFinding } from '../../actors/asks/control.ts';
import {
  type BodiesChecked,
  type SegmentChecked,
  type ShardCompacted,
  type StoredName,
  type StoreFault,
  type StoreShardStatus,
  storeAsks,
} from '../../actors/asks/store-asks.ts';
import { emptyBytes } from '../../base/bytes.ts';
import { MailError } from '../../base/errors.ts';
import { accountId, type ShardId, shardId } from '../../base/ids.ts';
import { minuteMs } from '../../base/units.ts';
import type { ControlParts } from './parts.ts';
import { answered, askShard } from './shard-asks.ts';

/** A step reads one segment; a slow disk gets its time. */
const stepMsMax = 10 * minuteMs;

export type StoreParts = Pick<ControlParts, 'shards' | 'clock' | 'directory' | 'rebuildIndex'> & {
  readonly router: Pick<ControlParts['router'], 'ask'>;
};

export function storeHandlers(parts: StoreParts): ControlHandlers {
  return {
    'store.verify': async ({ shards }, { signal, emit }) => {
      const checked = { shardCount: 0, recordCount: 0, bytes: 0, findingCount: 0 };
      for (const shard of shardsOf(parts, shards)) {
        for await (const step of verifyShard(parts, shard)) {
          if (signal.aborted) return checked;
          checked.recordCount += step.recordCount;
          checked.bytes += step.bytes;
          checked.findingCount += step.findings.length;
          for (const finding of step.findings) await emit(finding);
        }
        checked.shardCount++;
      }
      return checked;
    },
    'store.rebuild': async ({ shards }, { signal }) => {
      const rebuilt = { shardCount: 0, recordCount: 0, bytes: 0, findingCount: 0 };
      for (const shard of shardsOf(parts, shards)) {
        if (signal.aborted) break;
        const { replayedCount, segmentBytes } = await rebuildShard(parts, shard);
        rebuilt.shardCount++;
        rebuilt.recordCount += replayedCount;
        rebuilt.bytes += segmentBytes;
      }
      return rebuilt;
    },
    'store.compact': async ({ shards }, { signal }) => {
      const compacted = { shardCount: 0, segmentsRemoved: 0, bytesFreed: 0 };
      for (const shard of shardsOf(parts, shards)) {
        if (signal.aborted) break;
        const freed = (await answerOf(parts, shard, storeAsks.compact)) as ShardCompacted;
        compacted.shardCount++;
        compacted.segmentsRemoved += freed.segmentsRemoved;
        compacted.bytesFreed += freed.bytesFreed;
      }
      return compacted;
    },
  };
}

/** @throws MailError `argument-invalid` */
function shardsOf({ shards }: StoreParts, wanted: readonly number[]): readonly ShardId[] {
  const wrong = wanted.find((shard) => shard >= shards);
  if (wrong !== undefined) {
    throw new MailError('argument-invalid', `there is no shard ${wrong}: they go to ${shards - 1}`);
  }
  const all = Array.from({ length: shards }, (_, shard) => shard);
  return (wanted.length === 0 ? all : [...new Set(wanted)]).map(shardId);
}

interface VerifyStep {
  readonly recordCount: number;
  readonly bytes: number;
  readonly findings: readonly StoreFinding[];
}

/** First all segments, then all messages that rows name. */
async function* verifyShard(parts: StoreParts, shard: ShardId): AsyncGenerator<VerifyStep, void> {
  const status = await ask(parts, shard, storeAsks.status, undefined);
  if (!status.ok) {
    const reason = `the shard cannot be asked: ${status.detail || status.code}`;
    const finding = { shard, segment: 'shard', offset: 0, reason, messages: [] };
    yield { recordCount: 0, bytes: 0, findings: [finding] };
    return;
  }
  // A message is named once: the bodies say nothing new of what a segment's damage told already.
  const named = new Set<string>();
  for await (const { recordCount, bytes, faults } of segmentsOf(parts, shard)) {
    const findings: StoreFinding[] = [];
    for (const fault of faults) {
      for (const name of fault.messages) named.add(keyOf(name));
      findings.push(await findingOf(parts, shard, fault));
    }
    yield { recordCount, bytes, findings };
  }
  for await (const { faults } of bodiesOf(parts, shard)) {
    const findings: StoreFinding[] = [];
    for (const fault of faults) {
      if (fault.messages.every((name) => named.has(keyOf(name)))) continue;
      findings.push(await findingOf(parts, shard, fault));
    }
    yield { recordCount: 0, bytes: 0, findings };
  }
}

async function* segmentsOf(parts: StoreParts, shard: ShardId): AsyncGenerator<SegmentChecked> {
  for (let after = 0; ; ) {
    const checked = (await answerOf(parts, shard, storeAsks.checkSegment, after)) as SegmentChecked;
    yield checked;
    if (checked.segment === undefined) return;
    after = checked.segment;
  }
}

async function* bodiesOf(parts: StoreParts, shard: ShardId): AsyncGenerator<BodiesChecked> {
  for (let from: Uint8Array | undefined = emptyBytes; from !== undefined; ) {
    const checked: BodiesChecked = (await answerOf(
      parts,
      shard,
      storeAsks.checkBodies,
      from,
    )) as BodiesChecked;
    yield checked;
    from = checked.next;
  }
}

function keyOf(name: StoredName): string {
  return 'id' in name ? name.id : `${name.account} ${name.document}`;
}

async function findingOf(
  { directory }: StoreParts,
  shard: ShardId,
  { segment, offset, reason, messages, unnamedCount }: StoreFault,
): Promise<StoreFinding> {
  const names: string[] = [];
  for (const name of messages) {
    if ('id' in name) {
      names.push(name.id);
      continue;
    }
    const account = await directory.accountById(accountId(name.account));
    const owner = account?.address ?? `account ${name.account}`;
    const place = name.uid === 0 ? '' : `, mailbox ${name.mailbox} UID ${name.uid}`;
    names.push(`${owner} document ${name.document}${place}`);
  }
  const more = unnamedCount === 0 ? '' : ` (records hit that name no message: ${unnamedCount})`;
  return {
    shard,
    segment: `segment ${segment}`,
    offset,
    reason: `${reason}${more}`,
    messages: names,
  };
}

/** @throws MailError `not-possible-now` when its journal is damaged or it cannot be closed now. */
async function rebuildShard(parts: StoreParts, shard: ShardId): Promise<StoreShardStatus> {
  const { readOnlyReason } = await statusOf(parts, shard);
  let isSound = readOnlyReason === undefined;
  if (isSound) {
    for await (const { faults } of segmentsOf(parts, shard)) isSound &&= faults.length === 0;
  }
  if (!isSound) {
    throw new MailError(
      'not-possible-now',
      `the journal of shard ${shard} is damaged, and its index may be the last to know what was there: ` +
        `see "store verify --shard ${shard}". To do without, stop the server and remove the shard's index folder`,
    );
  }
  answered(await parts.rebuildIndex(shard));
  return statusOf(parts, shard);
}

async function statusOf(parts: StoreParts, shard: ShardId): Promise<StoreShardStatus> {
  return (await answerOf(parts, shard, storeAsks.status)) as StoreShardStatus;
}

/** @throws MailError as the shard answers. */
async function answerOf(
  parts: StoreParts,
  shard: ShardId,
  name: string,
  meta: unknown = undefined,
): Promise<unknown> {
  return answered(await ask(parts, shard, name, meta));
}

function ask(parts: StoreParts, shard: ShardId, name: string, meta: unknown): Promise<Answer> {
  // A compaction takes the time it takes; it is cut into groups that mail passes.
  const msMax = name === storeAsks.compact ? 0 : stepMsMax;
  return askShard(parts, { shard, actor: 'store', name, meta, msMax });
}
