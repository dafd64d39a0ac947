/**
 * SEARCH over one mailbox: blocks first, rows where they must decide, text where nothing else can.
 *
 * Runs in:   the engine thread that owns the shard, in slices.
 * Specs:     RFC 9051 §6.4.4, RFC 4731 (ESEARCH), RFC 5182 (`$`), RFC 9394 (PARTIAL).
 * Limits:    one ask works for `turnMsMax`, and says where the next goes on; past its deadline the search stops.
 */

import { Buffer } from 'node:buffer';
import {
  type Found,
  type PackedSearch,
  searchWants,
} from '../../../actors/asks/imap-search-asks.ts';
import { secondMs } from '../../../base/units.ts';
import type { Clock } from '../../../ports/clock.ts';
import { numbersOf, uidsOf as rangesOfSet } from './found-set.ts';
import { planOf } from './search-plan.ts';
import { SearchWalk, type WalkParts } from './search-walk.ts';
import { Slices } from './slices.ts';
import type { View } from './view.ts';

const turnMsMax = secondMs / 4;

export interface SearchParts extends WalkParts {
  readonly clock: Clock;
}

export interface SearchAnswer {
  readonly value: Found;
  readonly body: Uint8Array;
}

export async function search(
  parts: SearchParts,
  packed: PackedSearch,
  deadlineMs: number,
): Promise<SearchAnswer> {
  const [account, [mailbox, modseq, uidNext], criteria, saved, wants, ...how] = packed;
  const [enough, isFromEnd, cursor] = how;
  const place = { account, mailbox };
  const view = await parts.views.view({ ...place, modseq, uidNext });
  const walk = new SearchWalk(
    parts,
    place,
    view,
    planOf(parts.shard, place, criteria, view, saved),
    {
      enough: enough === 0 ? Number.POSITIVE_INFINITY : enough,
      isFromEnd,
      cursor,
      turnMsMax,
      wantsModseq: (wants & searchWants.modseq) !== 0,
    },
  );
  const slices = new Slices(parts.clock, deadlineMs);
  await walk.run(slices);
  return answerOf(walk, view, wants);
}

function answerOf(walk: SearchWalk, view: View, wants: number): SearchAnswer {
  const found = walk.found.view();
  const { count } = found;
  const [minUid, maxUid] = [found.uidOf(1), found.uidOf(count)];
  const uids = (wants & searchWants.uids) === 0 ? [] : rangesOfSet(found);
  const numbers = (wants & searchWants.numbers) === 0 ? [] : numbersOf(found, view);
  const value: Found = {
    count,
    uidsLength: uids.length,
    minUid,
    maxUid,
    min: count === 0 ? 0 : view.sequenceOf(minUid),
    max: count === 0 ? 0 : view.sequenceOf(maxUid),
    modseq: walk.modseq,
    minModseq: walk.minModseq,
    maxModseq: walk.maxModseq,
    looked: walk.looked,
    ...(walk.next === undefined ? {} : { next: walk.next }),
  };
  return { value, body: octetsOf(uids, numbers) };
}

/** As the u32 of an answer's body. */
export function octetsOf(...lists: readonly ArrayLike<number>[]): Uint8Array {
  let length = 0;
  for (const list of lists) length += list.length;
  const all = new Uint32Array(length);
  let at = 0;
  for (const list of lists) {
    all.set(list, at);
    at += list.length;
  }
  return Buffer.from(all.buffer);
}
