/**
 * Operators' asks about a shard's queue: list, show, retry, hold, release, delete.
 *
 * Runs in:   engine threads.
 * Limits:    `listCountMax` entries an answer; the caller pages on by `after`.
 * Invariant: an action is recorded before it is answered, so it survives a crash as an outcome does.
 */

import type { Answer, ArrivedAsk, Handlers } from '../../actors/ask.ts';
import type { QueueEntry, QueueSelection, QueueState } from '../../actors/asks/control.ts';
import type { QueueAction, QueueListParams } from '../../actors/asks/queue-asks.ts';
import { queueAsks } from '../../actors/asks/queue-asks.ts';
import { failure } from '../../base/errors.ts';
import type { MessageId } from '../../base/ids.ts';
import type { Clock } from '../../ports/clock.ts';
import type { OpenShard } from '../shards.ts';
import type { SpoolMessage, SpoolRecipient } from './message.ts';
import { queueKey, queueRange, unpackRow } from './queue-rows.ts';
import type { Spool } from './spool.ts';

export const listCountMax = 500;

export interface QueueParts {
  readonly shardOf: (ask: ArrivedAsk) => OpenShard | undefined;
  readonly clock: Clock;
  readonly expiryMs: () => number;
}

export function queueHandlers(parts: QueueParts): Handlers {
  const onSpool =
    (run: (ask: ArrivedAsk, shard: OpenShard) => Answer | Promise<Answer>) =>
    (ask: ArrivedAsk): Answer | Promise<Answer> => {
      const shard = parts.shardOf(ask);
      return shard === undefined
        ? failure('not-possible-now', `shard ${ask.shard} is not open here`)
        : run(ask, shard);
    };
  return {
    [queueAsks.list]: onSpool((ask, shard) => {
      const { after, selection } = ask.meta as QueueListParams;
      return { ok: true, value: list(parts, shard, after, selection) };
    }),
    [queueAsks.act]: onSpool((ask, shard) => act(parts, shard, ask.meta as QueueAction)),
  };
}

/** Messages without a row come first, then rows by id; `after` is the last id seen ("" for the start). */
function list(
  parts: QueueParts,
  shard: OpenShard,
  after: string,
  selection: QueueSelection,
): { entries: QueueEntry[]; after: string | undefined } {
  const entries: QueueEntry[] = [];
  if (after === '') {
    for (const message of shard.spool.unindexed()) {
      if (isSelected(message, selection)) entries.push(entryOf(parts, shard, message));
      if (entries.length >= listCountMax) break;
    }
  }
  const from = after === '' ? queueRange.from : Buffer.concat([queueKey(after as MessageId), Buffer.of(0)]);
  const rows = shard.store.range({ from, to: queueRange.to, limit: listCountMax });
  for (const { key, value } of rows) {
    const id = Buffer.from(key.subarray(1)).toString('latin1') as MessageId;
    const message = shard.spool.find(id) ?? unpackRow(id, value);
    if (isSelected(message, selection)) entries.push(entryOf(parts, shard, message));
  }
  const last = rows.at(-1);
  const isMore = rows.length === listCountMax && last !== undefined;
  return {
    entries,
    after: isMore ? Buffer.from(last.key.subarray(1)).toString('latin1') : undefined,
  };
}

async function act(parts: QueueParts, shard: OpenShard, action: QueueAction): Promise<Answer> {
  let count = 0;
  for (const id of action.ids) {
    const message = shard.spool.find(id as MessageId);
    if (message === undefined || message.waitingCount === 0) continue;
    if (await actOn(parts, shard.spool, message, action)) count++;
  }
  return { ok: true, value: { count } };
}

async function actOn(
  parts: QueueParts,
  spool: Spool,
  message: SpoolMessage,
  action: QueueAction,
): Promise<boolean> {
  const indexes: number[] = [];
  for (let index = 0; index < message.recipients.length; index++) {
    const recipient = message.recipients[index]!;
    if (recipient.state === 'waiting' && isOfDomain(recipient, action.domain)) indexes.push(index);
  }
  if (indexes.length === 0) return false;
  const nowMs = parts.clock.nowMs();
  for (const index of indexes) {
    const recipient = message.recipients[index]!;
    if (action.action === 'delete') {
      recipient.state = 'deleted';
      recipient.reply = 'deleted by an operator';
    } else if (action.action !== 'hold') recipient.nextMs = nowMs;
  }
  if (action.action === 'hold') message.isHeld = true;
  if (action.action === 'release') message.isHeld = false;
  if (action.action === 'retry' && message.isHeld) return false;
  await spool.record(message, indexes);
  if (action.action === 'retry' || action.action === 'release') spool.attemptNow(message);
  return true;
}

function isOfDomain(recipient: SpoolRecipient, domain: string | undefined): boolean {
  return domain === undefined || recipient.address.endsWith(`@${domain}`);
}

function isSelected(message: SpoolMessage, selection: QueueSelection): boolean {
  const { ids, sender, domain, state } = selection;
  if (ids !== undefined && !ids.includes(message.id)) return false;
  if (sender !== undefined && message.sender !== sender) return false;
  if (state !== undefined && stateOf(message) !== state) return false;
  if (domain === undefined) return true;
  return message.recipients.some(
    (recipient) => recipient.state === 'waiting' && isOfDomain(recipient, domain),
  );
}

function stateOf(message: SpoolMessage): QueueState {
  if (message.isHeld) return 'held';
  return message.openCount > 0 ? 'sending' : 'waiting';
}

function entryOf(parts: QueueParts, shard: OpenShard, message: SpoolMessage): QueueEntry {
  return {
    id: message.id,
    tenant: message.tenant,
    sender: message.sender,
    bytes: message.bytes,
    acceptedMs: message.acceptedMs,
    expiresMs: message.acceptedMs + parts.expiryMs(),
    shard: shard.store.id,
    recipients: message.recipients.map((recipient) => ({
      address: recipient.address,
      state:
        recipient.state === 'waiting'
          ? message.isHeld
            ? ('held' as const)
            : recipient.isOpen
              ? ('sending' as const)
              : ('waiting' as const)
          : recipient.state === 'deleted'
            ? ('failed' as const)
            : recipient.state,
      attemptCount: recipient.attempts,
      nextAttemptMs: recipient.state === 'waiting' && !message.isHeld ? recipient.nextMs : 0,
      lastReply: recipient.reply,
    })),
  };
}
