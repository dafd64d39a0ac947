/**
 * What a search comes to: its sets as UIDs, which part of the mailbox it must look at, and the texts it looks for.
 *
 * Runs in:   the engine thread that owns the shard.
 * Specs:     RFC 9051 §6.4.4 (sets), RFC 5182 (`$`), RFC 7377 §2 (numbers past the end are no error).
 * Limits:    changes since a modseq narrow a search where they stand in `modseqRowsMax` rows at most.
 */

import {
  type EnvelopePlace,
  isAddressPlace,
  envelopePlaces as placesOfFields,
} from '../../../mail/formats/mime/envelope-text.ts';
import { Needle } from '../../../mail/formats/text/needle.ts';
import type { Criteria } from '../../../mail/wire/imap/search-keys.ts';
import { cutRanges, normaliseSet } from '../../../mail/wire/imap/sequence-set.ts';
import { modseqsSince, tables } from '../../store/keys.ts';
import { floorsOf } from '../mailbox-reader.ts';
import type { MailboxShard } from '../mailbox-shard.ts';
import { type IdRanges, idsOf, rangesOf, unpackRanges } from '../rows/uid-ranges.ts';
import type { Place } from './messages.ts';
import type { TextKey } from './search-text.ts';
import type { View } from './view.ts';

const modseqRowsMax = 64;

export interface SearchPlan {
  readonly criteria: Criteria;
  /** Ranges of UIDs of each `set`. */
  readonly sets: ReadonlyMap<Criteria, IdRanges>;
  /** UIDs outside of these do not match. */
  readonly within: IdRanges;
  /** Keys that only headers and texts decide. */
  readonly textKeys: readonly TextKey[];
  readonly needleOf: (key: TextKey) => Needle;
  /** Where ENVELOPE has what the key looks into. */
  readonly envelopePlaces: ReadonlyMap<TextKey, EnvelopePlace>;
}

export function planOf(
  shard: Pick<MailboxShard, 'get' | 'range'>,
  place: Place,
  criteria: Criteria,
  view: View,
  saved: IdRanges,
): SearchPlan {
  const sets = new Map<Criteria, IdRanges>();
  const needles = new Map<TextKey, Needle>();
  for (const key of leavesOf(criteria)) {
    if (key.op === 'set') sets.set(key, setOf(key, view, saved));
    else if (key.op === 'text' || key.op === 'header') needles.set(key, new Needle(key.text));
  }
  const envelopePlaces = new Map<TextKey, EnvelopePlace>();
  for (const key of needles.keys()) {
    const envelopePlace = envelopePlaceOf(key);
    if (envelopePlace !== undefined) envelopePlaces.set(key, envelopePlace);
  }
  const textKeys = [...needles.keys()].filter((key) => !envelopePlaces.has(key));
  let within: IdRanges = view.uidNext > 1 ? [1, view.uidNext - 1] : [];
  for (const key of criteria.op === 'and' ? criteria.keys : [criteria]) {
    if (key.op === 'set') within = both(within, sets.get(key)!);
    else if (key.op === 'modseq') within = both(within, changedSince(shard, place, key.modseq));
  }
  const needleOf = (key: TextKey) => needles.get(key)!;
  return { criteria, sets, within, textKeys, needleOf, envelopePlaces };
}

/** Where ENVELOPE has what the key looks into; undefined: the header must be read. */
function envelopePlaceOf(key: TextKey): EnvelopePlace | undefined {
  const name = key.op === 'text' ? key.place.toUpperCase() : key.field;
  const place = (placesOfFields as Readonly<Record<string, EnvelopePlace>>)[name];
  // HEADER FROM asks for the field as it stands, addresses and all.
  const isAddress = place !== undefined && isAddressPlace(place);
  return key.op === 'header' && isAddress ? undefined : place;
}

/** Looks into bodies. */
export function isOfBody(key: TextKey): boolean {
  return key.op === 'text' && (key.place === 'body' || key.place === 'text');
}

function leavesOf(criteria: Criteria): Criteria[] {
  const leaves: Criteria[] = [];
  const waiting = [criteria];
  for (let key = waiting.pop(); key !== undefined; key = waiting.pop()) {
    if (key.op === 'not') waiting.push(key.key);
    else if (key.op === 'or') waiting.push(key.left, key.right);
    else if (key.op === 'and') waiting.push(...key.keys);
    else leaves.push(key);
  }
  return leaves;
}

function setOf(
  { isSaved, isUid, ranges }: Extract<Criteria, { op: 'set' }>,
  view: View,
  saved: IdRanges,
): IdRanges {
  if (isSaved) return saved;
  const set = { ranges, isSaved };
  if (isUid) return cutRanges(normaliseSet(set, view.lastUid), view.uidNext - 1);
  const { count } = view;
  return cutRanges(normaliseSet(set, count), count).map((number) => view.uidOf(number));
}

const anywhere: IdRanges = [1, Number.MAX_SAFE_INTEGER];

/** UIDs of messages changed at `modseq` or later: all, where there are many. */
function changedSince(
  shard: Pick<MailboxShard, 'get' | 'range'>,
  { account, mailbox }: Place,
  modseq: number,
): IdRanges {
  // Below the floor rows are forgotten: the messages themselves say when they changed.
  if (modseq - 1 < floorsOf(shard, account, mailbox).modseqFloor) return anywhere;
  const range = modseqsSince(tables.byModseq, account, mailbox, Math.max(0, modseq - 1));
  const rows = shard.range({ ...range, limit: modseqRowsMax });
  if (rows.length === modseqRowsMax) return anywhere;
  const uids = new Set<number>();
  for (const { value } of rows) for (const uid of idsOf(unpackRanges(value))) uids.add(uid);
  return rangesOf([...uids].sort((a, b) => a - b));
}

/** What is in both. */
export function both(a: IdRanges, b: IdRanges): IdRanges {
  const shared: number[] = [];
  let [i, j] = [0, 0];
  while (i < a.length && j < b.length) {
    const first = Math.max(a[i]!, b[j]!);
    const last = Math.min(a[i + 1]!, b[j + 1]!);
    if (first <= last) shared.push(first, last);
    if (a[i + 1]! < b[j + 1]!) i += 2;
    else j += 2;
  }
  return shared;
}
