/** A thread that lowers its priority, and says what it and the process's main thread have. */

import { readlinkSync } from 'node:fs';
import { getPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { lowerThreadPriority } from '../../../src/adapters/node/thread-priority.ts';

const id = Number(readlinkSync('/proc/thread-self').split('/').at(-1));
const before = getPriority(id);
const isLowered = lowerThreadPriority();
parentPort!.postMessage({ isLowered, by: getPriority(id) - before });
