/**
 * Names of copies: a COPY or MOVE that is asked again by its id goes on where it stopped, and answers the same.
 *
 * Runs in:   the engine thread that owns the shard.
 * Limits:    an id is kept `deliveryDaysKept` days, as a delivery's.
 * Invariant: each record of a copy has a name of its own; the first name that is not there is where it stopped.
 */

import { hash } from 'node:crypto';
import { type MessageId, messageIdMs } from '../../base/ids.ts';
import { dayMs } from '../../base/units.ts';
import { deliveryHashBytes, deliveryKey } from '../store/keys.ts';
import { deliveryDaysKept } from './delivery.ts';
import type { MailboxShard } from './mailbox-shard.ts';
import { decodeCopyName } from './rows/copy-name-row.ts';
import { addRange, countOf, type IdRanges } from './rows/uid-ranges.ts';

const noHash = new Uint8Array(0);

export class CopyNames {
  readonly #id: MessageId | undefined;
  readonly #nowMs: number;
  /** What was copied under the id, in order. */
  readonly sources: number[] = [];
  readonly targets: number[] = [];
  #step = 0;

  constructor(id: MessageId | undefined, nowMs: number) {
    this.#id = id;
    this.#nowMs = nowMs;
  }

  /** Notes what was done before; of `uids`, those that are left to do. */
  resume(shard: Pick<MailboxShard, 'get'>, account: number, uids: IdRanges): IdRanges {
    if (this.#id === undefined) return uids;
    for (;;) {
      const { copyDay, copyHash } = this.#name();
      const value = shard.get(deliveryKey(account, copyDay, copyHash));
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
    if (this.#id === undefined) return { copyDay: 0, copyHash: noHash, forgetDay: 0 };
    const name = this.#name();
    this.#step++;
    const forgetDay = Math.max(0, Math.floor(this.#nowMs / dayMs) - deliveryDaysKept);
    return { ...name, forgetDay };
  }

  #name() {
    const id = this.#id!;
    // A space cannot be in a recipient's place: no delivery has this name.
    const name = hash('sha256', `${id} copy ${this.#step}`, 'buffer');
    const copyHash = name.subarray(0, deliveryHashBytes);
    return { copyDay: Math.floor(messageIdMs(id) / dayMs), copyHash };
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
