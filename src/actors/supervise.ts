/**
 * Keeps every thread there and every shard open on its owner.
 *
 * Runs in:   main thread.
 * Limits:    a thread that dies again and again waits `backOffMsMax` at most before it is used; one that does not
 *            come back within `threadStartMsMax` has the whole pool made anew.
 * Invariant: a shard is asked to open on one thread at a time, and on another only after it was closed or its
 *            thread died.
 */

import type { Failure } from '../base/errors.ts';
import { failure } from '../base/errors.ts';
import type { ShardId } from '../base/ids.ts';
import type { Log } from '../base/log.ts';
import type { Clock } from '../ports/clock.ts';
import type { Answer, Ask } from './ask.ts';
import { type ShardOpened, shardClose, shardOpen, systemAsk } from './asks/system.ts';
import type { Channel } from './channel.ts';
import type { Placement } from './placement.ts';
import type { Router } from './router.ts';

export interface SupervisorLimits {
  readonly backOffMsMax: number;
  readonly threadStartMsMax: number;
  readonly shardRetryMs: number;
}

const supervisorLimitsDefault: SupervisorLimits = {
  backOffMsMax: 5_000,
  threadStartMsMax: 15_000,
  shardRetryMs: 5_000,
};

/** A thread that lived so long starts with a clean sheet. */
const stableMs = 60_000;
const backOffMsMin = 100;
/** Deaths while a shard was being opened alone, after which it stays closed. */
const openDeathCountMax = 2;
/** How often threads are counted. */
const countMs = 1_000;

type ShardState = 'closed' | 'opening' | 'open' | 'read-only' | 'failed';

interface ThreadRecord {
  deathCount: number;
  readyMs: number;
  /** When it was last seen missing; undefined while it is there. */
  missingMs: number | undefined;
  /** Changes with each life: what was begun for an earlier one stops. */
  life: number;
  /** It died while opening shards: next time one after the other, to find which. */
  isCareful: boolean;
  opening: ShardId | undefined;
}

