/**
 * The ask that reads a shard's event log, and events as they are packed on disk and between threads.
 *
 * Runs in:   both sides; plain data only.
 * Invariant: kinds and fields stand by place in files that outlive this build: new ones are added at the end only.
 */

export const traceAsks = {
  /** meta: `TraceQuery`; answer: `TracePage`. Class `long`. */
  read: 'trace.read',
} as const;

/** How many events one ask answers at most. */
export const eventsPerAskMax = 10_000;

export interface TraceQuery {
  /** A message id, or an address in any case. */
  readonly of: string;
  readonly limit: number;
  /** Events from before are of no interest: enough newer ones are known. */
  readonly sinceMs: number;
}

/** The newest events that fit, oldest first. */
export interface TracePage {
  readonly events: readonly PackedEvent[];
  /** False: this shard has, or may have, further ones; those before `sinceMs` count. */
  readonly isComplete: boolean;
}

export const eventKinds = [
  'accepted',
  'delivered',
  'deferred',
  'failed',
  'expired',
  'deleted',
  'bounced',
  'stored',
  'refused',
  'suppressed',
  'bounce',
  'complaint',
  'unsubscribe',
  'held',
  'released',
  'retried',
  'admin',
] as const;
export type EventKind = (typeof eventKinds)[number];

/** Places in `eventKinds`. */
export const eventNumbers = {
  accepted: 0,
  delivered: 1,
  deferred: 2,
  failed: 3,
  expired: 4,
  deleted: 5,
  bounced: 6,
  stored: 7,
  refused: 8,
  suppressed: 9,
  bounce: 10,
  complaint: 11,
  unsubscribe: 12,
  held: 13,
  released: 14,
  retried: 15,
  admin: 16,
} as const satisfies Record<EventKind, number>;

/** What every event begins with: kind, instant, message id, tenant, sender, recipients. */
type Head<Kind extends EventKind> = readonly [
  kind: (typeof eventNumbers)[Kind],
  instantMs: number,
  id: string,
  tenant: number,
  sender: string,
  recipients: readonly string[],
];

/**
 * What every event ends with, but for those from before it was told. `sequence` is that of the journal record that
 * told it, `part` counts the events of one record; an event without them has no record, and a kill may cost it.
 */
type Tail = readonly [campaign?: string, sequence?: number, part?: number];

/** How an attempt left: source, address it was sent from, provider. */
export type PackedDeparture = readonly [source: string, egress: string, provider: string];

/** A message with many recipients leads to several, each with some of them. */
export type AcceptedEvent = readonly [
  ...Head<'accepted'>,
  bytes: number,
  /** Of the whole message. */
  recipientCount: number,
  listener: string,
  protocol: string,
  peer: string,
  helo: string,
  user: string,
  ...Tail,
];

type OutcomeKind =
  | ('delivered' | 'deferred' | 'failed' | 'expired' | 'deleted')
  | ('held' | 'released' | 'retried');

/** An attempt for one recipient ended, or an operator ended it, or put it off. */
export type OutcomeEvent = readonly [
  ...Head<OutcomeKind>,
  host: string,
  address: string,
  reply: string,
  attempts: number,
  /** 0 when nothing is tried again. */
  nextMs: number,
  ...Tail,
  /** Where sources are set. */
  departure?: PackedDeparture,
];

/** A report went to the sender: a message of its own. */
export type BouncedEvent = readonly [...Head<'bounced'>, bounceId: string, ...Tail];

/** A copy for one account; the origin is "" where the copy came out of a spool, whose `accepted` tells it. */
export type StoredEvent = readonly [
  ...Head<'stored'>,
  uid: number,
  isRepeat: boolean,
  listener: string,
  protocol: string,
  peer: string,
  helo: string,
  user: string,
  ...Tail,
];

export type RefusedEvent = readonly [
  ...Head<'refused'>,
  code: string,
  listener: string,
  protocol: string,
  peer: string,
  helo: string,
  user: string,
  ...Tail,
];

/**
 * What a recipient, or somebody for it, said after the message had left, or why it was not sent at all. The id is ""
 * where the message is not known, as are the recipients.
 */
export type FeedbackEvent = readonly [
  ...Head<'suppressed' | 'bounce' | 'complaint' | 'unsubscribe'>,
  /** The suppression's reason; the bounce's response class; the complaint's type; the way of the unsubscription. */
  why: string,
  /** The campaign; "" where there is none or it is not known. */
  stream: string,
  /** In the words that were said. */
  words: string,
  /** Who says so: a server, a provider. */
  from: string,
  ...Tail,
];

/** An operator's act. */
export type AdminEvent = readonly [
  ...Head<'admin'>,
  /** In one word what was done. */
  what: string,
  detail: string,
  /** Who did it, or where it came from. */
  by: string,
  ...Tail,
];

export type PackedEvent =
  | AcceptedEvent
  | OutcomeEvent
  | BouncedEvent
  | StoredEvent
  | RefusedEvent
  | FeedbackEvent
  | AdminEvent;

/** By kind: how many fields stand before the tail. */
const fieldCounts: readonly number[] = [
  ...[13, 11, 11, 11, 11, 11, 7, 13, 12],
  ...[10, 10, 10, 10, 11, 11, 11, 9],
];

export interface EventTail {
  readonly campaign: string;
  /** 0: no record tells it. */
  readonly sequence: number;
  readonly part: number;
}

/** False: it is from before events had tails. */
export function hasTail(event: PackedEvent): boolean {
  return event.length > (fieldCounts[event[0]] ?? event.length);
}

export function tailOf(event: PackedEvent): EventTail {
  const at = fieldCounts[event[0]] ?? event.length;
  const [campaign = '', sequence = 0, part = 0] = event.slice(at) as unknown as Tail;
  return { campaign, sequence, part };
}

/** The same each time its record is told; undefined where it has none. */
export function eventIdOf(shard: number, event: PackedEvent): string | undefined {
  const { sequence, part } = tailOf(event);
  if (sequence === 0) return undefined;
  // The instant, too: a journal that somebody put back counts its records once more.
  return `${shard}.${sequence}.${part}.${event[1].toString(36)}`;
}
