/**
 * Randomness, as everything outside adapters sees it. Tests inject a seeded one.
 *
 * Contract: `bytes` is fit for keys and tokens in the node adapter, and repeatable in the seeded one.
 */

export interface Random {
  bytes(length: number): Uint8Array;
  /** A number in [0, 1). Not for secrets. */
  fraction(): number;
}
