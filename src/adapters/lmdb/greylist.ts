/**
 * A greylist in memory whose rows stand in a table, too: it goes on where it was after a restart.
 *
 * Runs in:   main thread.
 * Limits:    what changed is gathered for `gatherMs`; `unwrittenMax` changes wait at most, and what comes then is only
 *            in memory.
 * Invariant: a kill costs changes of the last moments: those waiting wait anew, and nobody is let in for it.
 */

import { Buffer } from 'node:buffer';
import type { Log } from '../../base/log.ts';
import { secondMs } from '../../base/units.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Greylist, GreylistAnswer, GreylistKey } from '../../ports/greylist.ts';
import type { IndexChange, ShardIndex } from '../../ports/shard-index.ts';
import {
  type GreylistChange,
  type GreylistKind,
  type GreylistLimits,
  type GreylistRow,
  MemoryGreylist,
} from '../memory/memory-greylist.ts';

const gatherMs = secondMs;
const unwrittenMax = 50_000;

const letters = { waiting: 'w', passed: 'p', network: 'n' } as const;
const kinds: Readonly<Record<string, GreylistKind>> = { w: 'waiting', p: 'passed', n: 'network' };

export interface KeptGreylistParts {
  readonly limits: GreylistLimits;
  /** Its own. */
  readonly table: Pick<ShardIndex, 'each' | 'commit' | 'close'>;
  readonly clock: Clock;
  readonly log: Log;
}

export class KeptGreylist implements Greylist {
  readonly #parts: KeptGreylistParts;
  readonly #memory: MemoryGreylist;
  /** By key; undefined: to be removed. */
  #unwritten = new Map<string, string | undefined>();
  #isGathering = false;
  #writing: Promise<void> = Promise.resolve();

  constructor(parts: KeptGreylistParts) {
    this.#parts = parts;
    this.#memory = new MemoryGreylist(parts.limits, parts.clock);
    const rows = this.#rows();
    // What is read stands there already; what there is no room for any more leaves the table.
    this.#memory.changed = (change) => {
      if (change.atMs === undefined) this.#note(change);
    };
    this.#memory.restore(rows);
    this.#memory.changed = (change) => this.#note(change);
  }

  get count(): number {
    return this.#memory.count;
  }

  ask(key: GreylistKey): GreylistAnswer {
    return this.#memory.ask(key);
  }

  /** All is on disk. */
  async close(): Promise<void> {
    this.#write();
    await this.#writing;
    await this.#parts.table.close();
  }

  #rows(): GreylistRow[] {
    const { table, limits, clock } = this.#parts;
    const nowMs = clock.nowMs();
    const rows: GreylistRow[] = [];
    table.each(Buffer.from([0]), Buffer.from([0xff]), (key, value) => {
      const name = Buffer.from(key).toString();
      const row = rowOf(name, Buffer.from(value).toString());
      const forMs = row?.kind === 'waiting' ? limits.retryMsMax : limits.keepMs;
      if (row === undefined || nowMs - row.atMs > forMs) this.#unwritten.set(name, undefined);
      else rows.push(row);
      return true;
    });
    return rows;
  }

  #note({ kind, network, pair, atMs, count }: GreylistChange): void {
    const key = `${letters[kind]}${network} ${pair}`;
    if (this.#unwritten.size >= unwrittenMax && !this.#unwritten.has(key)) return;
    this.#unwritten.set(key, atMs === undefined ? undefined : `${atMs} ${count ?? 0}`);
    if (this.#isGathering) return;
    this.#isGathering = true;
    this.#parts.clock.setTimer(gatherMs, () => this.#write());
  }

  #write(): void {
    this.#isGathering = false;
    this.#writing = this.#writing.then(async () => {
      const unwritten = this.#unwritten;
      if (unwritten.size === 0) return;
      this.#unwritten = new Map();
      const changes: IndexChange[] = [...unwritten].map(([key, value]) =>
        value === undefined
          ? { remove: Buffer.from(key) }
          : { put: Buffer.from(key), value: Buffer.from(value) },
      );
      try {
        await this.#parts.table.commit(changes);
      } catch (error) {
        this.#parts.log.error({ error: String(error) }, 'the greylist is not kept over a restart');
      }
    });
  }
}

/** Undefined: nothing that was written here. */
function rowOf(key: string, value: string): GreylistRow | undefined {
  const kind = kinds[key[0] ?? ''];
  const [network, pair] = key.slice(1).split(' ');
  const match = /^(\d{1,15}) (\d{1,9})$/.exec(value);
  if (kind === undefined || network === undefined || pair === undefined || match === null) {
    return undefined;
  }
  return { kind, network, pair, atMs: Number(match[1]), count: Number(match[2]) };
}
