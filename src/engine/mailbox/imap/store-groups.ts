/**
 * STOREs that came together and do the same, as few changes as leave every message with the same flags.
 *
 * Runs in:   engine threads; pure.
 * Specs:     RFC 9051 §5.5 (what changes no result may be run together); RFC 7162 §3.1 (one change, one modseq).
 * Invariant: of two STOREs that touch the same message the later one is in the same group or in a later one.
 */

import { normaliseSet } from '../../../mail/wire/imap/sequence-set.ts';
import type { StoreFlags } from '../decisions.ts';
import { idsOf } from '../rows/uid-ranges.ts';

export type PlainStore = Pick<StoreFlags, 'uids' | 'op' | 'flags'>;

interface Group {
  readonly op: PlainStore['op'];
  readonly flags: number;
  /** As they came: unordered, some of them twice. */
  readonly ranges: number[];
}

/** `stores` name messages that are there; one that names none is in no group. */
export function storeGroups(stores: readonly PlainStore[]): readonly PlainStore[] {
  const [only] = stores;
  if (stores.length === 1) return only!.uids.length === 0 ? [] : [only!];
  const groups: Group[] = [];
  /** By UID: the place of the last group that changes it. */
  const lastOf = new Map<number, number>();
  for (const { uids, op, flags } of stores) {
    if (uids.length === 0) continue;
    let first = 0;
    for (const uid of idsOf(uids)) first = Math.max(first, lastOf.get(uid) ?? 0);
    const found = groups.findIndex(
      (group, place) => place >= first && group.op === op && group.flags === flags,
    );
    const place = found >= 0 ? found : groups.push({ op, flags, ranges: [] }) - 1;
    for (let i = 0; i < uids.length; i++) groups[place]!.ranges.push(uids[i]!);
    for (const uid of idsOf(uids)) lastOf.set(uid, place);
  }
  return groups.map(({ op, flags, ranges }) => ({
    op,
    flags,
    uids: normaliseSet({ ranges, isSaved: false }, 0),
  }));
}
