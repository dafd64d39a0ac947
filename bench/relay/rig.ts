/**
 * A server between a generator and a counting sink, measured run by run.
 *
 * Runs in:   bench.
 * Limits:    a run that is not through after `runMsMax` fails.
 */

import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { treeCpuSeconds, treeUsage } from '../../src/harness/observe.ts';
import { type Environment, runCommand, startChaski } from '../servers/chaski.ts';
import { startHaraka } from '../servers/haraka.ts';
import { startPostfix } from '../servers/postfix.ts';
import type { ServerPlace, ServerUnderTest } from '../servers/server.ts';
import { SmtpSink } from '../servers/smtp-sink.ts';
import type { Row } from './cells.ts';
import { type DriverName, drive, type Load } from './drivers.ts';
import { createStranger, type Stranger } from './stranger.ts';

const runMsMax = 180_000;
/** After the last message: time for the work that follows a delivery, so that its CPU counts. */
const settleMs = 400;
const strangerBodyBytes = 1_024;

export interface Measurement {
  readonly messagesPerSecond: number;
  readonly cpuSecondsPer1000: number;
  readonly rssPeakBytes: number;
  readonly pssBytes: number;
  readonly processes: number;
}

export class Rig {
  readonly row: Row;
  readonly server: ServerUnderTest;
  readonly #sink: SmtpSink;
  readonly #stranger: Stranger | undefined;
  readonly #folder: string;

  private constructor(
    row: Row,
    server: ServerUnderTest,
    sink: SmtpSink,
    stranger: Stranger | undefined,
    folder: string,
  ) {
    this.row = row;
    this.server = server;
    this.#sink = sink;
    this.#stranger = stranger;
    this.#folder = folder;
  }

  static async start(row: Row, work: string): Promise<Rig> {
    const sink = await SmtpSink.start();
    const folder = mkdtempSync(join(work, 'server-'));
    const stranger =
      row.isStranger === true ? await createStranger(folder, strangerBodyBytes) : undefined;
    try {
      const place = { folder, nextHopPort: sink.port };
      const server = await startServer(row, place, strangerEnvironment(stranger));
      return new Rig(row, server, sink, stranger, folder);
    } catch (error) {
      await stranger?.stop();
      await sink.stop();
      throw error;
    }
  }

  /** Sends the load through and waits until the sink has counted all of it. */
  async measure(load: Load, driver: DriverName = 'smtp-source'): Promise<Measurement> {
    const before = this.#sink.count;
    const cpuBefore = this.#cpuSeconds();
    const [beganMs, endMs] = await this.#send(load, driver, before).catch((error: Error) => {
      throw new Error(`${this.row.name}: ${error.message}`);
    });
    await sleep(settleMs);
    const cpuSeconds = this.#cpuSeconds() - cpuBefore;
    const usage = treeUsage(this.server.pid);
    return {
      messagesPerSecond: (load.messages / (endMs - beganMs)) * 1000,
      cpuSecondsPer1000: (cpuSeconds / load.messages) * 1000,
      rssPeakBytes: usage.rssPeakBytes,
      pssBytes: usage.pssBytes,
      processes: usage.processes,
    };
  }

  #cpuSeconds(): number {
    const { pid, otherPids = [] } = this.server;
    return [pid, ...otherPids].reduce((sum, each) => sum + treeCpuSeconds(each), 0);
  }

  async stop(): Promise<void> {
    await this.server.stop();
    await this.#stranger?.stop();
    await this.#sink.stop();
    rmSync(this.#folder, { recursive: true });
  }

  async #send(load: Load, driver: DriverName, before: number): Promise<[number, number]> {
    const { sender: from = load.from, recipient: to = load.to } = this.row;
    const file = this.#stranger && { messageFile: this.#stranger.messageFile };
    const beganMs = await drive(driver, { ...load, from, to, ...file }, this.server.port);
    return [beganMs, await this.#sink.until(before + load.messages, runMsMax)];
  }
}

export async function startServer(
  row: Row,
  place: ServerPlace,
  further: Environment = {},
): Promise<ServerUnderTest> {
  if (row.kind === 'postfix') return await startPostfix(place, row.signedDomain);
  if (row.kind === 'haraka') return await startHaraka(place);
  const { name, prepare = [] } = row;
  const environment = { ...row.environment, ...further };
  const server = await startChaski(place, { name, environment });
  for (const args of prepare) await runCommand(args, place, environment);
  return server;
}

/** Loopback is not trusted, and the DNS is the stranger's. */
function strangerEnvironment(stranger: Stranger | undefined): Environment {
  if (stranger === undefined) return {};
  return {
    CHASKI_RELAY__NETWORKS: '',
    CHASKI_DNS__SERVERS: `127.0.0.1:${stranger.dnsPort}`,
  };
}

/** A folder for all servers of one run, on the disk that is measured. */
export function makeWork(parent: string): string {
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, 'chaski-bench-'));
  // Postfix's users must get through.
  chmodSync(folder, 0o755);
  return folder;
}
