/**
 * Operators' asks about a shard's queue: list, show, retry, hold, release, delete, rebind.
 *
 * Runs in:   engine threads.
 * Limits:    `listCountMax` entries an answer, `scanCountMax` rows looked at; the caller pages on by `scannedTo`.
 * Invariant: an action is recorded before it is answered, so it survives a crash as an outcome does.
 */

import type { Answer, ArrivedAsk, Handlers } from '../../actors/ask.ts';
import type { QueueEntry, QueueSelection, RecipientSelection } from '../../actors/asks/control.ts';
import { type Rebinding, reboundTerms } from '../../actors/asks/delivery-terms.ts';
import type {
  QueueAction,
  QueueListAnswer,
  QueueListParams,
} from '../../actors/asks/queue-asks.ts';
import { queueAsks } from '../../actors/asks/queue-asks.ts';
import {
  cancelledText,
  endingReply,
  removedText,
  whyOfLine,
} from '../../actors/asks/queue-endings.ts';
import type { QueueState } from '../../actors/asks/queue-states.ts';
import { concat, view } from '../../base/bytes.ts';
import { failure } from '../../base/errors.ts';
import type { MessageId } from '../../base/ids.ts';
import { classOfLine } from '../../mail/wire/smtp/response-class.ts';
import type { Clock } from '../../ports/clock.ts';
import { ownOutcome, ownReply } from '../delivery/message.ts';
import type { OpenShard } from '../shards.ts';
import type { Bounces } from './bounce.ts';
import type { Holds } from './holds.ts';
import { releasedMs, type SpoolMessage, type SpoolRecipient } from './message.ts';
import { queueKey, queueRange, unpackRow } from './queue-rows.ts';
import { readBeginning } from './reading.ts';
import type { QueueAct } from './records.ts';
import type { Spool } from './spool.ts';

const listCountMax = 1_000;
/** Of a message's header shown to an operator. */
const headerBytesMax = 65_536;
/** Rows looked at for one page. */
const scanCountMax = 500;

export interface QueueParts {
  readonly shardOf: (ask: ArrivedAsk) => OpenShard | undefined;
  readonly clock: Clock;
  readonly expiryMs: () => number;
  readonly bounces: Bounces;
  readonly holds: Holds;
}

/** What ends a recipient is told as its end. */
const actsTold = {
  ...{ hold: 'held', release: 'released', retry: 'retried', rebind: 'rebound' },
  ...{ delete: '', cancel: '', bounce: '' },
} as const satisfies Record<QueueAction['action'], QueueAct>;

const removed = ending(removedText);
const cancelled = ending(cancelledText);

function ending(text: string) {
  return {
    outcome: ownOutcome('failed', ownReply(554, '5.7.0', text)),
    reply: endingReply(text),
  };
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
      return { ok: true, value: list(parts, shard, ask.meta as QueueListParams) };
    }),
    [queueAsks.show]: onSpool(async (ask, shard) => {
      const message = shard.spool.find(ask.meta as MessageId);
      if (message === undefined) return failure('not-found', String(ask.meta));
      const header = await readHeader(shard.spool, message);
      return { ok: true, value: { entry: entryOf(parts, shard, message), header } };
    }),
    [queueAsks.act]: onSpool((ask, shard) => act(parts, shard, ask.meta as QueueAction)),
  };
}

/** Messages that are named are found by their names: no other row is looked at. */
function listNamed(
  parts: QueueParts,
  shard: OpenShard,
  { after, selection }: QueueListParams,
  ids: readonly string[],
): QueueListAnswer {
  const nowMs = parts.clock.nowMs();
  const entries: QueueEntry[] = [];
  for (const id of [...new Set(ids)].sort()) {
    const message = id > after ? shard.spool.find(id as MessageId) : undefined;
    if (message === undefined || !isSelected(parts, message, selection, nowMs)) continue;
    entries.push(entryOf(parts, shard, message));
  }
  return { entries, isComplete: true, scannedTo: '', queuedCount: shard.spool.queuedCount };
}

