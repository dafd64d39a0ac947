/**
 * Operators' asks to one shard's queue.
 *
 * Runs in: both sides; plain data only.
 */

import type { QueueSelection } from './control.ts';

export const queueAsks = {
  /** meta: `QueueListParams`; answer: entries and where to go on. */
  list: 'queue.list',
  /** meta: `QueueAction`; answer: the number of messages acted on. */
  act: 'queue.act',
} as const;

export interface QueueListParams {
  /** The last id seen, "" for the start. */
  readonly after: string;
  readonly selection: QueueSelection;
}

export interface QueueAction {
  readonly action: 'retry' | 'hold' | 'release' | 'delete';
  readonly ids: readonly string[];
  /** Only recipients of this domain. */
  readonly domain?: string;
}
