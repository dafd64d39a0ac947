/**
 * Events for programs: every field under its name.
 *
 * Runs in: main thread; pure.
 */

import type { EventView } from '../../actors/asks/control.ts';
import type { EventPosition } from '../../actors/asks/event-asks.ts';
import { eventKinds, eventNumbers, type PackedEvent } from '../../actors/asks/trace-asks.ts';
import { classOfLine } from '../../mail/wire/smtp/response-class.ts';

export function eventViewOf(event: PackedEvent, shard: number, position: EventPosition): EventView {
  const [kind, instantMs, message, tenant, sender, recipients] = event;
  return {
    id: [shard, ...position].join('-'),
    at: new Date(instantMs).toISOString(),
    kind: eventKinds[kind] ?? `kind ${kind}`,
    ...{ message, tenant, sender, recipients },
    ...said(moreOf(event)),
  };
}

function moreOf(event: PackedEvent): Partial<EventView> {
  switch (event[0]) {
    case eventNumbers.accepted: {
      const [, , , , , , bytes, recipientCount, ...origin] = event;
      return { bytes, recipientCount, ...originOf(origin) };
    }
    case eventNumbers.bounced:
      return { report: event[6] };
    case eventNumbers.stored: {
      const [, , , , , , uid, isRepeat, ...origin] = event;
      return { uid, ...(isRepeat ? { isRepeat } : {}), ...originOf(origin) };
    }
    case eventNumbers.refused: {
      const [, , , , , , code, ...origin] = event;
      return { code, ...originOf(origin) };
    }
    case eventNumbers.suppressed:
    case eventNumbers.bounce:
    case eventNumbers.complaint:
    case eventNumbers.unsubscribe: {
      const [, , , , , , why, stream, words, from] = event;
      return { why, stream, words, from };
    }
    default: {
      const [kind, , , , , , host, address, reply, attempts, nextMs] = event;
      const isReason = reply !== '' && kind !== eventNumbers.delivered;
      return {
        ...{ host, address, reply, attempts },
        ...(isReason ? { why: classOfLine(reply) } : {}),
        ...(nextMs === 0 ? {} : { next: new Date(nextMs).toISOString() }),
      };
    }
  }
}

function originOf([listener, protocol, peer, helo, user]: readonly string[]): Partial<EventView> {
  return Object.fromEntries(Object.entries({ listener, protocol, peer, helo, user }));
}

/** Without fields that say nothing. */
function said(fields: Partial<EventView>): Partial<EventView> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== ''));
}
