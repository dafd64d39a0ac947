/**
 * What accounts' scripts remember, what is decided and not journaled yet included.
 *
 * Runs in:   the engine thread that owns the shard.
 * Specs:     RFC 5230 §4.2 (whom they answered), RFC 7352 §3 (which messages they saw).
 * Limits:    `rememberedMax` of an account: what ends first is forgotten for more. What is over goes as more comes,
 *            `forgottenPerRun` at a time.
 */

import { hash } from 'node:crypto';
import {
  accountRange,
  rememberedHashBytes,
  rememberedKey,
  rememberedTill,
  tables,
} from '../../store/keys.ts';
import type { MailboxShard } from '../mailbox-shard.ts';
import {
  decodeRemembered,
  decodeRememberedCount,
  type Remembered,
  rememberedCountKey,
} from '../rows/remembered-row.ts';
import type { PackedMemory, SieveRan } from './records.ts';

const rememberedMax = 10_000;
const forgottenPerRun = 32;

export interface ToRemember {
  readonly key: string;
  readonly seconds: number;
}

/** Of one shard. */
export class SieveMemory {
  readonly #shard: () => Pick<MailboxShard, 'get' | 'range'>;
  /** By account and hash: decided, and not journaled yet. */
  readonly #pending = new Map<string, Remembered>();
  readonly #max: number;

  constructor(shard: () => Pick<MailboxShard, 'get' | 'range'>, max = rememberedMax) {
    this.#shard = shard;
    this.#max = max;
  }

  /** Undefined: it is not remembered at that instant. */
  find(account: number, key: string, nowMs: number): Remembered | undefined {
    const name = hashOf(key);
    const found = this.#pending.get(pendingKey(account, name)) ?? this.#stored(account, name);
    return found === undefined || found.untilMs <= nowMs ? undefined : found;
  }

  /** For the record; `settled` once that is journaled or could not be. */
  remember(
    account: number,
    marks: readonly ToRemember[],
    nowMs: number,
  ): Pick<SieveRan, 'remembered' | 'forgotten'> & { readonly settled: () => void } {
    const remembered = marks.map(({ key, seconds }): PackedMemory => {
      return [hashOf(key), nowMs, nowMs + seconds * 1_000];
    });
    const names = remembered.map(([name]) => pendingKey(account, name));
    for (const [i, [, sinceMs, untilMs]] of remembered.entries()) {
      this.#pending.set(names[i]!, { sinceMs, untilMs });
    }
    const settled = () => {
      for (const name of names) this.#pending.delete(name);
    };
    return { remembered, forgotten: this.#over(account, remembered.length, nowMs), settled };
  }

  /** What ends first: all that is over, and as many more as are too many. */
  #over(account: number, addedCount: number, nowMs: number): SieveRan['forgotten'] {
    if (addedCount === 0) return [];
    const count = decodeRememberedCount(this.#shard().get(rememberedCountKey(account)));
    const tooMany = count + addedCount - this.#max;
    const range = { ...accountRange(tables.rememberedTill, account), limit: forgottenPerRun };
    return this.#shard()
      .range(range)
      .map(({ key }) => rememberedTill(key))
      .filter(({ untilMs }, place) => untilMs <= nowMs || place < tooMany)
      .map(({ hash: name, untilMs }) => [name, untilMs] as const);
  }

  #stored(account: number, name: Uint8Array): Remembered | undefined {
    const value = this.#shard().get(rememberedKey(account, name));
    return value === undefined ? undefined : decodeRemembered(value);
  }
}

/** Texts of users and of their mail are compared by these alone: not a fast hash. */
function hashOf(key: string): Buffer {
  return hash('sha256', key, 'buffer').subarray(0, rememberedHashBytes);
}

function pendingKey(account: number, name: Uint8Array): string {
  return `${account} ${Buffer.from(name).toString('latin1')}`;
}
