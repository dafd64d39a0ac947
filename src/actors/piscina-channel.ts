/**
 * The channel over one Piscina pool whose threads are pinned: each parcel goes to the thread it names.
 *
 * Runs in:   main thread.
 * Limits:    none of its own: the router keeps two parcels a shard under way.
 * Invariant: Piscina's own queue stays empty: once it queues, it reorders. It makes and ends the threads, and starts
 *            each by a task; parcels go by the thread's port, at half the price of tasks (decision 0099).
 */

import { MessageChannel, type MessagePort, type Worker } from 'node:worker_threads';
import { Piscina, type TaskQueue } from 'piscina';
import { assert } from '../base/assert.ts';
import type { Log } from '../base/log.ts';
import { type Channel, type ChannelEvents, type PortMessage, ThreadLostError } from './channel.ts';
import { type AnswersMessage, send, type ThreadMessage } from './thread-port.ts';

export interface PiscinaChannelOptions {
  /** The entry file, as a file URL. Its default export is made by `threadEntry`. */
  readonly entry: string;
  readonly threads: number;
  /** Given to each thread as `workerData`. */
  readonly workerData?: unknown;
  readonly log: Log;
}

/** What the entry's default export is called with, once a thread (`thread-entry.ts`). */
export interface ThreadTask {
  readonly thread: number;
  readonly port: MessagePort;
}

/** Its start. */
const tasksPerThreadMax = 1;

/** The pool's own queue: it takes nothing. A thread that is not there is a bug of ours, not a reason to wait. */
const noQueue: TaskQueue = {
  size: 0,
  shift: () => null,
  remove: () => {},
  push: () => assert(false, "a task came into the pool's own queue"),
};

/** The balancer sees a task's value of this symbol; it is not cloned to the thread. */
const owner = Piscina.queueOptionsSymbol;

interface Slot {
  worker: Worker | undefined;
  port: MessagePort | undefined;
  isReady: boolean;
  /** Parcels without answers, by number. */
  readonly sent: Map<number, Sent>;
}

interface Sent {
  readonly resolve: (answers: ArrayBuffer) => void;
  readonly reject: (error: unknown) => void;
}

export class PiscinaChannel implements Channel {
  readonly threads: number;
  readonly #options: PiscinaChannelOptions;
  readonly #slots: Slot[];
  #pool: Piscina | undefined;
  #events: ChannelEvents | undefined;
  #isClosing = false;
  #number = 0;

  constructor(options: PiscinaChannelOptions) {
    this.#options = options;
    this.threads = options.threads;
    this.#slots = Array.from({ length: options.threads }, () => ({
      worker: undefined,
      port: undefined,
      isReady: false,
      sent: new Map(),
    }));
  }

  start(events: ChannelEvents): void {
    this.#events = events;
    this.#makePool();
  }

  isReady(thread: number): boolean {
    return this.#slots[thread]!.isReady;
  }

  send(thread: number, parcel: ArrayBuffer): Promise<ArrayBuffer> {
    const { isReady, port, sent } = this.#slots[thread]!;
    if (!isReady || port === undefined) return Promise.reject(new ThreadLostError(thread));
    const number = ++this.#number;
    return new Promise((resolve, reject) => {
      sent.set(number, { resolve, reject });
      send(port, { kind: 'parcel', number, parcel });
    });
  }

  post(thread: number, message: PortMessage): void {
    const { port } = this.#slots[thread]!;
    if (port !== undefined) send(port, message);
  }

  activeMs(thread: number): number {
    return this.#slots[thread]!.worker?.performance.eventLoopUtilization().active ?? 0;
  }

  async rebuild(): Promise<void> {
    await this.#end();
    this.#makePool();
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#end();
  }

  #makePool(): void {
    const { entry, threads, workerData, log } = this.#options;
    const pool = new Piscina({
      filename: entry,
      minThreads: threads,
      maxThreads: threads,
      atomics: 'disabled',
      concurrentTasksPerWorker: tasksPerThreadMax,
      recordTiming: false,
      taskQueue: noQueue,
      workerData,
      loadBalancer: (task, workers) => {
        const wanted = this.#slots[(task as unknown as Record<symbol, number>)[owner]!]!.worker;
        return workers.find((worker) => worker.id === wanted?.threadId) ?? null;
      },
    });
    this.#pool = pool;
    // Without a listener a thread that fails idle would end the process.
    pool.on('error', (error) => log.error({ error }, 'an engine thread failed'));
    // A new thread can be given tasks only after Piscina's own listeners to its start have run.
    pool.on('workerCreate', ({ id }: { readonly id: number }) =>
      queueMicrotask(() => {
        if (this.#pool === pool) this.#adopt(id);
      }),
    );
  }

  /** Gives a thread that can take tasks the lowest free number. */
  #adopt(threadId: number): void {
    const worker = this.#pool!.threads.find((thread) => thread.threadId === threadId);
    const thread = this.#slots.findIndex((slot) => slot.worker === undefined);
    if (worker === undefined || thread < 0) return;
    this.#slots[thread]!.worker = worker;
    worker.once('error', (error) => this.#lose(thread, worker, error));
    worker.once('exit', (code) => this.#lose(thread, worker, `exit code ${code}`));
    this.#begin(thread, worker);
  }

  #begin(thread: number, worker: Worker): void {
    const { port1, port2 } = new MessageChannel();
    const slot = this.#slots[thread]!;
    slot.port = port1;
    port1.on('message', (message: ThreadMessage) => {
      if (message.kind === 'answers') settle(slot.sent, message);
      else if (message.kind !== 'parcel') this.#events?.onMessage(thread, message);
    });
    const task: ThreadTask = { thread, port: port2 };
    const started = this.#pool!.run({ ...task, [owner]: thread }, { transferList: [port2] });
    started.then(
      () => {
        if (slot.worker !== worker) return;
        slot.isReady = true;
        this.#events?.onReady(thread);
      },
      (error) => this.#options.log.error({ error, thread }, 'an engine thread did not start'),
    );
  }

  #lose(thread: number, worker: Worker, cause: unknown): void {
    const slot = this.#slots[thread]!;
    if (slot.worker !== worker) return;
    slot.port?.close();
    slot.worker = undefined;
    slot.port = undefined;
    slot.isReady = false;
    this.#letGo(thread, slot);
    if (!this.#isClosing) this.#events?.onLost(thread, cause);
  }

  /** What the thread had is never answered. */
  #letGo(thread: number, { sent }: Slot): void {
    for (const { reject } of sent.values()) reject(new ThreadLostError(thread));
    sent.clear();
  }

  async #end(): Promise<void> {
    const pool = this.#pool;
    this.#pool = undefined;
    for (const [thread, slot] of this.#slots.entries()) {
      slot.port?.close();
      slot.worker = undefined;
      slot.port = undefined;
      slot.isReady = false;
      this.#letGo(thread, slot);
    }
    await pool?.destroy();
  }
}

function settle(sent: Map<number, Sent>, { number, answers, fault }: AnswersMessage): void {
  const parcel = sent.get(number);
  sent.delete(number);
  if (answers !== undefined) parcel?.resolve(answers);
  else parcel?.reject(new Error(fault));
}
