/**
 * Asks of the server to its engine threads, and of engine threads to the main thread.
 *
 * Runs in: both sides; plain data only.
 */

import type { Failure } from '../../base/errors.ts';
import type { ShardId } from '../../base/ids.ts';

/** Names of the asks; the value is what the parcel carries. */
export const engineAsks = {
  /** meta: `PolicySnapshot`. */
  policy: 'policy.set',
  /** Answer: rows of the thread's metrics. */
  metrics: 'metrics.read',
  /** To the main thread. meta: an address; answer: `PackedRecipient[]` as at RCPT. */
  resolve: 'directory.resolve',
  /** To the main thread. meta: an account; answer: its address, "" where it has none any more. */
  address: 'directory.address',
  /** To the main thread. meta: a domain; answer: its `StsPolicy`, nothing, or "failed". */
  stsPolicy: 'sts-policy.read',
} as const;

/** Notice: a shard takes no new mail for want of room or because it is read-only, or takes it. Value: `ShardRefusal`. */
export const shardRefusalNotice = 'shard.refusal';

export interface ShardRefusal {
  readonly shard: ShardId;
  readonly refusal: Failure | undefined;
}

/** Notice: an account has no room for more mail, or has some again. Value: `AccountFull`. */
export const accountFullNotice = 'account.full';

export interface AccountFull {
  readonly account: number;
  readonly isFull: boolean;
}
