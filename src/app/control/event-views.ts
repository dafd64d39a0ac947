/**
 * Events for programs: every field under its name.
 *
 * Runs in: main thread; pure.
 */

import type { EventView } from '../../actors/asks/control.ts';
import type { EventPosition } from '../../actors/asks/event-asks.ts';
import { whyOfLine } from '../../actors/asks/queue-endings.ts';
import {
  type AdminEvent,
  eventIdOf,
  eventKinds,
  eventNumbers,
  type FeedbackEvent,
  type OutcomeEvent,
  type PackedEvent,
  tailOf,
} from '../../actors/asks/trace-asks.ts';

export function eventViewOf(event: PackedEvent, shard: number, position: EventPosition): EventView {
  const [kind, instantMs, message, tenant, sender, recipients] = event;
  return {
    id: eventIdOf(shard, event) ?? [shard, ...position].join('-'),
    at: new Date(instantMs).toISOString(),
    kind: eventKinds[kind] ?? `kind ${kind}`,
    ...{ message, tenant, sender, recipients },
    ...said({ campaign: tailOf(event).campaign, ...moreOf(event) }),
  };
}

function moreOf(event: PackedEvent): Partial<EventView> {
  switch (event[0]) {
    case eventNumbers.accepted: {
      const [, , , , , , bytes, recipientCount, listener, protocol, peer, helo, user] = event;
      return { bytes, recipientCount, listener, protocol, peer, helo, user };
    }
    case eventNumbers.bounced:
      return { report: event[6] };
    case eventNumbers.stored: {
      const [, , , , , , uid, isRepeat, listener, protocol, peer, helo, user] = event;
      return { uid, ...(isRepeat ? { isRepeat } : {}), listener, protocol, peer, helo, user };
    }
    case eventNumbers.refused: {
      const [, , , , , , code, listener, protocol, peer, helo, user] = event;
      return { code, listener, protocol, peer, helo, user };
    }
    case eventNumbers.suppressed:
    case eventNumbers.bounce:
    case eventNumbers.complaint:
    case eventNumbers.unsubscribe: {
      const [, , , , , , why, stream, words, from] = event as FeedbackEvent;
      return { why, stream, words, from };
    }
    case eventNumbers.admin: {
      const [, , , , , , what, detail, by] = event as AdminEvent;
      return { what, detail, by };
    }
    default:
      return outcomeOf(event as OutcomeEvent);
  }
}

function outcomeOf(event: OutcomeEvent): Partial<EventView> {
  const [kind, , , , , , host, address, reply, attempts, nextMs, , , , departure] = event;
  const [source = '', egress = '', provider = ''] = departure ?? [];
  const isReason = reply !== '' && kind !== eventNumbers.delivered;
  return {
    ...{ host, address, source, egress, provider, reply, attempts },
    ...(isReason ? { why: whyOfLine(reply) } : {}),
    ...(nextMs === 0 ? {} : { next: new Date(nextMs).toISOString() }),
  };
}

/** Without fields that say nothing. */
function said(fields: Partial<EventView>): Partial<EventView> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== ''));
}
