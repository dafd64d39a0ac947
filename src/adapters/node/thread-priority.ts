/**
 * The priority of one thread against the process's others.
 *
 * Runs in:   the thread it is for.
 * Limits:    Linux, where a thread has a number and a priority of its own; elsewhere nothing changes.
 */

import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';

/** As `nice` counts: a third of a core beside another thread that wants all of it, and all of one that is idle. */
const lowerBy = 5;

/** This thread's work may wait for that of others, until the thread ends. False: it cannot be told apart here. */
export function lowerThreadPriority(): boolean {
  try {
    // <pid>/task/<tid>: of the thread that asks.
    const id = Number(readlinkSync('/proc/thread-self').split('/').at(-1));
    if (!(id > 0)) return false;
    setPriority(id, lowerBy);
    return true;
  } catch {
    return false;
  }
}
