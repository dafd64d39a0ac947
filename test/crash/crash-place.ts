/**
 * A folder with a server's data and a ledger in it, and the processes that use them.
 *
 * Runs in:   crash runs: the server, the load and the sink are processes of their own; only the
 *            server dies.
 * Limits:    a queue must drain within `drainMsMax`, and never stand still for `stallMsMax`.
 */

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Environment,
  launcher,
  logTail,
  relayEnvironment,
  serve,
} from '../../bench/servers/chaski.ts';
import { freePort, untilGreets } from '../../bench/servers/free-port.ts';
import { openControl } from '../../src/cli/control-client.ts';
import { Child } from '../../src/harness/child.ts';
import { loadOrThrow } from '../../src/settings/load.ts';
import type { Scene } from './scenes.ts';

const readyMsMax = 90_000;
const drainMsMax = 300_000;
const stallMsMax = 30_000;
const queueLookMs = 100;
/** One line of progress in so many looks. */
const sayEvery = 10;

export class CrashPlace {
  readonly folder: string;
  readonly ledger: string;
  readonly port: number;
  readonly sink: Child;
  readonly #environment: Environment;
  readonly #children: Set<Child>;

  private constructor(folder: string, port: number, sink: Child, environment: Environment) {
    this.folder = folder;
    this.ledger = ledgerOf(folder);
    this.port = port;
    this.sink = sink;
    this.#environment = environment;
    this.#children = new Set([sink]);
  }

  /** Starts the sink and prepares the data folder; no server runs afterwards. */
  static async prepare(scene: Scene): Promise<CrashPlace> {
    const folder = mkdtempSync(join(tmpdir(), 'chaski-crash-'));
    mkdirSync(ledgerOf(folder));
    const doors = Array.from({ length: scene.siteCount }, () => '127.0.0.1:0').join(',');
    const model = scene.sinkModel === undefined ? [] : ['--model', scene.sinkModel];
    const sink = harness(folder, 'sink', '--listen', doors, ...model);
    const [ready] = await sink.until(/"ready":\[[^\]]+\]/, readyMsMax);
    const sites = Array.from(ready.matchAll(/:(\d+)"/g), (match) => Number(match[1]));
    const port = await freePort();
    const place = new CrashPlace(folder, port, sink, {
      ...relayEnvironment(join(folder, 'data'), port, sites[0]!),
      // Deferred mail must come back within the run.
      CHASKI_RELAY__RETRY_MS_MIN: '200ms',
      CHASKI_RELAY__RETRY_MS_MAX: '1s',
      ...scene.environment(sites, port),
    });
    try {
      await place.#fill(scene);
    } catch (error) {
      await place.stopAll();
      throw error;
    }
    return place;
  }

  async #fill(scene: Scene): Promise<void> {
    if (scene.prepare === undefined) return;
    const server = this.serve();
    await this.untilReady(server);
    await scene.prepare(this.folder);
    await server.stop();
    this.forget(server);
  }

  serve(): Child {
    return this.track(serve(this.#environment, this.folder));
  }

  /** Begins to play a scenario against the server, entered in the ledger. */
  play({ scenario }: Scene, ...options: readonly string[]): Child {
    const target = ['--target', `127.0.0.1:${this.port}`];
    return this.track(harness(this.folder, 'load', 'run', scenario, ...target, ...options));
  }

  track(child: Child): Child {
    this.#children.add(child);
    return child;
  }

  forget(child: Child): void {
    this.#children.delete(child);
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.#children].map((child) => child.stop('SIGKILL')));
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }

  async untilReady(server: Child): Promise<void> {
    try {
      await untilGreets(this.port, readyMsMax, () => server.isRunning);
    } catch (error) {
      const cause = `the server does not come up in ${this.folder}`;
      throw new Error(`${cause}\n${logTail(this.folder)}`, { cause: error });
    }
  }

  /**
   * Waits until the queue is empty; a stand-still ends the wait. Answers the messages still in it.
   */
  async drain(server: Child, say: (line: string) => void): Promise<number> {
    const environment = { CHASKI_DATA: join(this.folder, 'data') };
    const control = await openControl(loadOrThrow({ environment }));
    const beganMs = performance.now();
    let least = Infinity;
    let progressMs = beganMs;
    try {
      for (let look = 1; performance.now() - beganMs < drainMsMax; look++) {
        if (!server.isRunning) {
          throw new Error(`the server ended while draining\n${logTail(this.folder)}`);
        }
        const { messageCount: queued } = await control.call('queue.list', { limit: 1 });
        if (queued < least) {
          least = queued;
          progressMs = performance.now();
        }
        if (queued === 0 || performance.now() - progressMs > stallMsMax) break;
        if (look % sayEvery === 0) say(`draining: ${queued} messages in the queue`);
        await sleep(queueLookMs);
      }
    } finally {
      await control.close();
    }
    return least;
  }
}

function ledgerOf(folder: string): string {
  return join(folder, 'ledger');
}

function harness(folder: string, ...args: readonly string[]): Child {
  const all = [...args, '--ledger', ledgerOf(folder), '--json'];
  return new Child({ command: launcher, args: all, cwd: folder });
}

/** What a process of the harness said last. */
export function lastJson<T>(output: string): T {
  const line = output.trimEnd().split('\n').at(-1) ?? '';
  return JSON.parse(line) as T;
}
