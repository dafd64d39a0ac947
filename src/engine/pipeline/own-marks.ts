/**
 * The fields in which scanners' findings stand, and by which deliveries go.
 *
 * Runs in: engine threads; pure.
 */

/** Mail comes with none of them but those that were said here. Each begins as `isMark` of `prepare.ts` expects. */
export const ownMarks = [
  'X-Spam-Flag',
  'X-Spam-Status',
  'X-Spam-Level',
  'X-Quarantine',
  'X-Phishing',
] as const;
