/**
 * What happened to messages, as operators see it: one log line an event, and counters.
 *
 * Runs in:   engine threads.
 * Invariant: no body, no secret; addresses, ids and replies only.
 */

import type { Arrival, Envelope } from '../../actors/asks/reception.ts';
import type { ErrorCode, Failure } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { classOf, type ResponseClass } from '../../mail/wire/smtp/response-class.ts';
import type { Clock } from '../../ports/clock.ts';
import type { RecipientOutcome } from '../delivery/message.ts';
import type { SpoolMessage, SpoolRecipient } from './message.ts';
import type { PackedOrigin } from './records.ts';

export interface MessageEvents {
  accepted(message: SpoolMessage, origin: PackedOrigin): void;
  /** An attempt ended; the recipient already has its new state. */
  attempted(message: SpoolMessage, recipient: SpoolRecipient, outcome: RecipientOutcome): void;
  /** As `attempted`, of a recipient that an operator had ended: no record is made of it. */
  attemptedLate(message: SpoolMessage, recipient: SpoolRecipient, outcome: RecipientOutcome): void;
  /** A message was accepted straight into accounts; one outcome per recipient. */
  stored(arrival: Arrival, envelope: Envelope, outcomes: readonly StoreOutcome[]): void;
  bounced(message: SpoolMessage, bounceId: string): void;
  done(message: SpoolMessage): void;
  storeTrouble(code: ErrorCode, detail: string): void;
}

export interface MessageCounters {
  accepted(bytes: number): void;
  /** `why`: where it was not delivered. Of sources there are as many as settings have. */
  outcome(state: string, why: ResponseClass | '', source: string | undefined): void;
  done(latencyMs: number): void;
  stored(result: 'stored' | 'refused'): void;
}

export type StoreOutcome =
  | { readonly ok: true; readonly uid: number; readonly isRepeat?: boolean }
  | Failure;

export function logEvents(log: Log, clock: Clock, counters: MessageCounters): MessageEvents {
  const attempted = (
    message: SpoolMessage,
    recipient: SpoolRecipient,
    outcome: RecipientOutcome,
  ): void => {
    const state = recipient.state === 'waiting' ? 'deferred' : recipient.state;
    const why = outcome.status === 'delivered' ? '' : classOf(outcome.reply);
    counters.outcome(state, why, outcome.departure?.source);
    if (!log.isOn('info')) return;
    const isWaiting = recipient.state === 'waiting';
    const event = isWaiting ? 'deferred' : recipient.state;
    log.info(
      {
        event,
        id: message.id,
        to: recipient.address,
        host: outcome.remoteHost === '' ? undefined : outcome.remoteHost,
        address: outcome.remoteAddress === '' ? undefined : outcome.remoteAddress,
        ...departureOf(outcome),
        reply: recipient.reply,
        why: why === '' ? undefined : why,
        attempts: recipient.attempts,
        nextMs: isWaiting ? recipient.nextMs : undefined,
        delayMs: clock.nowMs() - message.acceptedMs,
      },
      event,
    );
  };
  return {
    accepted(message, [listener, protocol, peer, helo, user]) {
      counters.accepted(message.bytes);
      if (!log.isOn('info')) return;
      log.info(
        {
          event: 'accepted',
          id: message.id,
          from: message.sender,
          to: message.recipients.length === 1 ? message.recipients[0]!.address : undefined,
          recipients: message.recipients.length,
          bytes: message.bytes,
          listener,
          protocol,
          peer,
          helo,
          user: user === '' ? undefined : user,
        },
        'accepted',
      );
    },
    attempted,
    attemptedLate: attempted,
    stored(arrival, envelope, outcomes) {
      for (const outcome of outcomes) counters.stored(outcome.ok ? 'stored' : 'refused');
      if (log.isOn('info')) logStored(log, arrival, envelope, outcomes);
    },
    bounced(message, bounceId) {
      log.info(
        { event: 'bounced', id: message.id, to: message.sender, bounce: bounceId },
        'bounced',
      );
    },
    done(message) {
      counters.done(clock.nowMs() - message.acceptedMs);
    },
    storeTrouble(code, detail) {
      log.error({ event: 'store-trouble', code, detail }, 'the store refused an outcome');
    },
  };
}

function departureOf({ departure }: RecipientOutcome) {
  if (departure === undefined) return {};
  const { source, egress, provider } = departure;
  return { source, egress: egress === '' ? undefined : egress, provider };
}

function logStored(
  log: Log,
  arrival: Arrival,
  envelope: Envelope,
  outcomes: readonly StoreOutcome[],
): void {
  for (const [index, outcome] of outcomes.entries()) {
    const event = outcome.ok ? 'stored' : 'refused';
    log.info(
      {
        event,
        id: arrival.id,
        from: envelope.sender,
        to: envelope.recipients[index]!.address,
        listener: arrival.listener,
        peer: arrival.peerAddress,
        ...(outcome.ok ? { uid: outcome.uid } : { code: outcome.code }),
      },
      event,
    );
  }
}
