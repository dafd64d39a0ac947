/**
 * Acts on all queued messages that a selection means, be they millions: page by page, on all shards at once, seen and
 * stopped by whoever asks, and gone on with after a restart.
 *
 * Runs in:   main thread.
 * Limits:    `runningMax` at a time; `keptMax` ended ones are remembered. A shard that cannot do its part is asked again
 *            after `againMs`, `triesMax` times in a row.
 * Invariant: an act is on disk before its first page, and how far it is at least each `savedMs`. What was accepted after
 *            it began is not meant. After a kill the pages of the last `savedMs` are looked at again: what is done to
 *            them already is neither done nor counted again, but a `retry`, which tries again what still waits.
 */

import { Buffer } from 'node:buffer';
import { join } from 'node:path';
import type { MassActState, MassActView } from '../actors/asks/queue-act-control.ts';
import {
  type QueueActPage,
  type QueueActPageAnswer,
  queueAsks,
} from '../actors/asks/queue-asks.ts';
import type { Router } from '../actors/router.ts';
import { openLmdbTable } from '../adapters/lmdb/shard-index.ts';
import { nodeClock } from '../adapters/node/clock.ts';
import { failureOf, MailError } from '../base/errors.ts';
import { lastIdAt, type ShardId, shardId } from '../base/ids.ts';
import type { Log } from '../base/log.ts';
import { mebibyte, secondMs } from '../base/units.ts';
import type { Clock } from '../ports/clock.ts';
import type { ShardIndex } from '../ports/shard-index.ts';
import { answered, askShard } from './control/shard-asks.ts';

export const runningMax = 4;
export const keptMax = 50;
const savedMs = secondMs;
const toldMs = 250;
const againMs = secondMs;
const triesMax = 30;
const mapBytes = 64 * mebibyte;

export interface MassActsParts {
  readonly table: ShardIndex;
  readonly clock: Clock;
  readonly log: Log;
  readonly shards: number;
  /** One page of a shard. @throws MailError as the shard answers. */
  readonly page: (shard: ShardId, page: QueueActPage) => Promise<QueueActPageAnswer>;
}

/** What a new one is to do. */
export type NewMassAct = Pick<MassActView, 'action' | 'selection' | 'queuedCount'> &
  Pick<QueueActPage, 'binding'>;

/** As it stands in its row. */
interface Kept extends MassActView {
  readonly binding?: QueueActPage['binding'];
  readonly upTo: string;
  /** By shard: where its last page ended; `null`: it is through. */
  readonly places: readonly (string | null)[];
}

type Running = { -readonly [K in keyof Kept]: Kept[K] } & {
  places: (string | null)[];
  isStopping: boolean;
  ended: Promise<void>;
};

export class MassActs {
  readonly #parts: MassActsParts;
  readonly #running = new Map<number, Running>();
  readonly #closing = Promise.withResolvers<void>();
  #isClosed = false;

  constructor(parts: MassActsParts) {
    this.#parts = parts;
  }

