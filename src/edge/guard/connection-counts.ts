/**
 * Counts connections at once, in all and by peer address.
 *
 * Runs in:   accept threads.
 * Limits:    one entry for each address that has a connection open.
 */

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
    const ofAddress = this.#byAddress.get(address) ?? 0;
    if (this.#count >= caps.connectionsMax || ofAddress >= caps.connectionsPerAddressMax) {
      return false;
    }
    this.#count++;
    this.#byAddress.set(address, ofAddress + 1);
    return true;
  }

  /** Undoes one `take` that answered true. */
  give(address: string): void {
    const ofAddress = this.#byAddress.get(address);
    if (ofAddress === undefined) return;
    this.#count--;
    if (ofAddress === 1) this.#byAddress.delete(address);
    else this.#byAddress.set(address, ofAddress - 1);
  }
}
