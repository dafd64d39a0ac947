/**
 * The entry of engine threads, with a fault in it: a parcel that holds a certain line ends the thread.
 *
 * Duty:   everything `workers/engine.ts` does; and to die of a poison message, as of a bug that only it meets.
 * Trust:  as `workers/engine.ts`.
 * Limits: as `workers/engine.ts`.
 */

import { Buffer } from 'node:buffer';
import type { ThreadTask } from '../../src/actors/piscina-channel.ts';
import serve from '../../workers/engine.ts';
import { poisonLine } from './poison-line.ts';

export default (task: ThreadTask): Promise<unknown> => {
  if (task.kind === 'parcel' && Buffer.from(task.parcel).includes(poisonLine)) {
    // Outside of any handler, as an error in a callback would be.
    setImmediate(() => {
      throw new Error('a poison message');
    });
    return new Promise(() => {});
  }
  return serve(task);
};
