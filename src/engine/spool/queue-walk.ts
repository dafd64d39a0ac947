/**
 * Walks a shard's queue in the order of ids, which is that of acceptance, a step at a time: rows, and among them what
 * waits in memory without one.
 *
 * Runs in:   engine threads.
 * Limits:    a step looks at `stepRows` rows, under 2 ms; who walks lets others run in between.
 * Invariant: a message that waits all the time is met once, whether it gets its row meanwhile or not: each step sees
 *            both in one turn.
 */

import { Buffer } from 'node:buffer';
import { view } from '../../base/bytes.ts';
import type { MessageId } from '../../base/ids.ts';
import type { SpoolMessage } from './message.ts';
import { keyAfter, queueKey, queueRange } from './queue-rows.ts';
import type { Selected } from './queue-view.ts';
import type { Spool } from './spool.ts';

const stepRows = 64;

export interface Step {
  /** Those that are meant, oldest first. */
  readonly messages: readonly SpoolMessage[];
  /** All up to this id was looked at; "": all there is. */
  readonly scannedTo: string;
  readonly scannedCount: number;
}

/** `after` is the id to go on behind, "" for the start. */
export function stepOn(spool: Spool, selected: Selected, after: string): Step {
  const from = after === '' ? queueRange.from : keyAfter(queueKey(after as MessageId));
  const rows = spool.shard.range({ from, to: queueRange.to, limit: stepRows });
  const messages: SpoolMessage[] = [];
  for (const { key, value } of rows) {
    const id = view(key).toString('latin1', 1) as MessageId;
    const active = spool.active(id);
    if (active === undefined) {
      const message = selected.read(id, value);
      if (message !== undefined) messages.push(message);
    } else if (selected.has(active)) messages.push(active);
  }
  const last = rows.length < stepRows ? undefined : rows.at(-1)!.key;
  const scannedTo = last === undefined ? '' : Buffer.from(last).toString('latin1', 1);
  let scannedCount = rows.length;
  const rowCount = messages.length;
  for (const message of spool.unindexed()) {
    if (message.id <= after || (scannedTo !== '' && message.id > scannedTo)) continue;
    scannedCount++;
    if (selected.has(message)) messages.push(message);
  }
  if (messages.length > rowCount) messages.sort((a, b) => (a.id < b.id ? -1 : 1));
  return { messages, scannedTo, scannedCount };
}
