/**
 * The engine threads of a simulation, all in this one: the real engine of `workers/shards.ts` on a simulated clock,
 * network and disk. An ask between threads is a call, some milliseconds later, that is now and then refused.
 */

import type { Answer, ArrivedAsk, Ask, Handlers } from '../../../src/actors/ask.ts';
import { engineAsks } from '../../../src/actors/asks/engine-asks.ts';
import { defaultPolicy } from '../../../src/actors/asks/policy-snapshot.ts';
import type { QueueListAnswer } from '../../../src/actors/asks/queue-asks.ts';
import { queueAsks } from '../../../src/actors/asks/queue-asks.ts';
import { type ShapingSnapshot, shapingAsks } from '../../../src/actors/asks/shaping-asks.ts';
import { noShard, shardClose, shardOpen, systemAsk } from '../../../src/actors/asks/system.ts';
import { inHandBytes } from '../../../src/actors/asks/thread-data.ts';
import { openSlotWords } from '../../../src/actors/open-slots.ts';
import { siteLend } from '../../../src/actors/site-leases.ts';
import { stampWords } from '../../../src/actors/stamps.ts';
import { watchedWords } from '../../../src/actors/watched.ts';
import { MemoryIndex } from '../../../src/adapters/memory/memory-index.ts';
import { MessageIdSource, shardId } from '../../../src/base/ids.ts';
import type { Log } from '../../../src/base/log.ts';
import { Metrics } from '../../../src/base/metrics.ts';
import { waitingWords } from '../../../src/base/waiting-words.ts';
import { createEngine } from '../../../src/engine/engine.ts';
import { SeededRandom, seedOf } from '../../../src/harness/seeded-random.ts';
import type { Clock } from '../../../src/ports/clock.ts';
import type { Dialer } from '../../../src/ports/dialer.ts';
import type { Disk } from '../../../src/ports/disk.ts';
import type { Dns } from '../../../src/ports/dns.ts';
import { type KeySource, KeySourceError } from '../../../src/ports/key-source.ts';
import type { Settings } from '../../../src/settings/schema.ts';
import { type Limits, noShaping } from '../../../src/settings/shaping/rules.ts';

export interface EnginesOptions {
  readonly seed: number;
  readonly settings: Settings;
  readonly threads: number;
  readonly shards: number;
  readonly clock: Clock;
  readonly disk: Disk;
  readonly dns: Dns;
  readonly dialer: Dialer;
  readonly log: Log;
}

/** An ask between threads takes up to this long, and so many of a thousand find no thread. */
const hopMsMax = 3;
const lostAsksPerMille = 1;
const queuePageCount = 1_000;

/** Nobody is encrypted there. */
const noKeys: KeySource = {
  wrap: () => Promise.reject(new KeySourceError('no keys')),
  unwrap: () => Promise.reject(new KeySourceError('no keys')),
};

export class Engines {
  readonly #options: EnginesOptions;
  readonly #handlers: Handlers[];
  readonly #random: SeededRandom;

