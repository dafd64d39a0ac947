/**
 * Requests of the HTTP API that were answered before their messages were made: makes them, a few requests at a time,
 * and goes on after a restart.
 *
 * Runs in:   main thread.
 * Limits:    `waitingMax` batches that have not ended, `tenantWaitingMax` of one tenant, `waitingBytesMax` bytes of
 *            their requests; `runningMax` under way. `keptMax` ended ones are remembered, a day at most; `listedMax` are listed.
 * Invariant: a batch is on disk before `begin` resolves. Its row says at its end what became of each message, and not
 *            before: until then a kill has it gone through again from where it was, a second back at most.
 */

import type { ApiKeyId, MessageId, TenantId } from '../../base/ids.ts';
import type { Log } from '../../base/log.ts';
import { hourMs, mebibyte, secondMs } from '../../base/units.ts';
import type {
  BatchDesk,
  BatchView,
  Generate,
  NewBatch,
  WholeBatchView,
} from '../../edge/protocols/http/api/batches.ts';
import { ApiFault } from '../../edge/protocols/http/api/fault.ts';
import type { ApiKey } from '../../ports/account-directory.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ShardIndex } from '../../ports/shard-index.ts';
import { type BatchHead, BatchRows } from './batch-rows.ts';
import { BatchRun } from './batch-run.ts';

export const waitingMax = 1_000;
export const tenantWaitingMax = 100;
const waitingBytesMaxDefault = 512 * mebibyte;
export const runningMax = 4;
export const keptMax = 1_000;
export const listedMax = 100;
/** As long as idempotency keys are. */
const keptMsMax = 24 * hourMs;
const againMs = secondMs;

export interface BatchesParts {
  readonly table: ShardIndex;
  readonly clock: Clock;
  readonly log: Log;
  readonly waitingBytesMax?: number;
  readonly nextId: () => MessageId;
  /** Of the byte budget. */
  readonly reserve: (bytes: number) => boolean;
  readonly release: (bytes: number) => void;
  readonly keyOf: (id: ApiKeyId) => Promise<ApiKey | undefined>;
}

/** What is known of one that has ended. */
interface Ended {
  readonly view: BatchView;
  readonly tenant: TenantId;
  readonly endedMs: number;
  readonly idempotencyKey: string | undefined;
}

export class Batches implements BatchDesk {
  readonly #parts: BatchesParts;
  readonly #rows: BatchRows;
  /** Oldest first. */
  readonly #waiting = new Map<string, BatchRun>();
  /** In the order they ended. */
  readonly #ended = new Map<string, Ended>();
  readonly #closing = Promise.withResolvers<void>();
  #generate: Generate | undefined;
  #waitingBytes = 0;
  #isClosed = false;

  constructor(parts: BatchesParts) {
    this.#parts = parts;
    this.#rows = new BatchRows(parts.table);
    const heads = this.#rows.heads();
    for (const head of heads) {
      if (head.state === 'generating') this.#wait(new BatchRun(head, true));
    }
    const ended = heads.filter(({ state }) => state !== 'generating');
    for (const head of ended.sort((a, b) => a.endedMs - b.endedMs)) this.#remember(head);
  }

  /** Goes on with what a stop of the server cut off, and with what comes from now on. */
  start(generate: Generate): void {
    this.#generate = generate;
    this.#pump();
  }