export interface SupervisorOptions {
  readonly channel: Channel;
  readonly router: Router;
  readonly placement: Placement;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits?: Partial<SupervisorLimits>;
  /** Asks each thread gets before any other, at each of its starts: policy. */
  readonly standing: (thread: number) => Iterable<Ask>;
  /** The thread takes asks. */
  readonly onServing?: (thread: number) => void;
}

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #limits: SupervisorLimits;
  readonly #threads: ThreadRecord[];
  readonly #shards: ShardState[];
  readonly #openDeaths = new Map<ShardId, number>();
  #isClosing = false;
  #isRebuilding = false;
  #rebuildCount = 0;
  #onAllServing: (() => void) | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#limits = { ...supervisorLimitsDefault, ...options.limits };
    const nowMs = options.clock.monotonicMs();
    this.#threads = Array.from({ length: options.channel.threads }, () => ({
      deathCount: 0,
      readyMs: nowMs,
      missingMs: nowMs,
      life: 0,
      isCareful: false,
      opening: undefined,
    }));
    this.#shards = new Array(options.placement.shards).fill('closed');
  }

  /** Resolves when every thread serves; shards that cannot be opened are set aside and said in the log. */
  started(): Promise<void> {
    this.#countLater();
    return new Promise((resolve) => {
      this.#onAllServing = resolve;
      this.#tellAllServing();
    });
  }

  /** Whether new mail may go to the shard. */
  isOpen(shard: ShardId): boolean {
    return this.#shards[shard] === 'open';
  }

  shardState(shard: ShardId): ShardState {
    return this.#shards[shard]!;
  }

  /** An open shard found that it can write no more: new mail goes elsewhere. */
  noteReadOnly(shard: ShardId): void {
    if (this.#shards[shard] === 'open') this.#shards[shard] = 'read-only';
  }

  deathCount(thread: number): number {
    return this.#threads[thread]!.deathCount;
  }

  ready(thread: number): void {
    const record = this.#threads[thread]!;
    const nowMs = this.#options.clock.monotonicMs();
    const life = ++record.life;
    record.readyMs = nowMs;
    record.missingMs = undefined;
    const waitMs = this.#backOffMs(record);
    if (waitMs === 0) void this.#serve(thread, life);
    else this.#options.clock.setTimer(waitMs, () => void this.#serve(thread, life));
  }

  lost(thread: number, cause: unknown): void {
    const { clock, log, placement, router } = this.#options;
    const record = this.#threads[thread]!;
    const nowMs = clock.monotonicMs();
    if (nowMs - record.readyMs > stableMs) record.deathCount = 0;
    record.deathCount++;
    record.life++;
    record.missingMs = nowMs;
    if (record.opening !== undefined) this.#blame(record.opening);
    else if (placement.shardsOf(thread).some((shard) => this.#shards[shard] === 'opening')) {
      record.isCareful = true;
    }
    record.opening = undefined;
    for (const shard of placement.shardsOf(thread)) {
      if (this.#shards[shard] !== 'failed') this.#shards[shard] = 'closed';
    }
    log.error({ thread, cause, deaths: record.deathCount }, 'an engine thread is gone');
    router.lose(thread);
  }

  /** Opens the shard on its owner; false when it is not open afterwards, and is seen to later. */
  async open(shard: ShardId): Promise<boolean> {
    const { channel, placement, router, log } = this.#options;
    const state = this.#shards[shard];
    if (state !== 'closed' && state !== 'failed') return state !== 'opening';
    const thread = placement.owner(shard);
    // It opens its shards itself when it is back.
    if (!channel.isReady(thread) || this.#isClosing || this.#isRebuilding) return false;
    const { life } = this.#threads[thread]!;
    this.#shards[shard] = 'opening';
    const answer = await router.askThread(thread, systemAsk(shardOpen, shard));
    if (this.#threads[thread]!.life !== life) return false;
    if (!answer.ok) {
      log.error({ shard, code: answer.code, detail: answer.detail }, 'a shard does not open');
      this.#setAside(shard, answer);
      this.#options.clock.setTimer(this.#limits.shardRetryMs, () => void this.#openAgain(shard));
      return false;
    }
    const isReadOnly = (answer.value as ShardOpened | undefined)?.isReadOnly === true;
    this.#shards[shard] = isReadOnly ? 'read-only' : 'open';
    router.admit(shard);
    return true;
  }

  /** Closes the shard on its owner; nothing of it may be under way. */
  async closeShard(shard: ShardId): Promise<Answer> {
    const thread = this.#options.placement.owner(shard);
    const answer = await this.#options.router.askThread(thread, systemAsk(shardClose, shard));
    if (answer.ok) this.#shards[shard] = 'closed';
    return answer;
  }

  /** Waits for all that is under way, closes every shard, ends the threads. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#closeThreads();
    await this.#options.channel.close();
  }

  async #serve(thread: number, life: number): Promise<void> {
    const { placement, router, standing, log } = this.#options;
    const record = this.#threads[thread]!;
    const isOver = () => record.life !== life || this.#isClosing;
    if (isOver()) return;
    const answers = await Promise.all(
      Array.from(standing(thread), (ask) => router.askThread(thread, ask)),
    );
    if (isOver()) return;
    for (const answer of answers) {
      if (!answer.ok)
        log.error({ thread, code: answer.code }, 'a thread refused what all must know');
    }
    const closed = placement.shardsOf(thread).filter((shard) => this.#shards[shard] === 'closed');
    if (record.isCareful) {
      for (const shard of closed) {
        record.opening = shard;
        await this.open(shard);
        if (isOver()) return;
        record.opening = undefined;
      }
      record.isCareful = false;
    } else await Promise.all(closed.map((shard) => this.open(shard)));
    if (isOver()) return;
    await router.resume(thread);
    if (isOver()) return;
    this.#options.onServing?.(thread);
    this.#tellAllServing();
  }

  #tellAllServing(): void {
    if (this.#onAllServing === undefined) return;
    if (!this.#threads.every((_, thread) => this.#options.router.isOpen(thread))) return;
    this.#onAllServing();
    this.#onAllServing = undefined;
  }

  /** The first death costs nothing; each further one in a row doubles the wait. */
  #backOffMs(record: ThreadRecord): number {
    if (record.deathCount < 2) return 0;
    return Math.min(this.#limits.backOffMsMax, backOffMsMin * 2 ** (record.deathCount - 2));
  }

  #blame(shard: ShardId): void {
    const deaths = (this.#openDeaths.get(shard) ?? 0) + 1;
    this.#openDeaths.set(shard, deaths);
    if (deaths < openDeathCountMax) return;
    this.#options.log.error({ shard, deaths }, 'a shard that ends threads stays closed');
    this.#setAside(shard, failure('store-failed', `shard ${shard} is set aside`));
  }

  #setAside(shard: ShardId, answer: Failure): void {
    this.#shards[shard] = 'failed';
    this.#options.router.refuse(shard, answer);
  }

  async #openAgain(shard: ShardId): Promise<void> {
    if (this.#isClosing || this.#shards[shard] !== 'failed') return;
    if (this.#options.router.isOpen(this.#options.placement.owner(shard))) await this.open(shard);
    else {
      this.#options.clock.setTimer(this.#limits.shardRetryMs, () => void this.#openAgain(shard));
    }
  }

  #countLater(): void {
    this.#options.clock.setTimer(countMs, () => {
      if (this.#isClosing) return;
      this.#countThreads();
      this.#countLater();
    });
  }

  #countThreads(): void {
    const nowMs = this.#options.clock.monotonicMs();
    // Each rebuild waits longer: a machine may be too slow for the limit, and would never be done.
    const limitMs = this.#limits.threadStartMsMax * 2 ** Math.min(this.#rebuildCount, 5);
    const isMissing = this.#threads.some(
      ({ missingMs }) => missingMs !== undefined && nowMs - missingMs > limitMs,
    );
    if (isMissing && !this.#isRebuilding) void this.#rebuild();
  }

  /** Piscina makes no more threads once one has failed while it started: only a new pool helps. */
  async #rebuild(): Promise<void> {
    this.#isRebuilding = true;
    this.#rebuildCount++;
    this.#options.log.error({}, 'a thread did not come back: the pool is made anew');
    await this.#closeThreads();
    const nowMs = this.#options.clock.monotonicMs();
    for (const record of this.#threads) {
      record.life++;
      record.missingMs = nowMs;
    }
    await this.#options.channel.rebuild();
    this.#isRebuilding = false;
  }

  async #closeThreads(): Promise<void> {
    const { channel, placement, router } = this.#options;
    const living = this.#threads.map((_, thread) => thread).filter((t) => channel.isReady(t));
    await Promise.all(
      living.map(async (thread) => {
        await router.suspend(thread);
        const open = placement
          .shardsOf(thread)
          .filter((shard) => this.#shards[shard] === 'open' || this.#shards[shard] === 'read-only');
        await Promise.all(open.map((shard) => this.closeShard(shard)));
      }),
    );
  }
}
