/**
 * Delivery latency at a low, steady rate: from the end of DATA to the arrival at the sink.
 *
 * Runs in:   bench. Generator and sink are `chaski load` and `chaski sink`, joined by a ledger.
 * Invariant: open loop: a slow server does not slow the arrivals down.
 */

import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Child } from '../../src/harness/child.ts';
import { LedgerJoin } from '../../src/harness/ledger/ledger-join.ts';
import { LedgerReader } from '../../src/harness/ledger/ledger-reader.ts';
import { judge } from '../../src/harness/ledger/verdict.ts';
import { scenarioFile } from '../scenario-file.ts';
import { launcher } from '../servers/chaski.ts';
import type { ServerUnderTest } from '../servers/server.ts';
import type { Row } from './cells.ts';
import { startServer } from './rig.ts';

const scenario = scenarioFile('relay-latency');
const readyMsMax = 20_000;
/**
 * The sink writes its entries this late at most; the last message is still under way when the load
 * ends.
 */
const settleMs = 1_000;

export interface LatencyMeasurement {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly count: number;
}

export class LatencyRig {
  readonly row: Row;
  readonly #server: ServerUnderTest;
  readonly #sink: Child;
  readonly #folder: string;
  readonly #ledger: string;
  readonly #reader: LedgerReader;

  private constructor(row: Row, server: ServerUnderTest, sink: Child, folder: string) {
    this.row = row;
    this.#server = server;
    this.#sink = sink;
    this.#folder = folder;
    this.#ledger = join(folder, 'ledger');
    this.#reader = new LedgerReader(this.#ledger);
  }

  static async start(row: Row, work: string): Promise<LatencyRig> {
    const folder = mkdtempSync(join(work, 'latency-'));
    chmodSync(folder, 0o755);
    const args = ['sink', '--listen', '127.0.0.1:0', '--ledger', join(folder, 'ledger'), '--json'];
    const sink = new Child({ command: launcher, args });
    const [, port] = await sink.until(/"ready":\["127\.0\.0\.1:(\d+)"/, readyMsMax);
    const place = { folder: mkdtempSync(join(folder, 'server-')), nextHopPort: Number(port) };
    return new LatencyRig(row, await startServer(row, place), sink, folder);
  }

  async measure(seconds: number): Promise<LatencyMeasurement> {
    const load = new Child({
      command: launcher,
      args: [
        ...['load', 'run', scenario, '--target', `127.0.0.1:${this.#server.port}`],
        ...['--duration', `${seconds}`, '--ledger', this.#ledger, '--json'],
      ],
    });
    const { code } = await load.ended;
    if (code !== 0) throw new Error(`${this.row.name}: load ended with ${code}\n${load.stderr}`);
    await new Promise((resolve) => setTimeout(resolve, settleMs));
    const ledger = new LedgerJoin();
    this.#reader.readNew(ledger);
    const account = ledger.account();
    const { ok, faults } = judge(account);
    if (!ok) throw new Error(`${this.row.name}: ${faults.join('; ')}`);
    const { p50Ms, p99Ms, count } = account.endToEnd;
    return { p50Ms, p99Ms, count };
  }

  async stop(): Promise<void> {
    await this.#server.stop();
    await this.#sink.stop();
    rmSync(this.#folder, { recursive: true });
  }
}
