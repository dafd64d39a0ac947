/**
 * Sends one message at a time to accounts on every shard and to two sites, and kills the server at
 * the first, the second, the third … journal sync that the message causes: before it, and after.
 *
 * Runs in:   crash runs, where strace is installed and may attach; the server, the load and the
 *            sink are processes of their own; only the server dies.
 * Limits:    a sweep ends at the first message that needs fewer syncs, or at `pointsMax`.
 * Invariant: each message meets one kill, so what it may double is known copy by copy.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Child } from '../../src/harness/child.ts';
import type { LedgerAccount } from '../../src/harness/ledger/account.ts';
import { LedgerJoin } from '../../src/harness/ledger/ledger-join.ts';
import { LedgerReader } from '../../src/harness/ledger/ledger-reader.ts';
import type { RunReport } from '../../src/harness/measure/run-report.ts';
import { totalsOf } from '../../src/harness/measure/totals.ts';
import { AimedJudge } from './aimed-judge.ts';
import { CrashPlace, lastJson } from './crash-place.ts';
import { localDomain, type Scene } from './scenes.ts';
import { type Hit, type Side, SyncAim } from './sync-aim.ts';

const pointsMax = 200;
/** A kill that came too late is tried again so often. */
const triesMax = 3;
/** No further sync for so long, and an empty queue: the message needs none. Outcomes wait 50 ms. */
const quietMs = 800;
const lookMs = 50;
/** After the last copy came: time for a duplicate to show up. */
const settleMs = 1_500;

export interface AimedOptions {
  readonly scene: Scene;
  readonly protocol: 'smtp' | 'lmtp';
  /** Kills at the first sync and at every so manieth after it. */
  readonly every: number;
  readonly say: (line: string) => void;
}

export interface AimedReport {
  readonly scene: string;
  /** Kills, each at another sync or on its other side. */
  readonly points: number;
  readonly late: number;
  readonly shards: readonly string[];
  readonly acknowledgedPoints: number;
  readonly account: LedgerAccount;
  readonly doubledOutside: number;
  readonly faults: readonly string[];
  /** Kept when there are faults. */
  readonly folder: string;
}

export async function runAimed(options: AimedOptions): Promise<AimedReport> {
  const place = await CrashPlace.prepare(options.scene);
  try {
    const report = await new AimedRun(options, place).run();
    if (report.faults.length === 0) place.remove();
    return report;
  } finally {
    await place.stopAll();
  }
}

class AimedRun {
  readonly #options: AimedOptions;
  readonly #place: CrashPlace;
  readonly #shards = new Set<string>();
  #points = 0;
  #late = 0;
  #acknowledgedPoints = 0;
  #mustRepeat = false;
  readonly #faults: string[] = [];

  constructor(options: AimedOptions, place: CrashPlace) {
    this.#options = options;
    this.#place = place;
  }

