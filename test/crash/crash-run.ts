/**
 * Kills a real server again and again while mail goes through it, and counts afterwards.
 *
 * Runs in:   crash runs: the server, the load and the sink are processes of their own; only the
 *            server dies.
 * Limits:    the queue must drain within `drainMsMax` after the last kill, and never stand still
 *            for `stallMsMax`.
 * Invariant: every copy acknowledged with 250 arrives, unchanged; one that was not acknowledged
 *            arrives at most once or not at all; duplicates stay within the transactions that were
 *            open at the kills.
 */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Environment,
  launcher,
  logTail,
  relayEnvironment,
  runCommand,
  serve,
} from '../../bench/servers/chaski.ts';
import { freePort, untilGreets } from '../../bench/servers/free-port.ts';
import { Child } from '../../src/harness/child.ts';
import { type LedgerAccount, LedgerJoin } from '../../src/harness/ledger/ledger-join.ts';
import { LedgerReader } from '../../src/harness/ledger/ledger-reader.ts';
import { judge, type Verdict } from '../../src/harness/ledger/verdict.ts';
import type { LoadReport } from '../../src/harness/load/tally.ts';
import { SeededRandom } from '../../src/harness/seeded-random.ts';
import type { SinkCounts } from '../../src/harness/sink/sink.ts';
import { mixedRecipients, type Scene } from './scenes.ts';

const readyMsMax = 30_000;
const drainMsMax = 300_000;
const stallMsMax = 30_000;
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
  readonly sessions: number;
  readonly messageBytes: number;
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
  readonly load: LoadReport;
  readonly sink: SinkCounts;
  readonly duplicatesMax: number;
  readonly copiesPerTransaction: number;
  /** Copies that stand in an account twice; not one may. */
  readonly repeatedLocally: number;
  readonly exitCode: number | null;
  readonly verdict: Verdict;
  /** Kept when the verdict is bad. */
  readonly folder: string;
}

type Ended = Pick<CrashReport, 'load' | 'sink' | 'exitCode' | 'drainMs' | 'repeatedLocally'>;

export async function runCrash(options: CrashOptions): Promise<CrashReport> {
  const folder = mkdtempSync(join(tmpdir(), 'chaski-crash-'));
  const run = new CrashRun(options, folder);
  try {
    const report = await run.run();
    if (report.verdict.ok) rmSync(folder, { recursive: true });
    return report;
  } finally {
    await run.stopAll();
  }
}

class CrashRun {
  readonly #options: CrashOptions;
  readonly #folder: string;
  readonly #ledger: string;
  readonly #random: SeededRandom;
  readonly #children = new Set<Child>();
  #earlyKills = 0;
  #slowestReadyMs = 0;

