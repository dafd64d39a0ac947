/** Of one message; what lies beyond is not looked at, and is a finding of its own where it is in an archive. */
export const attachmentLimits = {
  partsMax: 200,
  /** Decoded, of all parts together. */
  decodedBytesMax: 64 * 1_048_576,
  /** Of all archives together. */
  entriesMax: 2_000,
  /** Taken out of archives to be looked at. */
  inflatedBytesMax: 16 * 1_048_576,
  /** Archives in archives. */
  depthMax: 3,
  findingsMax: 20,
} as const;
