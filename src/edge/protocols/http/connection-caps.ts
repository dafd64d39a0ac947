/**
 * How many connections an HTTP server has at once, in all and of one peer.
 *
 * Runs in:   edge (main thread).
 * Limits:    `connectionsMax`, `connectionsPerAddressMax`; one that is over them is closed without a word, which costs
 *            less than an answer.
 * Invariant: a connection counts from before its TLS handshake until its socket is closed.
 */

import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { type NetworkSet, plainAddress } from '../../../base/networks.ts';
import type { ConnectionCaps, ConnectionCounts } from '../../guard/connection-counts.ts';

export interface HttpCaps extends ConnectionCaps {
  /** Counted in all only: our own machine, and proxies that bring everybody's. */
  readonly uncountedNetworks: NetworkSet;
  /** Told of one that was closed. */
  readonly refused?: () => void;
}

/** `counts`: of all addresses of one listener. Last of what is done to a server before it listens. */
export function capConnections(server: Server, counts: ConnectionCounts, caps: HttpCaps): void {
  const serving = server.listeners('connection') as ((socket: Socket) => void)[];
  server.removeAllListeners('connection');
  const { uncountedNetworks, refused } = caps;
  const uncountedCaps = { ...caps, connectionsPerAddressMax: Number.POSITIVE_INFINITY };
  server.on('connection', (socket: Socket) => {
    const address = plainAddress(socket.remoteAddress ?? '');
    if (!counts.take(address, uncountedNetworks.has(address) ? uncountedCaps : caps)) {
      socket.destroy();
      refused?.();
      return;
    }
    socket.once('close', () => counts.give(address));
    for (const serve of serving) serve.call(server, socket);
  });
}
