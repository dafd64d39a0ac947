/**
 * Kills a real server again and again while mail goes through it, and counts afterwards.
 *
 * Runs in:   crash runs: the server, the load and the sink are processes of their own; only the
 *            server dies.
 * Invariant: every copy acknowledged with 250 arrives, unchanged; one that was not acknowledged
 *            arrives at most once or not at all; duplicates stay within the transactions that were
 *            open at the kills.
 */

import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { logTail } from '../../bench/servers/chaski.ts';
import type { LedgerAccount } from '../../src/harness/ledger/account.ts';
import { LedgerJoin } from '../../src/harness/ledger/ledger-join.ts';
import { LedgerReader } from '../../src/harness/ledger/ledger-reader.ts';
import { parseLedgerThreshold } from '../../src/harness/ledger/thresholds.ts';
import { judge, type Verdict } from '../../src/harness/ledger/verdict.ts';
import type { RunReport } from '../../src/harness/measure/run-report.ts';
import { type Totals, totalsOf } from '../../src/harness/measure/totals.ts';
import { SeededRandom } from '../../src/harness/seeded-random.ts';
import type { SinkCounts } from '../../src/harness/sink/sink.ts';
import { CrashPlace, lastJson } from './crash-place.ts';
import type { Scene } from './scenes.ts';

/** A load that found no server tries again, later each time; on a busy machine that may be after the kill. */
const playMsMax = 10_000;
/** After the last copy came: time for a duplicate to show up. */
const settleMs = 1_500;
/**
 * Design §3: an outbound connection holds one open transaction and at most one pipelined behind it.
 */
const transactionsPerConnection = 2;
/** One kill in so many comes while the server is still starting. */
const earlyKillEvery = 8;

export interface CrashOptions {
  readonly scene: Scene;
  readonly rounds: number;
  readonly seed: number;
  /** A round lives this long at most once it is ready. */
  readonly roundMsMax: number;
  readonly say: (line: string) => void;
}

export interface CrashReport {
  readonly scene: string;
  readonly seed: number;
  readonly kills: number;
  readonly earlyKills: number;
  readonly readyMsMax: number;
  readonly drainMs: number;
  readonly account: LedgerAccount;
  readonly load: Totals;
  readonly sink: SinkCounts;
  readonly duplicatesMax: number;
  readonly copiesPerTransaction: number;
  /** Copies that stand in an account twice; not one may. */
  readonly repeatedLocally: number;
  /** Of the copies acknowledged, those that came by HTTP. */
  readonly injected: number;
  readonly exitCode: number | null;
  readonly verdict: Verdict;
  /** Kept when the verdict is bad. */
  readonly folder: string;
}

type Ended = Pick<
  CrashReport,
  'load' | 'sink' | 'exitCode' | 'drainMs' | 'repeatedLocally' | 'injected'
>;

export async function runCrash(options: CrashOptions): Promise<CrashReport> {
  const place = await CrashPlace.prepare(options.scene);
  try {
    const report = await new CrashRun(options, place).run();
    if (report.verdict.ok) place.remove();
    return report;
  } finally {
    await place.stopAll();
  }
}

class CrashRun {
  readonly #options: CrashOptions;
  readonly #place: CrashPlace;
  readonly #random: SeededRandom;
  #earlyKills = 0;
  #slowestReadyMs = 0;

  constructor(options: CrashOptions, place: CrashPlace) {
    this.#options = options;
    this.#place = place;
    this.#random = new SeededRandom(options.seed);
  }

  async run(): Promise<CrashReport> {
    const { scene, rounds, say } = this.#options;
    const { folder, ledger, sink } = this.#place;
    const load = this.#place.play(scene, '--seed', `${this.#options.seed}`);
    const injection = scene.inject?.(ledger);
    for (let round = 1; round <= rounds; round++) await this.#killOnce(round);
    // The load may not find a server any more; what it has under way becomes unknown.
    await load.stop('SIGTERM', 30_000);
    await injection?.stop();
    const server = this.#place.serve();
    await this.#place.untilReady(server);
    const beganMs = performance.now();
    const queued = await this.#place.drain(server, say);
    await sleep(settleMs);
    const drainMs = Math.round(performance.now() - beganMs);
    const repeatedLocally = (await scene.collect?.(folder, ledger)) ?? 0;
    const { code } = await server.stop('SIGTERM', 30_000);
    await sink.stop();
    const counts = lastJson<SinkCounts>(sink.stdout);
    const loadReport = totalsOf(lastJson<RunReport>(load.stdout));
    const injected = injection?.acknowledged ?? 0;
    const ended = {
      ...{ load: loadReport, sink: counts, exitCode: code, drainMs, repeatedLocally, injected },
    };
    return this.#report(ended, queued);
  }

