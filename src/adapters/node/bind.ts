/**
 * Whether an address is one of this machine, so that mail can leave from it.
 *
 * Runs in: main thread, CLI.
 */

import { createServer } from 'node:net';

/** The error code of binding to it; undefined: it works. */
export function bindFault(host: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port: 0, ipv6Only: true }, () => server.close(() => resolve(undefined)));
  });
}