  async begin(batch: NewBatch): Promise<{ readonly id: string }> {
    const { asker, idempotencyKey } = batch;
    const { tenant } = asker.key;
    const earlier = this.#earlier(tenant, idempotencyKey);
    if (earlier instanceof BatchRun) await earlier.kept;
    if (earlier !== undefined) return { id: earlier.id };
    const request = Buffer.from(JSON.stringify(batch.given));
    this.#refuseTooMany(tenant, request.byteLength);
    const run = new BatchRun(this.#headOf(batch, request.byteLength));
    this.#wait(run);
    run.kept = this.#keep(run, request);
    await run.kept;
    run.isKept = true;
    this.#pump();
    return { id: run.id };
  }

  list(tenant: TenantId): readonly BatchView[] {
    const waiting = [...this.#waiting.values()].filter((run) => run.tenant === tenant);
    const ended = [...this.#ended.values()].filter((each) => each.tenant === tenant);
    return [...waiting.map((run) => viewOf(run.head())), ...ended.map(({ view }) => view)]
      .sort((a, b) => (a.id < b.id ? 1 : -1))
      .slice(0, listedMax);
  }

  find(tenant: TenantId, id: string): WholeBatchView | undefined {
    const head = this.#waiting.get(id)?.head() ?? this.#rows.head(id);
    return head?.tenant === tenant ? wholeOf(head) : undefined;
  }

  async stop(tenant: TenantId, id: string): Promise<WholeBatchView | undefined> {
    const run = this.#waiting.get(id);
    if (run?.tenant === tenant && run.isKept) {
      run.stop();
      if (run.isRunning) await run.ended.promise;
      else await this.#end(run);
    }
    return this.find(tenant, id);
  }

  /** What is under way stays under way: it goes on at the next start. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#closing.resolve();
    const running = [...this.#waiting.values()].filter(({ isRunning }) => isRunning);
    await Promise.all(running.map(({ ended }) => ended.promise));
    await this.#rows.close();
  }

  /** @throws ApiFault */
  async #keep(run: BatchRun, request: Buffer): Promise<void> {
    try {
      await this.#rows.begin(run.head(), request);
    } catch (error) {
      this.#drop(run);
      this.#parts.log.error({ error }, 'a batch could not be kept');
      throw new ApiFault('store-failed', 'the batch could not be kept');
    }
  }

  #headOf({ asker, count, idempotencyKey }: NewBatch, bytes: number): BatchHead {
    const { key, peer, pool } = asker;
    return {
      ...{ id: this.#parts.nextId(), tenant: key.tenant, key: key.id, peer, bytes },
      ...(pool === undefined ? {} : { pool }),
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
      ...{ acceptedMs: this.#parts.clock.nowMs(), endedMs: 0, state: 'generating', fault: '' },
      ...{ ids: new Array<null>(count).fill(null), failures: [] },
    };
  }

  #earlier(tenant: TenantId, key: string | undefined): { readonly id: string } | undefined {
    if (key === undefined) return undefined;
    for (const run of this.#waiting.values()) {
      if (run.tenant === tenant && run.idempotencyKey === key) return run;
    }
    for (const [id, ended] of this.#ended) {
      const isSame = ended.tenant === tenant && ended.idempotencyKey === key;
      if (isSame && this.#parts.clock.nowMs() - ended.endedMs < keptMsMax) return { id };
    }
    return undefined;
  }

  /** @throws ApiFault */
  #refuseTooMany(tenant: TenantId, bytes: number): void {
    const { waitingBytesMax = waitingBytesMaxDefault } = this.#parts;
    const own = [...this.#waiting.values()].filter((run) => run.tenant === tenant).length;
    const isFull =
      this.#waiting.size >= waitingMax ||
      own >= tenantWaitingMax ||
      this.#waitingBytes + bytes > waitingBytesMax;
    if (isFull) throw new ApiFault('not-possible-now', 'too many batches wait');
  }

  #wait(run: BatchRun): void {
    this.#waiting.set(run.id, run);
    this.#waitingBytes += run.bytes;
  }

  #drop(run: BatchRun): void {
    this.#waiting.delete(run.id);
    this.#waitingBytes -= run.bytes;
  }

  #remember(head: BatchHead): void {
    const { tenant, endedMs, idempotencyKey } = head;
    this.#ended.set(head.id, { view: viewOf(head), tenant, endedMs, idempotencyKey });
  }

  #pump(): void {
    for (;;) {
      const next = this.#isClosed ? undefined : this.#next();
      if (next === undefined || this.#generate === undefined) return;
      next.isRunning = true;
      void this.#run(next, this.#generate);
    }
  }

