/**
 * Who may send in the name of another account: accounts, and groups, by the numbers that access lists know them by.
 *
 * Runs in:   the main thread.
 * Limits:    `sendersMax` for each account.
 * Invariant: both are of one tenant when it is written, and each row has its twin, under the one who may send:
 *            whichever goes takes both along.
 */

import { Buffer } from 'node:buffer';
import { MailError } from '../../base/errors.ts';
import type { AccountId } from '../../base/ids.ts';
import { sendersMax } from '../../ports/account-directory.ts';
import { groupIn, identifierOf } from '../../ports/groups.ts';
import type { IndexChange, ShardIndex } from '../../ports/shard-index.ts';
import type { KeyRange } from './directory-rows.ts';
import { type GroupRows, lastNumber } from './group-rows.ts';
import type { IdentityParts } from './identity-parts.ts';

const noBytes = new Uint8Array(0);

interface SenderParts extends Pick<IdentityParts, 'table' | 'account'> {
  readonly groupRows: GroupRows;
}

export class Senders {
  readonly #parts: SenderParts;

  constructor(parts: SenderParts) {
    this.#parts = parts;
  }

  /** Identifiers, by number: accounts first. */
  of(owner: AccountId): readonly number[] {
    return this.#parts.table.range(under('A', owner)).map(({ key }) => lastNumber(key));
  }

  /** By itself or by a group it is in. */
  may(owner: AccountId, sender: AccountId): boolean {
    return this.#names(sender).some(
      (identifier) => this.#parts.table.get(keyOf('A', owner, identifier)) !== undefined,
    );
  }

  /** In whose names the account may send. */
  ownersFor(sender: AccountId): readonly AccountId[] {
    const { table } = this.#parts;
    const found = this.#names(sender).flatMap((identifier) =>
      table.range(under('B', identifier)).map(({ key }) => lastNumber(key) as AccountId),
    );
    return [...new Set(found)].sort((a, b) => a - b);
  }

  /** @throws MailError `not-found`, `not-possible-now` */
  put(owner: AccountId, identifier: number, isNamed: boolean): readonly IndexChange[] {
    const own = this.#parts.account(owner);
    if (own === undefined) throw new MailError('not-found', `no account ${owner}`);
    const keys = [keyOf('A', owner, identifier), keyOf('B', identifier, owner)];
    if (!isNamed) return keys.map((remove) => ({ remove }));
    const group = groupIn(identifier);
    const named =
      group === undefined
        ? this.#parts.account(identifier as AccountId)
        : this.#parts.groupRows.group(group);
    if (named?.tenant !== own.tenant) throw new MailError('not-found', `no ${identifier}`);
    const known = this.of(owner);
    if (!known.includes(identifier) && known.length >= sendersMax) {
      throw new MailError('not-possible-now', `at most ${sendersMax} send for an account`);
    }
    return keys.map((key) => ({ put: key, value: noBytes }));
  }

  #names(sender: AccountId): readonly number[] {
    return [sender, ...this.#parts.groupRows.above(sender).map(identifierOf)];
  }
}

/** Of an account or group that goes: nobody sends for it, and it sends for nobody. */
export function senderRemovals(table: ShardIndex, identifier: number): IndexChange[] {
  const changes: IndexChange[] = [];
  for (const [own, twin] of [
    ['A', 'B'],
    ['B', 'A'],
  ] as const) {
    const { from, to } = under(own, identifier);
    for (const { key } of table.range({ from, to })) {
      changes.push({ remove: keyOf(twin, lastNumber(key), identifier) });
    }
    changes.push({ removeFrom: from, to });
  }
  return changes;
}

/** `A·owner·identifier` and `B·identifier·owner`. */
function keyOf(letter: 'A' | 'B', first: number, second: number): Buffer {
  const key = Buffer.alloc(9);
  key.write(letter);
  key.writeUInt32BE(first, 1);
  key.writeUInt32BE(second, 5);
  return key;
}

function under(letter: 'A' | 'B', first: number): KeyRange {
  const from = keyOf(letter, first, 0);
  return { from, to: Buffer.concat([from.subarray(0, 5), Buffer.alloc(5, 0xff)]) };
}
