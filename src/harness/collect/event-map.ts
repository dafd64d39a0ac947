/**
 * Where in a server's webhook the message, its recipient and the event stand, and what its words for events mean.
 *
 * Runs in:   ledger; pure.
 * Limits:    `eventsMax` events of a request, `depthMax` steps of a path.
 * Invariant: an event is taken only when it names a message of `chaski load` or carries a mark.
 */

import { choice, list, optional, record, table, text } from '../fields.ts';
import { type ReportEvent, reportEvents } from '../ledger/entries.ts';

const eventsMax = 1_000;
const pathsMax = 10;
const depthMax = 10;

/** Paths are names with dots between; of several, the first that leads to something counts. */
export interface EventMap {
  /** Where one request holds a list of events, when it is not the list itself. */
  readonly list?: string | undefined;
  readonly id: readonly string[];
  readonly to: readonly string[];
  readonly event: readonly string[];
  readonly at?: readonly string[] | undefined;
  /** A server's word, in lower case → what it means; other events are passed over. */
  readonly events: Readonly<Record<string, ReportEvent>>;
}

const path = text('a path of names with dots between, as payload.message.to');
const paths = list(path, pathsMax);

/** Of a map in a file. */
export const eventMapField = record({
  list: optional(path),
  id: paths,
  to: paths,
  event: paths,
  at: optional(paths),
  events: table(choice(reportEvents)),
});

export const eventMaps = {
  // https://docs.kumomta.com/reference/log_record/; its logger must be told to log the header.
  kumomta: {
    id: ['headers.X-Chaski-Ledger', 'headers.Message-ID', 'headers.Message-Id'],
    to: ['recipient'],
    event: ['type'],
    at: ['event_time', 'timestamp'],
    events: {
      delivery: 'delivered',
      bounce: 'failed',
      oob: 'failed',
      expiration: 'failed',
      adminbounce: 'failed',
      transientfailure: 'delayed',
      delay: 'delayed',
    },
  },
  // https://docs.postalserver.io/developer/webhooks
  postal: {
    id: ['payload.message.message_id', 'payload.original_message.message_id'],
    to: ['payload.message.to', 'payload.original_message.to'],
    event: ['event'],
    at: ['timestamp'],
    events: {
      messagesent: 'delivered',
      messagedeliveryfailed: 'failed',
      messagebounced: 'failed',
      messagedelayed: 'delayed',
      messageheld: 'delayed',
    },
  },
  generic: {
    id: ['id', 'message_id', 'messageId', 'message-id'],
    to: ['to', 'recipient', 'rcpt', 'email'],
    event: ['event', 'type', 'status'],
    at: ['at', 'time', 'timestamp'],
    events: {
      ...Object.fromEntries(reportEvents.map((event) => [event, event])),
      ...{ sent: 'delivered', delivery: 'delivered' },
      ...{ bounced: 'failed', bounce: 'failed', dropped: 'failed', expired: 'failed' },
      ...{ deferred: 'delayed', deferral: 'delayed' },
    },
  },
} as const satisfies Readonly<Record<string, EventMap>>;

export interface ReadEvent {
  readonly id: string;
  readonly to: readonly string[];
  readonly event: ReportEvent;
  /** Undefined: it does not say. */
  readonly atMs: number | undefined;
}

export interface ReadRequest {
  readonly events: readonly ReadEvent[];
  /** Events that say nothing of a delivery. */
  readonly passedOver: number;
  /** Events of messages that are not of any ledger. */
  readonly unmarked: number;
}

/** Reads a request's body: an event, a list of them, or one a line; throws a sentence. */
export function readEvents(body: string, map: EventMap): ReadRequest {
  const all = valuesOf(body).flatMap((value) => eventsIn(value, map));
  if (all.length > eventsMax) throw new Error(`more than ${eventsMax} events at once`);
  const events: ReadEvent[] = [];
  let passedOver = 0;
  let unmarked = 0;
  for (const value of all) {
    const word = firstText(value, map.event)?.toLowerCase() ?? '';
    const event = Object.hasOwn(map.events, word) ? map.events[word] : undefined;
    const id = idIn(firstText(value, map.id) ?? '');
    if (event === undefined) passedOver++;
    else if (id === undefined) unmarked++;
    else {
      const atMs = map.at === undefined ? undefined : timeOf(first(value, map.at));
      events.push({ id, to: addressesIn(first(value, map.to)), event, atMs });
    }
  }
  return { events, passedOver, unmarked };
}

function valuesOf(body: string): readonly unknown[] {
  try {
    return [JSON.parse(body)];
  } catch (error) {
    const lines = body.split('\n').filter((line) => line.trim() !== '');
    if (lines.length < 2) throw new Error(`the body is no JSON: ${(error as Error).message}`);
    if (lines.length > eventsMax) throw new Error(`more than ${eventsMax} events at once`);
    try {
      return lines.map((line) => JSON.parse(line));
    } catch {
      throw new Error('the body is neither JSON nor a line of JSON for each event');
    }
  }
}

function eventsIn(value: unknown, map: EventMap): readonly unknown[] {
  const events = map.list === undefined ? value : at(value, map.list);
  return Array.isArray(events) ? events : events === undefined ? [] : [events];
}

function first(value: unknown, wanted: readonly string[]): unknown {
  for (const each of wanted) {
    const found = at(value, each);
    if (found !== undefined && found !== null) return found;
  }
  return undefined;
}

function firstText(value: unknown, wanted: readonly string[]): string | undefined {
  const found = first(value, wanted);
  // A field that stands in a message several times may come as a list.
  const one: unknown = Array.isArray(found) ? found[0] : found;
  return typeof one === 'string' ? one : undefined;
}

function at(value: unknown, where: string): unknown {
  let found = value;
  for (const name of where.split('.', depthMax)) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, name))
      return undefined;
    found = (found as Record<string, unknown>)[name];
  }
  return found;
}

/** A mark's text, a Message-ID of the generator's, or an id as it is. */
const idPattern =
  /^\s*(?:([\w.-]{1,64}) sha256=[\w-]{43}|<?([\w.-]{1,64})@load\.invalid>?|([\w.-]{1,64}))\s*$/;

function idIn(given: string): string | undefined {
  const match = idPattern.exec(given);
  return match === null ? undefined : (match[1] ?? match[2] ?? match[3]);
}

function addressesIn(value: unknown): readonly string[] {
  const all = Array.isArray(value) ? value : [value];
  return all
    .filter((each): each is string => typeof each === 'string' && each !== '')
    .map((each) => /<([^<>]*)>\s*$/.exec(each)?.[1] ?? each);
}

/** In the 33rd century seconds reach what were milliseconds in 1971. */
const secondsMax = 4e10;

/** Seconds or milliseconds since 1970, or a date of ISO 8601. */
function timeOf(value: unknown): number | undefined {
  const isNumber =
    typeof value === 'number' || (typeof value === 'string' && /^\d+(?:\.\d+)?$/.test(value));
  if (isNumber) return Number(value) < secondsMax ? Number(value) * 1000 : Number(value);
  const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}