/** In order of ids, which is the order of acceptance. Rows past `scanCountMax` wait for the next page. */
function list(parts: QueueParts, shard: OpenShard, params: QueueListParams): QueueListAnswer {
  const { after, selection } = params;
  if (selection.ids !== undefined && selection.ids.length <= listCountMax)
    return listNamed(parts, shard, params, selection.ids);
  const limit = Math.min(params.limit, listCountMax);
  const nowMs = parts.clock.nowMs();
  const entries: QueueEntry[] = [];
  const from = after === '' ? queueRange.from : keyAfter(queueKey(after as MessageId));
  const rows = shard.store.range({ from, to: queueRange.to, limit: scanCountMax });
  let isCut = false;
  for (const { key, value } of rows) {
    isCut = entries.length === limit;
    if (isCut) break;
    const id = view(key).toString('latin1', 1) as MessageId;
    const message = shard.spool.active(id) ?? unpackRow(id, value);
    if (isSelected(parts, message, selection, nowMs)) entries.push(entryOf(parts, shard, message));
  }
  const scannedTo =
    rows.length === scanCountMax ? view(rows.at(-1)!.key).toString('latin1', 1) : '';
  for (const message of shard.spool.unindexed()) {
    const isHere = message.id > after && (scannedTo === '' || message.id <= scannedTo);
    if (isHere && isSelected(parts, message, selection, nowMs))
      entries.push(entryOf(parts, shard, message));
  }
  entries.sort((a, b) => (a.id < b.id ? -1 : 1));
  const isComplete = !isCut && scannedTo === '' && entries.length <= limit;
  const page = entries.slice(0, limit);
  return {
    entries: page,
    isComplete,
    scannedTo: page.length === limit || isComplete ? (page.at(-1)?.id ?? '') : scannedTo,
    queuedCount: shard.spool.queuedCount,
  };
}

function keyAfter(key: Uint8Array): Uint8Array {
  return concat([key, Uint8Array.of(0)]);
}

async function readHeader(spool: Spool, message: SpoolMessage): Promise<string> {
  const bytes = concat(await readBeginning(spool.shard, message));
  const end = bytes.indexOf('\r\n\r\n');
  return bytes.toString('utf8', 0, Math.min(end < 0 ? bytes.byteLength : end + 2, headerBytesMax));
}

async function act(parts: QueueParts, shard: OpenShard, action: QueueAction): Promise<Answer> {
  // All at once: one after the other, each would wait for a group commit of its own.
  const acted = await Promise.all(
    action.ids.map((id) => {
      const message = shard.spool.find(id as MessageId);
      const isOver = message === undefined || message.waitingCount === 0;
      return isOver ? false : actOn(parts, shard.spool, message, action);
    }),
  );
  return { ok: true, value: { count: acted.filter(Boolean).length } };
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
    // What an attempt has in hand may be delivered this moment: nobody is told that it was cancelled.
    if (action.action === 'cancel' && recipient.isOpen) continue;
    if (isMeant(recipient, action.only)) indexes.push(index);
  }
  if (indexes.length === 0) return false;
  if (action.action === 'rebind') return rebind(spool, message, action.binding ?? {});
  const nowMs = parts.clock.nowMs();
  for (const index of indexes) {
    const recipient = message.recipients[index]!;
    if (isEnding(action)) {
      const { outcome, reply } = action.action === 'cancel' ? cancelled : removed;
      recipient.state = action.action === 'bounce' ? 'failed' : 'deleted';
      recipient.reply = reply;
      spool.events.attempted(message, recipient, outcome);
    } else if (action.action !== 'hold') recipient.nextMs = nowMs;
  }
  if (action.action === 'hold') message.isHeld = true;
  if (action.action === 'release') message.isHeld = false;
  if (action.action === 'retry' && isHeld(parts, message)) return false;
  if (action.action === 'bounce') {
    await parts.bounces.record(
      spool,
      message,
      indexes,
      indexes.map(() => removed.outcome),
      nowMs,
    );
  } else await spool.record(message, indexes, undefined, actsTold[action.action]);
  // An attempt that was open may have ended it meanwhile.
  const isOn = action.action === 'retry' || action.action === 'release';
  if (isOn && message.waitingCount > 0) spool.attemptNow(message);
  return true;
}

