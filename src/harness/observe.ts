/**
 * What a process and all its children have used so far: CPU time and memory.
 *
 * Runs in:   bench and crash runs. Linux only (`/proc`).
 * Invariant: CPU time of children that have ended counts once their parent has reaped them.
 */

import { readdirSync, readFileSync } from 'node:fs';

/** Clock ticks of `/proc/PID/stat`; USER_HZ is 100 on every Linux that Node runs on. */
const ticksPerSecond = 100;

export interface Usage {
  readonly processes: number;
  readonly cpuSeconds: number;
  /** Proportional set size: shared pages are split among those who share them. */
  readonly pssBytes: number;
  /** Sum of each process's highest resident size; shared pages count once a process. */
  readonly rssPeakBytes: number;
}

interface ProcessStat {
  readonly pid: number;
  readonly parent: number;
  readonly ticks: number;
}

/** The ids of `root` and all that descends from it. */
export function processTree(root: number): readonly number[] {
  return treeStats(root).map((stat) => stat.pid);
}

/** CPU seconds of the tree; cheap enough to ask before and after a run. */
export function treeCpuSeconds(root: number): number {
  return treeStats(root).reduce((sum, stat) => sum + stat.ticks, 0) / ticksPerSecond;
}

/** CPU and memory; reading `smaps_rollup` costs the kernel up to a millisecond a process. */
export function treeUsage(root: number): Usage {
  const stats = treeStats(root);
  let pssBytes = 0;
  let rssPeakBytes = 0;
  for (const { pid } of stats) {
    pssBytes += kilobytesAfter(read(`/proc/${pid}/smaps_rollup`), 'Pss:') * 1024;
    rssPeakBytes += kilobytesAfter(read(`/proc/${pid}/status`), 'VmHWM:') * 1024;
  }
  const ticks = stats.reduce((sum, stat) => sum + stat.ticks, 0);
  return { processes: stats.length, cpuSeconds: ticks / ticksPerSecond, pssBytes, rssPeakBytes };
}

/** CPU time and resident memory of these processes alone; pages they share count once for each of them. */
export function processUsage(pids: readonly number[]): {
  readonly processes: number;
  readonly cpuSeconds: number;
  readonly rssBytes: number;
} {
  const stats = pids.map(readStat).filter((stat) => stat !== undefined);
  const ticks = stats.reduce((sum, stat) => sum + stat.ticks, 0);
  let rssBytes = 0;
  for (const { pid } of stats) {
    rssBytes += kilobytesAfter(read(`/proc/${pid}/status`), 'VmRSS:') * 1024;
  }
  return { processes: stats.length, cpuSeconds: ticks / ticksPerSecond, rssBytes };
}

function treeStats(root: number): readonly ProcessStat[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readStat(Number(name)))
    .filter((stat) => stat !== undefined);
  const tree = all.filter((stat) => stat.pid === root);
  for (let i = 0; i < tree.length; i++) {
    tree.push(...all.filter((stat) => stat.parent === tree[i]!.pid));
  }
  return tree;
}

function readStat(pid: number): ProcessStat | undefined {
  const text = read(`/proc/${pid}/stat`);
  // The name stands in parentheses and may hold anything; the fields after it are numbers
  // (proc(5)).
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  if (fields.length < 15) return undefined;
  const [utime, stime, cutime, cstime] = fields.slice(11, 15).map(Number);
  return { pid, parent: Number(fields[1]), ticks: utime! + stime! + cutime! + cstime! };
}

function kilobytesAfter(text: string, label: string): number {
  const match = new RegExp(`^${label}\\s+(\\d+) kB`, 'm').exec(text);
  return match === null ? 0 : Number(match[1]);
}

/** A process may end while it is looked at. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