  constructor(options: EnginesOptions) {
    const { threads, shards, seed } = options;
    this.#options = options;
    this.#random = new SeededRandom(seedOf(seed, 'hops'));
    const words = () => new SharedArrayBuffer(4 * shards);
    const shared = {
      ...{ epochs: words(), undelivered: words(), watched: watchedWords(), stamps: stampWords() },
      waiting: waitingWords(shards),
      openSlots: openSlotWords(threads),
      inHand: new SharedArrayBuffer(inHandBytes * shards),
    };
    this.#handlers = Array.from({ length: threads }, (_, thread) => {
      const { clock } = options;
      return createEngine({
        ...options,
        ...shared,
        openIndex: async () => new MemoryIndex(),
        random: new SeededRandom(seedOf(seed, 'thread', thread)),
        metrics: new Metrics(),
        ids: new MessageIdSource(() => clock.nowMs(), 2 + thread),
        thread,
        life: `${thread}.simulated`,
        workers: threads,
        relayPassword: '',
        sourcePasswords: {},
        keySource: noKeys,
        ownAddresses: [],
        isOffline: false,
        uplink: (ask) => this.#uplink(ask),
        notice: () => {},
      }).handlers;
    });
  }

  async open(): Promise<void> {
    const policy = { ...defaultPolicy, hostname: 'relay.example', verifyInbound: false };
    for (let thread = 0; thread < this.#options.threads; thread++) {
      await this.#at(thread, systemAsk(engineAsks.policy, noShard, policy));
    }
    for (let shard = 0; shard < this.#options.shards; shard++) {
      await this.#must(systemAsk(shardOpen, shardId(shard)));
    }
  }

  /** The same rates for all sites. */
  async limit(limits: Limits): Promise<void> {
    const rules = { ...noShaping, limits: [{ name: 'all', match: {}, limits }] };
    const snapshot: ShapingSnapshot = { rules, tenants: {} };
    for (let thread = 0; thread < this.#options.threads; thread++) {
      await this.#at(thread, systemAsk(shapingAsks.rules, noShard, snapshot));
    }
  }

  async close(): Promise<void> {
    for (let shard = 0; shard < this.#options.shards; shard++) {
      await this.#must(systemAsk(shardClose, shardId(shard)));
    }
  }

  ask(ask: Ask): Promise<Answer> {
    return this.#at(ask.shard % this.#options.threads, ask);
  }

  /** Every recipient that waits in a queue, with the sender of its message; `nextMs`: when it was to be tried. */
  async queued(take: (sender: string, address: string, nextMs: number) => void): Promise<void> {
    for (let shard = 0; shard < this.#options.shards; shard++) {
      for (let after = ''; ; ) {
        const meta = { after, limit: queuePageCount, selection: {} };
        const page = (await this.#must(
          systemAsk(queueAsks.list, shardId(shard), meta),
        )) as QueueListAnswer;
        for (const { sender, recipients } of page.entries) {
          for (const { address, state, nextAttemptMs } of recipients) {
            if (state === 'waiting') take(sender, address, nextAttemptMs);
            if (state === 'sending') take(sender, address, Number.POSITIVE_INFINITY);
          }
        }
        if (page.isComplete) break;
        after = page.scannedTo;
      }
    }
  }

  async #must(ask: Ask): Promise<unknown> {
    const answer = await this.ask(ask);
    if (!answer.ok) throw new Error(`${ask.name}: ${answer.code} ${answer.detail}`);
    return answer.value;
  }

  /** From a thread, to whoever it is for. */
  async #uplink(ask: Ask): Promise<Answer> {
    await this.#hop();
    if (ask.name === engineAsks.resolve) {
      return { ok: true, value: [[ask.meta as string, 0, 0, 0, '']] };
    }
    if (ask.name === engineAsks.stsPolicy) return { ok: true, value: null };
    if (ask.name !== siteLend && ask.name !== shapingAsks.feedback) {
      throw new Error(`nobody asks for ${ask.name} here`);
    }
    if (this.#random.fraction() * 1_000 < lostAsksPerMille) {
      return { ok: false, code: 'store-busy', detail: 'the thread is away' };
    }
    const answer = await this.ask(ask);
    await this.#hop();
    return answer;
  }

  #hop(): Promise<void> {
    return new Promise((resolve) => {
      this.#options.clock.setTimer(Math.floor(this.#random.fraction() * (hopMsMax + 1)), resolve);
    });
  }

  async #at(thread: number, ask: Ask): Promise<Answer> {
    const handler = this.#handlers[thread]![ask.name]!;
    const outcome = handler({ ...ask, body: ask.body[0] ?? noBody } as ArrivedAsk, {
      isFull: false,
    });
    return 'pending' in outcome ? outcome.pending : outcome;
  }
}

const noBody = new Uint8Array(0);
