/**
 * Moves the stamp of each account that index changes are about.
 *
 * Runs in: the engine thread that owns the shard (hot path: every change of every record).
 */

import type { Stamps } from '../../actors/stamps.ts';
import type { IndexChange } from '../../ports/shard-index.ts';
import { accountOf } from '../store/keys.ts';

export function stampChanges(stamps: Stamps, changes: readonly IndexChange[]): void {
  // A record's changes are of one account as a rule.
  let last = -1;
  for (const change of changes) {
    const key =
      'put' in change ? change.put : 'remove' in change ? change.remove : change.removeFrom;
    const account = accountOf(key);
    if (account === undefined || account === last) continue;
    last = account;
    stamps.move(account);
  }
}
