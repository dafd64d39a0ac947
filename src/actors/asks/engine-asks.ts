/**
 * Asks of the server to its engine threads, and of engine threads to the main thread.
 *
 * Runs in: both sides; plain data only.
 */

/** Names of the asks; the value is what the parcel carries. */
export const engineAsks = {
  /** meta: `PolicySnapshot`. */
  policy: 'policy.set',
  /** Answer: rows of the thread's metrics. */
  metrics: 'metrics.read',
  /** To the main thread. meta: an address; answer: `PackedRecipient[]` as at RCPT. */
  resolve: 'directory.resolve',
} as const;

/** Notice: an account has no room for more mail, or has some again. Value: `AccountFull`. */
export const accountFullNotice = 'account.full';

export interface AccountFull {
  readonly account: number;
  readonly isFull: boolean;
}
