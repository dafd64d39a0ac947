/**
 * What operators see of a queued message, and which messages they mean.
 *
 * Runs in: engine threads; pure.
 */

import type { QueueEntry, QueueSelection, RecipientSelection } from '../../actors/asks/control.ts';
import { whyOfLine } from '../../actors/asks/queue-endings.ts';
import type { QueueState } from '../../actors/asks/queue-states.ts';
import { view } from '../../base/bytes.ts';
import type { MessageId, ShardId } from '../../base/ids.ts';
import { classOfLine } from '../../mail/wire/smtp/response-class.ts';
import type { Holds } from './holds.ts';
import { releasedMs, type SpoolMessage, type SpoolRecipient } from './message.ts';
import { unpackRow } from './queue-rows.ts';

export interface QueueViewParts {
  readonly expiryMs: () => number;
  readonly holds: Holds;
}

/** Finds those that are meant among rows, most of which need not be unpacked for that. */
export class Selected {
  readonly #holds: Holds;
  readonly #selection: QueueSelection;
  readonly #nowMs: number;
  /** A row without all of these is of another message. */
  readonly #needles: readonly Buffer[];

  constructor(holds: Holds, selection: QueueSelection, nowMs: number) {
    this.#holds = holds;
    this.#selection = selection;
    this.#nowMs = nowMs;
    const { sender = '', campaign = '', domain = '' } = selection;
    this.#needles = [sender, campaign, domain]
      .filter((text) => text !== '')
      .map((text) => Buffer.from(text));
  }

  has(message: SpoolMessage): boolean {
    return isSelected(this.#holds, message, this.#selection, this.#nowMs);
  }

  /** The message of a row, if it is meant. */
  read(id: MessageId, row: Uint8Array): SpoolMessage | undefined {
    const bytes = view(row);
    for (const needle of this.#needles) if (!bytes.includes(needle)) return undefined;
    const message = unpackRow(id, row);
    return this.has(message) ? message : undefined;
  }
}

/** It waits, and is one of those asked for. */
export function isMeant(
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
  holds: Holds,
  message: SpoolMessage,
  selection: QueueSelection,
  nowMs: number,
): boolean {
  const { ids, sender, state, campaign, olderThanMs, tenantId } = selection;
  if (ids !== undefined && !ids.includes(message.id)) return false;
  if (tenantId !== undefined && message.tenant !== tenantId) return false;
  if (sender !== undefined && message.sender !== sender) return false;
  if (state !== undefined && stateOf(holds, message) !== state) return false;
  if (campaign !== undefined && (message.terms?.campaign ?? '') !== campaign) return false;
  if (olderThanMs !== undefined && nowMs - message.acceptedMs < olderThanMs) return false;
  return message.recipients.some((recipient) => isMeant(recipient, selection));
}

/** By an operator, or by a rule of theirs for all that waits of it. */
export function isHeld(holds: Holds, message: SpoolMessage): boolean {
  if (message.isHeld || holds.isNone) return message.isHeld;
  return message.recipients.every(
    (each) => each.state !== 'waiting' || holds.ruleOf(message, each) !== undefined,
  );
}

function stateOf(holds: Holds, message: SpoolMessage): QueueState {
  if (isHeld(holds, message)) return 'held';
  return message.openCount > 0 ? 'sending' : 'waiting';
}

export function entryOf(
  { holds, expiryMs }: QueueViewParts,
  shard: ShardId,
  message: SpoolMessage,
): QueueEntry {
  return {
    id: message.id,
    tenant: message.tenant,
    sender: message.sender,
    bytes: message.bytes,
    acceptedMs: message.acceptedMs,
    expiresMs: releasedMs(message) + expiryMs(),
    shard,
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