  /** Goes on with what a stop of the server cut off. */
  resume(): void {
    for (const kept of this.#rows()) {
      if (kept.state === 'running' && !this.#running.has(kept.id)) this.#run(kept);
    }
  }

  /** Newest first. */
  list(): readonly MassActView[] {
    const rows = this.#rows().map((kept) => viewOf(this.#running.get(kept.id) ?? kept));
    return rows.reverse();
  }

  /** @throws MailError `not-found` */
  find(id: number): MassActView {
    const found = this.list().find((each) => each.id === id);
    if (found === undefined) throw new MailError('not-found', `act ${id}`);
    return found;
  }

  /** Answers once it is on disk; it goes on by itself. @throws MailError `not-possible-now` */
  async begin(wanted: NewMassAct): Promise<MassActView> {
    const { clock, shards, table } = this.#parts;
    if (this.#running.size >= runningMax) {
      throw new MailError('not-possible-now', `${runningMax} acts are under way: stop one first`);
    }
    const startedMs = clock.nowMs();
    const rows = this.#rows();
    const kept: Kept = {
      ...wanted,
      id: Math.max(0, ...rows.map(({ id }) => id), ...this.#running.keys()) + 1,
      ...{ state: 'running', startedMs, endedMs: 0, count: 0, scannedCount: 0, fault: '' },
      upTo: lastIdAt(startedMs),
      places: Array.from({ length: shards }, () => ''),
    };
    const running = this.#note(kept);
    const ended = rows.filter(({ state }) => state !== 'running');
    const old = ended.slice(0, Math.max(0, ended.length - keptMax + 1));
    try {
      await table.commit([
        ...old.map(({ id }) => ({ remove: keyOf(id) })),
        { put: keyOf(kept.id), value: rowOf(kept) },
      ]);
    } catch (error) {
      this.#running.delete(kept.id);
      throw error;
    }
    running.ended = this.#runAll(running);
    return viewOf(running);
  }

  /** What it has under way is still done. @throws MailError `not-found` */
  async stop(id: number): Promise<MassActView> {
    const running = this.#running.get(id);
    if (running !== undefined) {
      running.isStopping = true;
      await running.ended;
    }
    return this.find(id);
  }

  /** Tells how far it is until it ended, or who hears went away. @throws MailError `not-found` */
  async follow(
    id: number,
    tell: (act: MassActView) => Promise<void>,
    signal: AbortSignal,
  ): Promise<MassActView> {
    const running = this.#running.get(id);
    while (running?.state === 'running' && !signal.aborted) {
      await Promise.race([running.ended, this.#pause(toldMs)]);
      if (running.state === 'running') await tell(viewOf(running));
    }
    return this.find(id);
  }

  /** Under way stays under way: it goes on at the next start. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#closing.resolve();
    await Promise.all([...this.#running.values()].map(({ ended }) => ended));
    await this.#parts.table.close();
  }

  #run(kept: Kept): void {
    const running = this.#note(kept);
    running.ended = this.#runAll(running);
  }

  #note(kept: Kept): Running {
    const places = [...kept.places];
    const running: Running = { ...kept, places, isStopping: false, ended: Promise.resolve() };
    this.#running.set(kept.id, running);
    return running;
  }

  async #runAll(act: Running): Promise<void> {
    const { log, clock } = this.#parts;
    const parts = Promise.allSettled(act.places.map((_, at) => this.#runShard(act, at)));
    const through = parts.then(() => true);
    while (!this.#isClosed && !(await Promise.race([through, this.#pause(savedMs)]))) {
      await this.#save(act);
    }
    const failed = (await parts).find((part) => part.status === 'rejected');
    if (failed !== undefined) {
      const { code, detail } = failureOf(failed.reason);
      act.fault = detail === '' ? code : detail;
    }
    if (!this.#isClosed || act.places.every((place) => place === null)) {
      act.state = stateOf(act);
      act.endedMs = clock.nowMs();
    }
    await this.#save(act);
    this.#running.delete(act.id);
    const { id, action, count, state } = act;
    log.info({ id, action, count, state, fault: act.fault }, 'an act on the queue ended');
  }

  async #runShard(act: Running, at: number): Promise<void> {
    const { action, selection, binding, upTo } = act;
    const doing = { action, selection, upTo, ...(binding === undefined ? {} : { binding }) };
    let tries = 0;
    for (;;) {
      const after = act.places[at];
      if (after === null || after === undefined || act.isStopping || this.#isClosed) return;
      try {
        const answer = await this.#parts.page(shardId(at), { ...doing, after });
        act.count += answer.count;
        act.scannedCount += answer.scannedCount;
        act.places[at] = answer.scannedTo === '' ? null : answer.scannedTo;
        tries = 0;
      } catch (error) {
        if (!(error instanceof MailError) || ++tries > triesMax) throw error;
        await this.#pause(againMs);
      }
    }
  }

  async #save({ isStopping: _, ended: __, ...kept }: Running): Promise<void> {
    try {
      await this.#parts.table.commit([{ put: keyOf(kept.id), value: rowOf(kept) }]);
    } catch (error) {
      // It is only looked at again from farther back.
      this.#parts.log.warn({ error, id: kept.id }, 'how far an act is could not be kept');
    }
  }

  /** Shorter where the server goes down. */
  async #pause(ms: number): Promise<void> {
    const over = Promise.withResolvers<void>();
    const timer = this.#parts.clock.setTimer(ms, over.resolve);
    await Promise.race([over.promise, this.#closing.promise]);
    timer.cancel();
  }

  #rows(): readonly Kept[] {
    const entries = this.#parts.table.range({ from: Buffer.of(0), to: Buffer.of(0xff) });
    return entries.map(({ value }) => JSON.parse(Buffer.from(value).toString()) as Kept);
  }
}

function stateOf({ places, fault }: Running): MassActState {
  if (fault !== '') return 'failed';
  return places.every((place) => place === null) ? 'done' : 'stopped';
}

function viewOf(act: Kept): MassActView {
  const { id, action, selection, state, startedMs, endedMs } = act;
  const { count, scannedCount, queuedCount, fault } = act;
  return {
    ...{ id, action, selection, state, startedMs, endedMs },
    ...{ count, scannedCount, queuedCount, fault },
  };
}

function keyOf(id: number): Buffer {
  const key = Buffer.alloc(5, 1);
  key.writeUInt32BE(id, 1);
  return key;
}

function rowOf(kept: Kept): Buffer {
  return Buffer.from(JSON.stringify(kept));
}

interface OpenRequest {
  readonly folder: string;
  readonly shards: number;
  readonly runtime: { readonly router: Pick<Router, 'ask'> };
  readonly log: Log;
  /** Nothing that a stop cut off is gone on with. */
  readonly isOffline: boolean;
}

/** In `data/queue-acts`. */
export function openMassActs(
  { folder, shards, runtime, log, isOffline }: OpenRequest,
  closers: (() => Promise<void>)[],
): MassActs {
  const table = openLmdbTable({ path: join(folder, 'queue-acts'), mapBytes });
  const parts = { router: runtime.router, clock: nodeClock };
  const page = async (shard: ShardId, meta: QueueActPage) => {
    // An actor of its own: what operators list and hold meanwhile does not wait for it.
    const ask = { shard, actor: 'mass-act', name: queueAsks.actOnPage, meta, msMax: 0 };
    return answered(await askShard(parts, ask)) as QueueActPageAnswer;
  };
  const acts = new MassActs({ table, clock: nodeClock, log, shards, page });
  closers.push(() => acts.close());
  if (!isOffline) acts.resume();
  return acts;
}
