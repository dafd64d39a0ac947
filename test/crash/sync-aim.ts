/**
 * Watches a running server's journal syncs through strace, holds each of them for a moment, and
 * kills the server at the one it is told to.
 *
 * Runs in:   crash runs, where strace is installed and may attach.
 * Limits:    a sync is held for `holdMs` before and after: the kill must be done within that.
 * Invariant: syncs are counted over all threads, in the order in which they began.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Child } from '../../src/harness/child.ts';

const attachMsMax = 15_000;
const holdMs = 150;

export interface Sync {
  readonly thread: number;
  /** The segment's path. */
  readonly file: string;
  readonly hasReturned: boolean;
}

/**
 * `before`: the kernel has not begun the sync. `after`: it is done, and its thread has not gone on.
 */
export type Side = 'before' | 'after';

export interface Hit {
  readonly file: string;
  /** False: the sync went on before the kill came, and this point proves nothing. */
  readonly isOnTime: boolean;
}

const begun = /^(\d+) +f(?:data)?sync\(\d+<([^>]*\.seg)>/gm;

/** Syncs of segments in what strace shows, in the order they began. */
export function readSyncs(log: string): readonly Sync[] {
  return Array.from(log.matchAll(begun), (match) => {
    const [text, thread, file] = match;
    const rest = log.slice(match.index + text.length);
    // The result stands on the same line, or on one of its own when others came in between.
    const own = /^[^\n]*?\) += 0/.test(rest.slice(0, rest.search(/\n|$/)));
    const resumed = new RegExp(`^${thread} +<\\.\\.\\. f(?:data)?sync resumed>.*= 0`, 'm');
    return { thread: Number(thread), file: file!, hasReturned: own || resumed.test(rest) };
  });
}

export class SyncAim {
  readonly #tracer: Child;
  readonly #server: Child;
  readonly #target: number;
  readonly #side: Side;
  #wasKilled = false;

  /** Attached from when this resolves on; the server dies at its `target`th sync from then on. */
  static async attach(server: Child, target: number, side: Side): Promise<SyncAim> {
    const calls = 'fdatasync,fsync';
    const holds = `delay_enter=${holdMs}ms:delay_exit=${holdMs}ms`;
    const tracer = new Child({
      command: 'strace',
      args: [
        ...['-f', '-y', '-s', '0', '-e', 'signal=none', '-e', `trace=${calls}`],
        // Through a pipe it shows a call at once when it begins, into a file or to us only later.
        ...['-e', `inject=${calls}:${holds}`, '-o', '|cat', '-p', `${server.pid}`],
      ],
    });
    const aim = new SyncAim(tracer, server, target, side);
    await aim.#untilAttached();
    return aim;
  }

  private constructor(tracer: Child, server: Child, target: number, side: Side) {
    this.#tracer = tracer;
    this.#server = server;
    this.#target = target;
    this.#side = side;
    tracer.watch(() => this.#look());
  }

  get tracer(): Child {
    return this.#tracer;
  }

  get syncs(): readonly Sync[] {
    return readSyncs(this.#tracer.stdout);
  }

  /** The sync the server died at, once it is dead; undefined when it was not killed. */
  async hit(): Promise<Hit | undefined> {
    if (!this.#wasKilled) return undefined;
    await this.#server.ended;
    await this.#tracer.ended;
    const sync = this.syncs[this.#target - 1]!;
    return { file: sync.file, isOnTime: this.#side === 'after' || !sync.hasReturned };
  }

  async detach(): Promise<void> {
    await this.#tracer.stop('SIGINT');
  }

  #look(): void {
    if (this.#wasKilled) return;
    const sync = this.syncs[this.#target - 1];
    if (sync === undefined || (this.#side === 'after' && !sync.hasReturned)) return;
    this.#wasKilled = true;
    process.kill(this.#server.pid, 'SIGKILL');
  }

  async #untilAttached(): Promise<void> {
    const deadlineMs = performance.now() + attachMsMax;
    while (!isTraced(this.#server.pid)) {
      if (!this.#tracer.isRunning || performance.now() > deadlineMs) {
        throw new Error(`strace does not attach: ${this.#tracer.stderr}`);
      }
      await sleep(20);
    }
  }
}

/** Whether every thread of the process has a tracer (proc(5)). */
function isTraced(pid: number): boolean {
  return readdirSync(`/proc/${pid}/task`).every((thread) =>
    /^TracerPid:\s+[1-9]/m.test(readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8')),
  );
}