/** It keeps its place and its instant; what a connection has of it already leaves as it was. */
async function rebind(spool: Spool, message: SpoolMessage, binding: Rebinding): Promise<boolean> {
  const terms = reboundTerms(message.terms, binding);
  const isSame =
    terms?.campaign === message.terms?.campaign &&
    terms?.pool === message.terms?.pool &&
    terms?.isPoolBound === message.terms?.isPoolBound;
  if (isSame) return false;
  message.terms = terms;
  await spool.record(message, [], undefined, actsTold.rebind);
  return true;
}

function isEnding({ action }: QueueAction): boolean {
  return action === 'delete' || action === 'bounce' || action === 'cancel';
}

/** It waits, and is one of those asked for. */
function isMeant(
  { state, address, reply }: SpoolRecipient,
  { domain, recipient, why, replyText }: RecipientSelection,
): boolean {
  if (state !== 'waiting') return false;
  if (domain !== undefined && !address.endsWith(`@${domain}`)) return false;
  if (recipient !== undefined && address.toLowerCase() !== recipient.toLowerCase()) return false;
  if (replyText !== undefined && !reply.toLowerCase().includes(replyText.toLowerCase()))
    return false;
  return why === undefined || (reply !== '' && classOfLine(reply) === why);
}

function isSelected(
  parts: QueueParts,
  message: SpoolMessage,
  selection: QueueSelection,
  nowMs: number,
): boolean {
  const { ids, sender, state, campaign, olderThanMs, tenantId } = selection;
  if (ids !== undefined && !ids.includes(message.id)) return false;
  if (tenantId !== undefined && message.tenant !== tenantId) return false;
  if (sender !== undefined && message.sender !== sender) return false;
  if (state !== undefined && stateOf(parts, message) !== state) return false;
  if (campaign !== undefined && (message.terms?.campaign ?? '') !== campaign) return false;
  if (olderThanMs !== undefined && nowMs - message.acceptedMs < olderThanMs) return false;
  return message.recipients.some((recipient) => isMeant(recipient, selection));
}

/** By an operator, or by a rule of theirs for all that waits of it. */
function isHeld({ holds }: QueueParts, message: SpoolMessage): boolean {
  if (message.isHeld || holds.isNone) return message.isHeld;
  return message.recipients.every(
    (each) => each.state !== 'waiting' || holds.ruleOf(message, each) !== undefined,
  );
}

function stateOf(parts: QueueParts, message: SpoolMessage): QueueState {
  if (isHeld(parts, message)) return 'held';
  return message.openCount > 0 ? 'sending' : 'waiting';
}

function entryOf(parts: QueueParts, shard: OpenShard, message: SpoolMessage): QueueEntry {
  const { holds } = parts;
  return {
    id: message.id,
    tenant: message.tenant,
    sender: message.sender,
    bytes: message.bytes,
    acceptedMs: message.acceptedMs,
    expiresMs: releasedMs(message) + parts.expiryMs(),
    shard: shard.store.id,
    recipients: message.recipients.map((recipient) => ({
      address: recipient.address,
      state:
        recipient.state === 'waiting'
          ? message.isHeld || holds.ruleOf(message, recipient) !== undefined
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
      ...(isReason(recipient) ? { why: whyOfLine(recipient.reply) } : {}),
    })),
  };
}

/** Whether its last reply says why it was not taken. */
function isReason({ reply, state }: SpoolRecipient): boolean {
  return reply !== '' && state !== 'delivered';
}
