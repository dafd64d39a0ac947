/**
 * Turns what happens to messages into events of their shard's log, besides the log lines it leads to.
 *
 * Runs in:   the engine thread that owns the shard.
 * Limits:    an `accepted` event names `recipientsPerEvent` recipients; further ones stand in further events.
 * Invariant: no body, no secret; addresses, ids and replies only.
 */

import type { Arrival, Envelope } from '../../actors/asks/reception.ts';
import { eventNumbers, type FeedbackEvent } from '../../actors/asks/trace-asks.ts';
import type { Clock } from '../../ports/clock.ts';
import type { RecipientOutcome } from '../delivery/message.ts';
import type { Delivery, DeliveryOutcome } from '../mailbox/delivery.ts';
import type { MessageEvents, StoreOutcome } from '../spool/events.ts';
import { clipReply, type SpoolMessage, type SpoolRecipient } from '../spool/message.ts';
import type { PackedOrigin } from '../spool/records.ts';
import type { EventLog } from './event-log.ts';

export const recipientsPerEvent = 64;

export interface ShardEvents extends MessageEvents {
  /** Copies out of some shard's spool came to accounts of this one; one outcome per target. */
  copied(delivery: Delivery, outcomes: readonly DeliveryOutcome[]): void;
  /** What somebody said of a message that had left, or why one was not taken. */
  told(event: FeedbackEvent): void;
}

const noOrigin: PackedOrigin = ['', '', '', '', ''];

/** Tells `logged` and the event log; what only counts goes to `logged` alone. */
export function shardEvents(logged: MessageEvents, events: EventLog, clock: Clock): ShardEvents {
  return {
    accepted(message, origin) {
      logged.accepted(message, origin);
      appendAccepted(events, message, origin);
    },
    attempted(message, recipient, outcome) {
      logged.attempted(message, recipient, outcome);
      appendOutcome(events, clock.nowMs(), message, recipient, outcome);
    },
    stored(arrival, envelope, outcomes) {
      logged.stored(arrival, envelope, outcomes);
      appendStored(events, clock.nowMs(), arrival, envelope, outcomes);
    },
    copied(delivery, outcomes) {
      appendCopied(events, clock.nowMs(), delivery, outcomes);
    },
    bounced(message, bounceId) {
      logged.bounced(message, bounceId);
      const { id, tenant, sender } = message;
      events.append([eventNumbers.bounced, clock.nowMs(), id, tenant, sender, [], bounceId]);
    },
    done: (message) => logged.done(message),
    told: (event) => events.append(event),
    storeTrouble: (code, detail) => logged.storeTrouble(code, detail),
  };
}

function appendAccepted(events: EventLog, message: SpoolMessage, origin: PackedOrigin): void {
  const { recipients } = message;
  for (let from = 0; from < recipients.length; from += recipientsPerEvent) {
    const named: string[] = [];
    const to = Math.min(recipients.length, from + recipientsPerEvent);
    for (let i = from; i < to; i++) named.push(recipients[i]!.address);
    events.append([
      eventNumbers.accepted,
      message.acceptedMs,
      message.id,
      message.tenant,
      message.sender,
      named,
      message.bytes,
      recipients.length,
      origin[0],
      origin[1],
      origin[2],
      origin[3],
      origin[4],
    ]);
  }
}

function appendOutcome(
  events: EventLog,
  nowMs: number,
  message: SpoolMessage,
  recipient: SpoolRecipient,
  outcome: RecipientOutcome,
): void {
  const { state } = recipient;
  if (outcome.suppressed !== undefined) {
    const { id, tenant, sender, terms } = message;
    const head = [eventNumbers.suppressed, nowMs, id, tenant, sender, [recipient.address]] as const;
    events.append([...head, outcome.suppressed, terms?.campaign ?? '', replyOf(outcome), '']);
    return;
  }
  const isWaiting = state === 'waiting';
  events.append([
    eventNumbers[isWaiting ? 'deferred' : state],
    nowMs,
    message.id,
    message.tenant,
    message.sender,
    [recipient.address],
    outcome.remoteHost,
    outcome.remoteAddress,
    state === 'deleted' ? replyOf(outcome) : recipient.reply,
    recipient.attempts,
    isWaiting ? recipient.nextMs : 0,
  ]);
}

/** A deleted recipient's own reply is the operator's word, whatever an attempt under way came to. */
function replyOf({ reply: { code, enhanced, text } }: RecipientOutcome): string {
  return clipReply(`${code} ${enhanced} ${text}`);
}

function appendStored(
  events: EventLog,
  nowMs: number,
  arrival: Arrival,
  envelope: Envelope,
  outcomes: readonly StoreOutcome[],
): void {
  const { id, tenant, listener, protocol, peerAddress, helo, user = '' } = arrival;
  for (const [index, outcome] of outcomes.entries()) {
    const recipients = [envelope.recipients[index]!.address];
    const { sender } = envelope;
    const from = [listener, protocol, peerAddress, helo, user] as const;
    if (outcome.ok) {
      const { stored } = eventNumbers;
      events.append([stored, nowMs, id, tenant, sender, recipients, outcome.uid, false, ...from]);
    } else {
      const { refused } = eventNumbers;
      events.append([refused, nowMs, id, tenant, sender, recipients, outcome.code, ...from]);
    }
  }
}

function appendCopied(
  events: EventLog,
  nowMs: number,
  { id, tenant, sender, targets }: Delivery,
  outcomes: readonly DeliveryOutcome[],
): void {
  for (const [index, outcome] of outcomes.entries()) {
    const recipients = [targets[index]!.recipient];
    if (outcome.ok) {
      const { stored } = eventNumbers;
      const { uid, isRepeat } = outcome;
      events.append([stored, nowMs, id, tenant, sender, recipients, uid, isRepeat, ...noOrigin]);
    } else {
      const { refused } = eventNumbers;
      events.append([refused, nowMs, id, tenant, sender, recipients, outcome.code, ...noOrigin]);
    }
  }
}