  async #killOnce(round: number): Promise<void> {
    const beganMs = performance.now();
    const server = this.#place.serve();
    const isEarly = round % earlyKillEvery === 0;
    if (isEarly) {
      this.#earlyKills++;
      await sleep(this.#random.fraction() * Math.max(300, this.#slowestReadyMs));
    } else {
      await this.#place.untilReady(server);
      const readyMs = Math.round(performance.now() - beganMs);
      this.#slowestReadyMs = Math.max(this.#slowestReadyMs, readyMs);
      await this.#untilPlayed();
      await sleep(50 + this.#random.fraction() * this.#options.roundMsMax);
    }
    if (!server.isRunning)
      throw new Error(`round ${round}: the server ended\n${logTail(this.#place.folder)}`);
    await server.stop('SIGKILL');
    this.#place.forget(server);
    const livedMs = Math.round(performance.now() - beganMs);
    this.#options.say(`round ${round}: killed after ${livedMs} ms${isEarly ? ', early' : ''}`);
  }

  /** Until somebody enters something in the ledger: a kill of an idle server shows nothing. */
  async #untilPlayed(): Promise<void> {
    const { ledger } = this.#place;
    const before = bytesIn(ledger);
    const endMs = performance.now() + playMsMax;
    while (bytesIn(ledger) === before && performance.now() < endMs) await sleep(20);
  }

  #report(parts: Ended, queued: number): CrashReport {
    const { scene } = this.#options;
    const ledger = new LedgerJoin();
    new LedgerReader(this.#place.ledger).readNew(ledger);
    const account = ledger.account();
    const { connectionsCut } = parts.sink;
    const duplicatesMax = connectionsCut * transactionsPerConnection * scene.copiesPerTransaction;
    const judged = judge(account, [parseLedgerThreshold(`duplicated <= ${duplicatesMax}`)]);
    const faults = [...judged.faults];
    if (account.acknowledged === 0) faults.push('nothing was acknowledged: this proves nothing');
    if (!(queued === 0)) faults.push(`still in the queue: ${queued}`);
    if (parts.repeatedLocally > 0) faults.push(`twice in an account: ${parts.repeatedLocally}`);
    if (scene.reportsFailures === true) faults.push(...reportFaults(account, parts));
    else if (account.bounced > 0) faults.push(`bounced: ${account.bounced}`);
    if (parts.sink.unmarked > 0) faults.push(`arrived without a mark: ${parts.sink.unmarked}`);
    if (parts.exitCode !== 0) faults.push(`the drained server ended with ${parts.exitCode}`);
    return {
      scene: scene.name,
      seed: this.#options.seed,
      kills: this.#options.rounds,
      earlyKills: this.#earlyKills,
      readyMsMax: this.#slowestReadyMs,
      ...parts,
      account,
      duplicatesMax,
      copiesPerTransaction: scene.copiesPerTransaction,
      verdict: { ok: faults.length === 0, faults },
      folder: this.#place.folder,
    };
  }
}

function bytesIn(folder: string): number {
  return readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
}

/** A scene with receivers that refuse for good proves something only if reports and mail by HTTP were among it. */
function reportFaults(account: LedgerAccount, { injected }: Ended): string[] {
  const faults: string[] = [];
  if (account.bounced === 0) faults.push('nobody was told of a failure: this proves nothing');
  if (injected === 0) faults.push('nothing came by HTTP: this proves nothing');
  return faults;
}

export function describeCrash(report: CrashReport): string {
  const { account, sink, load } = report;
  return [
    `${report.scene}, seed ${report.seed}: ${report.kills} kills, ` +
      `${report.earlyKills} of them while starting`,
    `slowest start ${report.readyMsMax} ms, drained in ${report.drainMs} ms`,
    `${account.messages} messages: ${account.acknowledged} copies acknowledged, ` +
      `${account.refused} refused, ${account.unknown} unknown (${account.unknownArrived} arrived)`,
    `${account.arrived} arrived, ${account.lost} lost, ${account.corrupted} corrupted, ` +
      `${account.unexplained} unexplained, ${report.repeatedLocally} twice in an account`,
    `${account.bounced} reported as failed, ${report.injected} acknowledged by HTTP`,
    `${account.duplicated} duplicated, bound ${report.duplicatesMax} ` +
      `(${sink.connectionsCut} connections cut × ${transactionsPerConnection} transactions × ` +
      `${report.copiesPerTransaction} copies)`,
    `closings seen by the load: ${JSON.stringify(load.closings)}`,
    report.verdict.ok
      ? 'verdict: nothing lost'
      : `verdict: ${report.verdict.faults.join('; ')}; see ${report.folder}`,
  ].join('\n');
}
