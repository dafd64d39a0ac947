/**
 * What a pool's entry file exports: the first task builds the thread's part, each later one is a parcel.
 *
 * Runs in:   Piscina threads.
 * Invariant: the port keeps no thread alive and is read from the first task on.
 */

import { move } from 'piscina';
import { assert } from '../base/assert.ts';
import { type PortMessage, type ThreadBuild, type ThreadPart, transferOf } from './channel.ts';
import type { ThreadTask } from './piscina-channel.ts';

export function threadEntry(build: ThreadBuild): (task: ThreadTask) => Promise<unknown> {
  let part: ThreadPart | undefined;
  return async (task) => {
    if (task.kind === 'parcel') {
      assert(part !== undefined, 'a parcel came before the thread was started');
      return move(await part.serve(task.parcel));
    }
    const { thread, port } = task;
    // Messages wait in the port until the part is built.
    part = await build({
      thread,
      post: (message) => port.postMessage(message, transferOf(message)),
      end: (cause) => {
        queueMicrotask(() => {
          throw cause;
        });
      },
    });
    port.on('message', (message: PortMessage) => part?.receive?.(message));
    port.unref();
    return undefined;
  };
}
