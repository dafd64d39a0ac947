/**
 * Messages that were handed in with an idempotency key: whoever comes again with it is told of the first.
 *
 * Runs in:   engine thread; owned by one spool.
 * Limits:    a key is known for `keptMsMin` after its message was accepted, and forgotten soon after; `forgottenMax`
 *            keys are forgotten at a time.
 * Invariant: the key's record goes into the journal with the message's own, in one append: after a crash both are there
 *            or neither is. Keys that come again before the first is on disk wait for its answer.
 */

import { Buffer } from 'node:buffer';
import { Packr } from 'msgpackr';
import type { AcceptAnswer } from '../../actors/asks/reception.ts';
import type { MessageId, TenantId } from '../../base/ids.ts';
import { hourMs, minuteMs } from '../../base/units.ts';
import type { IndexChange } from '../../ports/shard-index.ts';
import type { RecordDraft, RecordKind } from '../store/record.ts';
import type { SpoolShard } from './spool-shard.ts';

/** In the spool's range (`store/record-types.ts`). */
const spoolKeyedRecord = 22;

/** Table prefixes; the map of all tables is `engine/store/keys.ts`. */
const keyedTable = 0x23;
const keyedByAgeTable = 0x24;

const keptMsMin = 24 * hourMs;
const forgottenMax = 1_000;
const hashBytes = 16;
const idBytes = 16;

const packr = new Packr({ useRecords: false });

/** Hash in hex, message id, when it was accepted. */
type PackedKeyed = readonly [hash: string, id: string, acceptedMs: number];

export function keyedDraft(
  tenant: TenantId,
  hash: string,
  id: string,
  acceptedMs: number,
): RecordDraft {
  const keyed: PackedKeyed = [hash, id, acceptedMs];
  return { type: spoolKeyedRecord, tenant, meta: packr.pack(keyed), body: [] };
}

export const keyedKind: RecordKind = {
  type: spoolKeyedRecord,
  name: 'spool.keyed',
  apply(record) {
    const [hash, id, acceptedMs] = packr.unpack(record.meta) as PackedKeyed;
    const value = Buffer.alloc(idBytes + 6);
    value.write(id, 'latin1');
    value.writeUIntBE(acceptedMs, idBytes, 6);
    return [
      { put: keyedKey(hash), value },
      { put: keyedByAgeKey(acceptedMs, hash), value: Buffer.of(1) },
    ];
  },
};

function keyedKey(hash: string): Buffer {
  const key = Buffer.alloc(1 + hashBytes);
  key[0] = keyedTable;
  key.write(hash, 1, 'hex');
  return key;
}

function keyedByAgeKey(acceptedMs: number, hash: string): Buffer {
  const key = Buffer.alloc(7 + hashBytes);
  key[0] = keyedByAgeTable;
  key.writeUIntBE(acceptedMs, 1, 6);
  key.write(hash, 7, 'hex');
  return key;
}

export class Repeats {
  readonly #underWay = new Map<string, Promise<AcceptAnswer>>();
  #forgetMs = 0;

  /** The message that was accepted with the key. */
  earlierId(shard: Pick<SpoolShard, 'get'>, hash: string): MessageId | undefined {
    const row = shard.get(keyedKey(hash));
    return row === undefined
      ? undefined
      : (Buffer.from(row.buffer, row.byteOffset, idBytes).toString('latin1') as MessageId);
  }

  /** Accepts the message, unless one with its key was; then the answer names that one. */
  async once(
    shard: SpoolShard,
    hash: string,
    id: string,
    accept: () => Promise<AcceptAnswer>,
  ): Promise<AcceptAnswer> {
    const first = this.#underWay.get(hash);
    if (first !== undefined) return first;
    const earlierId = this.earlierId(shard, hash);
    if (earlierId !== undefined) return { ok: true, earlierId };
    const taken = accept().then(
      (answer): AcceptAnswer => (answer.ok ? { ok: true, earlierId: id as MessageId } : answer),
    );
    this.#underWay.set(hash, taken);
    try {
      return await taken;
    } finally {
      this.#underWay.delete(hash);
    }
  }

  /** Lets go of keys that are old enough; called now and then. */
  forget(shard: SpoolShard, nowMs: number): void {
    if (nowMs < this.#forgetMs) return;
    const from = Buffer.of(keyedByAgeTable);
    const to = keyedByAgeKey(Math.max(0, nowMs - keptMsMin), '');
    const rows = shard.range({ from, to, limit: forgottenMax });
    const changes: IndexChange[] = [];
    for (const { key } of rows) {
      const age = Buffer.from(key.buffer, key.byteOffset, key.byteLength);
      changes.push({ remove: Buffer.from(age) });
      const named = keyedKey(age.toString('hex', 7));
      const row = shard.get(named);
      // The key may have been used again since.
      const isSame = row !== undefined && age.compare(row, idBytes, idBytes + 6, 1, 7) === 0;
      if (isSame) changes.push({ remove: named });
    }
    if (changes.length > 0) shard.write(changes);
    this.#forgetMs = rows.length === forgottenMax ? nowMs : nowMs + minuteMs;
  }
}
