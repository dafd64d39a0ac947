/**
 * An engine for tests of the actor runtime: shards with a journal that outlives threads, group commits that take
 * time, and deaths that keep any prefix of what was not yet synced.
 *
 * Invariant: it throws when a shard is opened while it is open elsewhere, or asked while it is closed.
 */

import type { Answer, ArrivedAsk, Ask, Handlers } from '../../src/actors/ask.ts';
import { shardClose, shardForget, shardOpen } from '../../src/actors/asks/system.ts';
import type { ThreadBuild } from '../../src/actors/channel.ts';
import type { ShardId } from '../../src/base/ids.ts';
import { silentLog } from '../../src/base/log.ts';
import { createServer } from '../../src/engine/serve.ts';
import type { Clock } from '../../src/ports/clock.ts';
import type { SeededRandom } from './seeded-clock.ts';

export interface WrittenRecord {
  readonly actor: string;
  readonly key: string;
  readonly order: number;
}

interface OpenShard {
  readonly life: object;
  /** Written by handlers, not yet synced. */
  waiting: { readonly record: WrittenRecord; readonly done: () => void }[];
  isSyncing: boolean;
}

export class TestEngine {
  /** What stands on disk, by shard. */
  readonly journals = new Map<number, WrittenRecord[]>();
  readonly faults: string[] = [];
  readonly #open = new Map<number, OpenShard>();
  readonly #dead = new WeakSet<object>();
  readonly #random: SeededRandom;
  readonly #clock: Clock;
  /** Milliseconds a sync takes at most. */
  syncMsMax = 5;

  constructor(random: SeededRandom, clock: Clock) {
    this.#random = random;
    this.#clock = clock;
  }

  readonly build: ThreadBuild = ({ thread, post, end }) => {
    const life = { thread };
    const handlers: Handlers = {
      [shardOpen]: (ask) => this.#openShard(ask.shard, life),
      [shardClose]: (ask) => this.#closeShard(ask.shard, life),
      [shardForget]: (ask) => {
        if (this.#open.has(ask.shard)) this.faults.push(`shard ${ask.shard} is open`);
        return { ok: true, value: undefined };
      },
      write: (ask) => this.#write(ask, life),
      read: (ask) => {
        this.#of(ask, life);
        return { ok: true, value: this.journal(ask.shard).length };
      },
      /** A long ask. */
      search: (ask) => this.#after(10).then(() => ({ ok: true, value: ask.meta })),
      /** Writes once the outside has said something. */
      'write.later': (ask, room) => {
        if (room.isFull) return { ok: false, code: 'store-busy', detail: 'pending room' };
        return { pending: this.#after(20).then(() => this.#write(ask, life)) };
      },
      poison: () => {
        this.died(life);
        end('poisoned');
        return new Promise<Answer>(() => {});
      },
      where: () => ({ ok: true, value: thread }),
    };
    const server = createServer({ handlers, clock: this.#clock, log: silentLog, post, end });
    this.lives.set(thread, life);
    return server;
  };

  /** The present life of each thread. */
  readonly lives = new Map<number, object>();

  journal(shard: number): WrittenRecord[] {
    let journal = this.journals.get(shard);
    if (journal === undefined) {
      journal = [];
      this.journals.set(shard, journal);
    }
    return journal;
  }

  openCount(): number {
    return this.#open.size;
  }

  /** Any prefix of what waited for the sync is on disk; the rest is gone. */
  died(life: object): void {
    this.#dead.add(life);
    for (const [shard, open] of this.#open) {
      if (open.life !== life) continue;
      const kept = this.#random.below(open.waiting.length + 1);
      for (const { record } of open.waiting.slice(0, kept)) this.journal(shard).push(record);
      open.waiting = [];
      this.#open.delete(shard);
    }
  }

  #openShard(shard: ShardId, life: object): Answer {
    if (this.#open.has(shard)) this.faults.push(`shard ${shard} was opened twice`);
    this.#open.set(shard, { life, waiting: [], isSyncing: false });
    return { ok: true, value: undefined };
  }

  #closeShard(shard: ShardId, life: object): Answer {
    const open = this.#open.get(shard);
    if (open?.life !== life) this.faults.push(`shard ${shard} was closed by a stranger`);
    if (open !== undefined && open.waiting.length > 0) {
      this.faults.push(`shard ${shard} was closed with writes under way`);
    }
    this.#open.delete(shard);
    return { ok: true, value: undefined };
  }

  #of(ask: ArrivedAsk, life: object): OpenShard | undefined {
    const open = this.#open.get(ask.shard);
    if (open?.life === life) return open;
    // A thread that is a function runs on to the end of its parcel; nobody hears it any more.
    if (!this.#dead.has(life)) {
      this.faults.push(`${ask.name} came to shard ${ask.shard}, which is not open here`);
    }
    return undefined;
  }

  async #write(ask: ArrivedAsk, life: object): Promise<Answer> {
    const open = this.#of(ask, life);
    if (open === undefined) return new Promise(() => {});
    const isRepeat =
      this.journal(ask.shard).some((record) => record.key === ask.key) ||
      open.waiting.some(({ record }) => record.key === ask.key);
    if (!isRepeat) {
      const record = { actor: ask.actor, key: ask.key, order: ask.meta as number };
      const synced = new Promise<void>((done) => open.waiting.push({ record, done }));
      if (!open.isSyncing) this.#sync(ask.shard, open);
      await synced;
    }
    return { ok: true, value: ask.meta };
  }

  #sync(shard: ShardId, open: OpenShard): void {
    open.isSyncing = true;
    void this.#after(this.#random.below(this.syncMsMax + 1)).then(() => {
      if (this.#open.get(shard) !== open) return;
      const group = open.waiting;
      open.waiting = [];
      open.isSyncing = false;
      for (const { record } of group) this.journal(shard).push(record);
      for (const { done } of group) done();
      if (open.waiting.length > 0) this.#sync(shard, open);
    });
  }

  #after(ms: number): Promise<void> {
    return new Promise((resolve) => this.#clock.setTimer(ms, resolve));
  }
}

let nextKey = 0;

/** An ask of a test; what is not given is ordinary. */
export function askOf(fields: Partial<Ask> & Pick<Ask, 'shard' | 'name'>): Ask {
  return {
    actor: 'a',
    key: `key-${++nextKey}`,
    class: 'short',
    lane: 'normal',
    deadlineMs: 0,
    meta: undefined,
    body: [],
    ...fields,
  };
}
