/**
 * What a pool's entry file exports: its one task builds the thread's part, which then serves the parcels that come by
 * the port.
 *
 * Runs in:   Piscina threads.
 * Invariant: the port keeps no thread alive and is read once the part is built.
 */

import type { ThreadBuild, ThreadPart } from './channel.ts';
import type { ThreadTask } from './piscina-channel.ts';
import { send, type ThreadMessage } from './thread-port.ts';

export function threadEntry(build: ThreadBuild): (task: ThreadTask) => Promise<void> {
  return async ({ thread, port }) => {
    // Messages wait in the port until the part is built.
    const part = await build({
      thread,
      post: (message) => send(port, message),
      end: (cause) => {
        queueMicrotask(() => {
          throw cause;
        });
      },
    });
    port.on('message', (message: ThreadMessage) => {
      if (message.kind === 'parcel') serve(part, port, message.number, message.parcel);
      else if (message.kind !== 'answers') part.receive?.(message);
    });
    port.unref();
  };
}

function serve(part: ThreadPart, port: ThreadTask['port'], number: number, parcel: ArrayBuffer) {
  part.serve(parcel).then(
    (answers) => send(port, { kind: 'answers', number, answers }),
    (error: unknown) => {
      const fault = error instanceof Error ? error.message : String(error);
      send(port, { kind: 'answers', number, answers: undefined, fault });
    },
  );
}
