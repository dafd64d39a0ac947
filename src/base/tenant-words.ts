/**
 * Which tenants have suppressed addresses, known to all threads without a question: for those that have none, nothing
 * is looked up.
 *
 * Runs in:   the main thread writes, engine threads look.
 * Limits:    `wordCount` counts; tenants that share one cost look-ups that find nothing.
 * Invariant: a tenant that has entries is never said to have none.
 */

import type { TenantId } from './ids.ts';

const wordCount = 16_384;

export function tenantWords(): SharedArrayBuffer {
  return new SharedArrayBuffer(wordCount * Int32Array.BYTES_PER_ELEMENT);
}

export class TenantWords {
  readonly #words: Int32Array;

  constructor(words: SharedArrayBuffer) {
    this.#words = new Int32Array(words);
  }

  mayHave(tenant: TenantId): boolean {
    return Atomics.load(this.#words, tenant % wordCount) > 0;
  }

  /** Called once for each change of a tenant. */
  note(tenant: TenantId, hasEntries: boolean): void {
    Atomics.add(this.#words, tenant % wordCount, hasEntries ? 1 : -1);
  }
}
