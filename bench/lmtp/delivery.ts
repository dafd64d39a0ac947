/**
 * Mail into the accounts of a server over LMTP, measured run by run.
 *
 * Runs in: bench.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { Child } from '../../src/harness/child.ts';
import { parseReport } from '../../src/harness/measure/run-report.ts';
import { totalsOf } from '../../src/harness/measure/totals.ts';
import { treeCpuSeconds, treeUsage } from '../../src/harness/observe.ts';
import { loadScenario } from '../../src/harness/scenario/read.ts';
import { scenarioFile } from '../scenario-file.ts';
import { type Environment, launcher, startChaski } from '../servers/chaski.ts';
import { freePort } from '../servers/free-port.ts';
import type { ServerUnderTest } from '../servers/server.ts';
import { createAccounts } from './accounts.ts';

const domain = 'bench.test';
const accounts = 100;
const settleMs = 400;

/** A scenario of deliveries: who gets mail, and how, is in its file. */
export interface Delivery {
  readonly file: string;
  readonly title: string;
  readonly messages: number;
}

/** @throws where the scenario is not LMTP with an end */
export async function readDelivery(name: string): Promise<Delivery> {
  const file = scenarioFile(name);
  const { scenario, groups } = await loadScenario(file);
  const [group] = groups;
  if (groups.length !== 1 || group?.protocol !== 'lmtp' || !Number.isFinite(group.countMax)) {
    throw new Error(`${file}: not one LMTP group with a count`);
  }
  return { file, title: scenario, messages: group.countMax };
}

export interface Measurement {
  readonly messagesPerSecond: number;
  readonly cpuSecondsPer1000: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly pssBytes: number;
}

/** A server of ours with the accounts, listening for LMTP. */
export async function startOwn(
  name: string,
  folder: string,
  further: Environment = {},
): Promise<ServerUnderTest> {
  const place = { folder, nextHopPort: await freePort() };
  const port = await freePort();
  const environment = { CHASKI_LISTEN__LMTP: `127.0.0.1:${port}`, ...further };
  const server = await startChaski(place, { name, environment });
  await createAccounts(folder, domain, accounts);
  return { ...server, port };
}

export async function measure(
  server: ServerUnderTest,
  { file }: Delivery,
  messages: number,
): Promise<Measurement> {
  const cpuBefore = treeCpuSeconds(server.pid);
  const load = new Child({
    command: launcher,
    args: [
      ...['load', 'run', file, '--target', `127.0.0.1:${server.port}`],
      ...['--count', `${messages}`, '--json'],
    ],
  });
  const { code } = await load.ended;
  if (code !== 0) throw new Error(`${server.name}: load: ${code} ${load.stdout}${load.stderr}`);
  await sleep(settleMs);
  const usage = treeUsage(server.pid);
  const loaded = totalsOf(parseReport(load.stdout, 'chaski load'));
  return {
    messagesPerSecond: loaded.okPerSecond,
    cpuSecondsPer1000: ((usage.cpuSeconds - cpuBefore) / messages) * 1000,
    p50Ms: loaded.latency.p50Ms,
    p99Ms: loaded.latency.p99Ms,
    pssBytes: usage.pssBytes,
  };
}
