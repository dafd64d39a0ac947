/**
 * How engine threads speak by conversations with scanners that the main thread has open (`ports/carried-scans.ts`).
 *
 * Runs in:   both sides; plain data only.
 */

/** To the main thread. */
export const carriedAsks = {
  /** meta: `PackedClaim`; answer: `CarriedKnown`, or nothing. */
  claim: 'carried.claim',
  /** meta: `PackedExchange`, body: what is sent; answer: the bytes that came as its body, or `CarriedFault`. */
  exchange: 'carried.exchange',
  /** meta: `PackedRelease`, body: what is sent first. */
  release: 'carried.release',
} as const;

export type PackedClaim = readonly [id: number, msMax: number];
export type PackedExchange = readonly [id: number, isAnswerDue: boolean];
export type PackedRelease = readonly [id: number, isGood: boolean];
