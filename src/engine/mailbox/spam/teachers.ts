/**
 * The accounts of a shard that taught what is spam, in turns of a page: there may be very many.
 *
 * Runs in:   the engine thread that owns the shard.
 * Invariant: an account that teaches or forgets meanwhile may be met or not; no other is passed over.
 */

import { setImmediate as turn } from 'node:timers/promises';
import { type AccountId, accountId } from '../../../base/ids.ts';
import { firstU32 } from '../../store/keys.ts';
import { taughtFrom } from '../../store/sweep-keys.ts';
import type { MailboxShard } from '../mailbox-shard.ts';
import { decodeTaught, type TaughtRow } from '../rows/taught-row.ts';

const accountsPerPage = 500;

export interface Teacher extends TaughtRow {
  readonly account: AccountId;
}

/** A page each; between two of them others have their turn. */
export async function* teachersOf(
  shard: Pick<MailboxShard, 'range'>,
): AsyncGenerator<readonly Teacher[], void> {
  let next = 0;
  for (;;) {
    const rows = shard.range({ ...taughtFrom(next), limit: accountsPerPage });
    yield rows.map(({ key, value }) => ({
      ...decodeTaught(value),
      account: accountId(firstU32(key)),
    }));
    if (rows.length < accountsPerPage) return;
    next = firstU32(rows.at(-1)!.key) + 1;
    await turn();
  }
}
