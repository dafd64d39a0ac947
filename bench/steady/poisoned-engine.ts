/**
 * The entry of engine threads, with a fault in it: a parcel that holds a certain line ends the thread.
 *
 * Duty:   everything `workers/engine.ts` does; and to die of a poison message, as of a bug that only it meets.
 * Trust:  as `workers/engine.ts`.
 * Limits: as `workers/engine.ts`.
 */

import { Buffer } from 'node:buffer';
import type { ThreadTask } from '../../src/actors/piscina-channel.ts';
import type { ThreadMessage } from '../../src/actors/thread-port.ts';
import serve from '../../workers/engine.ts';
import { poisonLine } from './poison-line.ts';

export default async (task: ThreadTask): Promise<void> => {
  await serve(task);
  task.port.on('message', (message: ThreadMessage) => {
    if (message.kind !== 'parcel' || !Buffer.from(message.parcel).includes(poisonLine)) return;
    // Before anything of the parcel is written: that begins in a later turn.
    throw new Error('a poison message');
  });
};
