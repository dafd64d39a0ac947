/**
 * Which processes a person means: a PID, a file that holds one, or a systemd unit.
 *
 * Runs in:   load generator. Linux only (`/proc`, `/sys/fs/cgroup`).
 * Invariant: never this process, never PID 0 or 1: what is found here may be sent signals.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const unitsFolder = '/sys/fs/cgroup/system.slice';
const namePattern = /^[\w@.:-]+$/;

/** As help and faults ask for it. */
export const processWants =
  'a PID, a file that holds one (with a / in its name), or a systemd unit';

export function isProcessName(what: string): boolean {
  return what.includes('/') || namePattern.test(what);
}

/** Asked anew each time: a PID file and a unit name whoever runs now. None: nothing runs. */
export function processIds(what: string, units = unitsFolder): readonly number[] {
  if (/^\d+$/.test(what)) return [Number(what)].filter(isOther);
  if (what.includes('/')) return numbersIn(what).slice(0, 1);
  const unit = what.includes('.') ? what : `${what}.service`;
  return numbersIn(join(units, unit, 'cgroup.procs'));
}

function numbersIn(path: string): readonly number[] {
  try {
    return readFileSync(path, 'utf8').split(/\s+/).map(Number).filter(isOther);
  } catch {
    return [];
  }
}

function isOther(pid: number): boolean {
  return Number.isSafeInteger(pid) && pid > 1 && pid !== process.pid;
}
