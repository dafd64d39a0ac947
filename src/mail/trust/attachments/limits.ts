/** Of one message; what lies beyond is not looked at, and is the finding `deep`. */
export const attachmentLimits = {
  /** Those of messages in it with them. */
  partsMax: 1_000,
  nestingMax: 50,
  /** Lines that look like the end of a part. */
  missesMax: 100_000,
  /** Encoded, of all parts together. */
  decodedBytesMax: 64 * 1_048_576,
  /** Of all archives together; twice as many headers. */
  entriesMax: 2_000,
  /** Taken out of archives to be looked at. */
  inflatedBytesMax: 16 * 1_048_576,
  /** Archives in archives, messages in messages. */
  depthMax: 3,
  /** Beside them, one more of each kind that has none among them. */
  findingsMax: 20,
} as const;
