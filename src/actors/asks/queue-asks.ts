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
  /** meta: `QueueActPage`; answer: `QueueActPageAnswer`. */
  actOnPage: 'queue.actOnPage',
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

/** `cancel` is its sender's: it ends what nothing is being sent of. */
export type QueueAct = 'retry' | 'hold' | 'release' | 'delete' | 'bounce' | 'cancel' | 'rebind';

export interface QueueAction {
  readonly action: QueueAct;
  readonly ids: readonly string[];
  readonly only: RecipientSelection;
  /** Of `rebind`, for the whole message. */
  readonly binding?: Rebinding;
}

/** One page of an act on all that a selection means. */
export interface QueueActPage {
  readonly action: QueueAct;
  readonly selection: QueueSelection;
  readonly binding?: Rebinding;
  /** Where the last page ended; "" for the start. */
  readonly after: string;
  /** Messages accepted later are not meant. */
  readonly upTo: string;
}

export interface QueueActPageAnswer {
  readonly count: number;
  readonly scannedCount: number;
  /** For `after` of the next page; "": nothing is left. */
  readonly scannedTo: string;
}
