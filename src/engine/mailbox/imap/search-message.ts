/**
 * SEARCH on one message: what its rows decide, and what its text does.
 *
 * Runs in:   the engine thread that owns the shard; hot.
 * Specs:     RFC 9051 §6.4.4.
 * Invariant: a row is read only when a key asks for it.
 */

import { objectIds } from '../../../actors/asks/imap-asks.ts';
import { dayMs, minuteMs, secondMs } from '../../../base/units.ts';
import { parseDate } from '../../../mail/formats/date/parse.ts';
import {
  type EnvelopePlace,
  envelopeField,
  envelopePlaces,
  isAddressPlace,
  mayHold,
} from '../../../mail/formats/mime/envelope-text.ts';
import type { Criteria } from '../../../mail/wire/imap/search-keys.ts';
import type { MessageRows } from './message-rows.ts';
import { type BlockContext, maskOf } from './search-blocks.ts';
import type { SearchPlan } from './search-plan.ts';
import type { TextKey } from './search-text.ts';

/** Undefined: the message's text decides, or a row that must be read from the journal. */
export type Verdict = boolean | undefined;

export interface SearchedMessage {
  readonly context: BlockContext;
  readonly slot: number;
  readonly rows: MessageRows;
  readonly nowMs: number;
  /** When a UID came into the mailbox; undefined: its internal date. */
  readonly savedMsOf: (uid: number) => number | undefined;
  readonly plan: Pick<SearchPlan, 'needleOf' | 'envelopePlaces'>;
  /** Set once the text is at hand. */
  readonly holds?: (key: TextKey) => boolean;
}

/** By its rows; with `holds`, for good. */
export function verdictOf(criteria: Criteria, message: SearchedMessage): Verdict {
  switch (criteria.op) {
    case 'and':
      return all(criteria.keys, message);
    case 'or': {
      const left = verdictOf(criteria.left, message);
      if (left === true) return true;
      const right = verdictOf(criteria.right, message);
      return right === true ? true : left === undefined ? undefined : right;
    }
    case 'not': {
      const verdict = verdictOf(criteria.key, message);
      return verdict === undefined ? undefined : !verdict;
    }
    case 'size': {
      const { size } = message.rows;
      return criteria.test === 'larger' ? size > criteria.bytes : size < criteria.bytes;
    }
    case 'date':
      return dateVerdict(criteria, message);
    case 'age': {
      const isOlder = message.rows.internalMs <= message.nowMs - criteria.seconds * secondMs;
      return criteria.test === 'older' ? isOlder : !isOlder;
    }
    case 'email-id':
      return criteria.id === objectIds.email(message.rows.document);
    case 'thread-id':
      return criteria.id === objectIds.thread(message.rows.thread);
    case 'text':
    case 'header':
      return textVerdict(criteria, message);
    default: {
      const { yes } = maskOf(criteria, message.context);
      return (yes[message.slot >> 3]! & (1 << (message.slot & 7))) !== 0;
    }
  }
}

function all(keys: readonly Criteria[], message: SearchedMessage): Verdict {
  let verdict: Verdict = true;
  for (const key of keys) {
    const one = verdictOf(key, message);
    if (one === false) return false;
    if (one === undefined) verdict = undefined;
  }
  return verdict;
}

type DateKey = Extract<Criteria, { op: 'date' }>;

/** RFC 9051 §6.4.4: dates alone count, time and zone do not. Without a Date field, the internal date stands in. */
function dateVerdict({ of, test, day }: DateKey, message: SearchedMessage): Verdict {
  const { rows } = message;
  const ms = of === 'sent' ? rows.sentMs : of === 'saved' ? savedMs(message) : rows.internalMs;
  if (ms === undefined) return undefined;
  let own = Math.floor(ms / dayMs);
  // By its author's clock it was at most a day earlier or later: only near the day in question is the zone read.
  if (of === 'sent' && Math.abs(own - day) <= 1) {
    own = Math.floor((ms + zoneMinutes(rows) * minuteMs) / dayMs);
  }
  if (test === 'before') return own < day;
  return test === 'on' ? own === day : own >= day;
}

/** As the Date field has it; its row keeps the time in UTC. */
function zoneMinutes({ envelope }: MessageRows): number {
  const date = envelope === undefined ? undefined : envelopeField(envelope, envelopePlaces.DATE);
  return date === undefined ? 0 : (parseDate(date)?.zoneMinutes ?? 0);
}

/** RFC 8514 §4.3. */
function savedMs({ savedMsOf, context, slot, rows }: SearchedMessage): number {
  return savedMsOf(context.base + slot) ?? rows.internalMs;
}

/** Where ENVELOPE has what the key looks into; undefined: the header must be read. */
export function envelopePlaceOf(key: TextKey): EnvelopePlace | undefined {
  const name = key.op === 'text' ? key.place.toUpperCase() : key.field;
  const place = (envelopePlaces as Readonly<Record<string, EnvelopePlace>>)[name];
  // HEADER FROM asks for the field as it stands, addresses and all.
  const isAddress = place !== undefined && isAddressPlace(place);
  return key.op === 'header' && isAddress ? undefined : place;
}

function textVerdict(key: TextKey, message: SearchedMessage): Verdict {
  const place = message.plan.envelopePlaces.get(key);
  if (place === undefined) return message.holds?.(key);
  const { envelope } = message.rows;
  if (envelope === undefined) return undefined;
  const needle = message.plan.needleOf(key);
  if (!mayHold(envelope, place, needle)) return false;
  const field = envelopeField(envelope, place);
  return field !== undefined && (needle.isEmpty || needle.isIn(field));
}
