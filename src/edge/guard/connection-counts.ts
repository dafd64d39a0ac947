/**
 * Counts connections at once, in all and by peer: an IPv4 address, or the /64 an IPv6 address is in, for whoever has
 * one has all of it.
 *
 * Runs in:   edge (main thread).
 * Limits:    one entry for each address that has a connection open.
 */

import { peerNetwork } from '../../base/networks.ts';

export interface ConnectionCaps {
  readonly connectionsMax: number;
  readonly connectionsPerAddressMax: number;
}

export class ConnectionCounts {
  readonly #byAddress = new Map<string, number>();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** Counts one more, or answers false where a cap is reached. */
  take(address: string, caps: ConnectionCaps): boolean {
    const peer = peerNetwork(address);
    const ofAddress = this.#byAddress.get(peer) ?? 0;
    if (this.#count >= caps.connectionsMax || ofAddress >= caps.connectionsPerAddressMax) {
      return false;
    }
    this.#count++;
    this.#byAddress.set(peer, ofAddress + 1);
    return true;
  }

  /** Undoes one `take` that answered true. */
  give(address: string): void {
    const peer = peerNetwork(address);
    const ofAddress = this.#byAddress.get(peer);
    if (ofAddress === undefined) return;
    this.#count--;
    if (ofAddress === 1) this.#byAddress.delete(peer);
    else this.#byAddress.set(peer, ofAddress - 1);
  }
}
