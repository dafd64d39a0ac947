/**
 * Operators' asks to one shard's queue.
 *
 * Runs in: both sides; plain data only.
 */

import type { QueueEntry, QueueSelection, RecipientSelection } from './control.ts';
import type { Rebinding } from './delivery-terms.ts';

export const queueAsks = {
  /** meta: `QueueListParams`; answer: `QueueListAnswer`. */
  list: 'queue.list',
  /** meta: a message id; answer: its entry and header. */
  show: 'queue.show',
  /** meta: `QueueAction`; answer: the number of messages acted on. */
  act: 'queue.act',
} as const;

export interface QueueListParams {
  /** The last id seen, "" for the start. */
  readonly after: string;
  readonly limit: number;
  readonly selection: QueueSelection;
}

export interface QueueListAnswer {
  readonly entries: readonly QueueEntry[];
  /** Nothing of this shard is left after these. */
  readonly isComplete: boolean;
  /** Where to go on: everything up to this id was looked at. */
  readonly scannedTo: string;
  /** Messages in the queue of the shard, selected or not. */
  readonly queuedCount: number;
}

export interface QueueAction {
  /** `cancel` is its sender's: it ends what nothing is being sent of. */
  readonly action: 'retry' | 'hold' | 'release' | 'delete' | 'bounce' | 'cancel' | 'rebind';
  readonly ids: readonly string[];
  readonly only: RecipientSelection;
  /** Of `rebind`, for the whole message. */
  readonly binding?: Rebinding;
}
