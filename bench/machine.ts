/**
 * What a result must say about where it was measured.
 *
 * Runs in: bench.
 */

import { execFileSync } from 'node:child_process';
import { cpus, loadavg, release } from 'node:os';

export interface Machine {
  readonly date: string;
  readonly cpu: string;
  readonly cores: number;
  readonly kernel: string;
  readonly node: string;
  /** Of the other server. */
  readonly peer: string;
  readonly revision: string;
  readonly loadAverageBefore: number;
}

export function describeMachine(peer: string): Machine {
  const all = cpus();
  return {
    date: new Date().toISOString(),
    cpu: all[0]?.model ?? 'unknown',
    cores: all.length,
    kernel: release(),
    node: process.version,
    peer,
    revision: firstLine('git', ['describe', '--always', '--dirty']),
    loadAverageBefore: loadavg()[0] ?? 0,
  };
}

/** The first line a command prints; "unknown" where there is no such command. */
export function firstLine(command: string, args: readonly string[]): string {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: 'pipe' }).split('\n')[0]!;
  } catch {
    return 'unknown';
  }
}

export function machineLine(machine: Machine): string {
  return (
    `${machine.cpu}, ${machine.cores} cores, Linux ${machine.kernel}, Node ${machine.node}, ` +
    `${machine.peer}, Chaski ${machine.revision}; ` +
    `load average at the start ${machine.loadAverageBefore.toFixed(2)}.`
  );
}

/** `2026-11-22-03-15`, for names of result files. */
export function stamp(machine: Machine): string {
  return machine.date.slice(0, 16).replaceAll(/[:T]/g, '-');
}