  /** Of the tenant with the fewest under way, the oldest; undefined while enough are. */
  #next(): BatchRun | undefined {
    const byTenant = new Map<TenantId, number>();
    let running = 0;
    for (const { tenant, isRunning } of this.#waiting.values()) {
      if (isRunning) running++;
      byTenant.set(tenant, (byTenant.get(tenant) ?? 0) + (isRunning ? 1 : 0));
    }
    if (running >= runningMax) return undefined;
    let next: BatchRun | undefined;
    for (const run of this.#waiting.values()) {
      if (run.isRunning || run.isOver || !run.isKept) continue;
      if (next === undefined || byTenant.get(run.tenant)! < byTenant.get(next.tenant)!) next = run;
    }
    return next;
  }

  async #run(run: BatchRun, generate: Generate): Promise<void> {
    const { reserve, release } = this.#parts;
    while (!this.#mayLeave(run) && !reserve(run.bytes)) await this.#pause(againMs);
    if (!this.#mayLeave(run)) {
      await this.#make(run, generate).finally(() => release(run.bytes));
    }
    if (run.isOver) await this.#end(run);
    else await this.#save(run);
    run.isRunning = false;
    run.ended.resolve();
    this.#pump();
  }

  #mayLeave(run: BatchRun): boolean {
    return this.#isClosed || run.isOver;
  }

  async #make(run: BatchRun, generate: Generate): Promise<void> {
    const made = run.make({
      ...{ ...this.#parts, generate, given: () => this.#rows.given(run.id) },
      isClosed: () => this.#isClosed,
      pause: (ms) => this.#pause(ms),
    });
    const through = made.then(() => true);
    while (!(await Promise.race([through, this.#pause(againMs).then(() => this.#isClosed)]))) {
      await this.#save(run);
    }
    await made;
  }

  async #save(run: BatchRun): Promise<void> {
    try {
      await this.#rows.keep(run.head());
    } catch (error) {
      this.#parts.log.warn({ error, id: run.id }, 'how far a batch is could not be kept');
    }
  }

  async #end(run: BatchRun): Promise<void> {
    const { clock, log } = this.#parts;
    const head = run.endedAt(clock.nowMs());
    try {
      await this.#rows.end(head, this.#old());
    } catch (error) {
      // It is gone through again at the next start, and its messages are the same.
      log.warn({ error, id: run.id }, 'the end of a batch could not be kept');
    }
    this.#drop(run);
    this.#remember(head);
    const { id, state, taken, failed, fault } = viewOf(head);
    log.info({ id, state, taken, failed, fault }, 'a batch ended');
  }

  /** Forgets them here. */
  #old(): readonly string[] {
    const sinceMs = this.#parts.clock.nowMs() - keptMsMax;
    const old: string[] = [];
    for (const [id, { endedMs }] of this.#ended) {
      if (this.#ended.size < keptMax && endedMs >= sinceMs) break;
      this.#ended.delete(id);
      old.push(id);
    }
    return old;
  }

  /** Shorter where the server goes down. */
  async #pause(ms: number): Promise<void> {
    const over = Promise.withResolvers<void>();
    const timer = this.#parts.clock.setTimer(ms, over.resolve);
    await Promise.race([over.promise, this.#closing.promise]);
    timer.cancel();
  }
}

function viewOf(head: BatchHead): BatchView {
  const { id, state, ids, failures, acceptedMs, endedMs, fault } = head;
  return {
    ...{ id, state, count: ids.length },
    taken: ids.filter((each) => each !== null).length,
    failed: failures.length,
    acceptedAt: new Date(acceptedMs).toISOString(),
    ...(endedMs === 0 ? {} : { endedAt: new Date(endedMs).toISOString() }),
    fault,
  };
}

function wholeOf(head: BatchHead): WholeBatchView {
  const failures = [...head.failures].sort((a, b) => a.index - b.index);
  return { ...viewOf(head), ids: head.ids, failures };
}
