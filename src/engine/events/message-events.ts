/**
 * Turns what no record tells of messages into events of their shard's log, and hands all on to log lines and counters.
 *
 * Runs in:   the engine thread that owns the shard.
 * Invariant: no body, no secret; addresses, ids and replies only. What a record tells comes from that record alone
 *            (`record-events.ts`): told here, too, it would be told twice.
 */

import type { Arrival, Envelope } from '../../actors/asks/reception.ts';
import { eventNumbers, type FeedbackEvent } from '../../actors/asks/trace-asks.ts';
import type { Clock } from '../../ports/clock.ts';
import type { RecipientOutcome } from '../delivery/message.ts';
import type { Delivery, DeliveryOutcome } from '../mailbox/delivery.ts';
import type { MessageEvents, StoreOutcome } from '../spool/events.ts';
import { clipReply, type SpoolMessage, type SpoolRecipient } from '../spool/message.ts';
import type { EventLog } from './event-log.ts';

export interface ShardEvents extends MessageEvents {
  /** Copies out of some shard's spool came to accounts of this one; one outcome per target. */
  copied(delivery: Delivery, outcomes: readonly DeliveryOutcome[]): void;
  /** What was said of a message, or why one was not taken, where no record tells it. */
  told(event: FeedbackEvent): void;
}

/** And no campaign. */
const noOrigin = ['', '', '', '', '', ''] as const;

/** Tells `logged` and the event log; what only counts goes to `logged` alone. */
export function shardEvents(
  logged: MessageEvents,
  events: Pick<EventLog, 'append'>,
  clock: Clock,
): ShardEvents {
  return {
    accepted: (message, origin) => logged.accepted(message, origin),
    attempted: (message, recipient, outcome) => logged.attempted(message, recipient, outcome),
    attemptedLate(message, recipient, outcome) {
      logged.attemptedLate(message, recipient, outcome);
      appendLate(events, clock.nowMs(), message, recipient, outcome);
    },
    stored(arrival, envelope, outcomes) {
      logged.stored(arrival, envelope, outcomes);
      appendUnstored(events, clock.nowMs(), arrival, envelope, outcomes);
    },
    copied(delivery, outcomes) {
      appendCopied(events, clock.nowMs(), delivery, outcomes);
    },
    bounced: (message, bounceId) => logged.bounced(message, bounceId),
    done: (message) => logged.done(message),
    told: (event) => events.append(event),
    storeTrouble: (code, detail) => logged.storeTrouble(code, detail),
  };
}

/** The recipient's own reply is the operator's word, whatever the attempt under way came to. */
function appendLate(
  events: Pick<EventLog, 'append'>,
  nowMs: number,
  { id, tenant, sender, terms }: SpoolMessage,
  { address, state, attempts }: SpoolRecipient,
  { remoteHost, remoteAddress, reply: { code, enhanced, text } }: RecipientOutcome,
): void {
  const kind = eventNumbers[state === 'waiting' ? 'deferred' : state];
  const reply = clipReply(`${code} ${enhanced} ${text}`);
  const head = [kind, nowMs, id, tenant, sender, [address]] as const;
  events.append([...head, remoteHost, remoteAddress, reply, attempts, 0, terms?.campaign ?? '']);
}

/** What was refused, and what had been stored before: the first time has a record. */
function appendUnstored(
  events: Pick<EventLog, 'append'>,
  nowMs: number,
  arrival: Arrival,
  envelope: Envelope,
  outcomes: readonly StoreOutcome[],
): void {
  const { id, tenant, listener, protocol, peerAddress, helo, user = '' } = arrival;
  const { sender, terms } = envelope;
  const from = [listener, protocol, peerAddress, helo, user, terms?.campaign ?? ''] as const;
  for (const [index, outcome] of outcomes.entries()) {
    const recipients = [envelope.recipients[index]!.address];
    if (!outcome.ok) {
      const { refused } = eventNumbers;
      events.append([refused, nowMs, id, tenant, sender, recipients, outcome.code, ...from]);
    } else if (outcome.isRepeat === true) {
      const { stored } = eventNumbers;
      events.append([stored, nowMs, id, tenant, sender, recipients, outcome.uid, true, ...from]);
    }
  }
}

function appendCopied(
  events: Pick<EventLog, 'append'>,
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
