/**
 * An operator who works on the queue while it drains: a page of a filter's messages, a hold of one, a bounce of another.
 *
 * Runs in:   bench.
 * Limits:    one call at a time, `pauseMs` between two.
 * Invariant: every call that was answered is timed; a refused one ends the run.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { type Control, openControl } from '../../src/cli/control-client.ts';
import { loadOrThrow } from '../../src/settings/load.ts';
import { senderOf } from './mail.ts';

const pauseMs = 20;
const pageCount = 100;

export const operations = ['list', 'hold', 'bounce'] as const;
export type Operation = (typeof operations)[number];

export interface AdminFigures {
  readonly calls: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export class Admin {
  readonly #control: Control;
  readonly #tookMs = new Map<Operation, number[]>(operations.map((each) => [each, []]));
  readonly #ended: Promise<void>;
  #isStopping = false;
  heldCount = 0;
  bouncedCount = 0;

  static async open(dataFolder: string): Promise<Admin> {
    return new Admin(await openControl(loadOrThrow({ environment: { CHASKI_DATA: dataFolder } })));
  }

  private constructor(control: Control) {
    this.#control = control;
    this.#ended = this.#run();
  }

  /** By operation; rejects where a call failed. */
  async stop(): Promise<Readonly<Record<Operation, AdminFigures>>> {
    this.#isStopping = true;
    try {
      await this.#ended;
    } finally {
      await this.#control.close();
    }
    const figures = operations.map((each) => [each, figuresOf(this.#tookMs.get(each)!)] as const);
    return Object.fromEntries(figures) as Record<Operation, AdminFigures>;
  }

  async #run(): Promise<void> {
    for (let round = 0; !this.#isStopping; round++) {
      const { entries } = await this.#timed('list', () =>
        this.#control.call('queue.list', { sender: senderOf(round), limit: pageCount }),
      );
      await sleep(pauseMs);
      // The last are those that drain last.
      const [bounced, held] = entries.slice(-2).map(({ id }) => id);
      if (held === undefined || bounced === undefined) continue;
      const hold = await this.#timed('hold', () =>
        this.#control.call('queue.hold', { ids: [held] }),
      );
      this.heldCount += hold.count;
      await sleep(pauseMs);
      const bounce = await this.#timed('bounce', () =>
        this.#control.call('queue.delete', { ids: [bounced], withBounce: true }),
      );
      this.bouncedCount += bounce.count;
      await sleep(pauseMs);
    }
  }

  async #timed<T>(operation: Operation, run: () => Promise<T>): Promise<T> {
    const beganMs = performance.now();
    const answer = await run();
    this.#tookMs.get(operation)!.push(performance.now() - beganMs);
    return answer;
  }
}

function figuresOf(tookMs: readonly number[]): AdminFigures {
  const sorted = [...tookMs].sort((a, b) => a - b);
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { calls: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: sorted.at(-1) ?? 0 };
}
