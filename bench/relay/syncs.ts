/**
 * How often a server syncs for the messages it takes, counted from outside by strace.
 *
 * Runs in: bench, as root or the server's user.
 */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Child } from '../../src/harness/child.ts';
import { processTree } from '../../src/harness/observe.ts';
import { readLoad } from './drivers.ts';
import type { Rig } from './rig.ts';

const attachMs = 1_500;
const messages = 500;

export interface SyncCount {
  readonly messages: number;
  readonly syncs: number;
}

export function straceIsInstalled(): boolean {
  return existsSync('/usr/bin/strace');
}

/**
 * Sends `messages` of 1 kB with 20 sessions while all threads and later children of the server are
 * traced.
 */
export async function countSyncs(rig: Rig, work: string): Promise<SyncCount> {
  const file = join(work, `syncs-${rig.server.pid}`);
  const processes = processTree(rig.server.pid).flatMap((pid) => ['-p', `${pid}`]);
  const filter = ['-f', '-c', '-e', 'trace=fsync,fdatasync,sync_file_range,sync,syncfs'];
  const tracer = new Child({ command: 'strace', args: [...filter, '-o', file, ...processes] });
  await sleep(attachMs);
  await rig.measure({ ...(await readLoad('relay-1kB-20')), messages });
  await tracer.stop('SIGINT');
  return { messages, syncs: sumCalls(readFileSync(file, 'utf8')) };
}

/**
 * Adds the `calls` column of strace's table: `% time, seconds, usecs/call, calls, [errors],
 * syscall`.
 */
function sumCalls(table: string): number {
  let calls = 0;
  for (const line of table.split('\n')) {
    const match = /^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(?!total)\w+$/.exec(line);
    if (match !== null) calls += Number(match[1]);
  }
  return calls;
}