  constructor(options: CrashOptions, folder: string) {
    this.#options = options;
    this.#folder = folder;
    this.#ledger = join(folder, 'ledger');
    this.#random = new SeededRandom(options.seed);
    mkdirSync(this.#ledger);
  }

  async run(): Promise<CrashReport> {
    const { scene, rounds } = this.#options;
    const doors = Array.from({ length: scene.siteCount }, () => '127.0.0.1:0').join(',');
    const sink = this.#harness('sink', '--listen', doors);
    const [ready] = await sink.until(/"ready":\[[^\]]+\]/, readyMsMax);
    const sites = Array.from(ready.matchAll(/:(\d+)"/g), (match) => Number(match[1]));
    const port = await freePort();
    const environment = {
      ...relayEnvironment(join(this.#folder, 'data'), port, sites[0]!),
      // Deferred mail must come back within the run.
      CHASKI_RELAY__RETRY_MS_MIN: '200ms',
      CHASKI_RELAY__RETRY_MS_MAX: '1s',
      ...scene.environment(sites),
    };
    await this.#prepare(environment, port);
    const load = this.#startLoad(port);
    for (let round = 1; round <= rounds; round++) await this.#killOnce(environment, port, round);
    // The load may not find a server any more; what it has under way becomes unknown.
    await load.stop('SIGTERM', 30_000);
    const server = this.#serve(environment);
    await this.#untilReady(server, port);
    const beganMs = performance.now();
    const queued = await this.#drain(server);
    const drainMs = Math.round(performance.now() - beganMs);
    const repeatedLocally = (await scene.collect?.(this.#folder, this.#ledger)) ?? 0;
    const { code } = await server.stop('SIGTERM', 30_000);
    await sink.stop();
    const counts = lastJson<SinkCounts>(sink.stdout);
    const loadReport = lastJson<LoadReport>(load.stdout);
    const ended = { load: loadReport, sink: counts, exitCode: code, drainMs, repeatedLocally };
    return this.#report(ended, queued);
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.#children].map((child) => child.stop('SIGKILL')));
  }

  #startLoad(port: number): Child {
    const { scene, sessions, messageBytes, seed } = this.#options;
    return this.#harness(
      'load',
      ...['smtp', '--target', `127.0.0.1:${port}`, '--sessions', `${sessions}`, '--pipeline'],
      ...['--size', `${messageBytes}`, '--per-connection', '100', '--patience', '60'],
      ...['--seed', `${seed}`, ...scene.loadArguments],
    );
  }

  async #prepare(environment: Environment, port: number): Promise<void> {
    writeFileSync(join(this.#folder, 'recipients'), mixedRecipients());
    const { prepare } = this.#options.scene;
    if (prepare === undefined) return;
    const server = this.#serve(environment);
    await this.#untilReady(server, port);
    await prepare(this.#folder);
    await server.stop();
    this.#children.delete(server);
  }

  async #killOnce(environment: Environment, port: number, round: number): Promise<void> {
    const beganMs = performance.now();
    const server = this.#serve(environment);
    const isEarly = round % earlyKillEvery === 0;
    if (isEarly) {
      this.#earlyKills++;
      await sleep(this.#random.fraction() * Math.max(300, this.#slowestReadyMs));
    } else {
      await this.#untilReady(server, port);
      const readyMs = Math.round(performance.now() - beganMs);
      this.#slowestReadyMs = Math.max(this.#slowestReadyMs, readyMs);
      await sleep(50 + this.#random.fraction() * this.#options.roundMsMax);
    }
    if (!server.isRunning)
      throw new Error(`round ${round}: the server ended\n${logTail(this.#folder)}`);
    await server.stop('SIGKILL');
    this.#children.delete(server);
    const livedMs = Math.round(performance.now() - beganMs);
    this.#options.say(`round ${round}: killed after ${livedMs} ms${isEarly ? ', early' : ''}`);
  }

  async #untilReady(server: Child, port: number): Promise<void> {
    try {
      await untilGreets(port, readyMsMax, () => server.isRunning);
    } catch (error) {
      const cause = `the server does not come up in ${this.#folder}`;
      throw new Error(`${cause}\n${logTail(this.#folder)}`, { cause: error });
    }
  }

  /**
   * Waits until the queue is empty; a stand-still ends the wait. Answers the messages still in it.
   */
  async #drain(server: Child): Promise<number> {
    const beganMs = performance.now();
    let least = Infinity;
    let progressMs = beganMs;
    while (performance.now() - beganMs < drainMsMax) {
      if (!server.isRunning) {
        throw new Error(`the server ended while draining\n${logTail(this.#folder)}`);
      }
      const list = ['queue', 'list', '--limit', '1', '--json'];
      const answer = await runCommand(list, { folder: this.#folder });
      const queued = Number(/"messageCount":(\d+)/.exec(answer)?.[1]);
      if (queued < least) {
        least = queued;
        progressMs = performance.now();
      }
      if (queued === 0 || performance.now() - progressMs > stallMsMax) break;
      this.#options.say(`draining: ${queued} messages in the queue`);
      await sleep(500);
    }
    await sleep(settleMs);
    return least;
  }

  #report(parts: Ended, queued: number): CrashReport {
    const { scene } = this.#options;
    const ledger = new LedgerJoin();
    new LedgerReader(this.#ledger).readNew(ledger);
    const account = ledger.account();
    const { connectionsCut } = parts.sink;
    const duplicatesMax = connectionsCut * transactionsPerConnection * scene.copiesPerTransaction;
    const judged = judge(account, { duplicated: duplicatesMax });
    const faults = [...judged.faults];
    if (account.acknowledged === 0) faults.push('nothing was acknowledged: this proves nothing');
    if (!(queued === 0)) faults.push(`still in the queue: ${queued}`);
    if (parts.repeatedLocally > 0) faults.push(`twice in an account: ${parts.repeatedLocally}`);
    if (account.bounced > 0) faults.push(`bounced: ${account.bounced}`);
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
      folder: this.#folder,
    };
  }

  #serve(environment: Environment): Child {
    return this.#track(serve(environment, this.#folder));
  }

  #harness(...args: readonly string[]): Child {
    const all = [...args, '--ledger', this.#ledger, '--json'];
    return this.#track(new Child({ command: launcher, args: all, cwd: this.#folder }));
  }

  #track(child: Child): Child {
    this.#children.add(child);
    return child;
  }
}

function lastJson<T>(output: string): T {
  const line = output.trimEnd().split('\n').at(-1) ?? '';
  return JSON.parse(line) as T;
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
    `${account.duplicated} duplicated, bound ${report.duplicatesMax} ` +
      `(${sink.connectionsCut} connections cut × ${transactionsPerConnection} transactions × ` +
      `${report.copiesPerTransaction} copies)`,
    `closings seen by the load: ${JSON.stringify(load.closings)}`,
    report.verdict.ok
      ? 'verdict: nothing lost'
      : `verdict: ${report.verdict.faults.join('; ')}; see ${report.folder}`,
  ].join('\n');
}
