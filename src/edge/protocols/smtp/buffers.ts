/**
 * What a session holds of octets: replies of a turn on their way out, and what came while an answer was under way.
 *
 * Runs in:   edge (main thread); hot.
 */

import type { Buffer } from 'node:buffer';

/** In the order they were added. */
export class HeldOctets {
  #chunks: Buffer[] = [];
  bytes = 0;

  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.bytes += chunk.length;
  }

  /** All of it; nothing is held then. */
  take(): Buffer[] {
    const chunks = this.#chunks;
    this.clear();
    return chunks;
  }

  clear(): void {
    this.#chunks = [];
    this.bytes = 0;
  }
}