  async run(): Promise<AimedReport> {
    for (const side of ['before', 'after'] as const) {
      for (let target = 1; target <= pointsMax; target += this.#options.every) {
        if (!(await this.#killAt(target, side))) break;
      }
    }
    return await this.#finish();
  }

  /** False: the message needed fewer syncs. */
  async #killAt(target: number, side: Side): Promise<boolean> {
    for (let tries = 0; tries < triesMax; tries++) {
      const hit = await this.#tryToKill(target, side);
      if (hit === undefined) return false;
      if (hit.isOnTime) {
        this.#points++;
        return true;
      }
      this.#late++;
    }
    throw new Error(`no kill ${side} sync ${target} was on time in ${triesMax} tries`);
  }

  async #tryToKill(target: number, side: Side): Promise<Hit | undefined> {
    const server = await this.#startServer();
    const aim = await SyncAim.attach(server, target, side);
    this.#place.track(aim.tracer);
    const load = this.#send();
    await Promise.race([server.ended, this.#untilQuiet(server, aim, load)]);
    const hit = await aim.hit();
    await load.ended;
    const { ok: acknowledged, unknown } = totalsOf(lastJson<RunReport>(load.stdout)).copies;
    if (hit === undefined) {
      await aim.detach();
      await server.stop();
    } else {
      this.#shards.add(shardOf(hit.file));
      if (acknowledged > 0) this.#acknowledgedPoints++;
      this.#mustRepeat = unknown > 0;
      const fate = unknown > 0 ? 'not acknowledged' : 'acknowledged';
      this.#options.say(`killed ${side} sync ${target}, shard ${shardOf(hit.file)}, ${fate}`);
    }
    this.#place.forget(server);
    this.#place.forget(aim.tracer);
    this.#place.forget(load);
    return hit;
  }

  /** A server that has done all that earlier kills left to do. */
  async #startServer(): Promise<Child> {
    const server = this.#place.serve();
    await this.#place.untilReady(server);
    if (this.#mustRepeat) await this.#sendAgain();
    const queued = await this.#place.drain(server, this.#options.say);
    if (queued > 0) throw new Error(`still in the queue: ${queued}; see ${this.#place.folder}`);
    // Outcomes wait for at most 50 ms.
    await sleep(4 * lookMs);
    return server;
  }

  /** What a client does that has had no answer. */
  async #sendAgain(): Promise<void> {
    this.#mustRepeat = false;
    const load = this.#send();
    const { code } = await load.ended;
    this.#place.forget(load);
    if (code !== 0) this.#faults.push(`a second try was not acknowledged: ${load.stdout}`);
  }

  #send(): Child {
    return this.#place.play(this.#options.scene);
  }

  async #untilQuiet(server: Child, aim: SyncAim, load: Child): Promise<void> {
    await load.ended;
    let seen = -1;
    let seenMs = 0;
    while (server.isRunning) {
      const count = aim.syncs.length + aim.syncs.filter((sync) => sync.hasReturned).length;
      if (count !== seen) {
        seen = count;
        seenMs = performance.now();
      } else if (performance.now() - seenMs > quietMs) return;
      await sleep(lookMs);
    }
  }

  async #finish(): Promise<AimedReport> {
    const { scene, protocol } = this.#options;
    const { folder, ledger, sink } = this.#place;
    const server = await this.#startServer();
    await sleep(settleMs);
    await scene.collect?.(folder, ledger);
    const { code } = await server.stop('SIGTERM', 30_000);
    if (code !== 0) this.#faults.push(`the drained server ended with ${code}`);
    await sink.stop();
    const join = new LedgerJoin();
    new LedgerReader(ledger).readNew(join);
    const judge = new AimedJudge({ localDomain, isAllOrNone: protocol === 'smtp' });
    new LedgerReader(ledger).readNew(judge);
    const faults = [...this.#faults, ...judge.faults()];
    const account = join.account();
    for (const finding of ['lost', 'corrupted', 'unexplained', 'malformed', 'bounced'] as const) {
      if (account[finding] > 0) faults.push(`${finding}: ${account[finding]}`);
    }
    if (this.#points === 0) faults.push('no sync was met: this proves nothing');
    return {
      scene: scene.name,
      points: this.#points,
      late: this.#late,
      shards: [...this.#shards].sort(),
      acknowledgedPoints: this.#acknowledgedPoints,
      account,
      doubledOutside: judge.doubledOutside,
      faults,
      folder,
    };
  }
}

function shardOf(segment: string): string {
  return /\/shards\/(\d+)\//.exec(segment)?.[1] ?? segment;
}

export function describeAimed(report: AimedReport): string {
  const { account } = report;
  return [
    `aimed ${report.scene}: ${report.points} kill points (${report.late} late, tried again) in the ` +
      `journals of shards ${report.shards.join(' ')}; ` +
      `${report.acknowledgedPoints} of them after the acknowledgement`,
    `${account.messages} messages: ${account.acknowledged} copies acknowledged, ` +
      `${account.unknown} unknown (${account.unknownArrived} arrived)`,
    `${account.arrived} arrived, ${account.lost} lost, ${account.corrupted} corrupted, ` +
      `${report.doubledOutside} twice at a site, none in an account more than once`,
    report.faults.length === 0
      ? 'verdict: nothing lost'
      : `verdict: ${report.faults.join('; ')}; see ${report.folder}`,
  ].join('\n');
}
