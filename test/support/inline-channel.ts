/**
 * A channel whose threads are functions in this thread. Everything is still packed, cloned and unpacked, so what
 * would not cross a thread does not cross here.
 *
 * Invariant: as `Channel`; a "thread" ends when its server says so or `kill` is called.
 */

import type {
  Channel,
  ChannelEvents,
  PortMessage,
  ThreadBuild,
  ThreadPart,
} from '../../src/actors/channel.ts';
import { ThreadLostError } from '../../src/actors/channel.ts';

export interface InlineChannelOptions {
  readonly threads: number;
  readonly build: ThreadBuild;
  /** Runs a hop later: tests put their own order here. */
  readonly hop?: (run: () => void) => void;
}

interface Life {
  readonly part: ThreadPart;
  isAlive: boolean;
  /** Rejects what is under way when the life ends. */
  readonly onEnd: Set<() => void>;
}

export class InlineChannel implements Channel {
  readonly threads: number;
  readonly #options: InlineChannelOptions;
  readonly #hop: (run: () => void) => void;
  readonly #lives: (Life | undefined)[];
  #events: ChannelEvents | undefined;
  #isClosed = false;

  constructor(options: InlineChannelOptions) {
    this.threads = options.threads;
    this.#options = options;
    this.#hop = options.hop ?? setImmediate;
    this.#lives = new Array(options.threads).fill(undefined);
  }

  start(events: ChannelEvents): void {
    this.#events = events;
    for (let thread = 0; thread < this.threads; thread++) this.#begin(thread);
  }

  isReady(thread: number): boolean {
    return this.#lives[thread]?.isAlive === true;
  }

  send(thread: number, parcel: ArrayBuffer): Promise<ArrayBuffer> {
    const life = this.#lives[thread];
    if (life?.isAlive !== true) return Promise.reject(new ThreadLostError(thread));
    const moved = structuredClone(parcel, { transfer: [parcel] });
    return new Promise((resolve, reject) => {
      const lose = () => reject(new ThreadLostError(thread));
      life.onEnd.add(lose);
      this.#hop(() => {
        if (!life.isAlive) return;
        life.part.serve(moved).then(
          (answers) =>
            this.#hop(() => {
              if (!life.isAlive) return;
              life.onEnd.delete(lose);
              resolve(structuredClone(answers, { transfer: [answers] }));
            }),
          reject,
        );
      });
    });
  }

  post(thread: number, message: PortMessage): void {
    const life = this.#lives[thread];
    const cloned = structuredClone(message);
    this.#hop(() => {
      if (life?.isAlive === true) life.part.receive?.(cloned);
    });
  }

  activeMs(_thread: number): number {
    return 0;
  }

  /** Ends a thread's life, as a crash would. */
  kill(thread: number, cause: unknown = 'killed'): void {
    const life = this.#lives[thread];
    if (life !== undefined) this.#end(thread, life, cause);
  }

  async rebuild(): Promise<void> {
    for (let thread = 0; thread < this.threads; thread++) {
      const life = this.#lives[thread];
      if (life !== undefined) life.isAlive = false;
      this.#begin(thread);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const life of this.#lives) if (life !== undefined) life.isAlive = false;
  }

  #begin(thread: number): void {
    this.#hop(async () => {
      if (this.#isClosed || this.isReady(thread)) return;
      let life: Life | undefined;
      const part = await this.#options.build({
        thread,
        post: (message) => {
          const cloned = structuredClone(message);
          this.#hop(() => {
            if (life?.isAlive === true) this.#events?.onMessage(thread, cloned);
          });
        },
        end: (cause) => {
          if (life !== undefined) this.#end(thread, life, cause);
        },
      });
      if (this.#isClosed) return;
      life = { part, isAlive: true, onEnd: new Set() };
      this.#lives[thread] = life;
      this.#events?.onReady(thread);
    });
  }

  #end(thread: number, life: Life, cause: unknown): void {
    if (!life.isAlive) return;
    life.isAlive = false;
    for (const lose of life.onEnd) lose();
    if (this.#isClosed) return;
    this.#events?.onLost(thread, cause);
    this.#begin(thread);
  }
}
