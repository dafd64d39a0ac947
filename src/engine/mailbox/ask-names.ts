/**
 * Names of asks: what is asked again by its id, because its thread died before it answered, is answered the same.
 *
 * Runs in:   the engine thread that owns the shard.
 * Limits:    a name is kept `deliveryDaysKept` days, as a delivery's.
 * Invariant: a name stands in the record of what was done. Each record of a copy has its own; the first name that is
 *            not there is where it stopped.
 */

import { hash } from 'node:crypto';
import { type MessageId, messageIdMs } from '../../base/ids.ts';
import { dayMs } from '../../base/units.ts';
import { deliveryHashBytes, deliveryKey } from '../store/keys.ts';
import { deliveryDaysKept } from './delivery.ts';
import type { MailboxShard } from './mailbox-shard.ts';
import { type AskName, noName } from './records.ts';
import { decodeCopyName } from './rows/copy-name-row.ts';
import { unpackRow } from './rows/packing.ts';
import { addRange, countOf, type IdRanges } from './rows/uid-ranges.ts';

/** Of one thing done for the ask; "" is no id. */
export function askName(id: string, what: string): AskName {
  if (id === '') return noName;
  // A space cannot be in a recipient's place: no delivery has this name.
  const name = hash('sha256', `${id} ${what}`, 'buffer').subarray(0, deliveryHashBytes);
  return { day: Math.floor(messageIdMs(id as MessageId) / dayMs), hash: name };
}

/** The mailbox that was made, renamed or deleted under the name. */
export function mailboxNamed(
  shard: Pick<MailboxShard, 'get'>,
  account: number,
  { day, hash: name }: AskName,
): number | undefined {
  const value = name.length === 0 ? undefined : shard.get(deliveryKey(account, day, name));
  return value === undefined ? undefined : unpackRow<readonly [number]>(value)[0];
}

export class CopyNames {
  readonly #id: string;
  readonly #nowMs: number;
  /** What was copied under the id, in order. */
  readonly sources: number[] = [];
  readonly targets: number[] = [];
  #step = 0;

  constructor(id: string, nowMs: number) {
    this.#id = id;
    this.#nowMs = nowMs;
  }

  /** Notes what was done before; of `uids`, those that are left to do. */
  resume(shard: Pick<MailboxShard, 'get'>, account: number, uids: IdRanges): IdRanges {
    if (this.#id === '') return uids;
    for (;;) {
      const { day, hash: name } = this.#name();
      const value = shard.get(deliveryKey(account, day, name));
      if (value === undefined) break;
      const { firstUid, uids: copied } = decodeCopyName(value);
      addRanges(this.sources, copied);
      addRange(this.targets, firstUid, firstUid + countOf(copied) - 1);
      this.#step++;
    }
    const last = this.sources.at(-1);
    // Records follow the order of the UIDs.
    return last === undefined ? uids : after(uids, last);
  }

  /** For the next record. */
  next(): { readonly copyDay: number; readonly copyHash: Uint8Array; readonly forgetDay: number } {
    const { day: copyDay, hash: copyHash } = this.#name();
    this.#step++;
    const forgetDay = Math.max(0, Math.floor(this.#nowMs / dayMs) - deliveryDaysKept);
    return { copyDay, copyHash, forgetDay };
  }

  #name(): AskName {
    return askName(this.#id, `copy ${this.#step}`);
  }
}

export function addRanges(ranges: number[], more: IdRanges): void {
  for (let i = 0; i < more.length; i += 2) addRange(ranges, more[i]!, more[i + 1]!);
}

function after(ranges: IdRanges, last: number): IdRanges {
  const rest: number[] = [];
  for (let i = 0; i < ranges.length; i += 2) {
    const end = ranges[i + 1]!;
    if (end > last) rest.push(Math.max(ranges[i]!, last + 1), end);
  }
  return rest;
}
