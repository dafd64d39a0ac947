/**
 * Who sends a scenario's mail: Postfix's `smtp-source`, which is of neither party, or `chaski load`. Both have the same
 * conversation with the server, and send messages of the same size from as many connections.
 *
 * Runs in: bench.
 */

import { Child } from '../../src/harness/child.ts';
import { parseReport } from '../../src/harness/measure/run-report.ts';
import { isWithoutLoss } from '../../src/harness/measure/totals.ts';
import type { RunPlan } from '../../src/harness/run/run-plan.ts';
import { loadScenario } from '../../src/harness/scenario/read.ts';
import { scenarioFile } from '../scenario-file.ts';
import { launcher } from '../servers/chaski.ts';

export const driverNames = ['smtp-source', 'load'] as const;
export type DriverName = (typeof driverNames)[number];

/** A scenario as both drivers play it. */
export interface Load {
  /** For `chaski load run`. */
  readonly file: string;
  readonly sessions: number;
  readonly messageBytes: number;
  readonly messages: number;
  /** Many messages on a connection (`smtp-source -d`), or one. */
  readonly perConnection: 'many' | 'one';
  readonly from: string;
  readonly to: string;
  /** A whole message, where all are that one; only `smtp-source` sends it. */
  readonly messageFile?: string;
}

export async function readLoad(name: string): Promise<Load> {
  const file = scenarioFile(name);
  return loadOf(await loadScenario(file), file);
}

/** @throws where `smtp-source` could not send what the scenario wants */
export function loadOf({ groups }: RunPlan, file: string): Load {
  const [group] = groups;
  if (groups.length !== 1 || group?.protocol !== 'smtp') throw new Error(`${file}: no SMTP group`);
  const { options, sessionsMax, countMax, perConnection, arrivals } = group;
  const [tenant] = options.tenants;
  const [kind, ...otherKinds] = options.messages;
  const to = options.destinations.flatMap(({ addresses }) => addresses);
  const isPlain = options.tls === 'none' && !options.pipeline && !options.chunking;
  const isEqual = otherKinds.length === 0 && options.tenants.length === 1 && to.length === 1;
  if (!isPlain || !isEqual || arrivals !== undefined || kind?.kind !== 'sized') {
    throw new Error(`${file}: smtp-source sends equal messages, unpipelined, in a closed loop`);
  }
  if (!Number.isFinite(countMax)) throw new Error(`${file}: has no count`);
  if (perConnection !== 1 && Number.isFinite(perConnection)) {
    throw new Error(`${file}: smtp-source sends one message on a connection, or all`);
  }
  return {
    ...{ file, sessions: sessionsMax, messages: countMax, messageBytes: kind.bytes },
    perConnection: perConnection === 1 ? 'one' : 'many',
    ...{ from: tenant!.from, to: to[0]! },
  };
}

/** Sends all of it to a port of 127.0.0.1; answers when it began, as an instant of `performance.now()`. */
export function drive(driver: DriverName, load: Load, port: number): Promise<number> {
  return driver === 'load' ? driveByLoad(load, port) : driveBySource(load, port);
}

async function driveBySource(load: Load, port: number): Promise<number> {
  const { sessions, messages, messageBytes, messageFile, perConnection, from, to } = load;
  const reuse = perConnection === 'many' ? ['-d'] : [];
  const content = messageFile === undefined ? ['-l', `${messageBytes}`] : ['-F', messageFile];
  const beganMs = performance.now();
  const source = new Child({
    command: 'smtp-source',
    args: [
      ...[...reuse, ...content, '-s', `${sessions}`, '-m', `${messages}`],
      ...['-f', from, '-t', to, `127.0.0.1:${port}`],
    ],
  });
  const { code } = await source.ended;
  if (code !== 0) throw new Error(`smtp-source: ${source.stderr}`);
  return beganMs;
}

async function driveByLoad({ file, messages }: Load, port: number): Promise<number> {
  const options = ['--target', `127.0.0.1:${port}`, '--count', `${messages}`, '--json'];
  const load = new Child({ command: launcher, args: ['load', 'run', file, ...options] });
  const { code } = await load.ended;
  const report = code === 0 ? parseReport(load.stdout, 'chaski load') : undefined;
  if (report === undefined || !isWithoutLoss(report)) {
    throw new Error(`chaski load: ${code} ${load.stdout.slice(0, 1_000)}${load.stderr}`);
  }
  // The process is up a while before: that is no time of the server's.
  return performance.now() - (Date.now() - Date.parse(report.beganAt));
}
