/**
 * `GET` and `DELETE /api/v1/messages/ID`: what became of a message, and its end before it is sent.
 *
 * Runs in:   edge (main thread).
 * Invariant: a message of another tenant is not there.
 */

import type { FastifyInstance } from 'fastify';
import type { QueueEntry } from '../../../../actors/asks/control.ts';
import {
  eventKinds,
  type FeedbackEvent,
  type OutcomeEvent,
  type PackedEvent,
} from '../../../../actors/asks/trace-asks.ts';
import { isMessageId, type MessageId, type TenantId } from '../../../../base/ids.ts';
import { callerOf } from './caller.ts';
import { ApiFault } from './fault.ts';

/** What the engine knows of a message. */
export interface MessageLookUp {
  /** While it is in the queue. */
  entry(id: MessageId): Promise<QueueEntry | undefined>;
  /** Oldest first. */
  events(id: MessageId): Promise<readonly PackedEvent[]>;
  /** Ends it for recipients that nothing is being sent to; answers whether there were any, once that is on disk. */
  cancel(entry: QueueEntry): Promise<boolean>;
}

interface RecipientStatus {
  readonly address: string;
  readonly state: string;
  readonly attempts: number;
  readonly reply: string;
  readonly nextAttemptAt?: string;
}

/** As `statusSchema` has it. */
interface MessageStatus {
  readonly id: string;
  readonly from: string;
  readonly acceptedAt?: string;
  readonly recipients: readonly RecipientStatus[];
}

export function lookUpRoutes(app: FastifyInstance, lookUp: MessageLookUp): void {
  app.get('/api/v1/messages/:id', async (request) => {
    const { tenant } = callerOf(request).key;
    const id = readId(request.params);
    const entry = await lookUp.entry(id);
    if (entry !== undefined) return statusOfEntry(ownEntry(entry, tenant));
    const events = (await lookUp.events(id)).filter((event) => event[3] === tenant);
    if (events.length === 0) throw unknown();
    return statusOfEvents(id, events);
  });
  app.delete('/api/v1/messages/:id', async (request) => {
    const { tenant } = callerOf(request).key;
    const id = readId(request.params);
    const entry = await lookUp.entry(id);
    if (entry === undefined) {
      const events = await lookUp.events(id);
      throw events.some((event) => event[3] === tenant) ? tooLate() : unknown();
    }
    if (!(await lookUp.cancel(ownEntry(entry, tenant)))) throw tooLate();
    return { id, cancelled: true };
  });
}

function readId(params: unknown): MessageId {
  const { id } = params as { readonly id: string };
  if (!isMessageId(id)) throw unknown();
  return id;
}

function ownEntry(entry: QueueEntry, tenant: TenantId): QueueEntry {
  if (entry.tenant !== tenant) throw unknown();
  return entry;
}

function unknown(): ApiFault {
  return new ApiFault('not-found', 'no such message');
}

function tooLate(): ApiFault {
  return new ApiFault('not-possible-now', 'it is sent, or being sent', { status: 409 });
}

function statusOfEntry({ id, sender, acceptedMs, recipients }: QueueEntry): MessageStatus {
  return {
    id,
    from: sender,
    acceptedAt: new Date(acceptedMs).toISOString(),
    recipients: recipients.map(({ address, state, attemptCount, lastReply, nextAttemptMs }) => ({
      address,
      state,
      attempts: attemptCount,
      reply: lastReply,
      ...nextAttempt(nextAttemptMs),
    })),
  };
}

/** Out of the queue: each recipient's last event says how it ended. */
function statusOfEvents(id: string, events: readonly PackedEvent[]): MessageStatus {
  const recipients = new Map<string, RecipientStatus>();
  let acceptedMs: number | undefined;
  let from = '';
  for (const event of events) {
    const kind = eventKinds[event[0]];
    if (kind === 'bounced' || kind === 'bounce' || kind === 'complaint') continue;
    if (kind === 'unsubscribe') continue;
    from = event[4];
    if (kind === 'accepted') acceptedMs ??= event[1];
    for (const address of event[5]) {
      const before = recipients.get(address);
      // The accepted event may be read after an outcome of the same millisecond.
      if (kind === 'accepted' && before !== undefined) continue;
      recipients.set(address, { address, ...recipientState(event) });
    }
  }
  return {
    id,
    from,
    ...(acceptedMs === undefined ? {} : { acceptedAt: new Date(acceptedMs).toISOString() }),
    recipients: [...recipients.values()],
  };
}

function recipientState(event: PackedEvent): Omit<RecipientStatus, 'address'> {
  const kind = eventKinds[event[0]];
  switch (kind) {
    case 'stored':
      return { state: 'delivered', attempts: 1, reply: '' };
    case 'suppressed':
      return { state: 'failed', attempts: 0, reply: (event as FeedbackEvent)[8] };
    case 'refused':
      return { state: 'failed', attempts: 1, reply: '' };
    case 'delivered':
    case 'failed':
    case 'expired':
      return { state: kind, ...lastAttempt(event as OutcomeEvent) };
    case 'deleted':
      return { state: 'cancelled', ...lastAttempt(event as OutcomeEvent) };
    case 'deferred':
      return {
        state: 'waiting',
        ...lastAttempt(event as OutcomeEvent),
        ...nextAttempt((event as OutcomeEvent)[10]),
      };
    default:
      return { state: 'waiting', attempts: 0, reply: '' };
  }
}

function lastAttempt(event: OutcomeEvent): { attempts: number; reply: string } {
  return { attempts: event[9], reply: event[8] };
}

function nextAttempt(instantMs: number): { nextAttemptAt?: string } {
  return instantMs === 0 ? {} : { nextAttemptAt: new Date(instantMs).toISOString() };
}
